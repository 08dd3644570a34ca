"""Cases of the operations on agents' policies, limits and approvals."""

import secrets
from uuid import UUID, uuid4

from baton.activities import kinds
from baton.kernel.values import utc_now
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


@case("crm.approvals.asking")
async def _asking(team: Team) -> Input:
    return {"pipelineId": str((await team.capture()).pipeline_id)}


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


cases["crm.agents.evidence"] = Case(_marcus)


@case("crm.leads.handOff", kinds.HANDED_OFF, kinds.TASK_CREATED)
async def _hand_off(team: Team) -> Input:
    packet = {"summary": "They want a call.", "promises": ["A price by Friday"], "nextStep": "Call", "dueIn": "2h"}
    return await _lead(team) | {"toId": str(team.ana.id)} | packet


async def _agent(team: Team) -> str:
    made = await team.do(team.ana, "crm.members.addAgent", {"name": f"Agent {secrets.token_hex(3)}"})
    return str(made.id)


@case("crm.agents.retire", kinds.AGENT_RETIRED, kinds.MEMBER_REMOVED)
async def _retire(team: Team) -> Input:
    return {"agentId": await _agent(team), "toId": str(team.ben.id)}


@case("crm.agents.undoSince", kinds.UNDONE)
async def _undo_since(team: Team) -> Input:
    lead = await _lead(team)
    began = utc_now()
    await team.do(team.athena, "crm.leads.setStatus", lead | {"status": "proposal"})
    return {"agentId": str(team.athena.id), "since": began.isoformat()}


@case("crm.agents.acceptProposal", kinds.POLICY_CHANGED)
async def _accept(team: Team) -> Input:
    agent = await _agent(team)
    async with team.db.transaction(team.org_id) as conn:
        await conn.execute(
            """INSERT INTO approvals (org_id, id, agent_id, operation, input, summary, why, asked, status, created_at, expires_at)
               SELECT $1, gen_random_uuid(), $2, 'crm.leads.addTags', '{}', 's', 'w', convert_to(n::text, 'UTF8'), 'done', now(), now()
                 FROM generate_series(1, 25) n""",
            team.org_id, UUID(agent),
        )  # fmt: skip
    return {"agentId": agent, "operation": "crm.leads.addTags"}


async def _thinker(team: Team) -> str:
    """A model agent with its model."""
    made = await team.do(
        team.ana, "crm.members.addAgent", {"name": f"Thinker {secrets.token_hex(3)}", "agentKind": "model"}
    )
    await team.do(
        team.ana, "crm.agents.setModel", {"agentId": str(made.id), "model": "openai:gpt-5", "key": "sk-secret"}
    )
    return str(made.id)


async def _thinking(team: Team) -> Input:
    return {"agentId": await _thinker(team)}


cases["crm.agents.model"] = Case(_thinking)
cases["crm.agents.thinkWith"] = Case(_thinking)


@case("crm.agents.setModel", kinds.MODEL_CHANGED)
async def _set_model(team: Team) -> Input:
    return await _thinking(team) | {"model": "anthropic:claude", "tools": ["crm.leads.get"]}


async def _own_run(team: Team) -> Input:
    """A run of Marcus."""
    lead = await team.capture()
    rule = {"name": "R", "trigger": "lead_imported", "steps": [{"operation": "crm.leads.score"}]}
    await team.do(team.ana, "crm.agents.setPlaybook", {"agentId": str(team.marcus.id), "rules": [rule]})
    plan = {"kind": "lead_imported", "activityIds": [str((await team.log(lead.id))[0].id)]}
    runs = await team.do(team.athena, "crm.agents.planRuns", plan)
    await team.do(team.ana, "crm.agents.setPlaybook", {"agentId": str(team.marcus.id), "rules": []})
    mine = next(run for run in runs if run.agent_id == team.marcus.id)
    return {"runId": str(mine.id), "step": 0}


@case("crm.agents.keepTurn", kinds.AGENT_THOUGHT)
async def _turn(team: Team) -> Input:
    return await _own_run(team) | {"position": 0, "message": "{}", "model": "m", "tokens": 5, "micros": 7}


@case("crm.agents.turns", foreign=False)
async def _turns(team: Team) -> Input:
    return await _own_run(team)


@case("crm.agents.mayThink", foreign=False)
async def _may(team: Team) -> Input:
    return await _own_run(team)
