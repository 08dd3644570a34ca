"""Two records of one person or company: found, compared field by field, merged, and taken apart again."""

from typing import Any

import msgspec
from starlette.responses import Response

from baton.contacts.duplicates import Likely
from baton.doors.web.records.records import COMPANIES, PEOPLE, Record, Sort, found
from baton.doors.web.shell.language import _
from baton.doors.web.shell.late import late
from baton.doors.web.shell.render import done, page
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from baton.kernel.page import Page
from baton.leads.merge import MergeTwo, Unmerge

CANDIDATES = 8


async def duplicates(visit: Visit) -> Response:
    """GET /contacts/duplicates and /companies/duplicates: pairs that may be one, the likeliest first."""
    sort = _sort(visit)
    later, gap = await late(visit, 5000)
    pairs = [] if later else await visit.perform(f"crm.{sort.plural}.duplicates", Likely(limit=100))
    rows = [
        {"first": pair.first, "second": pair.second, "likeness": pair.likeness, "why": ", ".join(pair.why)} for pair in pairs
    ]  # fmt: skip
    return await page(visit, "duplicates.html", here=sort.home, sort=sort, rows=rows, later=later, gap=gap)


async def merge(visit: Visit) -> Response:
    """GET and POST /contacts/{record}/merge: whom with, then whose value of each field stays."""
    sort = _sort(visit)
    if not visit.may_write:
        raise Forbidden("Viewers read; they change nothing.")
    record = await found(visit, sort)
    id = as_uuid(visit.fields.get("with") or visit.query.get("with"))
    if id is None:
        return await _whom(visit, sort, record)
    other = await found(visit, sort, str(id))
    if other.id == record.id:
        return await _whom(visit, sort, record)
    error: Refusal | None = None
    if visit.request.method == "POST":
        sides = {key: visit.fields.get(f"of-{key}", "") for key, *rest in sort.facts}
        choose = {key: side for key, side in sides.items() if side in ("survivor", "merged")}
        try:
            wish = msgspec.convert(
                {"survivorId": str(record.id), "mergedId": str(other.id), "choose": _by_id(choose)}, MergeTwo
            )
            merged: Any = await visit.perform(f"crm.{sort.plural}.merge", wish)
            visit.undo = visit.operation_id
            leads = merged.moved.get("leads", 0)
            words = (
                _("%(other)s is merged into %(name)s, with %(leads)s of its leads.")
                if leads
                else _("%(other)s is merged into %(name)s.")
            )
            words %= {"other": other.name, "name": record.name, "leads": leads}
            return done(visit, words, f"{sort.home}/{record.id}")
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit,
        "merge.html",
        _("Merge %(name)s into %(name2)s") % {"name": other.name, "name2": record.name},
        act=_("Merge"),
        back=f"{sort.home}/{record.id}",
        values=visit.fields,
        error=error,
        here=sort.home,
        rows=_rows(sort, record, other),
        record=record,
        other=other,
        swap=f"{sort.home}/{other.id}/merge?with={record.id}",
        lede=_("Choose what stays. Leads, tasks and customers of both come together; it can be taken apart again."),
    )


def _by_id(choose: dict[str, str]) -> dict[str, str]:
    """A contact's company is chosen by its id."""
    return {"companyId" if key == "companyName" else key: value for key, value in choose.items()}


def _rows(sort: Sort, record: Record, other: Record) -> list[dict[str, Any]]:
    """Each field with both values; what only one knows is chosen already."""
    mine, theirs = msgspec.to_builtins(record), msgspec.to_builtins(other)
    return [
        {"key": key, "label": _(label), "mine": mine[key], "theirs": theirs[key], "same": mine[key] == theirs[key],
         "merged": mine[key] in (None, "") and theirs[key] not in (None, "")}
        for key, label, type in sort.facts if mine[key] is not None or theirs[key] is not None
    ]  # fmt: skip


async def _whom(visit: Visit, sort: Sort, record: Record) -> Response:
    q = visit.query.get("q", "").strip()[:200]
    if q:
        candidates: Page[Record] = await visit.perform(
            f"crm.{sort.plural}.find", sort.find(search=q, limit=CANDIDATES + 1)
        )
        others = [each for each in candidates.items if each.id != record.id]
    else:
        pairs = await visit.perform(
            f"crm.{sort.plural}.duplicates", Likely(of=str(record.id), least=60, limit=CANDIDATES)
        )
        others = [pair.second if pair.first.id == record.id else pair.first for pair in pairs]
    return await page(visit, "merge_with.html", here=sort.home, sort=sort, record=record, others=others, q=q)


async def unmerge(visit: Visit) -> Response:
    """GET and POST /contacts/{record}/unmerge: the merged record is one of its own again."""
    sort = _sort(visit)
    if not visit.may_write:
        raise Forbidden("Viewers read; they change nothing.")
    survivor = await found(visit, sort)
    error: Refusal | None = None
    if visit.request.method == "POST":
        try:
            apart: Any = await visit.perform(f"crm.{sort.plural}.unmerge", Unmerge(merged_id=visit.path["record"]))
            other: Record = getattr(apart, sort.noun)
            words = _("%(name)s and %(other)s are two again.") % {"name": survivor.name, "other": other.name}
            if apart.kept:
                words += " " + _("What was changed since stays: %(names)s.") % {"names": ", ".join(apart.kept)}
            return done(
                visit,
                words,
                f"{sort.home}/{survivor.id}",
            )
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit, "confirm.html", _("Take the merged records apart?"), act=_("Take apart"), back=f"{sort.home}/{survivor.id}", values={},
        error=error, here=sort.home, lede=_("Both get back the facts, leads and tasks that they had. What was changed since is kept."),
    )  # fmt: skip


def _sort(visit: Visit) -> Sort:
    return PEOPLE if visit.request.url.path.startswith(PEOPLE.home) else COMPANIES
