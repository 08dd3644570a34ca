"""One automation, written in a form: when, for which leads, and what is done, step by step."""

from typing import Any

import msgspec
from starlette.responses import Response

from baton.automations.rules.automation import Automation, NameAutomation
from baton.automations.rules.rule import KINDS
from baton.doors.web.agents.playbooks import TRIGGERS
from baton.doors.web.automations import step_rows, step_tree
from baton.doors.web.automations.automations import HERE, names
from baton.doors.web.automations.step_tree import StepRow
from baton.doors.web.leads.condition_form import form, kind, parsed, part
from baton.doors.web.leads.filters import Options
from baton.doors.web.shell.language import Choices, _, marked
from baton.doors.web.shell.render import done, go
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.stale import YES_NO, Clash, Part, kept, settle
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.doors.web.told.conditions import FIELDS, Vocabulary, vocabulary
from baton.kernel.conditions import everything
from baton.kernel.errors import Conflict, Invalid, NotFound

TIMES: Options = Choices(
    [
        ("*schedule", marked("it is time, again and again")),
        ("*date", marked("a date of a lead is reached")),
        ("*quiet", marked("nothing happens on a lead")),
    ]
)
SCHEDULES: Options = Choices(
    [
        ("FREQ=DAILY", marked("every day")),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", marked("every working day")),
        ("FREQ=WEEKLY;BYDAY=MO", marked("every Monday")),
        ("FREQ=WEEKLY;BYDAY=FR", marked("every Friday")),
        ("FREQ=MONTHLY;BYMONTHDAY=1", marked("on the first of the month")),
        ("FREQ=HOURLY", marked("every hour")),
    ]
)


async def new(visit: Visit) -> Response:
    """GET and POST /automations/new: a draft."""
    return await _edit(visit, None)


async def edit(visit: Visit) -> Response:
    """GET and POST /automations/{automation}/edit: a new version of it."""
    id = as_uuid(visit.path["automation"])
    if id is None:
        raise NotFound("There is no such automation.")
    return await _edit(visit, await visit.perform("crm.automations.get", NameAutomation(automation_id=id)))


async def _edit(visit: Visit, before: Automation | None) -> Response:
    known, offered = await vocabulary(visit), step_rows.acts(await names(visit))
    condition = before.condition if before else everything()
    error: Refusal | None = None
    posted = visit.request.method == "POST"
    now = _values(before)
    parts = [part(condition, known), step_tree.part(_steps(before), offered, known)] if before else []
    triggers = [*TRIGGERS.items(), *TIMES, *_others()]
    clashes = await _settled(visit, before, now, parts, dict(triggers)) if before else []
    if posted and not clashes:
        try:
            condition = parsed(visit.several, known)
            wish = {
                "name": visit.fields.get("name", ""),
                "trigger": _trigger(visit),
                "condition": condition,
                "steps": step_tree.parsed(step_tree.posted(visit.several), offered, known),
            }
            if before is None:
                made: Automation = await visit.perform("crm.automations.create", wish)
                return go(visit, f"{HERE}/{made.id}")
            await visit.perform(
                "crm.automations.edit", {"automationId": str(before.id), "version": before.version} | wish
            )
            return done(visit, _("“%(what)s” is changed from now on.") % {"what": wish["name"]}, f"{HERE}/{before.id}")
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    rows = step_tree.posted(visit.several) if posted else []
    return await sheet(
        visit,
        "automation_edit.html",
        _("Change %(name)s") % {"name": before.name} if before else _("New automation"),
        act=_("Save") if before else _("Save the draft"),
        back=f"{HERE}/{before.id}" if before else HERE,
        here=HERE,
        error=error,
        values=now | ({"backlog": ""} | visit.fields if posted else {}),
        was=kept(now, parts) if before else None,
        clashes=clashes,
        form=form(condition, known, visit.several),
        triggers=triggers,
        schedules=_schedules(before),
        dates=_dates(known),
        rows=[*rows, StepRow(), StepRow()] if posted else step_tree.rows(_steps(before), offered, known),
        acts=step_tree.options(offered),
        asked=form(everything(), known),
        lede=_("What runs already goes on as it began.")
        if before
        else _("Nothing happens before an admin switches it on."),
    )


async def _settled(
    visit: Visit, before: Automation, now: dict[str, Any], parts: list[Part], triggers: dict[str, str]
) -> list[Clash]:
    labels = {
        "name": _("Name"), "trigger": _("When"), "changed": _("Only where one of these facts changed"), "rrule": _("How often"),
        "field": _("Which date"), "offset": _("Days after it"), "at": _("At (the organization's time)"),
        "days": _("Days without anything"), "backlog": _("also for leads that are silent already"),
    }  # fmt: skip
    keys = dict.fromkeys(("changed", "rrule", "field", "offset", "at", "days", "backlog"), "trigger")
    shown = {"trigger": triggers, "rrule": dict(SCHEDULES), "backlog": YES_NO}
    return await settle(
        visit,
        before.id,
        now,
        {key: words for key, words in labels.items() if key in now},
        shown=shown,
        keys=keys,
        parts=parts,
    )


def _steps(before: Automation | None) -> list[dict[str, Any]]:
    return [msgspec.to_builtins(step) for step in before.steps] if before else []


def _values(before: Automation | None) -> dict[str, Any]:
    values: dict[str, Any] = {
        "trigger": "lead_imported",
        "at": "09:00",
        "days": "14",
        "offset": "0",
        "field": "expectedCloseDate",
    }
    if before is None:
        return values
    said = msgspec.to_builtins(before.trigger)
    on = said["on"]
    values |= {"name": before.name, "trigger": said["kind"] if on == "activity" else f"*{on}"}
    values |= {name: said[name] for name in ("rrule", "at", "field", "days") if name in said}
    values |= {"offset": said.get("offsetDays", 0), "changed": ", ".join(said.get("changed", []))}
    return values | ({"backlog": "on"} if said.get("backlog") else {})


def _trigger(visit: Visit) -> dict[str, Any]:
    said = visit.fields
    chosen = said.get("trigger", "")
    if chosen == "*schedule":
        return {"on": "schedule", "rrule": said.get("rrule", ""), "at": said.get("at", "")}
    if chosen == "*date":
        offset = _whole(said.get("offset", ""), "offset")
        return {"on": "date", "field": said.get("field", ""), "offsetDays": offset, "at": said.get("at", "")}
    if chosen == "*quiet":
        return {"on": "quiet", "days": _whole(said.get("days", ""), "days"), "backlog": "backlog" in said}
    changed = [each.strip() for each in said.get("changed", "").split(",") if each.strip()]
    return {"on": "activity", "kind": chosen} | ({"changed": changed} if chosen == "field_updated" and changed else {})


def _whole(text: str, field: str) -> int:
    try:
        return msgspec.convert(text.strip() or "0", int, strict=False)
    except msgspec.ValidationError:
        raise Invalid("This is a whole number of days.", field=field) from None


def _others() -> Options:
    return [(kind, kind.replace("_", " ")) for kind in sorted(KINDS - set(TRIGGERS))]


def _schedules(before: Automation | None) -> Options:
    own = msgspec.to_builtins(before.trigger).get("rrule") if before else None
    return [*SCHEDULES, *([(own, own)] if own and own not in dict(SCHEDULES) else [])]


def _dates(known: Vocabulary) -> Options:
    fields = [*FIELDS, *known.custom]
    return [(field, known.label(field)) for field in fields if kind(field, known) in ("date", "time")]
