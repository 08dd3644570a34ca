"""Editing a lead's fact where it stands in the list: a cell becomes a field, and a cell again."""

from typing import Any

import msgspec
from starlette.responses import Response

from baton.doors.web import columns as catalogue
from baton.doors.web.custom import Control, control, value_of
from baton.doors.web.facts import parsed, raw_money
from baton.doors.web.filters import named
from baton.doors.web.language import _, told
from baton.doors.web.render import fragment, redirect, trigger
from baton.doors.web.show import SOURCES
from baton.doors.web.visit import Visit
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from baton.kernel.explain import explained
from baton.leads.assign import Assign
from baton.leads.edit import EditLead
from baton.leads.find import GetLead
from baton.leads.lead import Lead
from baton.leads.move import MoveStage


async def show(visit: Visit) -> Response:
    """GET /leads/{lead}/cell/{key}: the cell as a field, or with `rest` as it is."""
    lead, column = await _of(visit)
    if "rest" in visit.query or not visit.may_write:
        return await _rest(visit, lead, column)
    return await _field(visit, lead, column)


async def save(visit: Visit) -> Response:
    """POST /leads/{lead}/cell/{key}: the fact, then the cell as it is now."""
    if not visit.may_write:
        raise Forbidden("Viewers read; they change nothing.")
    lead, column = await _of(visit)
    try:
        after = await _set(visit, lead, column)
    except (Invalid, Conflict) as error:
        return await _field(visit, lead, column, wrong=told(error.message))
    if not visit.from_htmx:
        return redirect("/leads")
    answer = await _rest(visit, after, column)
    if after.version != lead.version:
        words = _("%(label)s of %(name)s is changed.") % {"label": _(column.label), "name": after.name}
        answer.headers.update(trigger("toast", words=words, undo=str(visit.operation_id)))
    return answer


async def _of(visit: Visit) -> tuple[Lead, catalogue.Column]:
    lead: Lead = await visit.perform("crm.leads.get", GetLead(lead_id=visit.path["lead"]))
    column = catalogue.every(await visit.definitions()).get(visit.path["key"])
    if column is None or column.fact is None:
        raise NotFound("There is no such fact to edit.")
    return lead, column


async def _rest(visit: Visit, lead: Lead, column: catalogue.Column) -> Response:
    cell = catalogue.cell(lead, column, await catalogue.reader(visit))
    return fragment(visit, "leads/cell.html", cell=cell, lead={"id": lead.id, "name": lead.name})


async def _field(visit: Visit, lead: Lead, column: catalogue.Column, *, wrong: str | None = None) -> Response:
    field = await _control(visit, lead, column)
    if wrong:
        field.value = visit.fields.get("value", field.value)
    return fragment(
        visit, "leads/field.html", field=field, label=_(column.label), key=column.key, wrong=wrong,
        lead={"id": lead.id, "name": lead.name, "version": lead.version},
    )  # fmt: skip


async def _control(visit: Visit, lead: Lead, column: catalogue.Column) -> Control:
    """The control that suits a fact."""
    match column.key:
        case "stageId":
            pipeline = next((p for p in await visit.pipelines() if p.id == lead.pipeline_id), None)
            stages = pipeline.stages if pipeline else []
            return Control("select", str(lead.stage_id), [(str(stage.id), stage.name) for stage in stages])
        case "ownerId":
            return Control("select", str(lead.owner_id or ""), [("", _("Nobody")), *named(await visit.members())])
        case "source":
            return Control("select", lead.source, list(SOURCES.items()))
        case "valueCents":
            return Control("text", raw_money(lead))
        case "expectedCloseDate":
            return Control("date", lead.expected_close_date.isoformat() if lead.expected_close_date else "")
        case "tags":
            return Control("text", ", ".join(lead.tags))
        case "name":
            return Control("text", lead.name)
    if column.key.startswith("field."):
        definition = next(d for d in await visit.definitions() if d.key == column.key[6:])
        return control(definition, lead.fields.get(definition.key))
    name = dict(zip(Lead.__struct_encode_fields__, Lead.__struct_fields__, strict=True))[column.key]
    value = getattr(lead, name)
    return Control("text", "" if value is None else str(value))


async def _set(visit: Visit, lead: Lead, column: catalogue.Column) -> Lead:
    text = visit.fields.get("value", "").strip()
    if column.key == "stageId":
        if text == str(lead.stage_id):
            return lead
        moved: Lead = await visit.perform("crm.leads.moveStage", MoveStage(lead_id=str(lead.id), stage_id=text))
        return moved
    if column.key == "ownerId":
        given: Lead = await visit.perform("crm.leads.assign", Assign(lead_id=str(lead.id), owner_id=text or None))
        return given
    if column.key.startswith("field."):
        definition = next(d for d in await visit.definitions() if d.key == column.key[6:])
        new: dict[str, Any] = {"fields": {definition.key: value_of(definition, visit.several)}}
    else:
        new = parsed(column.key, {"value": text}, lead.currency)
        new.pop("currency", None)
    try:
        wish = msgspec.convert({"leadId": str(lead.id)} | new, EditLead)
    except msgspec.ValidationError as error:
        raise explained(error, EditLead) from None
    edited: Lead = await visit.perform("crm.leads.update", wish)
    return edited
