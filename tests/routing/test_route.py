"""Who gets a lead: turns, shares, capacity, working hours; tried before it is done, and why her. Spec C4."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from baton.kernel.errors import Invalid, NotFound
from baton.kernel.perform import perform
from tests.team import Team

TUESDAY_NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
SUNDAY = datetime(2026, 3, 8, 12, tzinfo=UTC)


async def rule(team: Team, *pool: Any, **fields: Any) -> None:
    """One rule for everything, with a pool."""
    given = {"name": "Everyone", "pool": [str(actor.id) for actor in pool]} | fields
    await team.do(team.ana, "crm.routing.setRules", rules=[given])


async def leads(team: Team, many: int, **fields: Any) -> list[Any]:
    return [await team.do(team.ben, "crm.leads.create", {"lastName": f"Rey {i}"} | fields) for i in range(many)]


async def route_all(team: Team, made: list[Any], when: datetime = TUESDAY_NOON) -> Any:
    body = {"pipelineId": str(made[0].pipeline_id)}
    return await perform(team.db, team.ben, "crm.pipelines.routeUnassigned", body, now=when)


async def test_a_pool_of_people_and_agents_takes_turns(fresh: Team) -> None:
    """Spec C4: round robin, in the order of the pool."""
    await rule(fresh, fresh.ben, fresh.marcus, fresh.ana)
    made = await leads(fresh, 4)
    found = await route_all(fresh, made)
    assert [one.owner_id for one in found.leads] == [fresh.ben.id, fresh.marcus.id, fresh.ana.id, fresh.ben.id]
    assert [one.lead_id for one in found.leads] == [lead.id for lead in made]


async def test_shares_say_who_takes_how_many(fresh: Team) -> None:
    """Spec C4."""
    await rule(fresh, fresh.ben, fresh.marcus, shares=[1, 3])
    owners = [one.owner_id for one in (await route_all(fresh, await leads(fresh, 8))).leads]
    assert (owners.count(fresh.ben.id), owners.count(fresh.marcus.id)) == (2, 6)
    for shares in ([1], [0, 1], [1, 101]):
        with pytest.raises(Invalid):
            await rule(fresh, fresh.ben, fresh.marcus, shares=shares)


async def test_who_is_full_is_passed_over_and_the_timeline_says_so(fresh: Team) -> None:
    """Spec C4: capacity; "why her" is in the activity."""
    await fresh.do(fresh.ana, "crm.members.update", memberId=str(fresh.ben.id), capacity=1)
    await rule(fresh, fresh.ben, fresh.marcus)
    made = await leads(fresh, 3)
    assert [one.owner_id for one in (await route_all(fresh, made)).leads] == [
        fresh.ben.id,
        fresh.marcus.id,
        fresh.marcus.id,
    ]
    told = next(a for a in await fresh.log(made[2].id) if a.kind == "assignment_changed")
    assert told.reason == "Rule “Everyone”. Marcus has 2 of 60 leads. Passed over: Ben Okafor has 1 of 1 leads."
    assert told.payload["passedOver"] == [{"name": "Ben Okafor", "why": "has 1 of 1 leads"}]


async def test_who_is_not_working_is_passed_over_where_the_rule_says_so(fresh: Team) -> None:
    """Spec C4: working hours, each in their own time zone; a rule without them asks nobody's clock."""
    around = {"days": [1, 2, 3, 4, 5, 6, 7], "from": "00:00", "to": "23:59"}
    await fresh.do(fresh.ana, "crm.members.update", memberId=str(fresh.marcus.id), workingHours=around)
    await rule(fresh, fresh.ben, fresh.marcus, workingHours=True)
    first, second, third, fourth = await leads(fresh, 4)
    (sunday,) = [await perform(fresh.db, fresh.ana, "crm.leads.route", {"leadId": str(first.id)}, now=SUNDAY)]
    assert (sunday.owner_id, "Ben Okafor is outside working hours" in sunday.reason) == (fresh.marcus.id, True)
    noon = await perform(fresh.db, fresh.ana, "crm.leads.route", {"leadId": str(second.id)}, now=TUESDAY_NOON)
    assert noon.owner_id == fresh.ben.id
    await rule(fresh, fresh.ben, workingHours=True)
    nobody = await perform(fresh.db, fresh.ana, "crm.leads.route", {"leadId": str(third.id)}, now=SUNDAY)
    assert (nobody.owner_id, nobody.reason) == (None, "No room in: Everyone (Ben Okafor is outside working hours).")
    await rule(fresh, fresh.ben)
    anyway = await perform(fresh.db, fresh.ana, "crm.leads.route", {"leadId": str(fourth.id)}, now=SUNDAY)
    assert anyway.owner_id == fresh.ben.id


async def test_who_comes_back_is_not_flooded(fresh: Team) -> None:
    """Spec C4: turns missed are not made up for."""
    await rule(fresh, fresh.ben, fresh.marcus)
    await fresh.do(fresh.ana, "crm.members.update", memberId=str(fresh.ben.id), status="paused")
    await route_all(fresh, await leads(fresh, 6))
    await fresh.do(fresh.ana, "crm.members.update", memberId=str(fresh.ben.id), status="active")
    later = TUESDAY_NOON + timedelta(days=1)
    owners = [one.owner_id for one in (await route_all(fresh, await leads(fresh, 4), later)).leads]
    assert (owners.count(fresh.ben.id), owners.count(fresh.marcus.id)) == (2, 2)


async def test_a_dry_run_says_who_and_why_and_writes_nothing(fresh: Team) -> None:
    """Spec C4: what it says is what then happens."""
    await fresh.do(fresh.ana, "crm.members.update", memberId=str(fresh.ben.id), capacity=2)
    await rule(fresh, fresh.ben, fresh.marcus, condition={"field": "source", "op": "!=", "value": "other"})
    made = [*await leads(fresh, 5, source="event"), *await leads(fresh, 1)]
    body = {"pipelineId": str(made[0].pipeline_id)}
    tried = await perform(fresh.db, fresh.ben, "crm.routing.dryRun", body, now=TUESDAY_NOON)
    assert (tried.routed, tried.unrouted, tried.leads[5].reason) == (5, 1, "No rule fits this lead.")
    assert [len(await fresh.log(lead.id)) for lead in made] == [2] * 6, "only their creation and score"
    assert await route_all(fresh, made) == tried
    owned = await fresh.do(fresh.ben, "crm.routing.dryRun", leadIds=[str(made[0].id)])
    assert owned.leads[0].reason == "It has an owner already."
    anew = await fresh.do(fresh.ben, "crm.routing.dryRun", leadIds=[str(made[0].id)], anew=True)
    assert anew.leads[0].owner_id == fresh.marcus.id
    with pytest.raises(Invalid):
        await fresh.do(fresh.ben, "crm.routing.dryRun")


async def test_a_dry_run_tries_no_foreign_leads(fresh: Team, carla: Team) -> None:
    """Attack: a lead of another organization does not exist."""
    (mine,), (theirs,) = await leads(fresh, 1), await leads(carla, 1)
    with pytest.raises(NotFound):
        await fresh.do(fresh.ben, "crm.routing.dryRun", leadIds=[str(mine.id), str(theirs.id)])


@pytest.mark.parametrize("many", [1, 12])
async def test_routing_asks_no_more_for_more_leads(fresh: Team, many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dry run of a pipeline is at most seven statements, however many leads wait."""
    asked: list[str] = []
    made = await leads(fresh, many)
    from baton.kernel.db import Tx

    for name in ("fetch", "fetchrow", "fetchval", "execute"):
        real = getattr(Tx, name)

        async def counted(tx: Tx, sql: str, *args: Any, real: Any = real) -> Any:
            asked.append(sql)
            return await real(tx, sql, *args)

        monkeypatch.setattr(Tx, name, counted)
    tried = await fresh.do(fresh.ben, "crm.routing.dryRun", pipelineId=str(made[0].pipeline_id))
    assert len(tried.leads) == many
    assert len(asked) <= 7
