"""Segments: leads under a name, by a condition that is asked each time, or put in one by one."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from baton.doors.web.leads import listing
from baton.doors.web.leads.condition_form import form, parsed, part
from baton.doors.web.leads.views import simple
from baton.doors.web.shell.amounts import number
from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import done, page
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.stale import Clash, kept, settle
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.doors.web.told.conditions import vocabulary, words
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.leads.segments import CreateSegment, OneSegment, Segment, UpdateSegment

HERE = "/segments"


async def show(visit: Visit) -> Response:
    """GET /segments: each with its count."""
    found: list[Segment] = await visit.perform("crm.segments.list")
    known = await vocabulary(visit)
    rows = [
        {"id": each.id, "name": each.name, "count": number(each.count), "live": each.condition is not None,
         "what": words(each.condition, known) if each.condition is not None else _("put in one by one")}
        for each in found
    ]  # fmt: skip
    return await page(visit, "segments.html", here="/leads", rows=rows)


async def new(visit: Visit) -> Response:
    """GET and POST /segments/new: of a condition, which begins as what the list shows."""
    known = await vocabulary(visit)
    shown = await listing.of(visit)
    condition, error = simple(shown.where), None
    if visit.request.method == "POST":
        try:
            condition = parsed(visit.several, known)
            made: Segment = await visit.perform("crm.segments.create", CreateSegment(
                name=visit.fields.get("name", ""), condition=condition, fixed="fixed" in visit.fields,
            ))  # fmt: skip
            return done(
                visit,
                _("The segment “%(name)s” holds %(count)s leads.") % {"name": made.name, "count": number(made.count)},
                HERE,
            )
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await _sheet(visit, _("New segment"), visit.fields, error, form(condition, known, visit.several), True)


async def edit(visit: Visit) -> Response:
    """GET and POST /segments/{segment}: its name and its condition."""
    segment = await _segment(visit)
    known = await vocabulary(visit)
    condition, error = segment.condition, None
    now = {"name": segment.name}
    parts = [part(condition, known)] if condition is not None else []
    clashes = await settle(visit, segment.id, now, {"name": _("Name")}, parts=parts)
    if visit.request.method == "POST" and not clashes:
        try:
            change: dict[str, Any] = {
                "segment_id": segment.id,
                "version": segment.version,
                "name": visit.fields.get("name", ""),
            }
            if segment.condition is not None:
                change["condition"] = condition = parsed(visit.several, known)
            await visit.perform("crm.segments.update", UpdateSegment(**change))
            return done(visit, _("The segment is changed."), HERE)
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    shown = form(condition, known, visit.several) if condition is not None else None
    title = _("Change “%(name)s”") % {"name": segment.name}
    return await _sheet(visit, title, now | visit.fields, error, shown, False, kept(now, parts), clashes)


async def remove(visit: Visit) -> Response:
    """GET and POST /segments/{segment}/remove."""
    segment = await _segment(visit)
    if visit.request.method == "POST":
        await visit.perform("crm.segments.delete", OneSegment(segment_id=segment.id))
        return done(visit, _("The segment “%(name)s” is removed.") % {"name": segment.name}, HERE)
    return await sheet(
        visit,
        "confirm.html",
        _("Remove the segment “%(name)s”?") % {"name": segment.name},
        act=_("Remove the segment"),
        back=HERE,
        values={},
        tone="danger",
        lede=_("Its %(count)s leads stay.") % {"count": number(segment.count)},
    )


async def _sheet(
    visit: Visit, title: str, values: Any, error: Refusal | None, shown: Any, fresh: bool, was: Mapping[str, Any] | None = None,
    clashes: Sequence[Clash] = (),
) -> Response:  # fmt: skip
    return await sheet(
        visit, "segment.html", title, act=_("Save the segment"), back=HERE, values=values, error=error, form=shown, fresh=fresh, was=was,
        clashes=clashes,
        lede=_("A segment can be listed, exported and edited as one."),
    )  # fmt: skip


async def _segment(visit: Visit) -> Segment:
    id = as_uuid(visit.path["segment"])
    if id is None:
        raise NotFound("There is no such segment.")
    found: Segment = await visit.perform("crm.segments.get", OneSegment(segment_id=id))
    return found
