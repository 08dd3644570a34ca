"""Tasks in the browser: made from their page, with steps and what they wait for, many at once; the calendar by hand and keys. Spec C5."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import expect

from baton.kernel.values import utc_now
from tests.browser.conftest import OpenRoom
from tests.browser.test_inbox import VIEWS, picture
from tests.team import Team


async def _lead(team: Team, first: str = "Hannah", last: str = "Weiss") -> Any:
    await team.do(team.ana, "crm.agents.setPlaybook", agentId=str(team.athena.id), rules=[])
    return await team.capture(firstName=first, lastName=last)


async def _task(team: Team, lead: Any, title: str, days: float, **more: Any) -> Any:
    due = (utc_now() + timedelta(days=days)).isoformat()
    wish = {"leadId": str(lead.id), "title": title, "dueAt": due, "assignTo": str(team.ben.id)} | more
    return await team.do(team.ben, "crm.tasks.create", wish)


async def _open(team: Team, **asked: Any) -> list[Any]:
    found: list[Any] = (await team.do(team.ben, "crm.tasks.list", **asked)).items
    return found


async def test_a_task_is_made_from_the_page(enter: OpenRoom, team: Team) -> None:
    """Spec C5: the record is found by its name; the task recurs, has steps, waits for another, and Undo takes it back."""
    lead = await _lead(team)
    room = await enter(team.ben)
    page = await room.go("/tasks")
    await page.get_by_role("link", name="Add task").first.click()
    sheet = page.get_by_role("dialog")
    await sheet.get_by_label("What").fill("Prepare the demo")
    await sheet.get_by_role("button", name="Add task").click()
    await expect(sheet.get_by_text("Say what it is about").first).to_be_visible()
    await sheet.get_by_role("searchbox").fill("Hannah W")
    await sheet.get_by_role("radio", name="Hannah Weiss Lead").check()
    await sheet.get_by_label("How often").select_option("FREQ=WEEKLY")
    await sheet.get_by_role("button", name="Add task").click()
    await expect(page.locator("#tasks").get_by_role("link", name="Prepare the demo")).to_be_visible()
    (made,) = await _open(team, leadId=str(lead.id))
    assert (made.recurrence, made.assignee_id) == ("FREQ=WEEKLY", team.ben.id)
    other = await _task(team, lead, "Get the figures", 2)
    await page.get_by_role("link", name="Prepare the demo").click()
    await sheet.get_by_label("Add steps").fill("Slides\nRoom")
    await sheet.get_by_label("Get the figures").check()
    await sheet.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Waits for another task")).to_be_visible()
    assert {step.title for step in await _open(team, parentId=str(made.id))} == {"Slides", "Room"}
    (now,) = [task for task in await _open(team, leadId=str(lead.id)) if task.id == made.id]
    assert now.needs == [other.id]


async def test_many_tasks_are_done_at_once(enter: OpenRoom, team: Team) -> None:
    """Spec C5: what waits for another ticked one is done too, what waits for an open one is left and said; one Undo for all."""
    lead, owen = await _lead(team), await _lead(team, "Owen", "Byrne")
    first = await _task(team, lead, "First", 3)
    await _task(team, lead, "Second", 1, needs=[str(first.id)])
    await _task(team, owen, "Third", 2)
    far = await _task(team, owen, "Far", 40)
    await _task(team, owen, "Held", 4, needs=[str(far.id)])
    room = await enter(team.ben)
    page = await room.go("/tasks")
    for title in ("First", "Second", "Third", "Held"):
        await page.get_by_role("checkbox", name=f"Select: {title}").check()
    await page.get_by_role("toolbar").get_by_role("button", name="Complete").click()
    await expect(page.get_by_text("3 tasks: done. Left: Held.")).to_be_visible()
    assert {task.title for task in await _open(team)} == {"Far", "Held"}
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator("#tasks").get_by_role("link", name="First")).to_be_visible()
    assert len(await _open(team)) == 5


async def test_a_task_is_put_on_another_day(enter: OpenRoom, team: Team) -> None:
    """Spec C5: dragged to a day, moved by Alt and the arrows with the focus kept, taken back by Undo; the time of day stays."""
    lead = await _lead(team)
    zone = ZoneInfo("UTC")
    today = utc_now().astimezone(zone)
    monday = (today + timedelta(days=7 - today.weekday())).replace(hour=14, minute=30, second=0, microsecond=0)
    task = await _task(team, lead, "Call back", 0, dueAt=monday.isoformat())
    room = await enter(team.ben, timezone_id="UTC")
    page = await room.go(f"/calendar?view=week&day={monday:%Y-%m-%d}")
    item = page.locator(f"#cal-{task.id}")
    await item.drag_to(page.locator(f"#day-{monday + timedelta(days=2):%Y-%m-%d}"))
    await expect(page.get_by_text("Call back:")).to_be_visible()
    assert await _due(team, task) == monday + timedelta(days=2)
    await page.locator(f"#day-{monday + timedelta(days=2):%Y-%m-%d} #cal-{task.id} a").first.focus()
    await page.keyboard.press("Alt+ArrowRight")
    moved = page.locator(f"#day-{monday + timedelta(days=3):%Y-%m-%d} #cal-{task.id} a").first
    await expect(moved).to_be_focused()
    assert await _due(team, task) == monday + timedelta(days=3)
    await expect(page.get_by_role("button", name="Undo")).to_have_count(2)  # the second move's word has come
    await page.get_by_role("button", name="Undo").last.click()
    await expect(page.locator(f"#day-{monday + timedelta(days=2):%Y-%m-%d} #cal-{task.id}")).to_be_visible()
    assert await _due(team, task) == monday + timedelta(days=2)


async def _due(team: Team, task: Any) -> datetime:
    found: datetime = (await team.do(team.ben, "crm.tasks.get", taskId=str(task.id))).due_at
    return found


async def test_a_day_takes_a_new_task_and_members_are_told_apart(enter: OpenRoom, team: Team) -> None:
    """A task is added on a day with its plus; another member's tasks show where they are asked for."""
    lead = await _lead(team)
    await _task(team, lead, "Of Ana", 1, assignTo=str(team.ana.id))
    room = await enter(team.ben, timezone_id="UTC")
    page = await room.go("/calendar?view=week")
    day = utc_now() + timedelta(days=(6 - utc_now().weekday()))
    await expect(page.get_by_text("Of Ana")).to_have_count(0)
    await page.locator(f"#day-{day:%Y-%m-%d} .add").click()
    sheet = page.get_by_role("dialog")
    assert (await sheet.get_by_label("When").input_value()).startswith(f"{day:%Y-%m-%d}")
    await sheet.get_by_label("What").fill("Sunday call")
    await sheet.get_by_role("searchbox").fill("Hannah")
    await sheet.get_by_role("radio", name="Hannah Weiss Lead").check()
    await sheet.get_by_role("button", name="Add task").click()
    await expect(page.locator(f"#day-{day:%Y-%m-%d}").get_by_text("Sunday call")).to_be_visible()
    await page.get_by_label("Whose").select_option(label="Ana Duarte")
    await page.wait_for_url("**who=**")
    await page.goto(f"{room.site}/calendar?view=agenda&who=all")
    await expect(page.get_by_text("Of Ana")).to_be_visible()


@pytest.mark.parametrize("view", range(len(VIEWS)))
async def test_tasks_and_calendar_read_well(enter: OpenRoom, team: Team, view: int) -> None:
    """WCAG 2.2 AA, and nothing scrolls sideways: list, month, week, agenda, sheets; empty they teach."""
    lead = await _lead(team)
    room = await enter(team.ben, **VIEWS[view])
    page = await room.go("/calendar?view=agenda")
    await expect(page.get_by_role("heading", name="Nothing is planned")).to_be_visible()
    made = [await _task(team, lead, f"Call about the pilot number {n} with everybody", n / 4 - 1) for n in range(14)]
    wrong = []
    for name in (
        "calendar",
        "calendar?view=week",
        "calendar?view=agenda&who=all",
        "tasks",
        "tasks/new",
        f"tasks/{made[9].id}/edit",
    ):
        page = await room.go(f"/{name}")
        wrong += [f"{name}: {finding}" for finding in await room.axe()]
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        wrong += [f"{name}: {wide} px too wide"] if wide > 0 else []
        await picture(page, f"{name.replace('/', '-').replace('?', '-')[:24]}-{view}")
    assert wrong == []
