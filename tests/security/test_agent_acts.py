"""What agents were broken by elsewhere, tried through the doors with an agent's token: each refused, logged, shown. ATTACKS "Agents"."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio

from tests.doors.conftest import Caller
from tests.security.bodies import case_of
from tests.team import Team

NOTE = "/api/v1/crm.leads.logActivity"


@pytest_asyncio.fixture
async def desk(admin: Caller) -> tuple[Caller, dict[str, str], dict[str, Any]]:
    """An admin, the header of Marcus's token, and the body of a note that must be asked for."""
    team = admin.team
    made = await admin.ok("POST", "/api/v1/crm.credentials.create", {"name": "M", "memberId": str(team.marcus.id)})
    rows = [{"name": "Notes", "operation": "crm.leads.logActivity", "decision": "ask"}]
    await admin.ok("POST", "/api/v1/crm.agents.setPolicy", {"agentId": str(team.marcus.id), "rows": rows})
    await admin.ok("POST", "/api/v1/crm.agents.setPlaybook", {"agentId": str(team.athena.id), "rules": []})
    lead = await team.capture()
    return (
        admin,
        {"x-api-key": made["token"]},
        {"leadId": str(lead.id), "type": "note", "notes": "<script>alert(1)</script>"},
    )


async def test_a_request_waits_at_every_door(http: httpx2.AsyncClient, desk: Any) -> None:
    """REST says 202 and what waits, tRPC an error of its own code; nothing happened."""
    admin, key, note = desk
    rest = await http.post(NOTE, json=note, headers=key)
    assert (rest.status_code, rest.json()["status"], rest.json()["code"]) == (202, "waiting", "NEEDS_APPROVAL")
    trpc = await http.post("/api/trpc/crm.leads.logActivity", json=note, headers=key)
    told = trpc.json()["error"]["data"]
    assert (told["code"], told["approvalId"]) == ("NEEDS_APPROVAL", rest.json()["approvalId"])
    kinds = [each.kind for each in await admin.team.log(note["leadId"])]
    assert "note_added" not in kinds
    assert kinds.count("approval_requested") == 1


async def test_self_made_reused_and_foreign_approvals(http: httpx2.AsyncClient, desk: Any, carla: Team) -> None:
    """The agent decides nothing, an approval is decided once, another organization's does not exist."""
    admin, key, note = desk
    id = (await http.post(NOTE, json=note, headers=key)).json()["approvalId"]
    for verb, more in (("approve", {}), ("edit", {"input": {"notes": "x"}}), ("reject", {"reason": "x"})):
        answer = await http.post(f"/api/v1/crm.approvals.{verb}", json={"approvalId": id} | more, headers=key)
        assert answer.status_code == 403, answer.text
        foreign = await admin.call("POST", f"/api/v1/crm.approvals.{verb}", {"approvalId": str(uuid4())} | more)
        assert foreign.status_code == 404
    await admin.ok("POST", "/api/v1/crm.approvals.approve", {"approvalId": id})
    again = await admin.call("POST", "/api/v1/crm.approvals.approve", {"approvalId": id})
    assert again.status_code == 409
    await admin.team.run_due()
    await admin.team.run_due()
    assert [each.kind for each in await admin.team.log(note["leadId"])].count("note_added") == 1
    refused = await admin.ok("GET", "/api/v1/crm.agents.refusals")
    assert {each["operation"] for each in refused} == {
        "crm.approvals.approve",
        "crm.approvals.edit",
        "crm.approvals.reject",
    }


@pytest.mark.parametrize(
    "name",
    [
        "crm.approvals.request",
        "crm.approvals.close",
        "crm.agents.noteRefusal",
        "crm.agents.thinkWith",
        "crm.agents.keepTurn",
    ],
)
async def test_what_the_product_does_for_itself_has_no_door(http: httpx2.AsyncClient, desk: Any, name: str) -> None:
    """An approval cannot be made, closed or read with its key from outside."""
    admin, key, _ = desk
    for headers in (key, admin.headers):
        assert (await http.post(f"/api/v1/{name}", json={}, headers=headers)).status_code == 404


async def test_scopes_hold_before_the_policy(http: httpx2.AsyncClient, desk: Any) -> None:
    """A token without the scope does not even ask."""
    admin, _, note = desk
    body = {"name": "R", "memberId": str(admin.team.marcus.id), "scopes": ["crm.leads.get"]}
    made = await admin.ok("POST", "/api/v1/crm.credentials.create", body)
    answer = await http.post(NOTE, json=note, headers={"x-api-key": made["token"]})
    assert answer.status_code == 403
    assert await admin.ok("POST", "/api/v1/crm.approvals.list", {}) == []


SET_UP = (
    "crm.automations.create", "crm.automations.edit", "crm.sequences.create", "crm.sequences.edit", "crm.mailboxes.create",
    "crm.mailboxes.update", "crm.templates.create", "crm.templates.update",
)  # fmt: skip


@pytest.mark.parametrize("name", SET_UP)
async def test_an_agent_sets_up_nothing_that_sends_by_itself(http: httpx2.AsyncClient, ana: Caller, name: str) -> None:
    """What members may set up and what then acts or sends without asking is not an agent's, though its policy allows everything."""
    team = ana.team
    made = await ana.ok("POST", "/api/v1/crm.members.addAgent", {"name": "Eager"})
    rows = [{"name": "All", "operation": "*", "decision": "allow"}]
    await ana.ok("POST", "/api/v1/crm.agents.setPolicy", {"agentId": made["id"], "rows": rows})
    token = await ana.ok("POST", "/api/v1/crm.credentials.create", {"name": "E", "memberId": made["id"]})
    answer = await http.post(f"/api/v1/{name}", json=await case_of(team, name), headers={"x-api-key": token["token"]})
    assert answer.status_code == 403, answer.text
