"""What an agent may do: the first row that fits decides, of the lead before and after; limits hold to the last act. Spec A6."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from baton.kernel.errors import BatonError, Forbidden, Invalid, NeedsApproval, TooMany
from baton.kernel.perform import perform
from tests.agents.desk import asked, policy, stage
from tests.team import Team

BIG = {"field": "valueCents", "op": ">", "value": 5_000_000}


async def test_move_to_proposal_asks_above_a_value_by_whichever_way(fresh: Team) -> None:
    """Spec A6: one row about the effect holds for moving, setting the status and qualifying on; small leads move freely."""
    small, big = await fresh.capture(), await fresh.capture()
    await fresh.do(fresh.ana, "crm.leads.update", leadId=str(big.id), valueCents=6_000_000)
    proposal = await stage(fresh, big, "proposal")
    where = {"all": [{"field": "stageId", "op": "=", "value": str(proposal.id)}, BIG]}
    await policy(fresh, {"operation": "stage_changed", "condition": where, "decision": "ask"})
    await fresh.do(fresh.marcus, "crm.leads.moveStage", leadId=str(small.id), stageId=str(proposal.id))
    ways: tuple[tuple[str, dict[str, Any]], ...] = (
        ("crm.leads.moveStage", {"stageId": str(proposal.id)}),
        ("crm.leads.setStatus", {"status": "proposal"}),
    )
    for name, fields in ways:
        held = await asked(fresh, name, leadId=str(big.id), **fields)
        assert (held.status, held.value_cents, held.operation) == ("waiting", 6_000_000, name)
    bulk: dict[str, Any] = {"leadIds": [str(small.id), str(big.id)], "stageId": str(proposal.id)}
    assert (await asked(fresh, "crm.leads.bulkUpdate", **bulk)).lead_id is None
    now = await fresh.do(fresh.ana, "crm.leads.get", leadId=str(big.id))
    assert now.stage_id == big.stage_id


async def test_a_value_that_is_lowered_first_does_not_help(fresh: Team) -> None:
    """ATTACKS "one large act split into small ones": the row looks at the lead before and after each act."""
    big = await fresh.capture()
    await fresh.do(fresh.ana, "crm.leads.update", leadId=str(big.id), valueCents=6_000_000)
    await policy(fresh, {"operation": "*", "condition": BIG, "decision": "never"})
    for value in (100, 7_000_000):
        with pytest.raises(Forbidden, match="never"):
            await fresh.do(fresh.marcus, "crm.leads.update", leadId=str(big.id), valueCents=value)
    small = await fresh.capture()
    with pytest.raises(Forbidden, match="never"):
        await fresh.do(fresh.marcus, "crm.leads.update", leadId=str(small.id), valueCents=7_000_000)


async def test_rows_may_name_what_is_asked_for(fresh: Team) -> None:
    """A condition over the input, a stage named by its external id as well; the first row that fits decides."""
    lead = await fresh.capture()
    proposal = await stage(fresh, lead, "proposal")
    await fresh.do(fresh.ana, "crm.pipelines.updateStage", stageId=str(proposal.id), externalId="the-proposal")
    where = {"field": "input.stageId", "op": "=", "value": str(proposal.id)}
    await policy(
        fresh,
        {"operation": "crm.leads.moveStage", "condition": where, "decision": "never"},
        {"operation": "crm.leads.*", "decision": "allow"},
    )
    with pytest.raises(Forbidden):
        await fresh.do(fresh.marcus, "crm.leads.moveStage", leadId=str(lead.id), stageId="the-proposal")
    await fresh.do(fresh.marcus, "crm.leads.logActivity", leadId=str(lead.id), type="note", notes="Read it.")


@pytest.mark.parametrize(
    "row",
    [
        {"operation": "os.system"},
        {"operation": "crm.nothing.*"},
        {"operation": "*", "condition": {"field": "input.nothing", "op": "=", "value": "x"}},
        {"operation": "*", "condition": {"field": "input.x') OR true --", "op": "=", "value": "x"}},
        {"operation": "*", "name": " "},
    ],
)
async def test_a_row_that_cannot_work_is_refused(team: Team, row: dict[str, Any]) -> None:
    """A policy is checked when it is set, not when it is needed."""
    with pytest.raises(Invalid):
        await policy(team, {"decision": "ask"} | row)


async def test_500_small_acts_end_exactly_at_the_limit(fresh: Team) -> None:
    """ATTACKS: many at once do not slip under one limit; what is refused has not happened, and is shown."""
    lead = await fresh.capture()
    await fresh.do(fresh.ana, "crm.agents.setLimits", agentId=str(fresh.marcus.id), actionsPerDay=40)

    async def note(n: int) -> bool:
        try:
            await fresh.do(fresh.marcus, "crm.leads.logActivity", leadId=str(lead.id), type="note", notes=f"n{n}")
        except TooMany:
            return False
        return True

    done = await asyncio.gather(*(note(n) for n in range(500)))
    assert sum(done) == 40
    notes = [a for a in await fresh.log(lead.id) if a.kind == "note_added"]
    assert len(notes) == 40
    limits = await fresh.do(fresh.ana, "crm.agents.limits", agentId=str(fresh.marcus.id))
    assert limits.used["actions"] == 40
    (refused,) = await fresh.do(fresh.ana, "crm.agents.refusals", agentId=str(fresh.marcus.id))
    assert (refused.code, refused.times) == ("TOO_MANY_REQUESTS", 460)


async def test_a_day_is_the_agents_own_and_a_bulk_act_counts_each_lead(fresh: Team) -> None:
    """The limit begins anew at midnight where the agent works; one act on three leads counts three."""
    ids = [str((await fresh.capture()).id) for _ in range(3)]
    agent = str(fresh.marcus.id)
    await fresh.do(fresh.ana, "crm.members.update", memberId=agent, timeZone="Asia/Tokyo")
    await fresh.do(fresh.ana, "crm.agents.setLimits", agentId=agent, actionsPerDay=4)
    body = {"leadIds": ids, "addTags": ["seen"]}
    evening = datetime(2026, 11, 20, 14, 59, tzinfo=UTC)  # one minute to midnight in Tokyo
    await perform(fresh.db, fresh.marcus, "crm.leads.bulkUpdate", body, now=evening)
    with pytest.raises(TooMany):
        await perform(fresh.db, fresh.marcus, "crm.leads.bulkUpdate", body | {"addTags": ["more"]}, now=evening)
    morning = datetime(2026, 11, 20, 15, 1, tzinfo=UTC)
    await perform(fresh.db, fresh.marcus, "crm.leads.bulkUpdate", body | {"addTags": ["more"]}, now=morning)


async def test_the_largest_value_holds_in_every_currency(fresh: Team) -> None:
    """A lead worth more than the agent may touch is not touched; one in a currency without a rate neither."""
    lead = await fresh.capture()
    await fresh.do(fresh.ana, "crm.agents.setLimits", agentId=str(fresh.marcus.id), largestValueCents=1_000_00)
    note = {"leadId": str(lead.id), "type": "note", "notes": "n"}
    for cents, currency in ((1_000_01, "USD"), (1, "EUR"), (900_00, "EUR")):
        await fresh.do(fresh.ana, "crm.leads.update", leadId=str(lead.id), valueCents=cents, currency=currency)
        if cents == 900_00:
            await fresh.do(fresh.ana, "crm.organization.setRates", rates={"EUR": 1.2})
        with pytest.raises(Forbidden, match="value"):
            await fresh.do(fresh.marcus, "crm.leads.logActivity", note)
    await fresh.do(fresh.ana, "crm.leads.update", leadId=str(lead.id), valueCents=800_00)
    await fresh.do(fresh.marcus, "crm.leads.logActivity", note)


async def test_what_was_refused_leaves_one_trace_a_day(fresh: Team, carla: Team) -> None:
    """ATTACKS: each attempt is refused, logged and shown to the supervisor, and attempts cannot fill the log."""
    theirs = await carla.capture()
    mine = await fresh.capture()
    for _ in range(5):
        for name, fields in (
            ("crm.leads.moveStage", {"leadId": str(theirs.id), "stageId": str(theirs.stage_id)}),
            ("crm.agents.setPolicy", {"agentId": str(fresh.marcus.id), "rows": []}),
            ("crm.agents.setLimits", {"agentId": str(fresh.marcus.id)}),
            ("crm.members.update", {"memberId": str(fresh.marcus.id), "role": "admin"}),
            ("crm.leads.delete", {"leadId": str(mine.id)}),
        ):
            with pytest.raises(BatonError) as refused:
                await fresh.do(fresh.marcus, name, fields)
            assert not isinstance(refused.value, NeedsApproval)
    kept = await fresh.do(fresh.ana, "crm.agents.refusals", agentId=str(fresh.marcus.id))
    assert sorted((each.operation, each.times) for each in kept) == sorted(
        (name, 5)
        for name in (
            "crm.leads.moveStage",
            "crm.agents.setPolicy",
            "crm.agents.setLimits",
            "crm.members.update",
            "crm.leads.delete",
        )
    )
    async with fresh.db.transaction(fresh.org_id) as conn:
        told = await conn.fetchval(
            "SELECT count(*) FROM activities WHERE org_id = $1 AND kind = 'agent_refused'", fresh.org_id
        )
    assert told == 5


async def test_no_policy_lets_an_agent_administer(fresh: Team) -> None:
    """Whatever a policy says, and even with an admin's role, administration is never an agent's."""

    import msgspec

    from baton.kernel.actor import Role

    await policy(fresh, {"operation": "*", "decision": "allow"})
    raised = msgspec.structs.replace(fresh.marcus, role=Role.ADMIN)
    for name, fields in (
        ("crm.agents.setPolicy", {"agentId": str(fresh.marcus.id), "rows": []}),
        ("crm.pipelines.create", {"name": "Mine", "stages": [{"name": "New"}]}),
        ("crm.scoring.setBands", {"high": 90, "medium": 10}),
    ):
        with pytest.raises(Forbidden):
            await fresh.do(raised, name, fields)
