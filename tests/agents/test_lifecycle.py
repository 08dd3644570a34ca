"""Agents come, hand over, retire, and are taken back; what they did is proved and can be undone. Spec A6."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from baton.kernel.values import utc_now
from tests.agents.desk import asked, policy, told
from tests.operations.cases_agents import _accept
from tests.team import Team


async def _quiet(team: Team) -> None:
    await team.do(team.ana, "crm.agents.setPlaybook", agentId=str(team.athena.id), rules=[])


async def test_a_purpose_and_a_supervisor(fresh: Team) -> None:
    """An agent's purpose and supervisor change; a person has neither, and an agent supervises nobody."""
    agent = str(fresh.marcus.id)
    changed = await fresh.do(
        fresh.ana, "crm.members.update", memberId=agent, purpose="Renewals", supervisorId=str(fresh.ben.id)
    )
    assert (changed.purpose, changed.supervisor_id) == ("Renewals", fresh.ben.id)
    for body in (
        {"memberId": agent, "supervisorId": str(fresh.athena.id)},
        {"memberId": str(fresh.ben.id), "supervisorId": str(fresh.ana.id)},
    ):
        with pytest.raises(Invalid):
            await fresh.do(fresh.ana, "crm.members.update", body)


async def test_hand_off_with_a_packet(fresh: Team) -> None:
    """Spec A6: agent to person and back; the packet stands on the timeline, the next step is scheduled, the person is told."""
    await _quiet(fresh)
    lead = await fresh.capture()
    await fresh.do(fresh.ana, "crm.leads.assign", leadId=str(lead.id), ownerId=str(fresh.marcus.id))
    packet = {"summary": "Wants a person.", "promises": ["A price by Friday"], "nextStep": "Call Jane", "dueIn": "2h"}
    given = await fresh.do(fresh.marcus, "crm.leads.handOff", {"leadId": str(lead.id)} | packet)
    assert given.owner_id == fresh.started.owner_id  # its supervisor
    handed = next(each for each in await fresh.log(lead.id) if each.kind == "handed_off")
    assert handed.payload["promises"] == ["A price by Friday"]
    assert handed.payload["packet"] == "Wants a person.\nPromised: A price by Friday\nNext: Call Jane"
    (task,) = (await fresh.do(fresh.ana, "crm.tasks.list", leadId=str(lead.id))).items
    assert (task.title, task.assignee_id) == ("Call Jane", fresh.started.owner_id)
    await fresh.run_due()
    async with fresh.db.transaction(fresh.org_id) as conn:
        notices = await conn.fetch(
            "SELECT title FROM notices WHERE org_id = $1 AND member_id = $2", fresh.org_id, fresh.started.owner_id
        )
    assert f"Marcus hands {lead.name} over to you" in [row["title"] for row in notices]
    back = {"leadId": str(lead.id), "toId": str(fresh.marcus.id), "summary": "Called. Yours again."}
    assert (await fresh.do(fresh.ben, "crm.leads.handOff", back)).owner_id == fresh.marcus.id
    with pytest.raises(Conflict, match="already"):
        await fresh.do(fresh.ben, "crm.leads.handOff", back)


@pytest.mark.parametrize("by_rule", [False, True])
async def test_retire_and_take_it_back(fresh: Team, by_rule: bool) -> None:
    """Its leads, tasks and waiting acts go; one undo brings leads, tasks and the agent back, paused."""
    await _quiet(fresh)
    await policy(fresh, {"operation": "crm.leads.logActivity", "decision": "ask"})
    leads = [await fresh.capture() for _ in range(3)]
    for lead in leads:
        await fresh.do(fresh.ana, "crm.leads.assign", leadId=str(lead.id), ownerId=str(fresh.marcus.id))
        await fresh.do(fresh.ana, "crm.leads.followUp", leadId=str(lead.id), dueIn="1h")
    held = await asked(fresh, "crm.leads.logActivity", leadId=str(leads[0].id), type="note", notes="n")
    to: dict[str, Any] = {"route": True} if by_rule else {"toId": str(fresh.ben.id)}
    gone = await fresh.do(fresh.ana, "crm.agents.retire", {"agentId": str(fresh.marcus.id)} | to)
    assert (gone.leads, gone.unrouted, gone.tasks) == (3, 0, 3)
    taker = fresh.started.owner_id if by_rule else fresh.ben.id
    for lead in leads:
        assert (await fresh.do(fresh.ana, "crm.leads.get", leadId=str(lead.id))).owner_id == taker
    tasks = (await fresh.do(fresh.ana, "crm.tasks.list", assigneeId=str(taker))).items
    assert len(tasks) == 3
    assert (await fresh.do(fresh.ana, "crm.approvals.get", approvalId=str(held.id))).status == "failed"
    with pytest.raises(Forbidden):
        await fresh.do(fresh.marcus, "crm.leads.addTags", leadId=str(leads[0].id), tags=["x"])
    with pytest.raises(Forbidden):
        await fresh.do(fresh.ben, "crm.operations.undo", operationId=str(gone.operation_id))
    await fresh.do(fresh.ana, "crm.operations.undo", operationId=str(gone.operation_id))
    for lead in leads:
        assert (await fresh.do(fresh.ana, "crm.leads.get", leadId=str(lead.id))).owner_id == fresh.marcus.id
    assert len((await fresh.do(fresh.ana, "crm.tasks.list", assigneeId=str(fresh.marcus.id))).items) == 3
    members = await fresh.do(fresh.ana, "crm.members.list")
    assert next(each.status for each in members if each.id == fresh.marcus.id) == "paused"


async def test_everything_since_two(fresh: Team) -> None:
    """Spec A6: the board stands as before, what others changed since is kept, and the history tells everything."""
    await _quiet(fresh)
    first, second = await fresh.capture(), await fresh.capture()
    await fresh.do(fresh.marcus, "crm.leads.addTags", leadId=str(first.id), tags=["before"])
    since = utc_now()
    for lead in (first, second):
        ref = {"leadId": str(lead.id)}
        await fresh.do(fresh.marcus, "crm.leads.setStatus", ref | {"status": "proposal"})
        await fresh.do(fresh.marcus, "crm.leads.addTags", ref | {"tags": ["hot"]})
        await fresh.do(fresh.marcus, "crm.leads.logActivity", ref | {"type": "note", "notes": "n"})
    await fresh.do(fresh.ben, "crm.leads.setStatus", leadId=str(second.id), status="negotiating")
    body = {"agentId": str(fresh.marcus.id), "since": since.isoformat()}
    done = await fresh.do(fresh.ben, "crm.agents.undoSince", body)
    assert (done.operations, done.impossible) == (6, 0)
    assert done.kept >= 3  # two notes, and the stage that Ben set
    one, two = [await fresh.do(fresh.ana, "crm.leads.get", leadId=str(lead.id)) for lead in (first, second)]
    assert (one.stage_id, one.tags) == (first.stage_id, ["before"])
    assert (two.status, two.tags) == ("negotiating", [])
    assert [kind for kind, _ in await told(fresh, first)].count("stage_changed") == 1
    with pytest.raises(NotFound):
        await fresh.do(
            fresh.ben, "crm.agents.undoSince", body | {"since": (utc_now() - timedelta(seconds=0)).isoformat()}
        )
    with pytest.raises(Forbidden):
        await fresh.do(fresh.athena, "crm.agents.undoSince", body)


async def test_autonomy_is_raised_on_evidence_by_a_person(fresh: Team) -> None:
    """Accepted, edited, rejected and undone shares; what is proposed a person accepts, and the agent then acts by itself."""
    await _quiet(fresh)
    body = await _accept(fresh)
    agent = next(m for m in await fresh.do(fresh.ana, "crm.members.list") if str(m.id) == body["agentId"])
    actor = type(fresh.marcus)(
        type="agent", org_id=fresh.org_id, role=agent.role, name=agent.name, id=agent.id, via="agent"
    )
    await policy(
        fresh,
        {"operation": "*", "condition": {"field": "score", "op": ">", "value": 99}, "decision": "never"},
        {"operation": "crm.leads.addTags", "decision": "ask"},
        agent=actor,
    )
    (proof,) = await fresh.do(fresh.ana, "crm.agents.evidence", agentId=body["agentId"])
    assert (proof.operation, proof.asked, proof.accepted_share, proof.proposed) == ("crm.leads.addTags", 25, 1.0, True)
    with pytest.raises(Conflict, match="does not propose"):
        await fresh.do(fresh.ana, "crm.agents.acceptProposal", body | {"operation": "crm.leads.assign"})
    rows = await fresh.do(fresh.ana, "crm.agents.acceptProposal", body)
    assert [(row.operation, row.decision) for row in rows] == [("*", "never"), ("crm.leads.addTags", "allow")]
    lead = await fresh.capture()
    await fresh.do(actor, "crm.leads.addTags", leadId=str(lead.id), tags=["x"])


async def test_two_agents_on_one_lead(fresh: Team) -> None:
    """Who read an older version does not write over the other: Conflict, and the second reads again."""
    await _quiet(fresh)
    lead = await fresh.capture()
    seen = (await fresh.do(fresh.ana, "crm.leads.get", leadId=str(lead.id))).version
    await fresh.do(fresh.athena, "crm.leads.setStatus", leadId=str(lead.id), status="qualified", version=seen)
    with pytest.raises(Conflict, match="changed since"):
        await fresh.do(fresh.marcus, "crm.leads.setStatus", leadId=str(lead.id), status="proposal", version=seen)
    assert isinstance(lead.id, UUID)
