"""Settings → Fields: what the organization asks of its leads: types, options, order, index; and its tags. Spec A5."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.responses import JSONResponse, Response

from baton.doors.web.shell.amounts import number
from baton.doors.web.shell.language import Told, _, marked
from baton.doors.web.shell.late import late
from baton.doors.web.shell.render import done, page, redirect
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.stale import YES_NO, Clash, settle
from baton.doors.web.shell.visit import Visit
from baton.fields.define import CreateField, UpdateField
from baton.fields.definition import SLOTS, Definition
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from baton.kernel.explain import explained
from baton.leads.chunks import Changed
from baton.leads.index_field import IndexField, Indexing
from baton.leads.tags import RemoveTag, RenameTag, Tag

HERE, TAGS = "/settings/fields", "/settings/tags"
TYPES = Told(
    {
        "shortText": marked("Short text"),
        "longText": marked("Long text"),
        "integer": marked("Whole number"),
        "decimal": marked("Number"),
        "date": marked("Date"),
        "yesNo": marked("Yes or no"),
        "select": marked("One of a list"),
        "multiSelect": marked("Several of a list"),
        "url": marked("Web address"),
    }
)


async def show(visit: Visit) -> Response:
    """GET /settings/fields."""
    rows = [
        {"id": each.id, "label": each.label, "key": each.key, "type": TYPES[each.type], "options": ", ".join(each.options),
         "required": each.required, "indexed": each.indexed, "archived": each.archived_at is not None, "can_index": each.type in SLOTS}
        for each in await visit.definitions()
    ]  # fmt: skip
    return await page(
        visit, "fields.html", here=HERE, rows=[row for row in rows if not row["archived"]],
        archived=[row for row in rows if row["archived"]],
    )  # fmt: skip


async def new(visit: Visit) -> Response:
    """GET and POST /settings/fields/new."""
    _must_manage(visit)
    error: Refusal | None = None
    if visit.request.method == "POST":
        fields = visit.fields
        try:
            key = fields.get("key", "").strip()
            wish = {"label": fields.get("label", ""), "type": fields.get("type", ""), "options": _options(fields),
                    "required": "required" in fields} | ({"key": key} if key else {})  # fmt: skip
            made: Definition = await visit.perform("crm.fields.create", msgspec.convert(wish, CreateField))
            return done(visit, _("“%(label)s” can be filled in now.") % {"label": made.label}, HERE)
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
        except msgspec.ValidationError as refusal:
            error = explained(refusal, CreateField)
    return await _sheet(visit, None, visit.fields, error)


async def edit(visit: Visit) -> Response:
    """GET and POST /settings/fields/{field}: its label, its options, whether it is required; archived and indexed."""
    _must_manage(visit)
    field = await _field(visit)
    error: Refusal | None = None
    values: dict[str, Any] = {
        "label": field.label,
        "options": "\n".join(field.options),
        "required": "on" if field.required else "",
    }
    now = dict(values)
    labels = {"label": _("Name"), "required": _("Must be filled in")} | (
        {"options": _("Options")} if field.options else {}
    )
    clashes = await settle(visit, field.id, now, labels, shown={"required": YES_NO})
    if visit.request.method == "POST":
        values = {"required": ""} | visit.fields
    if visit.request.method == "POST" and not clashes:
        try:
            if "archive" in visit.fields or "restore" in visit.fields:
                await visit.perform(
                    "crm.fields.update", UpdateField(field_id=field.id, archived="archive" in visit.fields)
                )
                return done(
                    visit,
                    (_("“%(name)s” is archived.") if "archive" in visit.fields else _("“%(name)s” is back."))
                    % {"name": field.label},
                    HERE,
                )
            if "index" in visit.fields:
                await _index(visit, field)
                return done(
                    visit, f"“{field.label}” {_('has no index now') if field.indexed else _('is indexed')}.", HERE
                )
            change: dict[str, Any] = {
                "label": visit.fields.get("label", ""), "required": "required" in visit.fields, "version": field.version,
            }  # fmt: skip
            if field.options:
                change["options"] = _options(visit.fields)
            await visit.perform("crm.fields.update", UpdateField(field_id=field.id, **change))
            return done(visit, _("“%(what)s” is changed.") % {"what": change["label"]}, HERE)
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await _sheet(visit, field, values, error, now, clashes)


async def _index(visit: Visit, field: Definition) -> None:
    asked = IndexField(field_id=field.id, indexed=not field.indexed)
    while True:
        at: Indexing = await visit.perform("crm.fields.index", asked)
        if at.next_cursor is None:
            return
        asked = IndexField(field_id=field.id, cursor=at.next_cursor)


def _options(fields: dict[str, str]) -> list[str]:
    return [line.strip() for line in fields.get("options", "").splitlines() if line.strip()]


async def _sheet(
    visit: Visit, field: Definition | None, values: Any, error: Refusal | None, was: Mapping[str, Any] | None = None,
    clashes: Sequence[Clash] = (),
) -> Response:  # fmt: skip
    title = _("Change “%(label)s”") % {"label": field.label} if field else _("New field")
    return await sheet(
        visit,
        "field.html",
        title,
        act=_("Save") if field else _("Make the field"),
        back=HERE,
        values=values,
        error=error,
        here=HERE,
        was=was,
        clashes=clashes,
        field=field,
        types=list(TYPES.items()),
        can_index=field is not None and field.type in SLOTS,
        listed=field is None or bool(field.options),
        lede=_("%(what)s, kept as %(key)s.") % {"what": TYPES[field.type], "key": field.key} if field else "",
    )


async def order(visit: Visit) -> Response:
    """POST /settings/fields/order: all fields in their new order (`stageId`, as dragged lists send them), or one a place further."""
    _must_manage(visit)
    known = [each for each in await visit.definitions() if each.archived_at is None]
    wanted = [value for name, value in visit.several if name == "stageId"]
    if not wanted:
        ids = [str(each.id) for each in known]
        at = ids.index(visit.fields.get("field", "")) if visit.fields.get("field") in ids else 0
        to = max(0, min(len(ids) - 1, at + (-1 if visit.fields.get("way") == "up" else 1)))
        ids.insert(to, ids.pop(at))
        wanted = ids
    by_id = {str(each.id): each for each in known}
    for place, id in enumerate(wanted, start=1):
        if id in by_id and by_id[id].position != place:
            await visit.perform("crm.fields.update", UpdateField(field_id=by_id[id].id, position=place))
    if visit.wants_json:
        return JSONResponse({"words": _("The fields are in their new order.")})
    return redirect(HERE)


async def _field(visit: Visit) -> Definition:
    found = next((each for each in await visit.definitions() if str(each.id) == visit.path["field"].lower()), None)
    if found is None:
        raise NotFound("There is no such field in your organization.")
    return found


def _must_manage(visit: Visit) -> None:
    if not visit.may_manage:
        raise Forbidden("Only an admin defines fields.")


async def tags(visit: Visit) -> Response:
    """GET /settings/tags: those that leads carry, the most used first."""
    later, gap = await late(visit, 3000)
    found: list[Tag] = [] if later else await visit.perform("crm.tags.list")
    rows = [(each.tag, number(each.leads), _carrying(each.tag)) for each in found]
    return await page(visit, "tags.html", here=TAGS, rows=rows, later=later, gap=gap)


def _carrying(tag: str) -> str:
    """The list of the leads that carry a tag."""
    where = {"all": [{"field": "tags", "op": "has_any", "value": [tag]}]}
    return f"/leads?{urlencode({'where': msgspec.json.encode(where).decode()})}"


async def tag(visit: Visit) -> Response:
    """GET and POST /settings/tags/edit?tag=: renamed, or taken off every lead."""
    if not visit.may_write:
        raise Forbidden("Viewers read; they change nothing.")
    name = visit.query.get("tag", "")
    error: Refusal | None = None
    if visit.request.method == "POST":
        try:
            changed, first = 0, None
            operation, cursor = None, None
            while True:
                asked: Any = (
                    RemoveTag(tag=name, operation_id=operation, cursor=cursor)
                    if "remove" in visit.fields
                    else RenameTag(tag=name, to=visit.fields.get("to", ""), operation_id=operation, cursor=cursor)
                )
                verb = "crm.tags.remove" if "remove" in visit.fields else "crm.tags.rename"
                at: Changed = await visit.perform(verb, asked)
                changed, operation, cursor, first = (
                    changed + at.changed,
                    at.operation_id,
                    at.next_cursor,
                    at.operation_id,
                )
                if cursor is None:
                    break
            visit.undo = first
            leads = _("1 lead") if changed == 1 else _("%(changed)s leads") % {"changed": number(changed)}
            words = (
                _("“%(name)s” is off %(leads)s.") % {"name": name, "leads": leads}
                if "remove" in visit.fields
                else _("“%(name)s” is renamed on %(leads)s.") % {"name": name, "leads": leads}
            )
            return done(visit, words, TAGS)
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit,
        "tag.html",
        _("The tag “%(name)s”") % {"name": name},
        act=_("Rename"),
        back=TAGS,
        values={"to": name} | visit.fields,
        error=error,
        here=TAGS,
    )
