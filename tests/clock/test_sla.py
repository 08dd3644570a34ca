"""How long leads may stay: working days and holidays, near and late, once each a stay, and what follows. Spec A6, B2, B7."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from baton.accounts.calendar import Calendar, Holiday, OnMissed
from baton.accounts.hours import WorkingHours
from baton.jobs import lanes
from baton.kernel.perform import perform
from baton.leads.stay import Stay, moments
from tests.team import Team


def calendar(zone: str = "Europe/Berlin", *holidays: Holiday, near: int = 80) -> Calendar:
    hours = WorkingHours(days=(1, 2, 3, 4, 5), from_="09:00", to="17:00")
    return Calendar(
        working_hours=hours, holidays=list(holidays), time_zone=zone, near_percent=near, on_missed=OnMissed(), version=1
    )


CHRISTMAS = Holiday(date=date(2020, 12, 25), name="Christmas", yearly=True)
THANKSGIVING = Holiday(date=date(2020, 11, 26), name="Thanksgiving", rule="FREQ=YEARLY;BYMONTH=11;BYDAY=4TH")


@pytest.mark.parametrize(
    ("entered", "days", "holidays", "due"),
    [
        ("2026-11-17T13:00:00Z", 3, (), "2026-11-20T13:00:00Z"),  # Tuesday to Friday
        ("2026-11-19T13:00:00Z", 3, (), "2026-11-24T13:00:00Z"),  # over a weekend
        ("2026-11-21T13:00:00Z", 1, (), "2026-11-23T16:00:00Z"),  # on a Saturday it counts from Monday's opening
        ("2026-12-23T13:00:00Z", 2, (CHRISTMAS,), "2026-12-28T13:00:00Z"),
        ("2026-11-25T13:00:00Z", 1, (THANKSGIVING,), "2026-11-27T13:00:00Z"),
        ("2027-03-26T13:00:00Z", 1, (), "2027-03-29T12:00:00Z"),  # summer begins on the weekend: 14:00 stays 14:00
        ("2027-10-29T12:00:00Z", 1, (), "2027-11-01T13:00:00Z"),  # and ends
    ],
)
def test_days_are_working_days(entered: str, days: int, holidays: tuple[Holiday, ...], due: str) -> None:
    """B2: slaDays are working days of the organization, whatever the clocks do."""
    found, _ = moments(Stay(None, datetime.fromisoformat(entered), days), calendar("Europe/Berlin", *holidays))  # type: ignore[arg-type]
    assert found == datetime.fromisoformat(due)


def test_the_end_is_near_after_its_share_of_the_working_time() -> None:
    stay = Stay(None, datetime(2026, 11, 16, 8, tzinfo=UTC), 5)  # type: ignore[arg-type]
    due, near = moments(stay, calendar(near=80))
    assert (due, near) == (datetime(2026, 11, 20, 16, tzinfo=UTC), datetime(2026, 11, 19, 16, tzinfo=UTC))


NOW = datetime(2026, 11, 16, 10, 0, tzinfo=UTC)  # a Monday


async def in_stage(team: Team, days: int | None = 5, *, owner: Any = None, now: datetime = NOW) -> Any:
    """A lead that entered a stage with so many days at a moment."""
    lead = await team.capture()
    await team.run_due()  # what agents do with a new lead is done
    if owner is not None:
        await team.do(owner, "crm.leads.assign", leadId=str(lead.id), ownerId=str(owner.id))
    stage = (await team.do(team.ana, "crm.pipelines.list"))[0].stages[2]
    await team.do(team.ana, "crm.pipelines.updateStage", stageId=str(stage.id), slaDays=days)
    return await perform(
        team.db, team.ana, "crm.leads.moveStage", {"leadId": str(lead.id), "stageId": str(stage.id)}, now=now
    )


async def card(team: Team, lead: Any, now: datetime) -> Any:
    column = await perform(team.db, team.ben, "crm.leads.boardColumn", {"stageId": str(lead.stage_id)}, now=now)
    return next(each for each in column.cards if each.id == lead.id)


async def kinds_of(team: Team, lead: Any) -> list[str]:
    return [a.kind for a in await team.log(lead.id) if a.kind.startswith("sla_")]


async def test_near_and_late_are_told_once_a_stay_and_shown_on_the_board(fresh: Team) -> None:
    """A6, B7: near at 80 % of five days, late after them, each once, however often and late the clock looks."""
    lead = await in_stage(fresh, owner=fresh.ben)
    shown = await card(fresh, lead, NOW)
    assert (shown.sla, shown.sla_due_at) == (None, NOW + timedelta(days=7))
    steps: tuple[tuple[int, list[str], str | None], ...] = (
        (2, [], None),
        (3, [], None),
        (4, ["sla_near"], "near"),
        (5, ["sla_near"], "near"),
        (7, ["sla_near", "sla_missed"], "late"),
    )
    for days, kinds, sla in steps:
        now = NOW + timedelta(days=days)
        for _ in range(2):
            await lanes.step(fresh.db, now=now, only=fresh.org_id)
        assert await kinds_of(fresh, lead) == kinds, days
        assert (await card(fresh, lead, now)).sla == sla
    for jump in (timedelta(), timedelta(days=400), timedelta(days=2)):
        await lanes.step(fresh.db, now=NOW + jump, only=fresh.org_id)
    assert len(await kinds_of(fresh, lead)) == 2, "a clock that jumps tells nothing twice"
    await fresh.run_due()
    found = await fresh.do(fresh.ben, "crm.notifications.list")
    assert {"sla_near", "sla_missed"} <= {each.event for each in found.items if each.lead_id == lead.id}


async def test_who_slept_over_it_is_told_that_it_is_late_and_not_that_it_is_near(fresh: Team) -> None:
    lead = await in_stage(fresh)
    await lanes.step(fresh.db, now=NOW + timedelta(days=30), only=fresh.org_id)
    assert await kinds_of(fresh, lead) == ["sla_missed"]


async def test_a_lead_that_leaves_in_time_is_not_told_of(fresh: Team) -> None:
    """B7: the stay ends with the move; closed and deleted leads are never late."""
    gone, closed, deleted = [await in_stage(fresh) for _ in range(3)]
    first = (await fresh.do(fresh.ana, "crm.pipelines.list"))[0].stages[0]
    await fresh.do(fresh.ana, "crm.leads.moveStage", leadId=str(gone.id), stageId=str(first.id))
    await fresh.do(fresh.ana, "crm.leads.setStatus", leadId=str(closed.id), status="won")
    await fresh.do(fresh.ana, "crm.leads.delete", leadId=str(deleted.id))
    await lanes.step(fresh.db, now=NOW + timedelta(days=30), only=fresh.org_id)
    assert [await kinds_of(fresh, lead) for lead in (gone, closed)] == [[], []]
    async with fresh.db.transaction(fresh.org_id) as conn:
        rows = await conn.fetch(
            "SELECT sla_due_at FROM leads WHERE org_id = $1 AND id = ANY ($2)", fresh.org_id, [gone.id, closed.id]
        )
    assert [row["sla_due_at"] for row in rows] == [None, None]


async def test_a_lead_that_begins_in_such_a_stage_is_counted_too(fresh: Team) -> None:
    """B2: made in the stage, by hand or by a file."""
    stage = (await fresh.do(fresh.ana, "crm.pipelines.list"))[0].stages[1]
    await fresh.do(fresh.ana, "crm.pipelines.updateStage", stageId=str(stage.id), slaDays=1)
    made = await perform(
        fresh.db, fresh.ben, "crm.leads.create", {"lastName": "Zhang", "stageId": str(stage.id)}, now=NOW
    )
    assert (await card(fresh, made, NOW)).sla_due_at == NOW + timedelta(days=1)


async def test_a_change_of_the_days_or_the_calendar_counts_anew(fresh: Team) -> None:
    """B2, B7: what was told of a stay stays told; a lead that gets more time is late no more on the board."""
    lead = await in_stage(fresh, 1)
    late = NOW + timedelta(days=2)
    await lanes.step(fresh.db, now=late, only=fresh.org_id)
    assert (await card(fresh, lead, late)).sla == "late"
    await fresh.do(fresh.ana, "crm.pipelines.updateStage", stageId=str(lead.stage_id), slaDays=3)
    await fresh.run_due()
    assert (await card(fresh, lead, late)).sla_due_at == NOW + timedelta(days=3)
    holidays = [{"date": "2026-11-17", "name": "Company day"}]
    await fresh.do(fresh.ana, "crm.sla.setSettings", holidays=holidays)
    await fresh.run_due()
    shown = await card(fresh, lead, late)
    assert (shown.sla_due_at, shown.sla) == (NOW + timedelta(days=4), None)
    await fresh.do(fresh.ana, "crm.organization.update", timeZone="Asia/Tokyo")
    await fresh.run_due()
    assert (await card(fresh, lead, late)).sla_due_at != shown.sla_due_at
    assert await kinds_of(fresh, lead) == ["sla_missed"]
    await fresh.do(fresh.ana, "crm.pipelines.updateStage", stageId=str(lead.stage_id), slaDays=None)
    await fresh.run_due()
    assert (await card(fresh, lead, late)).sla_due_at is None


async def test_what_follows_is_configured_by_stage(fresh: Team) -> None:
    """B7: another owner by the routing rules, a task, and who is told; done once, however often the job comes."""
    lead = await in_stage(fresh, 1, owner=fresh.ben)
    await fresh.do(
        fresh.ana, "crm.routing.setRules", rules=[{"name": "Everyone", "pool": [str(fresh.ben.id), str(fresh.ana.id)]}]
    )
    wish = {"tell": ["admins"], "reassign": True, "task": True}
    await fresh.do(fresh.ana, "crm.sla.setStage", stageId=str(lead.stage_id), onMissed=wish)
    await lanes.step(fresh.db, now=NOW + timedelta(days=2), only=fresh.org_id)
    await fresh.run_due()
    after = await fresh.do(fresh.ana, "crm.leads.get", leadId=str(lead.id))
    assert after.owner_id == fresh.ana.id
    found = (await fresh.do(fresh.ana, "crm.tasks.list", leadId=str(lead.id))).items
    (task,) = [each for each in found if "is late in" in each.title]
    assert task.assignee_id == fresh.ana.id
    told = {
        actor.name: [n.event for n in (await fresh.do(actor, "crm.notifications.list")).items]
        for actor in (fresh.ana, fresh.ben)
    }
    assert "sla_missed" in told["Ana Duarte"]
    assert "sla_missed" not in told["Ben Okafor"]


async def test_leads_are_found_by_when_they_are_late(fresh: Team) -> None:
    """A10: a condition on slaDueAt, wherever conditions are asked: lists, the past, and the scoring of new leads."""
    lead = await in_stage(fresh, 1)
    where = {"field": "slaDueAt", "op": "<", "value": (NOW + timedelta(days=3)).isoformat()}
    found = await fresh.do(fresh.ben, "crm.leads.find", where=where)
    assert [each.id for each in found.items] == [lead.id]
    await fresh.do(fresh.ben, "crm.leads.board", where=where, asOf=lead.last_activity_at.isoformat())
    rule = {"name": "late", "condition": where, "points": 10}
    await fresh.do(
        fresh.ana, "crm.scoring.setRules", factors=[{"key": "s", "label": "Stay", "maxPoints": 10, "rules": [rule]}]
    )
    await fresh.capture()
