"""Sequences: what follows what, who is in which step, and what came of each message."""

from typing import Any, cast
from uuid import UUID

import msgspec
from starlette.responses import Response

from baton.automations.sequences.enrolment import Enrolment, EnrolmentState, ListEnrolments
from baton.automations.sequences.plan import Plan, Window
from baton.automations.sequences.sequence import ListedSequence, NameSequence, Sequence, SequenceResults
from baton.doors.web.automations.automations import STATES, names
from baton.doors.web.automations.step_rows import Act, acts, in_words
from baton.doors.web.leads.condition_form import form, parsed
from baton.doors.web.shell.amounts import number
from baton.doors.web.shell.language import Told, _, marked, told
from baton.doors.web.shell.render import done, page, redirect
from baton.doors.web.shell.sheets import sheet
from baton.doors.web.shell.times import ago, due_at
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.doors.web.told.conditions import vocabulary
from baton.kernel.conditions import everything
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.kernel.page import Page
from baton.leads.chunks import Changed
from baton.leads.segments import Segment

HERE = "/sequences"
KINDS = Told(
    {
        "drip": marked("one after the other"),
        "one_shot": marked("a single message"),
        "until_reply": marked("until somebody replies"),
    }
)
ENDS = Told(
    {
        "reply": marked("replied"),
        "bounce": marked("bounced"),
        "unsubscribe": marked("unsubscribed"),
        "closed": marked("closed"),
        "deleted": marked("deleted"),
        "stage": marked("another stage"),
        "owner": marked("another owner"),
        "condition": marked("met the condition"),
        "gate": marked("did not qualify"),
        "removed": marked("taken out"),
    }
)
IN_IT = Told(
    {
        "waiting": marked("Waiting"),
        "paused": marked("Paused"),
        "held": marked("Held"),
        "done": marked("Done"),
        "stopped": marked("Stopped"),
    }
)
TONES = {"waiting": "", "paused": "wait", "held": "lost", "done": "won", "stopped": ""}
_DAYS = ("", marked("Mon"), marked("Tue"), marked("Wed"), marked("Thu"), marked("Fri"), marked("Sat"), marked("Sun"))


async def show(visit: Visit) -> Response:
    """GET /sequences: each with who is in it and what came of it."""
    found: list[ListedSequence] = await visit.perform("crm.sequences.list")
    offered = acts(await names(visit), sequence=True)
    rows = [
        view(each, offered) | {"active": each.active, "held": each.held, "done": each.done, "replied": each.replied}
        for each in found
    ]
    return await page(visit, "sequences.html", here=HERE, rows=rows)


async def show_one(visit: Visit) -> Response:
    """GET /sequences/{sequence}: its steps with their results, and who is in it (`state` narrows)."""
    found = await read(visit)
    offered = acts(await names(visit), sequence=True)
    state = visit.query.get("state", "")
    asked = ListEnrolments(
        sequence_id=found.id, state=cast("EnrolmentState", state) if state in TONES else None, limit=100
    )
    listed: Page[Enrolment] = await visit.perform("crm.enrolments.list", asked)
    steps = [
        {"words": in_words(msgspec.to_builtins(step), offered), "message": step.__struct_config__.tag == "email",
         "result": result, "number": number}
        for number, (step, result) in enumerate(zip(found.plan.steps, found.results, strict=True), start=1)
    ]  # fmt: skip
    return await page(
        visit, "sequence.html", here=HERE, seq=view(found, offered), steps=steps,
        left=[(ENDS[why], count) for why, count in sorted(found.left.items(), key=lambda pair: -pair[1])],
        states=[("", _("All"), sum(found.states.values())), *((s, IN_IT[s], found.states.get(s, 0)) for s in TONES)], state=state,
        rows=[enrolment_view(each, visit, len(found.plan.steps)) for each in listed.items], more=listed.next_cursor is not None,
    )  # fmt: skip


async def switch(visit: Visit) -> Response:
    """POST /sequences/{sequence}/switch: on, or paused."""
    state = "on" if visit.fields.get("state") == "on" else "paused"
    await visit.perform("crm.sequences.setState", {"sequenceId": visit.path["sequence"], "state": state})
    return redirect(f"{HERE}/{visit.path['sequence']}")


async def remove(visit: Visit) -> Response:
    """POST /sequences/{sequence}/remove."""
    await visit.perform("crm.sequences.remove", {"sequenceId": visit.path["sequence"]})
    return redirect(HERE)


async def decide(visit: Visit) -> Response:
    """POST /sequences/enrolments/{enrolment}/{decision}: pause, resume or remove."""
    decision = visit.path["decision"]
    if decision not in ("pause", "resume", "remove"):
        raise NotFound("There is no such decision.")
    await visit.perform(f"crm.enrolments.{decision}", {"enrolmentId": visit.path["enrolment"]})
    return redirect(visit.back(HERE))


async def enrol(visit: Visit) -> Response:
    """GET and POST /sequences/{sequence}/enrol: the leads of a segment, or those that meet a condition, all of them."""
    found = await read(visit)
    known = await vocabulary(visit)
    segments: list[Segment] = await visit.perform("crm.segments.list")
    condition, error = everything(), None
    if visit.request.method == "POST":
        try:
            condition = parsed(visit.several, known)
            segment = as_uuid(visit.fields.get("segment"))
            if segment is None and condition == everything():
                raise Invalid("Choose a segment, or say which leads.", field="segment")
            entered, refused, why = await _enrol(visit, found, condition, segment)
            words = _("%(count)s leads are in “%(name)s”.") % {"count": number(entered), "name": found.name}
            if refused:
                words += " " + _("%(count)s were passed over: %(why)s") % {"count": number(refused), "why": told(why)}
            return done(
                visit,
                words,
                f"{HERE}/{found.id}",
            )
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit,
        "enrol.html",
        _("Put leads into %(name)s") % {"name": found.name},
        act=_("Put them in"),
        back=f"{HERE}/{found.id}",
        here=HERE,
        error=error,
        values=visit.fields,
        form=form(condition, known, visit.several),
        segments=[("", _("no segment")), *((str(each.id), f"{each.name} ({number(each.count)})") for each in segments)],
        lede=_("Nobody is in a sequence twice; who is closed or has no address is passed over, and named."),
    )


async def _enrol(visit: Visit, found: Sequence, condition: Any, segment: UUID | None) -> tuple[int, int, str]:
    """All of them, chunk by chunk under one operation: how many entered, how many were refused and why the first was."""
    entered, refused, why = 0, 0, ""
    more: dict[str, Any] = {}
    while True:
        wish = {
            "sequenceId": str(found.id),
            "where": condition,
            "segmentId": str(segment) if segment else None,
            "limit": 500,
        } | more
        chunk: Changed = await visit.perform("crm.sequences.enrolMany", wish)
        entered, refused = entered + chunk.changed, refused + chunk.refused
        why = why or next((each.why or "" for each in chunk.leads if each.outcome == "refused"), "")
        if chunk.next_cursor is None:
            return entered, refused, why
        more = {"cursor": chunk.next_cursor, "operationId": str(chunk.operation_id)}


async def read(visit: Visit) -> SequenceResults:
    """The sequence that the address names. Raises NotFound."""
    id = as_uuid(visit.path["sequence"])
    if id is None:
        raise NotFound("There is no such sequence.")
    found: SequenceResults = await visit.perform("crm.sequences.get", NameSequence(sequence_id=id))
    return found


def view(found: Sequence, offered: dict[str, Act]) -> dict[str, Any]:
    """A sequence in words."""
    chip, tone = STATES[found.state]
    return {
        "id": found.id,
        "href": f"{HERE}/{found.id}",
        "name": found.name,
        "state": found.state,
        "chip": _(chip),
        "tone": tone,
        "kind": KINDS[found.plan.kind]
        + (", " + _("%(rounds)s rounds") % {"rounds": found.plan.rounds} if found.plan.kind == "until_reply" else ""),
        "window": hours(found.plan.window),
        "exits": exits(found.plan),
        "number": found.number,
        "steps": [in_words(msgspec.to_builtins(step), offered) for step in found.plan.steps],
    }


def hours(window: Window) -> str:
    """When messages leave, in words."""
    days = ", ".join(_(_DAYS[day]) for day in window.days if 1 <= day <= 7)
    zone = _("the contact's time") if window.zone == "contact" else _("the organization's time")
    return f"{days} {window.opens}–{window.closes}, {zone}"


def exits(plan: Plan) -> str:
    """What takes a lead out, in words."""
    said = plan.exits
    told = [word for on, word in (
        (said.reply, _("a reply")), (said.bounce, _("a bounce")), (True, _("an unsubscription")), (said.closed, _("the lead's end")),
        (said.stage, _("another stage")), (said.owner, _("another owner")), (said.condition is not None, _("a condition")),
    ) if on]  # fmt: skip
    return ", ".join(told)


def enrolment_view(each: Enrolment, visit: Visit, steps: int) -> dict[str, Any]:
    """A lead's way as the list shows it."""
    return {
        "id": each.id,
        "lead": each.lead,
        "lead_id": each.lead_id,
        "state": each.state,
        "told": IN_IT[each.state],
        "tone": TONES[each.state],
        "step": _("%(count)s of %(steps)s") % {"count": min(each.position % steps + 1, steps), "steps": steps}
        if each.state in ("waiting", "paused", "held")
        else "",
        "next": due_at(each.next_at, visit.now, visit.zone) if each.next_at else None,
        "why": ENDS[each.why] if each.why else "",
        "detail": each.detail,
        "when": ago(each.created_at, visit.now, visit.zone),
    }
