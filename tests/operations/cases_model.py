"""Cases of the model of a lead: custom fields, tags, views, segments, search, bulk edits and exchange rates."""

import secrets

from baton.activities import kinds
from tests.operations.cases import Case, Input, _lead, _nothing, case, cases
from tests.team import Team

for _name in ("crm.fields.list", "crm.tags.list", "crm.views.list", "crm.segments.list", "crm.organization.rates"):
    cases[_name] = Case(_nothing, foreign=False)


@case("crm.search", foreign=False)
async def _search(team: Team) -> Input:
    await team.capture()
    return {"query": "smith"}


@case("crm.fields.create", kinds.CUSTOM_FIELD_CREATED, foreign=False)
async def _field(team: Team) -> Input:
    return {"label": "Size of the fleet", "type": "integer", "key": f"fleet_{secrets.token_hex(4)}"}


async def _field_id(team: Team) -> Input:
    made = await team.do(team.ana, "crm.fields.create", await _field(team))
    return {"fieldId": str(made.id)}


@case("crm.fields.update", kinds.CUSTOM_FIELD_CHANGED)
async def _update_field(team: Team) -> Input:
    return await _field_id(team) | {"label": "Trucks", "position": 1}


async def _indexable(team: Team) -> Input:
    """A field of a type that has an index to give: the tests of a run share one organization, and take theirs back."""
    async with team.db.transaction(team.org_id) as conn:
        taken = await conn.fetch("SELECT id FROM field_definitions WHERE org_id = $1 AND slot IS NOT NULL", team.org_id)
    for field in taken:
        await team.do(team.ana, "crm.fields.index", fieldId=str(field["id"]), indexed=False)
    return await _field_id(team)


cases["crm.fields.index"] = Case(_indexable, (kinds.CUSTOM_FIELD_CHANGED,))
cases["crm.fields.archive"] = Case(_field_id, (kinds.CUSTOM_FIELD_CHANGED,))


@case("crm.leads.addTags", kinds.FIELD_UPDATED)
async def _add_tags(team: Team) -> Input:
    return await _lead(team) | {"tags": ["priority"]}


async def _tagged(team: Team) -> Input:
    tag = f"tag {secrets.token_hex(4)}"
    lead = await _lead(team)
    await team.do(team.ben, "crm.leads.addTags", lead | {"tags": [tag]})
    return lead | {"tags": [tag]}


cases["crm.leads.removeTags"] = Case(_tagged, (kinds.FIELD_UPDATED,))


@case("crm.tags.rename", kinds.FIELD_UPDATED)
async def _rename(team: Team) -> Input:
    return {"tag": (await _tagged(team))["tags"][0], "to": "renamed"}


@case("crm.tags.remove", kinds.FIELD_UPDATED)
async def _remove(team: Team) -> Input:
    return {"tag": (await _tagged(team))["tags"][0]}


@case("crm.views.create", kinds.VIEW_CREATED, foreign=False)
async def _view(team: Team) -> Input:
    condition = {"field": "score", "op": ">=", "value": 40}
    return {"name": "Warm", "condition": condition, "sort": "score", "columns": ["name", "score"]}


async def _view_id(team: Team) -> Input:
    made = await team.do(team.vera, "crm.views.create", await _view(team))
    return {"viewId": str(made.id)}


@case("crm.views.update", kinds.VIEW_CHANGED)
async def _update_view(team: Team) -> Input:
    return await _view_id(team) | {"name": "Warm and hot"}


cases["crm.views.delete"] = Case(_view_id, (kinds.VIEW_REMOVED,))


@case("crm.segments.create", kinds.SEGMENT_CREATED)
async def _segment(team: Team) -> Input:
    return {"name": "Summit 2026", "leadIds": [(await _lead(team))["leadId"]]}


async def _segment_id(team: Team) -> Input:
    made = await team.do(team.ben, "crm.segments.create", await _segment(team))
    return {"segmentId": str(made.id)}


cases["crm.segments.get"] = Case(_segment_id)
cases["crm.segments.delete"] = Case(_segment_id, (kinds.SEGMENT_REMOVED,))


@case("crm.segments.update", kinds.SEGMENT_CHANGED)
async def _update_segment(team: Team) -> Input:
    return await _segment_id(team) | {"name": "Summit", "addLeadIds": [(await _lead(team))["leadId"]]}


@case("crm.leads.bulkUpdate", kinds.FIELD_UPDATED, kinds.STAGE_CHANGED, kinds.ASSIGNMENT_CHANGED)
async def _bulk(team: Team) -> Input:
    leads = [(await _lead(team))["leadId"], (await _lead(team))["leadId"]]
    return {
        "leadIds": leads,
        "set": {"title": "CEO"},
        "ownerId": str(team.ben.id),
        "status": "proposal",
        "addTags": ["EU"],
    }


@case("crm.organization.setRates", kinds.ORGANIZATION_CHANGED, foreign=False)
async def _rates(team: Team) -> Input:
    return {"rates": {"EUR": 1.08, "JPY": 0.0067}}
