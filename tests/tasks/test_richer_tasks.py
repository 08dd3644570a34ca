"""Tasks that recur, have steps, wait for one another, and are about a lead, a contact or a company. Spec C5."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from baton.jobs import lanes
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.kernel.perform import perform
from tests.team import Team

MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


async def make(team: Team, **given: Any) -> Any:
    """A task of Ben's."""
    wish = {"title": "Send the offer", "dueAt": MONDAY.isoformat(), "assignTo": str(team.ben.id)} | given
    if not {"leadId", "contactId", "companyId", "parentId"} & set(wish):
        wish["leadId"] = str((await team.capture()).id)
    return await team.do(team.ben, "crm.tasks.create", wish)


async def tasks(team: Team, **asked: Any) -> list[Any]:
    found: list[Any] = (await team.do(team.ben, "crm.tasks.list", asked)).items
    return found


async def test_the_next_occurrence_is_made_when_this_one_is_done(fresh: Team) -> None:
    """C5: recurring, in the zone of whoever does it, once, however often it is completed or falls due."""
    await fresh.do(fresh.ana, "crm.members.update", memberId=str(fresh.ben.id), timeZone="Europe/Berlin")
    task = await make(fresh, recurrence="RRULE:FREQ=WEEKLY;BYDAY=MO", dueAt="2027-03-22T08:00:00Z")
    assert (task.recurrence, task.recurs_zone) == ("FREQ=WEEKLY;BYDAY=MO", "Europe/Berlin")
    await fresh.do(fresh.ben, "crm.tasks.complete", taskId=str(task.id))
    (next,) = await tasks(fresh, leadId=str(task.lead_id))
    assert next.due_at == datetime(2027, 3, 29, 7, 0, tzinfo=UTC), "09:00 stays 09:00 when summer begins"
    assert next.series_id == task.id
    lead = await fresh.do(fresh.ben, "crm.leads.get", leadId=str(task.lead_id))
    assert lead.next_action_at == next.due_at
    made = [a for a in await fresh.log(lead.id) if a.kind == "task_created"]
    assert len(made) == 2


async def test_the_next_occurrence_is_made_when_this_one_is_due_and_missed_ones_are_left_out(fresh: Team) -> None:
    """C5: nobody did it for ten days; there is the overdue one and the next, not ten of them; done later, no other is made."""
    start = MONDAY
    task = await make(fresh, recurrence="FREQ=DAILY", dueAt=start.isoformat())
    late = start + timedelta(days=10, hours=1)
    for _ in range(2):
        await lanes.step(fresh.db, now=late, only=fresh.org_id)
    found = await tasks(fresh, leadId=str(task.lead_id))
    assert [each.due_at for each in found] == [start, start + timedelta(days=11)]
    await perform(fresh.db, fresh.ben, "crm.tasks.complete", {"taskId": str(task.id)}, now=late)
    assert [each.due_at for each in await tasks(fresh, leadId=str(task.lead_id))] == [start + timedelta(days=11)]


async def test_a_series_ends_with_its_count_its_lead_or_its_cancellation(fresh: Team) -> None:
    """C5, A4."""
    counted = await make(fresh, recurrence="FREQ=DAILY;COUNT=2")
    for _ in range(2):
        (open_one,) = await tasks(fresh, leadId=str(counted.lead_id))
        await fresh.do(fresh.ben, "crm.tasks.complete", taskId=str(open_one.id))
    assert await tasks(fresh, leadId=str(counted.lead_id)) == []
    called_off = await make(fresh, recurrence="FREQ=DAILY")
    await fresh.do(fresh.ben, "crm.tasks.cancel", taskId=str(called_off.id), reason="They asked not to be called.")
    assert await tasks(fresh, leadId=str(called_off.lead_id)) == []
    ended = await make(fresh, recurrence="FREQ=DAILY")
    await fresh.do(fresh.ben, "crm.tasks.edit", taskId=str(ended.id), recurrence=None)
    await fresh.do(fresh.ben, "crm.tasks.complete", taskId=str(ended.id))
    assert await tasks(fresh, leadId=str(ended.lead_id)) == []


async def test_a_task_waits_for_what_it_needs(fresh: Team) -> None:
    """C5: cannot be completed before what it needs; a circle is refused, over any number of steps."""
    first, second, third = [await make(fresh, title=title) for title in ("Ask legal", "Write it", "Send it")]
    for task, need in ((second, first), (third, second)):
        await fresh.do(fresh.ben, "crm.tasks.edit", taskId=str(task.id), needs=[str(need.id)])
    (blocked,) = await tasks(fresh, leadId=str(third.lead_id))
    assert (blocked.blocked, blocked.needs) == (True, [second.id])
    with pytest.raises(Conflict, match="“Write it”"):
        await fresh.do(fresh.ben, "crm.tasks.complete", taskId=str(third.id))
    for needs in ([str(third.id)], [str(first.id)], [str(second.id)]):
        with pytest.raises(Conflict, match="wait"):
            await fresh.do(fresh.ben, "crm.tasks.edit", taskId=str(first.id), needs=needs)
    assert (await tasks(fresh, leadId=str(first.lead_id)))[0].needs == []
    for task in (first, second, third):
        await fresh.do(fresh.ben, "crm.tasks.complete", taskId=str(task.id))


async def test_a_task_has_steps(fresh: Team) -> None:
    """C5: steps are about the same record; the task is done when they are, or with them; a step has no steps."""
    task = await make(fresh, recurrence="FREQ=WEEKLY")
    steps = [
        await make(fresh, parentId=str(task.id), title=title, dueAt=(MONDAY - timedelta(days=1)).isoformat())
        for title in "ab"
    ]
    assert {step.lead_id for step in steps} == {task.lead_id}
    with pytest.raises(Conflict, match="step"):
        await make(fresh, parentId=str(steps[0].id))
    with pytest.raises(Conflict, match="wait"):
        await fresh.do(fresh.ben, "crm.tasks.edit", taskId=str(steps[0].id), needs=[str(task.id)])
    with pytest.raises(Conflict, match="waits for"):
        await fresh.do(fresh.ben, "crm.tasks.complete", taskId=str(task.id))
    await fresh.do(fresh.ben, "crm.tasks.complete", taskId=str(steps[0].id))
    await fresh.do(fresh.ben, "crm.tasks.complete", taskId=str(task.id), withSteps=True)
    again = await tasks(fresh, leadId=str(task.lead_id))
    (next,) = [each for each in again if each.parent_id is None]
    assert [(each.title, each.due_at) for each in again if each.parent_id == next.id] == [
        (title, next.due_at - timedelta(days=1)) for title in "ab"
    ]


async def test_tasks_are_about_contacts_and_companies_too(fresh: Team, carla: Team) -> None:
    """C5: a lead, a contact or a company; one of another organization does not exist."""
    contact = await fresh.do(fresh.ben, "crm.contacts.create", firstName="Priya", lastName="Nair", companyName="Acme")
    company = await fresh.do(fresh.ben, "crm.companies.create", {"name": "Globex"})
    of_contact = await make(fresh, contactId=str(contact.id), recurrence="FREQ=MONTHLY")
    of_company = await make(fresh, companyId=str(company.id))
    assert (of_contact.contact_id, of_contact.company_id, of_contact.lead_id) == (contact.id, contact.company_id, None)
    assert [task.id for task in await tasks(fresh, companyId=str(company.id))] == [of_company.id]
    await fresh.do(fresh.ben, "crm.tasks.complete", taskId=str(of_contact.id))
    assert len(await tasks(fresh, contactId=str(contact.id))) == 1
    for record in ({"contactId": str(contact.id)}, {"companyId": str(company.id)}, {"parentId": str(of_company.id)}):
        with pytest.raises(NotFound):
            await carla.do(carla.ben, "crm.tasks.create", record | {"title": "x", "dueIn": "1d"})
    mine = await make(carla)
    with pytest.raises(NotFound):
        await carla.do(carla.ben, "crm.tasks.edit", taskId=str(mine.id), needs=[str(of_company.id)])
    with pytest.raises(Invalid, match="about"):
        await fresh.do(fresh.ben, "crm.tasks.create", title="x", dueIn="1d")


async def test_the_list_is_asked_by_the_readers_own_day(fresh: Team) -> None:
    """C5: mine, overdue, today, within a week, by record."""
    await fresh.do(fresh.ana, "crm.members.update", memberId=str(fresh.ben.id), timeZone="Pacific/Auckland")
    now = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)  # 22:00 of Friday there
    dues = {"overdue": -26, "earlier": -3, "tonight": 1, "tomorrow": 3, "thursday": 24 * 6, "later": 24 * 9}
    made = {
        name: await make(fresh, title=name, dueAt=(now + timedelta(hours=hours)).isoformat())
        for name, hours in dues.items()
    }
    await fresh.do(fresh.ana, "crm.tasks.reassign", taskId=str(made["later"].id), assignTo=str(fresh.ana.id))

    async def titles(**asked: Any) -> list[str]:
        page = await perform(fresh.db, fresh.ben, "crm.tasks.list", asked, now=now)
        return [task.title for task in page.items]

    assert await titles(when="overdue") == ["overdue", "earlier"]
    assert await titles(when="today") == ["earlier", "tonight"]
    assert await titles(when="week") == ["earlier", "tonight", "tomorrow", "thursday"]
    assert await titles(when="upcoming", mine=True) == ["tomorrow", "thursday"]
    assert await titles(mine=True) == [name for name in dues if name != "later"]


async def test_what_is_put_off_is_told_again_and_a_series_keeps_its_days(fresh: Team) -> None:
    """C5: snooze moves the lead's next action; of a series this occurrence alone is late."""
    task = await make(fresh, recurrence="FREQ=WEEKLY;BYDAY=MO")
    await lanes.step(fresh.db, now=MONDAY, only=fresh.org_id)
    until = MONDAY + timedelta(days=2)
    after = await perform(
        fresh.db, fresh.ben, "crm.tasks.snooze", {"taskId": str(task.id), "until": until.isoformat()}, now=MONDAY
    )
    assert after.due_at == until
    await lanes.step(fresh.db, now=until, only=fresh.org_id)
    due = [a for a in await fresh.log(task.lead_id) if a.kind == "task_due"]
    assert len(due) == 2
    found = await tasks(fresh, leadId=str(task.lead_id))
    assert [each.due_at for each in found] == [until, MONDAY + timedelta(days=7)]
    with pytest.raises(Invalid, match="to come"):
        await perform(
            fresh.db, fresh.ben, "crm.tasks.snooze", {"taskId": str(task.id), "until": MONDAY.isoformat()}, now=until
        )
