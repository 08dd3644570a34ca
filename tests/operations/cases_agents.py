"""Cases of the operations on agents' policies, limits and approvals."""

import secrets
from uuid import uuid4

from baton.activities import kinds
from tests.operations.cases import Case, Input, _lead, _nothing, case, cases
from tests.team import Team


async def _marcus(team: Team) -> Input:
    return {"agentId": str(team.marcus.id)}


cases["crm.agents.policy"] = Case(_marcus)
cases["crm.agents.limits"] = Case(_marcus)
cases["crm.agents.refusals"] = Case(_marcus, foreign=False)
cases["crm.approvals.list"] = Case(_nothing, foreign=False)


@case("crm.agents.setPolicy", kinds.POLICY_CHANGED)
async def _policy(team: Team) -> Input:
    row = {"name": "Big ones", "operation": "crm.leads.disqualify", "decision": "ask"}
    return await _marcus(team) | {"rows": [row]}


@case("crm.agents.setLimits", kinds.LIMITS_CHANGED)
async def _limits(team: Team) -> Input:
    return await _marcus(team) | {"actionsPerDay": 100_000 + secrets.randbelow(1000)}


@case("crm.agents.noteRefusal", kinds.AGENT_REFUSED, foreign=False)
async def _refusal(team: Team) -> Input:
    return {"operation": f"crm.test.{secrets.token_hex(4)}", "code": "FORBIDDEN", "message": "No."}


@case("crm.approvals.request", kinds.APPROVAL_REQUESTED)
async def _request(team: Team) -> Input:
    note = await _lead(team) | {"type": "note", "notes": f"Hello {uuid4()}"}
    return {"operation": "crm.leads.logActivity", "input": note, "why": "It asks first."}


async def held(team: Team) -> Input:
    """An approval that waits."""
    made = await team.do(team.marcus, "crm.approvals.request", await _request(team))
    return {"approvalId": str(made.id)}


cases["crm.approvals.get"] = Case(held)
cases["crm.approvals.approve"] = Case(held, (kinds.APPROVAL_DECIDED,))


@case("crm.approvals.edit", kinds.APPROVAL_DECIDED)
async def _edit(team: Team) -> Input:
    return await held(team) | {"input": {"notes": "Other words."}}


@case("crm.approvals.reject", kinds.APPROVAL_DECIDED)
async def _reject(team: Team) -> Input:
    return await held(team) | {"reason": "Too early."}


@case("crm.approvals.close", kinds.APPROVAL_CLOSED)
async def _close(team: Team) -> Input:
    return await held(team) | {"status": "expired", "why": "Nobody decided in time."}


@case("crm.approvals.toDo", foreign=False)
async def _to_do(team: Team) -> Input:
    return await held(team)


@case("crm.agents.waitingRuns", foreign=False)
async def _waiting(team: Team) -> Input:
    return {"approvalIds": [(await held(team))["approvalId"]]}
