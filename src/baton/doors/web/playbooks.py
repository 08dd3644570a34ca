"""Playbooks and runs in words: when what happens to which lead, an agent does what; and what became of it."""

import re
from typing import Any
from uuid import UUID

from baton.activities import kinds
from baton.agents.playbook import PlaybookRule, Step
from baton.agents.run import PlannedStep, Run
from baton.doors.web.conditions import Vocabulary, words
from baton.doors.web.show import STATUSES, ago
from baton.doors.web.visit import Visit
from baton.kernel.operation import registry
from baton.kernel.page import Page
from baton.leads.find import ListLeads
from baton.leads.lead import Lead

TRIGGERS = {
    kinds.LEAD_IMPORTED: "a lead comes in",
    kinds.STAGE_CHANGED: "a lead changes its stage",
    kinds.ASSIGNMENT_CHANGED: "a lead gets another owner",
    kinds.FIELD_UPDATED: "a fact of a lead changes",
    kinds.LEAD_SCORED: "a lead is scored",
    kinds.LEAD_QUALIFIED: "a lead is qualified",
    kinds.LEAD_DISQUALIFIED: "a lead is disqualified",
    kinds.NOTE_ADDED: "somebody writes a note",
    kinds.CALL_LOGGED: "a call is logged",
    kinds.MEETING_LOGGED: "a meeting is logged",
    kinds.EMAIL_RECEIVED: "a lead replies by email",
    kinds.WHATSAPP_RECEIVED: "a lead writes on WhatsApp",
    kinds.TASK_CREATED: "a task is scheduled",
    kinds.TASK_COMPLETED: "a task is done",
    kinds.TASK_DUE: "a task is due",
    kinds.SLA_NEAR: "a lead has nearly been in its stage for too long",
    kinds.HANDED_OFF: "a lead is handed over",
}
ACTS = {
    "crm.leads.qualify": "qualify it",
    "crm.leads.disqualify": "disqualify it",
    "crm.leads.route": "find it an owner by the routing rules",
    "crm.leads.assign": "assign it",
    "crm.leads.followUp": "schedule a follow-up",
    "crm.leads.setStatus": "set its status",
    "crm.leads.moveStage": "move it to a stage",
    "crm.leads.movePipeline": "move it to a pipeline",
    "crm.leads.convert": "convert it into a deal",
    "crm.leads.update": "change its facts",
    "crm.leads.logActivity": "write a note",
    "crm.leads.score": "score it again",
    "crm.leads.handOff": "hand it over to a person",
    "crm.emails.send": "write an email",
    "crm.agents.think": "think it over with its model",
}
OUTCOMES = {
    "planned": "to come",
    "waiting": "asks",
    "done": "done",
    "rejected": "rejected",
    "skipped": "skipped",
    "failed": "failed",
}
_BLANK = re.compile(r"\{\{\s*([\w.]+)[^}]*\}\}")
_FILLED = {"score.value": "score", "score.because": "reasons", "lead.companyName": "company", "agent.name": "agent"}
_TONES = {"done": "won", "failed": "lost", "waiting": "wait"}


def rule_view(rule: PlaybookRule, known: Vocabulary) -> dict[str, Any]:
    """A rule as its page shows it."""
    return {
        "id": rule.id,
        "name": rule.name,
        "when": TRIGGERS.get(rule.trigger, rule.trigger),
        "which": words(rule.condition, known),
        "acts": [act(step, known) for step in rule.steps],
        "enabled": rule.enabled,
    }


def act(step: Step, known: Vocabulary) -> str:
    """What a step does, in words; texts that are filled in for each lead stand as they are."""
    given = step.input
    said = ACTS.get(step.operation) or (registry[step.operation].summary.lower() if step.operation in registry else "")
    match step.operation:
        case "crm.leads.assign":
            said = f"assign it to {known.names['ownerId'].get(str(given.get('ownerId')), 'nobody')}"
        case "crm.leads.setStatus":
            said = f"set its status to {STATUSES.get(str(given.get('status')), 'another')}"
        case "crm.leads.moveStage":
            said = f"move it to {known.names['stageId'].get(str(given.get('stageId')), 'a stage')}"
        case "crm.leads.followUp":
            said = f"{said} in {given['dueIn']}" if given.get("dueIn") else said
    told = given.get("title") or given.get("notes") or given.get("reason") or given.get("instructions")
    return f"{said or step.operation}: “{_readable(str(told))}”" if told else said or step.operation


def _readable(text: str) -> str:
    """A text with what is filled in for each lead in brackets: "First call with [name]"."""
    return _BLANK.sub(lambda found: f"[{_FILLED.get(found[1], found[1].rpartition('.')[2])}]", text).rstrip(". ")


async def run_views(visit: Visit, runs: list[Run], known: Vocabulary) -> list[dict[str, Any]]:
    """Runs with their receipts; each can be taken back as long as something of it was done."""
    leads = await _leads(visit, runs)
    return [
        {
            "id": run.id,
            "lead": leads.get(run.lead_id) if run.lead_id else None,
            "when": ago(run.started_at, visit.now, visit.zone),
            "status": {"waiting": "waits for a person"}.get(run.status, run.status),
            "tone": _TONES.get(run.status, ""),
            "steps": [_step(step, known) for step in run.receipt],
            "undo": f"/undo/{run.id}" if any(step.outcome == "done" for step in run.receipt) else None,
        }
        for run in runs
    ]


def _step(planned: PlannedStep, known: Vocabulary) -> dict[str, Any]:
    return {
        "rule": planned.rule,
        "act": act(planned.step, known),
        "outcome": OUTCOMES[planned.outcome],
        "tone": _TONES.get(planned.outcome, ""),
        "why": planned.detail or "",
        "approval": f"/approvals/{planned.approval_id}" if planned.approval_id else None,
    }


async def _leads(visit: Visit, runs: list[Run]) -> dict[UUID, str]:
    ids = sorted({str(run.lead_id) for run in runs if run.lead_id})
    if not ids:
        return {}
    asked = ListLeads(where={"field": "id", "op": "in", "value": ids}, limit=len(ids))
    found: Page[Lead] = await visit.perform("crm.leads.find", asked)
    return {lead.id: lead.name for lead in found.items}
