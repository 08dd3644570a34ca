"""What is done to a selection of leads, from the list or the board: chunk by chunk, one operation, taken back as one. Spec A10."""

import time
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.datastructures import QueryParams
from starlette.responses import Response

from baton.doors.web.leads import columns as catalogue
from baton.doors.web.leads import listing
from baton.doors.web.leads.facts import parsed
from baton.doors.web.leads.filters import Options, named
from baton.doors.web.shell.amounts import number
from baton.doors.web.shell.language import _, marked, several_of, told
from baton.doors.web.shell.render import done
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from baton.kernel.explain import explained
from baton.leads.bulk import BulkUpdate
from baton.leads.chunks import Changed
from baton.leads.edit import LeadFacts
from baton.leads.find import ListLeads
from baton.leads.segments import Segment, UpdateSegment

MOST = 10_000
CHUNK = 200
PATIENCE = 1.5
"""Seconds that one answer works; what is left then goes on in the next one."""
_ACTS = {
    "assign": marked("Assign"),
    "move": marked("Move"),
    "tag": marked("Change the tags"),
    "edit": marked("Set it"),
    "segment": marked("Put in"),
    "delete": marked("Delete"),
}
_FACTS = ("source", "title", "companyName", "industry", "location", "companySize", "valueCents", "expectedCloseDate")


class Progress(msgspec.Struct):
    """How far a bulk act is: what was changed and refused, and where it goes on."""

    changed: int = 0
    refused: int = 0
    why: str = ""
    operation: str = ""
    cursor: str = ""


async def act(visit: Visit) -> Response:
    """POST /leads/bulk/{act}: ask first, then, with `go`, do it; what does not fit into one answer goes on in the next."""
    what = visit.path["act"]
    if what not in _ACTS:
        raise NotFound("There is no such act.")
    if not visit.may_write or (what == "delete" and not visit.may_manage):
        raise Forbidden("Only an admin deletes leads." if what == "delete" else "Viewers read; they change nothing.")
    error: Refusal | None = None
    if "go" in visit.fields:
        try:
            progress = await _work(visit, what)
            if not progress.cursor:
                return done(visit, _words(what, progress), visit.back("/leads"))
            return await _sheet(visit, what, None, progress)
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await _sheet(visit, what, error, None)


async def _sheet(visit: Visit, what: str, error: Refusal | None, progress: Progress | None) -> Response:
    button = _(_ACTS[what])
    ids, every = _ids(visit), visit.fields.get("all", "")
    count = int(visit.fields["count"]) if visit.fields.get("count", "").isdecimal() else len(ids)
    leads = several_of("%(count)s lead", "%(count)s leads", count) % {"count": number(count)}
    lede = _("Every lead that matches: %(leads)s.") % {"leads": leads} if every else ""
    return await sheet(
        visit, "bulk.html", _titled(what, count), act=button, back="/leads", values=visit.fields, error=error, what=what,
        tone="danger" if what == "delete" else "", lede=lede, ids=",".join(ids), every=every, count=count, progress=progress,
        **await _choices(visit, what),
    )  # fmt: skip


async def _choices(visit: Visit, what: str) -> dict[str, Any]:
    """What the sheet of an act lets one choose."""
    places: Options = []
    segments: Options = []
    owners: Options = []
    facts: Options = []
    if what == "assign":
        owners = [("", _("Nobody")), *named(await visit.members())]
    if what == "move":
        places = [(f"{p.id}/{s.id}", f"{p.name} / {s.name}") for p in await visit.pipelines() for s in p.stages]
    if what == "edit":
        known = catalogue.every(await visit.definitions())
        facts = [(key, column.label) for key, column in known.items() if key in _FACTS or key.startswith("field.")]
    if what == "segment":
        found: list[Segment] = await visit.perform("crm.segments.list")
        segments = [(str(each.id), each.name) for each in found if each.condition is None]
    return {"places": places, "owners": owners, "facts": facts, "segments": segments}


def _ids(visit: Visit) -> list[str]:
    """The leads that were ticked: named one by one, or in one field."""
    texts = [value for name, value in visit.several if name == "lead"] + visit.fields.get("ids", "").split(",")
    return list(dict.fromkeys(str(id) for text in texts if (id := as_uuid(text))))


async def _work(visit: Visit, what: str) -> Progress:
    """Do it to as many as one answer has time for. Raises Invalid where nothing is chosen or asked."""
    ids, every = _ids(visit), visit.fields.get("all", "")
    if not ids and not every:
        raise Invalid("Choose at least one lead.")
    if what == "segment":
        return await _put(visit, ids, every)
    asked = await _asked(visit, what)
    progress = _so_far(visit)
    which = await _matching(visit, every) if every else {}
    until = time.monotonic() + PATIENCE
    while True:
        at = int(progress.cursor) if not every and progress.cursor.isdecimal() else 0
        part = {"lead_ids": ids[at : at + CHUNK]} if not every else which | {"cursor": progress.cursor or None}
        answer: Changed = await visit.perform("crm.leads.bulkUpdate", BulkUpdate(
            limit=CHUNK, operation_id=as_uuid(progress.operation), **asked, **part,
        ))  # fmt: skip
        _add(progress, answer)
        more = answer.next_cursor or "" if every else str(at + CHUNK) if at + CHUNK < len(ids) else ""
        progress.cursor = more
        visit.undo = answer.operation_id
        if not more or time.monotonic() > until:
            return progress


def _so_far(visit: Visit) -> Progress:
    """What the answers before told."""
    told = {name: visit.fields.get(f"so-{name}", "") for name in Progress.__struct_fields__}
    counts = {name: int(told[name]) if told[name].isdecimal() else 0 for name in ("changed", "refused")}
    return Progress(**counts, why=told["why"], operation=told["operation"], cursor=told["cursor"])


def _add(progress: Progress, answer: Changed) -> None:
    progress.operation = str(answer.operation_id)
    progress.changed += answer.changed
    progress.refused += answer.refused
    progress.why = progress.why or next((o.why or "" for o in answer.leads if o.outcome == "refused"), "")


async def _matching(visit: Visit, query: str) -> dict[str, Any]:
    """The leads that a list shows, as a bulk edit names them. Raises Invalid for more than can be taken back."""
    shown = await listing.read(visit, QueryParams(parse_qsl(query)))
    counted = await visit.perform("crm.leads.find", ListLeads(
        where=shown.where, search=shown.search, segment_id=shown.segment_id, limit=1, count=True,
    ))  # fmt: skip
    if counted.total_is_estimate or (counted.total or 0) > MOST:
        raise Invalid(f"At most {MOST:,} leads are edited at once, so that it can be taken back. Narrow the filters.")
    return {"where": shown.where, "search": shown.search or None, "segment_id": shown.segment_id}


async def _asked(visit: Visit, what: str) -> dict[str, Any]:
    """What is to be done, as input of `crm.leads.bulkUpdate`."""
    fields = visit.fields
    reason = fields.get("reason", "").strip() or None
    match what:
        case "assign":
            return {"owner_id": fields.get("ownerId") or None, "reason": reason}
        case "move":
            pipeline, _, stage = fields.get("place", "").partition("/")
            if not as_uuid(pipeline) or not as_uuid(stage):
                raise Invalid("Choose a stage.", field="place")
            return {"pipeline_id": pipeline, "stage_id": stage, "reason": reason}
        case "tag":
            add, take = _tags(fields.get("add", "")), _tags(fields.get("take", ""))
            if not add and not take:
                raise Invalid("Name at least one tag to put on or to take off.", field="add")
            return {"add_tags": add, "remove_tags": take}
        case "edit":
            return {"set": await _fact(visit), "reason": reason}
    return {"delete": True, "reason": reason}


def _tags(text: str) -> list[str]:
    return [tag.strip() for tag in text.split(",") if tag.strip()]


async def _fact(visit: Visit) -> LeadFacts:
    key, value = visit.fields.get("fact", ""), visit.fields.get("value", "").strip()
    if key.startswith("field."):
        given: dict[str, Any] = {"fields": {key[6:]: value or None}}
    elif key in _FACTS:
        given = parsed(key, {"value": value}, (await visit.organization()).currency)
    else:
        raise Invalid("Choose what to set.", field="fact")
    try:
        return msgspec.convert(given, LeadFacts)
    except msgspec.ValidationError as error:
        raise Invalid(explained(error, LeadFacts).message, field="value") from None


async def _put(visit: Visit, ids: list[str], every: str) -> Progress:
    id = as_uuid(visit.fields.get("segmentId"))
    if every or id is None:
        raise Invalid(
            "Choose a segment, and the leads one by one." if every else "Choose a segment.", field="segmentId"
        )
    await visit.perform("crm.segments.update", UpdateSegment(segment_id=id, add_lead_ids=ids))
    return Progress(changed=len(ids))


def _words(what: str, progress: Progress) -> str:
    words = _told(what, progress.changed) % {"count": number(progress.changed)}
    if progress.refused:
        rest = {"count": number(progress.refused), "why": told(progress.why)}
        words += " " + _("%(count)s stayed as they were: %(why)s") % rest
    return words


def _titled(what: str, count: int) -> str:
    match what:
        case "assign":
            words = several_of("Assign %(count)s lead", "Assign %(count)s leads", count)
        case "move":
            words = several_of("Move %(count)s lead", "Move %(count)s leads", count)
        case "tag":
            words = several_of("Tag %(count)s lead", "Tag %(count)s leads", count)
        case "segment":
            words = several_of("Put into a segment: %(count)s lead", "Put into a segment: %(count)s leads", count)
        case "delete":
            words = several_of("Delete %(count)s lead", "Delete %(count)s leads", count)
        case _:
            words = several_of("Edit %(count)s lead", "Edit %(count)s leads", count)
    return words % {"count": number(count)}


def _told(what: str, count: int) -> str:
    match what:
        case "assign":
            return several_of("%(count)s lead is assigned.", "%(count)s leads are assigned.", count)
        case "move":
            return several_of("%(count)s lead is moved.", "%(count)s leads are moved.", count)
        case "tag":
            return several_of("%(count)s lead is tagged.", "%(count)s leads are tagged.", count)
        case "segment":
            return several_of(
                "%(count)s lead is put into the segment.", "%(count)s leads are put into the segment.", count
            )
        case "delete":
            return several_of("%(count)s lead is deleted.", "%(count)s leads are deleted.", count)
    return several_of("%(count)s lead is changed.", "%(count)s leads are changed.", count)
