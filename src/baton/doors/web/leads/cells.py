"""Editing a lead's fact where it stands in the list: a cell becomes a field, and a cell again."""

from typing import Any

import msgspec
from starlette.responses import Response

from baton.doors.web.leads import columns as catalogue
from baton.doors.web.leads.custom import Control, control, value_of
from baton.doors.web.leads.facts import parsed, raw_money
from baton.doors.web.leads.filters import named
from baton.doors.web.shell.language import _, told
from baton.doors.web.shell.render import fragment, redirect, trigger
from baton.doors.web.shell.show import SOURCES
from baton.doors.web.shell.stale import Clash, writer
from baton.doors.web.shell.visit import Visit
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
    for again in (True, False):
        lead, column = await _of(visit)
        clash = await _clash(visit, lead, column)
        if clash is not None:
            return await _field(visit, lead, column, clash=clash)
        try:
            after = await _set(visit, lead, column)
            break
        except Conflict as error:
            if not again:  # the first time somebody was quicker between reading and writing: was it at this very fact?
                return await _field(visit, lead, column, wrong=told(error.message))
        except Invalid as error:
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


async def _clash(visit: Visit, lead: Lead, column: catalogue.Column) -> Clash | None:
    """Another hand changed this very fact while it stood open here, and to something else."""
    field = await _control(visit, lead, column)
    now, was, mine = field.raw, visit.fields.get("was"), _written(visit)
    if was is None or was == now or mine == now:
        return None
    if mine == was:
        visit.fields["value"] = now
        visit.several = [("value", each) for each in (field.chosen or [now])]
        return None
    words = dict(field.options)
    who = await writer(visit, lead.id, "fields" if column.key.startswith("field.") else column.key)
    return Clash("value", _(column.label), who, words.get(now, now), words.get(mine, mine), now)


def _written(visit: Visit) -> str:
    return ", ".join(value.strip() for name, value in visit.several if name == "value")


async def _field(
    visit: Visit, lead: Lead, column: catalogue.Column, *, wrong: str | None = None, clash: Clash | None = None
) -> Response:
    field = await _control(visit, lead, column)
    was = field.raw
    if wrong or clash:
        field.value = visit.fields.get("value", field.value)
        field.chosen = [value for name, value in visit.several if name == "value"]
    return fragment(
        visit, "leads/field.html", field=field, was=was, label=_(column.label), key=column.key, wrong=wrong, clash=clash,
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
        moved: Lead = await visit.perform(
            "crm.leads.moveStage", MoveStage(lead_id=str(lead.id), stage_id=text, version=lead.version)
        )
        return moved
    if column.key == "ownerId":
        given: Lead = await visit.perform(
            "crm.leads.assign", Assign(lead_id=str(lead.id), owner_id=text or None, version=lead.version)
        )
        return given
    if column.key.startswith("field."):
        definition = next(d for d in await visit.definitions() if d.key == column.key[6:])
        new: dict[str, Any] = {"fields": {definition.key: value_of(definition, visit.several)}}
    else:
        new = parsed(column.key, {"value": text}, lead.currency)
        new.pop("currency", None)
    try:
        wish = msgspec.convert({"leadId": str(lead.id), "version": lead.version} | new, EditLead)
    except msgspec.ValidationError as error:
        raise explained(error, EditLead) from None
    edited: Lead = await visit.perform("crm.leads.update", wish)
    return edited
