"""Document C's enrichment routes and webhooks, at the doors for programs. Spec C1, C8, C9."""

import httpx2

from baton.jobs import lanes
from tests.doors.conftest import Caller, caller
from tests.enrichment.world import World
from tests.team import Team


async def test_document_cs_enrichment_routes(http: httpx2.AsyncClient, stranger: Caller, fresh: Team) -> None:
    """Spec C1: enrich, batch, auto, status, under both prefixes; another organization finds nothing."""
    team, ana, ben = fresh, await caller(http, fresh, "ana"), await caller(http, fresh, "ben")
    world = World()
    server = await world.listen()
    world.say("GET /v1", {"industry": "Shipping"})
    config = {"url": world.url + "/v1?d={domain}", "mapping": {"industry": "industry"}}
    provider = await ana.ok(
        "POST", "/api/v1/crm.enrichment.setProvider", {"kind": "http", "name": "Facts", "config": config}
    )
    lead, second = await team.capture(), await team.capture()
    made = await ben.call("POST", f"/crm/leads/enrich/{lead.id}", {"provider": provider["id"]})
    assert made.status_code == 202
    assert made.json()["status"] == "waiting"
    batch = await ben.ok("POST", "/api/crm/leads/enrich/batch", [str(lead.id), str(second.id)])
    assert batch["queued"] == 2
    auto = await ana.ok("POST", "/api/crm/leads/enrich/auto", {"filter": {"source": "partner"}, "enabled": False})
    assert auto["where"] == {"all": [{"field": "source", "op": "=", "value": "partner"}]}
    refused = await ben.call("POST", "/api/crm/leads/enrich/auto", {"filter": {"source": "partner"}})
    assert refused.status_code == 403
    await lanes.step(team.db, only=team.org_id)
    for id in (made.json()["id"], lead.id):
        status = await ben.ok("GET", f"/api/crm/leads/enrichment/status/{id}")
        assert (status["leadId"], status["cause"]) == (str(lead.id), "request" if id != lead.id else "batch")
        assert status["status"] in ("done", "nothing")
        assert (await stranger.call("GET", f"/api/crm/leads/enrichment/status/{id}")).status_code == 404
    page = await ben.ok("GET", f"/api/crm/leads/activities/{lead.id}")
    assert "contact_enriched" in {activity["kind"] for activity in page["activities"]}
    assert (await ben.ok("GET", f"/api/crm/leads/detail/{lead.id}"))["industry"] == "Shipping"
    await ana.ok("POST", "/api/v1/crm.enrichment.removeProvider", {"providerId": provider["id"]})
    server.close()


async def test_webhooks_over_rest(ana: Caller, ben: Caller, stranger: Caller) -> None:
    """Spec B9: webhooks are an admin's; the secret is told once; a private address is a problem, not a call."""
    hook = {"url": "https://hooks.example.com/x", "events": ["lead.stage_changed"]}
    assert (await ben.call("POST", "/api/v1/crm.webhooks.create", hook)).status_code == 403
    made = await ana.ok("POST", "/api/v1/crm.webhooks.create", hook)
    assert made["secret"].startswith("whsec_")
    listed = await ana.call("GET", "/api/v1/crm.webhooks.list")
    assert made["id"] in listed.text
    assert "whsec_" not in listed.text
    assert "secret" not in listed.json()[0]
    for id in (made["id"], "00000000-0000-7000-8000-000000000000"):
        foreign = await stranger.call("POST", "/api/v1/crm.webhooks.delete", {"webhookId": id})
        assert (foreign.status_code, foreign.json()["detail"]) == (
            404,
            "There is no such webhook in your organization.",
        )
    inside = await ana.call("POST", "/api/v1/crm.webhooks.create", hook | {"url": "https://169.254.169.254/latest"})
    assert inside.status_code == 400
    assert inside.json()["field"] == "url"
    await ana.ok("POST", "/api/v1/crm.webhooks.delete", {"webhookId": made["id"]})
