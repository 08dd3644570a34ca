"""Cases of webhooks and enrichment."""

import secrets

from baton.activities import kinds
from tests.operations.cases import Case, Input, case, cases
from tests.team import Team

cases["crm.webhooks.list"] = Case(lambda team: _nothing(team), foreign=False)


async def _nothing(team: Team) -> Input:
    return {}


async def _room(team: Team, listed: str, remove: str, field: str) -> None:
    """An organization has only so many: the tests of a run share one, and make room."""
    found = await team.do(team.ana, listed)
    if len(found) >= 15:
        for one in found:
            await team.do(team.ana, remove, {field: str(one.id)})


async def _webhook(team: Team) -> Input:
    await _room(team, "crm.webhooks.list", "crm.webhooks.delete", "webhookId")
    made = await team.do(team.ana, "crm.webhooks.create", url="https://127.0.0.1:9/baton")
    await team.do(team.ana, "crm.webhooks.update", webhookId=str(made.id), description="For the shop")
    return {"webhookId": str(made.id)}


async def _delivery(team: Team) -> Input:
    made = await team.do(team.ana, "crm.webhooks.test", await _webhook(team))
    return {"deliveryId": str(made.id)}


cases["crm.webhooks.deliveries"] = Case(_webhook)
cases["crm.webhooks.delivery"] = Case(_delivery)
cases["crm.webhooks.delete"] = Case(_webhook, (kinds.WEBHOOK_REMOVED,))
cases["crm.webhooks.rotateSecret"] = Case(_webhook, (kinds.WEBHOOK_ROTATED,))
cases["crm.webhooks.test"] = Case(_webhook, (kinds.WEBHOOK_TESTED,))
cases["crm.webhooks.replay"] = Case(_delivery, (kinds.WEBHOOK_REPLAYED,))


@case("crm.webhooks.create", kinds.WEBHOOK_CREATED, foreign=False)
async def _create(team: Team) -> Input:
    await _room(team, "crm.webhooks.list", "crm.webhooks.delete", "webhookId")
    return {"url": "https://127.0.0.1:9/baton", "events": ["lead.*", "task.completed"]}


@case("crm.webhooks.update", kinds.WEBHOOK_CHANGED)
async def _update(team: Team) -> Input:
    return await _webhook(team) | {"events": ["lead.stage_changed"], "status": "disabled"}


@case("crm.webhooks.disable", kinds.WEBHOOK_DISABLED)
async def _disable(team: Team) -> Input:
    return await _webhook(team) | {"why": "It does not answer."}


for _name in ("crm.enrichment.providers", "crm.enrichment.rules", "crm.enrichment.runs"):
    cases[_name] = Case(_nothing, foreign=False)


async def _lead(team: Team) -> Input:
    return {"leadId": str((await team.capture()).id)}


async def _provider(team: Team) -> Input:
    await _room(team, "crm.enrichment.providers", "crm.enrichment.removeProvider", "providerId")
    config = {"url": "https://127.0.0.1:9/v1?email={email}", "mapping": {"industry": "industry"}}
    body = {"kind": "http", "name": "Facts", "config": config, "secret": "k"}
    made = await team.do(team.ana, "crm.enrichment.setProvider", body)
    return {"providerId": str(made.id)}


cases["crm.leads.enrich"] = Case(_lead, (kinds.ENRICHMENT_REQUESTED,))
cases["crm.enrichment.removeProvider"] = Case(_provider, (kinds.ENRICHMENT_CHANGED,))


@case("crm.enrichment.setProvider", kinds.ENRICHMENT_CHANGED)
async def _set_provider(team: Team) -> Input:
    return await _provider(team) | {"kind": "http", "name": "Facts", "config": {"url": "https://127.0.0.1:9/"}}


@case("crm.leads.enrichBatch", kinds.ENRICHMENT_REQUESTED)
async def _batch(team: Team) -> Input:
    return {"leadIds": [str((await team.capture()).id), str((await team.capture()).id)]}


@case("crm.leads.enrichAuto", kinds.ENRICHMENT_CHANGED)
async def _auto(team: Team) -> Input:
    return await _provider(team) | {"where": {"field": "source", "op": "=", "value": "event"}, "enabled": False}


@case("crm.leads.enrichmentStatus")
async def _status(team: Team) -> Input:
    run = await team.do(team.ben, "crm.leads.enrich", await _lead(team))
    return {"id": str(run.id)}


@case("crm.leads.fill", kinds.CONTACT_ENRICHED)
async def _fill(team: Team) -> Input:
    run = await team.do(team.ben, "crm.leads.enrich", lead := await _lead(team))
    return lead | {"runId": str(run.id), "provider": "Facts", "values": {"industry": "Logistics"}}


@case("crm.leads.searchAtProvider", kinds.LEADS_SEARCHED)
async def _search(team: Team) -> Input:
    return await _provider(team) | {"query": {"what": "HVAC", "where": "Anaheim"}}


@case("crm.leads.addFound", kinds.LEAD_IMPORTED, kinds.LEADS_SEARCHED)
async def _add_found(team: Team) -> Input:
    pipelines = await team.do(team.ana, "crm.pipelines.list")
    mark = secrets.token_hex(6)
    place = {"title": f"Cool Air {mark} Ltd", "placeId": mark, "phone": f"(714) 555-{secrets.randbelow(9000) + 1000}"}
    return {"items": [place], "pipelineId": str(pipelines[0].id)}
