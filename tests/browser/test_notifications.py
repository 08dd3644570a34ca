"""The bell counts as it happens, and the pages of notices, tasks, calendar and health read well for everybody. Spec A6."""

import os
from datetime import timedelta
from typing import Any

from playwright.async_api import expect

from baton.kernel.values import utc_now
from tests.browser.conftest import OpenRoom
from tests.operations.cases_clock import held_job, late_lead
from tests.team import Team

PATHS = {
    "notices": "/notifications", "told": "/notifications/settings", "tasks": "/tasks", "week": "/tasks?when=week",
    "calendar": "/settings/calendar", "health": "/settings/health", "board": "/board",
}  # fmt: skip
VIEWS: tuple[dict[str, Any], ...] = (
    {"color_scheme": "light"},
    {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
)


async def test_the_bell_counts_as_it_happens(team: Team, enter: OpenRoom) -> None:
    """A6: told by another hand, the count is there without a reload; read, it is gone; another's notice is not counted."""
    room = await enter(team.ana)
    page = await room.go("/board")
    bell = page.locator("#bell")
    await expect(bell.locator(".count")).to_have_count(0)
    await expect(page.locator("#live")).to_be_attached()
    for whom, title in ((team.ben, "Not yours"), (team.ana, "Jane replied")):
        await team.do(
            team.marcus, "crm.notifications.notify", memberId=str(whom.id), kind="reply", title=title, href="/leads"
        )
    await expect(bell.locator(".count")).to_have_text("1 not read")
    await bell.click()
    await page.get_by_role("button", name="Jane replied").click()
    await page.wait_for_url("**/leads")
    await expect(page.locator("#bell .count")).to_have_count(0)


async def test_the_pages_are_accessible_wide_and_narrow(team: Team, enter: OpenRoom) -> None:
    """WCAG 2.2 AA: light and dark, on a desk and on a phone; nothing scrolls sideways."""
    lead = await late_lead(team)
    near = await team.capture(firstName="Owen", lastName="Byrne")
    async with team.db.transaction(team.org_id) as conn:
        await conn.execute(
            "UPDATE leads SET sla_due_at = now() + interval '3 hours', sla_told = 'near' WHERE org_id = $1 AND id = $2",
            team.org_id,
            near.id,
        )
    for days, title, more in (
        (-2, "Send the offer", {}),
        (0.1, "Call about the pilot", {"recurrence": "FREQ=WEEKLY"}),
        (3, "Sign", {}),
    ):
        due = (utc_now() + timedelta(days=days)).isoformat()
        wish = {"leadId": str(lead.id), "title": title, "dueAt": due, "assignTo": str(team.ana.id)} | more
        await team.do(team.ben, "crm.tasks.create", wish)
    for number, kind in enumerate(("reply", "sla_missed", "mention")):
        await team.do(
            team.ben, "crm.notifications.notify", memberId=str(team.ana.id), kind=kind, title=f"Jane Smith replied {number}",
            body="Yes, let us talk on Thursday.", leadId=str(lead.id),
        )  # fmt: skip
    job, wrong = await held_job(team), list[str]()
    for at, view in enumerate(VIEWS):
        room = await enter(team.ana, **view)
        for name, path in PATHS.items():
            page = await room.go(path)
            if folder := os.environ.get("BATON_SHOTS"):
                await page.wait_for_timeout(400)
                await page.screenshot(path=f"{folder}/{name}-{at}.png")
            wrong += [f"{name} {at}: {finding}" for finding in await room.axe()]
            wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            wrong += [f"{name} {at}: {wide} px too wide"] if wide > 0 else []
    assert wrong == [], "\n".join(wrong)
    await team.db.relay.execute("DELETE FROM jobs.pgqueuer WHERE id = $1", job)
