"""Cases of the operations on pipelines, stages, contacts, imports and document C's bodies."""

import secrets

from baton.activities import kinds
from tests.operations.cases import Case, Input, _lead, _nothing, _pipeline, case, cases
from tests.team import Team

cases["crm.pipelines.listRouted"] = Case(_nothing, foreign=False)
cases["crm.leads.pipelineSummary"] = Case(_pipeline)
cases["crm.pipelines.getRouted"] = Case(_pipeline)


@case("crm.leads.list")
async def _page(team: Team) -> Input:
    lead = await team.capture()
    return {"stageId": str(lead.stage_id), "status": "new", "limit": 10}


async def _own_pipeline(team: Team) -> Input:
    stages = [{"name": "New"}, {"name": "Talking"}, {"name": "Signed", "probability": 100, "terminal": True}]
    made = await team.do(team.ana, "crm.pipelines.create", {"name": "Partners", "stages": stages})
    return {"pipelineId": str(made.id), "stages": [str(stage.id) for stage in made.stages]}


@case("crm.pipelines.update", kinds.PIPELINE_CHANGED)
async def _update(team: Team) -> Input:
    return {"pipelineId": (await _own_pipeline(team))["pipelineId"], "name": "Resellers"}


@case("crm.pipelines.delete", kinds.PIPELINE_REMOVED)
async def _delete(team: Team) -> Input:
    return {"pipelineId": (await _own_pipeline(team))["pipelineId"]}


@case("crm.pipelines.addStage", kinds.STAGE_CREATED)
async def _add_stage(team: Team) -> Input:
    return {"pipelineId": (await _own_pipeline(team))["pipelineId"], "name": "Contract sent", "probability": 70}


@case("crm.pipelines.updateStage", kinds.STAGE_UPDATED)
async def _update_stage(team: Team) -> Input:
    own = await _own_pipeline(team)
    return {"stageId": own["stages"][1], "name": "In talks", "slaDays": 5}


@case("crm.pipelines.removeStage", kinds.STAGE_REMOVED)
async def _remove_stage(team: Team) -> Input:
    own = await _own_pipeline(team)
    return {"stageId": own["stages"][1]}


@case("crm.pipelines.reorderStages", kinds.STAGES_REORDERED)
async def _reorder(team: Team) -> Input:
    own = await _own_pipeline(team)
    first, second, third = own["stages"]
    return {"pipelineId": own["pipelineId"], "stageIds": [second, first, third]}


@case("crm.pipelines.createRouted", kinds.PIPELINE_CREATED, foreign=False)
async def _create_routed(team: Team) -> Input:
    stages = [{"name": "Discovery", "probability": 10}, {"name": "Closed Won", "probability": 100, "terminal": True}]
    rules = [{"stage": "Discovery", "assignTo": str(team.ben.id)}]
    return {"name": "Enterprise Deals", "type": "opportunity", "stages": stages, "routingRules": rules}


@case("crm.pipelines.updateRouted", kinds.PIPELINE_CHANGED)
async def _update_routed(team: Team) -> Input:
    return {"pipelineId": (await _own_pipeline(team))["pipelineId"], "name": "Resellers"}


@case("crm.leads.movePipeline", kinds.PIPELINE_MOVED)
async def _move_pipeline(team: Team) -> Input:
    own = await _own_pipeline(team)
    return await _lead(team) | {"pipelineId": own["pipelineId"], "reason": "A partner, not a customer."}


@case("crm.contacts.create", kinds.CONTACT_CREATED, foreign=False)
async def _contact(team: Team) -> Input:
    return {"firstName": "Kofi", "lastName": "Mensah", "email": f"kofi.{secrets.token_hex(4)}@sahel.example"}


@case("crm.contacts.get")
async def _get_contact(team: Team) -> Input:
    return {"contactId": str((await team.capture()).contact_id)}


@case("crm.leads.createDetail", kinds.LEAD_IMPORTED, kinds.LEAD_SCORED)
async def _create_detail(team: Team) -> Input:
    lead = await team.capture()
    return {"contactId": str(lead.contact_id), "value": 25000, "currency": "USD", "owner": str(team.ben.id)}


@case("crm.leads.updateDetail", kinds.FIELD_UPDATED)
async def _update_detail(team: Team) -> Input:
    return await _lead(team) | {"value": 12500.5, "title": "CFO"}
