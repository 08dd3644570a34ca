"""Playbooks and runs in words: when what happens to which lead, an agent does what; and what became of it."""

import re
from typing import Any
from uuid import UUID

from baton.activities import kinds
from baton.agents.playbook import PlaybookRule, Step
from baton.agents.run import PlannedStep, Run
from baton.doors.web.shell.language import Told, _, marked
from baton.doors.web.shell.show import STATUSES
from baton.doors.web.shell.times import ago
from baton.doors.web.shell.visit import Visit
from baton.doors.web.told.conditions import Vocabulary, words
from baton.kernel.operation import registry
from baton.kernel.page import Page
from baton.leads.find import ListLeads
from baton.leads.lead import Lead

TRIGGERS = Told(
    {
        kinds.LEAD_IMPORTED: marked("a lead comes in"),
        kinds.STAGE_CHANGED: marked("a lead changes its stage"),
        kinds.ASSIGNMENT_CHANGED: marked("a lead gets another owner"),
        kinds.FIELD_UPDATED: marked("a fact of a lead changes"),
        kinds.LEAD_SCORED: marked("a lead is scored"),
        kinds.LEAD_QUALIFIED: marked("a lead is qualified"),
        kinds.LEAD_DISQUALIFIED: marked("a lead is disqualified"),
        kinds.NOTE_ADDED: marked("somebody writes a note"),
        kinds.CALL_LOGGED: marked("a call is logged"),
        kinds.MEETING_LOGGED: marked("a meeting is logged"),
        kinds.EMAIL_RECEIVED: marked("a lead replies by email"),
        kinds.WHATSAPP_RECEIVED: marked("a lead writes on WhatsApp"),
        kinds.TASK_CREATED: marked("a task is scheduled"),
        kinds.TASK_COMPLETED: marked("a task is done"),
        kinds.TASK_DUE: marked("a task is due"),
        kinds.SLA_NEAR: marked("a lead has nearly been in its stage for too long"),
        kinds.HANDED_OFF: marked("a lead is handed over"),
    }
)
ACTS = Told(
    {
        "crm.leads.qualify": marked("qualify it"),
        "crm.leads.disqualify": marked("disqualify it"),
        "crm.leads.route": marked("find it an owner by the routing rules"),
        "crm.leads.assign": marked("assign it"),
        "crm.leads.followUp": marked("schedule a follow-up"),
        "crm.leads.setStatus": marked("set its status"),
        "crm.leads.moveStage": marked("move it to a stage"),
        "crm.leads.movePipeline": marked("move it to a pipeline"),
        "crm.leads.convert": marked("convert it into a deal"),
        "crm.leads.update": marked("change its facts"),
        "crm.leads.logActivity": marked("write a note"),
        "crm.leads.score": marked("score it again"),
        "crm.leads.handOff": marked("hand it over to a person"),
        "crm.emails.send": marked("write an email"),
        "crm.agents.think": marked("think it over with its model"),
    }
)
OUTCOMES = Told(
    {
        "planned": marked("to come"),
        "waiting": marked("asks"),
        "done": marked("done"),
        "rejected": marked("rejected"),
        "skipped": marked("skipped"),
        "failed": marked("failed"),
    }
)
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
    said = _(ACTS.get(step.operation, "")) or (
        registry[step.operation].summary.lower() if step.operation in registry else ""
    )
    match step.operation:
        case "crm.leads.assign":
            said = _("assign it to %(what)s") % {
                "what": known.names["ownerId"].get(str(given.get("ownerId")), _("nobody"))
            }
        case "crm.leads.setStatus":
            said = _("set its status to %(what)s") % {
                "what": _(STATUSES.get(str(given.get("status")), marked("another")))
            }
        case "crm.leads.moveStage":
            said = _("move it to %(what)s") % {
                "what": known.names["stageId"].get(str(given.get("stageId")), _("a stage"))
            }
        case "crm.leads.followUp":
            said = _("%(act)s in %(time)s") % {"act": said, "time": given["dueIn"]} if given.get("dueIn") else said
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
            "status": {"waiting": _("waits for a person")}.get(run.status, run.status),
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
