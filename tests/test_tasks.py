"""Tasks: scheduled in working time, completed, and cancelled when their lead is closed."""

from datetime import UTC, datetime, timedelta

import pytest

from baton.accounts.hours import WorkingHours, add_working
from baton.kernel.errors import Conflict, Invalid
from tests.team import Team

OFFICE = WorkingHours()


@pytest.mark.parametrize(
    ("start", "amount", "zone", "due"),
    [
        ("2026-11-18T23:04:00Z", 60, "UTC", "2026-11-19T10:00:00Z"),  # at night: the next morning
        ("2026-11-20T16:30:00Z", 60, "UTC", "2026-11-23T09:30:00Z"),  # over a weekend
        ("2026-11-20T03:00:00Z", 60, "America/New_York", "2026-11-20T15:00:00Z"),
        ("2026-03-27T16:00:00Z", 60 * 9, "Europe/Berlin", "2026-03-31T08:00:00Z"),  # the clocks change in between
        ("2026-11-18T09:00:00Z", 480, "UTC", "2026-11-18T17:00:00Z"),
        ("2026-11-18T10:00:00Z", 0, "UTC", "2026-11-18T10:00:00Z"),
    ],
)
def test_working_time(start: str, amount: int, zone: str, due: str) -> None:
    """C5, A6: a promise falls when somebody is there to keep it."""
    assert add_working(
        datetime.fromisoformat(start), timedelta(minutes=amount), OFFICE, zone
    ) == datetime.fromisoformat(due)


async def test_the_next_action_is_the_earliest_open_task(team: Team) -> None:
    """C5: a lead's next action follows its tasks."""
    lead = await team.capture()
    ref = {"leadId": str(lead.id), "assignTo": str(team.ben.id)}
    later = await team.do(team.ben, "crm.leads.followUp", ref | {"dueAt": "2027-04-30T10:00:00Z"})
    sooner = await team.do(
        team.ben,
        "crm.leads.followUp",
        ref | {"dueAt": "2027-04-29T10:00:00Z", "notes": "Follow up on demo recap email"},
    )

    async def next_action() -> datetime | None:
        found: datetime | None = (await team.do(team.ben, "crm.leads.get", leadId=str(lead.id))).next_action_at
        return found

    assert await next_action() == sooner.due_at
    await team.do(team.ben, "crm.tasks.complete", taskId=str(sooner.id))
    assert await next_action() == later.due_at
    with pytest.raises(Conflict):
        await team.do(team.ben, "crm.tasks.complete", taskId=str(sooner.id))
    await team.do(team.ben, "crm.tasks.complete", taskId=str(later.id))
    assert await next_action() is None


@pytest.mark.parametrize(
    "when",
    [
        {},
        {"dueIn": "soon"},
        {"dueIn": ""},
        {"dueAt": "2027-04-30T10:00:00"},
        {"dueIn": "1h", "dueAt": "2027-04-30T10:00:00Z"},
    ],
)
async def test_an_unclear_due_time_is_refused(team: Team, when: dict[str, str]) -> None:
    """C5: what cannot be understood says what to write."""
    lead = await team.capture()
    with pytest.raises(Invalid, match="due"):
        await team.do(team.ben, "crm.leads.followUp", {"leadId": str(lead.id)} | when)


async def test_closing_a_lead_ends_its_tasks(fresh: Team) -> None:
    """A4: a closed lead needs no further action, says so, and takes no new task."""
    lead = await fresh.capture()
    ref = {"leadId": str(lead.id)}
    task = await fresh.do(fresh.ben, "crm.leads.followUp", ref | {"dueIn": "1d", "assignTo": str(fresh.ben.id)})
    closed = await fresh.do(fresh.ben, "crm.leads.setStatus", ref | {"status": "won"})
    assert closed.next_action_at is None
    assert closed.closed_at is not None
    await fresh.run_due()
    (found,) = (await fresh.do(fresh.ben, "crm.tasks.list", ref | {"status": "cancelled"})).items
    assert found.id == task.id
    (told,) = [a for a in await fresh.log(lead.id) if a.kind == "task_cancelled"]
    assert told.reason == "The lead is won."
    with pytest.raises(Conflict, match="closed"):
        await fresh.do(fresh.ben, "crm.leads.followUp", ref | {"dueIn": "1d"})
    reopened = await fresh.do(fresh.ben, "crm.leads.setStatus", ref | {"status": "new"})
    assert reopened.closed_at is None
    assert datetime.now(UTC) - reopened.stage_entered_at < timedelta(minutes=5)
