"""Saved views of the list: what is shown is kept under a name, for oneself or for all, and changed; conditions and columns too."""

import json
from typing import Any

from starlette.responses import Response

from baton.doors.web.leads import listing
from baton.doors.web.leads.condition_form import form, parsed, part
from baton.doors.web.leads.listing import Listing
from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import go
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.stale import YES_NO, kept, settle
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.doors.web.told.conditions import vocabulary, words
from baton.kernel.conditions import Condition
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.leads.views import CreateView, DeleteView, UpdateView, View


async def new(visit: Visit) -> Response:
    """GET and POST /leads/views/new: what the list shows now, under a name."""
    shown = await listing.of(visit)
    error: Refusal | None = None
    if visit.request.method == "POST":
        wish = CreateView(
            name=visit.fields.get("name", ""), condition=simple(shown.where), search=shown.search or None, sort=shown.sort,
            descending=shown.descending, columns=[column.key for column in shown.columns], shared="shared" in visit.fields,
        )  # fmt: skip
        try:
            made: View = await visit.perform("crm.views.create", wish)
            return go(visit, f"/leads?view={made.id}")
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit, "view.html", _("Save this view"), act=_("Save the view"), back=shown.url(), values=visit.fields, error=error,
        lede=_("The filters, the order and the columns as they are now, one click away."), can_share=visit.may_write,
        told=words(simple(shown.where), await vocabulary(visit)), form=None, remove_url=None,
    )  # fmt: skip


async def edit(visit: Visit) -> Response:
    """GET and POST /leads/views/{view}: its name, its condition, and who sees it."""
    view = await _view(visit)
    known = await vocabulary(visit)
    condition, error = view.condition, None
    now = {"name": view.name, "shared": "on" if view.shared else ""}
    parts = [part(view.condition, known)]
    labels = {"name": _("Name"), "shared": _("Everybody in the organization sees this view")}
    clashes = await settle(visit, view.id, now, labels, shown={"shared": YES_NO}, parts=parts)
    values: dict[str, Any] = now | ({"shared": ""} | visit.fields if visit.request.method == "POST" else {})
    if visit.request.method == "POST" and not clashes:
        try:
            condition = parsed(visit.several, known)
            await visit.perform("crm.views.update", UpdateView(
                view_id=view.id, name=visit.fields.get("name", ""), condition=condition, shared="shared" in visit.fields,
                version=view.version,
            ))  # fmt: skip
            return go(visit, f"/leads?view={view.id}")
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit,
        "view.html",
        _("Change “%(name)s”") % {"name": view.name},
        act=_("Save the view"),
        back=f"/leads?view={view.id}",
        values=values,
        error=error,
        can_share=visit.may_write,
        told="",
        form=form(condition, known, visit.several),
        was=kept(now, parts),
        clashes=clashes,
        remove_url=f"/leads/views/{view.id}/remove",
    )


async def keep(visit: Visit) -> Response:
    """POST /leads/views/{view}/keep: the view takes the filters and the order that the list shows now."""
    view = await _view(visit)
    shown = await listing.of(visit)
    await visit.perform("crm.views.update", UpdateView(
        view_id=view.id, condition=simple(shown.where), search=shown.search or None, sort=shown.sort, descending=shown.descending,
    ))  # fmt: skip
    return go(visit, f"/leads?view={view.id}")


async def remove(visit: Visit) -> Response:
    """GET and POST /leads/views/{view}/remove."""
    view = await _view(visit)
    if visit.request.method == "POST":
        await visit.perform("crm.views.delete", DeleteView(view_id=view.id))
        return go(visit, "/leads")
    return await sheet(
        visit,
        "confirm.html",
        _("Remove the view “%(name)s”?") % {"name": view.name},
        act=_("Remove the view"),
        back=f"/leads?view={view.id}",
        values={},
        tone="danger",
        lede=_("The leads stay. Everybody who uses this view loses it.")
        if view.shared
        else _("The leads stay. You can save the view again at any time."),
    )


async def columns(visit: Visit) -> Response:
    """GET and POST /leads/columns: which columns, in which order; of a view that one may change, or of one's own list."""
    shown = await listing.of(visit)
    if visit.request.method == "POST":
        keys = [value for name, value in visit.several if name == "column" and value in shown.known]
        keys = [] if "usual" in visit.fields else ["name", *(key for key in keys if key != "name")]
        if shown.view is not None:
            await visit.perform("crm.views.update", UpdateView(view_id=shown.view.id, columns=keys))
            return go(visit, shown.url())
        answer = go(visit, shown.url())
        age = 31536000 if keys else 0
        answer.set_cookie(
            listing.memory(visit), listing.kept(keys), max_age=age, path="/leads", httponly=True, samesite="lax"
        )
        return answer
    chosen = [column.key for column in shown.columns]
    others = [key for key in shown.known if key not in chosen]
    return await sheet(
        visit, "columns.html", _("Columns"), act=_("Show these columns"), back=shown.url(), values={},
        lede=_("For the view “%(name)s”.") % {"name": shown.view.name} if shown.view else _("For your own list, on this device."),
        rows=[(shown.known[key], key in chosen) for key in (*chosen, *others)],
    )  # fmt: skip


async def narrow(visit: Visit) -> Response:
    """GET and POST /leads/filter, and of a board: a condition of any fields, which stands in the address from then on."""
    shown = await listing.of(visit)
    known = await vocabulary(visit)
    condition, error = shown.filters.more, None
    path = _back_to(visit)
    if visit.request.method == "POST":
        try:
            condition = simple(parsed(visit.several, known))
            extra = json.dumps(condition, ensure_ascii=False, separators=(",", ":")) if condition != {"all": []} else ""
            narrowed = Listing(shown.filters.but(extra=extra), shown.view, [], shown.sort, shown.descending, [], {})
            return go(visit, narrowed.url(path))
        except Invalid as refusal:
            error = refusal
    return await sheet(
        visit, "filter.html", _("Filter by any field"), act=_("Show these leads"), back=shown.url(path), values={}, error=error,
        form=form(condition, known, visit.several),
    )  # fmt: skip


def _back_to(visit: Visit) -> str:
    pipeline = as_uuid(visit.query.get("board"))
    return f"/board/{pipeline}" if pipeline else "/leads"


def simple(condition: Condition) -> Condition:
    """A condition without needless nesting: what `all` holds within `all` stands in one list."""
    if set(condition) != {"all"}:
        return condition
    parts: list[Condition] = []
    for each in condition["all"]:
        inner = simple(each) if isinstance(each, dict) else each
        parts += inner["all"] if isinstance(inner, dict) and set(inner) == {"all"} else [inner]
    return {"all": parts}


async def _view(visit: Visit) -> View:
    views: list[View] = await visit.perform("crm.views.list")
    found = next((view for view in views if str(view.id) == visit.path["view"].lower()), None)
    if found is None:
        raise NotFound("There is no such view.")
    return found
