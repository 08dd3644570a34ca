"""Automations: what answers what, whether it is on, what it did, and what waits for a person."""

from datetime import timedelta
from typing import Any

import msgspec
from starlette.responses import Response

from baton.automations.rules.automation import Automation, AutomationWithVersions, Listed, NameAutomation
from baton.automations.rules.dry_run import DryRun, Firings
from baton.automations.rules.rule import OnActivity, OnDate, OnQuiet, OnSchedule, Trigger
from baton.automations.rules.run import ListRuns, NameRun, Run, RunWithSteps
from baton.doors.web.agents.playbooks import TRIGGERS
from baton.doors.web.automations.step_rows import Act, Known, acts, in_words
from baton.doors.web.shell.amounts import number
from baton.doors.web.shell.language import _, marked, several_of
from baton.doors.web.shell.render import page, redirect
from baton.doors.web.shell.times import ago, due_at
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.doors.web.told.conditions import Vocabulary, vocabulary, words
from baton.kernel.errors import NotFound
from baton.kernel.operation import registry
from baton.kernel.page import Page

HERE = "/automations"
STATES: dict[str, tuple[str, str]] = {
    "draft": (marked("Draft"), ""),
    "on": (marked("On"), "won"),
    "paused": (marked("Paused"), "lost"),
    "removed": (marked("Removed"), "lost"),
}
RUNS = {"waiting": (marked("under way"), ""), "held": (marked("needs a person"), "lost"), "done": (marked("done"), "won"),
        "dropped": (marked("dropped"), ""), "stopped": (marked("stopped"), "lost")}  # fmt: skip
SHOWN = 20


async def show(visit: Visit) -> Response:
    """GET /automations: each rule in words with its state, and the runs that wait for a person."""
    found: list[Listed] = await visit.perform("crm.automations.list")
    held: Page[Run] = await visit.perform("crm.automations.held", ListRuns(limit=100))
    known, offered = await vocabulary(visit), acts(await names(visit))
    rules = [
        view(each, known, offered)
        | {"waiting": each.waiting, "held": each.held, "lately": each.lately,
           "last": ago(each.last_run_at, visit.now, visit.zone) if each.last_run_at else None}
        for each in found
    ]  # fmt: skip
    return await page(
        visit, "automations.html", here=HERE, rules=rules, held=[run_view(run, visit) for run in held.items]
    )


async def show_one(visit: Visit) -> Response:
    """GET /automations/{automation}: what it says, what it would have done (`days` back), what it did, its versions."""
    rule = await _rule(visit)
    known, offered = await vocabulary(visit), acts(await names(visit))
    runs: Page[Run] = await visit.perform("crm.automations.runs", ListRuns(automation_id=rule.id, limit=SHOWN))
    told = [await visit.perform("crm.automations.run", NameRun(run_id=run.id)) for run in runs.items]
    asked = visit.query.get("days", "")
    days = int(asked) if asked.isascii() and asked.isdigit() and 1 <= int(asked[:4]) <= 366 else None
    tried: Firings | None = None
    if days is not None:
        since = visit.now - timedelta(days=days)
        tried = await visit.perform("crm.automations.dryRun", DryRun(automation_id=rule.id, since=since))
    return await page(
        visit, "automation.html", here=HERE, rule=view(rule, known, offered), runs=[run_view(run, visit) for run in told],
        versions=[
            {"number": each.number, "who": each.made_by, "when": ago(each.created_at, visit.now, visit.zone), "name": each.name}
            for each in rule.versions
        ],
        days=days or 30, tried=_tried(tried, visit) if tried else None,
    )  # fmt: skip


def _tried(found: Firings, visit: Visit) -> dict[str, Any]:
    times = several_of("%(count)s time", "%(count)s times", found.times) % {"count": number(found.times)}
    leads = several_of("%(count)s lead", "%(count)s leads", found.leads) % {"count": number(found.leads)}
    return {
        "said": _("It would have fired %(times)s, on %(leads)s.") % {"times": times, "leads": leads},
        "words": found.words,
        "rows": [
            {"id": each.lead_id, "name": each.lead, "at": ago(each.at, visit.now, visit.zone)}
            for each in found.firings[:50]
        ],
        "more": max(0, found.times - 50),
    }


async def switch(visit: Visit) -> Response:
    """POST /automations/{automation}/switch: on, or paused."""
    state = "on" if visit.fields.get("state") == "on" else "paused"
    await visit.perform("crm.automations.setState", {"automationId": visit.path["automation"], "state": state})
    return redirect(f"{HERE}/{visit.path['automation']}")


async def remove(visit: Visit) -> Response:
    """POST /automations/{automation}/remove."""
    await visit.perform("crm.automations.remove", {"automationId": visit.path["automation"]})
    return redirect(HERE)


async def decide(visit: Visit) -> Response:
    """POST /automations/held/{run}/{decision}: let it go on, or drop it."""
    verb = "retry" if visit.path["decision"] == "retry" else "drop"
    await visit.perform(f"crm.automations.{verb}", {"runIds": [visit.path["run"]]})
    return redirect(visit.back(HERE))


async def _rule(visit: Visit) -> AutomationWithVersions:
    id = as_uuid(visit.path["automation"])
    if id is None:
        raise NotFound("There is no such automation.")
    found: AutomationWithVersions = await visit.perform("crm.automations.get", NameAutomation(automation_id=id))
    return found


async def names(visit: Visit) -> Known:
    """What rows may name."""
    templates = await visit.perform("crm.templates.list") if "crm.templates.list" in registry else []
    sequences = await visit.perform("crm.sequences.list")
    members = await visit.members()
    return Known(
        {str(each.id): each.name for each in getattr(templates, "items", templates)},
        {str(each.id): each.name for each in sequences},
        {str(each.id): each.name for each in members if each.kind == "agent"},
    )


def view(rule: Automation, known: Vocabulary, offered: dict[str, Act]) -> dict[str, Any]:
    """A rule in words."""
    state, tone = STATES[rule.state]
    return {
        "id": rule.id, "href": f"{HERE}/{rule.id}", "name": rule.name, "state": rule.state, "chip": _(state), "tone": tone,
        "when": when(rule.trigger, known), "which": words(rule.condition, known), "number": rule.number,
        "acts": [in_words(msgspec.to_builtins(step), offered) for step in rule.steps],
    }  # fmt: skip


def when(trigger: Trigger, known: Vocabulary) -> str:
    """A trigger in words."""
    match trigger:
        case OnActivity():
            told = TRIGGERS.get(trigger.kind) or _("“%(kind)s” is in the log") % {
                "kind": trigger.kind.replace("_", " ")
            }
            return f"{told} ({', '.join(map(known.label, trigger.changed))})" if trigger.changed else told
        case OnSchedule():
            return _("it is time: %(rrule)s at %(at)s") % {"rrule": trigger.rrule, "at": trigger.at}
        case OnDate():
            days = abs(trigger.offset_days)
            told = _("it is the day of %(date)s, at %(at)s")
            if trigger.offset_days < 0:
                told = several_of(
                    "it is %(days)s day before %(date)s, at %(at)s",
                    "it is %(days)s days before %(date)s, at %(at)s",
                    days,
                )
            elif days:
                told = several_of(
                    "it is %(days)s day after %(date)s, at %(at)s",
                    "it is %(days)s days after %(date)s, at %(at)s",
                    days,
                )
            return told % {"days": days, "date": known.label(trigger.field), "at": trigger.at}
        case OnQuiet():
            told = several_of(
                "nothing happened on an open lead for %(days)s day",
                "nothing happened on an open lead for %(days)s days",
                trigger.days,
            )
            return told % {"days": trigger.days}


def run_view(run: Run, visit: Visit) -> dict[str, Any]:
    """A run as pages show it."""
    status, tone = RUNS[run.status]
    steps = run.steps if isinstance(run, RunWithSteps) else []
    return {
        "id": run.id, "automation": run.automation, "href": f"{HERE}/{run.automation_id}", "lead": run.lead, "lead_id": run.lead_id,
        "status": _(status), "state": run.status, "tone": tone, "error": run.error, "number": run.number,
        "when": ago(run.created_at, visit.now, visit.zone),
        "next": due_at(run.next_at, visit.now, visit.zone) if run.next_at else None,
        "steps": [
            {"path": step.path, "act": step.act, "detail": step.detail, "left": len(step.activity_ids),
             "when": ago(step.at, visit.now, visit.zone)}
            for step in steps
        ],
    }  # fmt: skip
