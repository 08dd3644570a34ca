"""The board and the dashboard as of a past day: what the log knew then, and nothing to press. Spec A8, B1."""

from datetime import timedelta

from playwright.async_api import expect

from baton.kernel.perform import perform
from baton.kernel.values import utc_now
from tests.browser.conftest import OpenRoom
from tests.browser.stages import inbound
from tests.team import Team


async def _past(team: Team) -> str:
    """Two leads of forty days ago, one of whom was moved thirty days ago and a third made today; the day between."""
    now = utc_now()
    stages = (await inbound(team)).stages
    made = []
    for n in range(2):
        body = {"firstName": "Old", "lastName": f"Lead{n}", "email": f"old{n}@acme.example", "valueCents": 100_00}
        made.append(await perform(team.db, team.ben, "crm.leads.create", body, now=now - timedelta(days=40)))
    move = {"leadId": str(made[0].id), "stageId": str(stages[2].id)}
    await perform(team.db, team.ben, "crm.leads.moveStage", move, now=now - timedelta(days=30))
    await team.capture()
    return (now - timedelta(days=35)).date().isoformat()


async def test_the_board_of_a_past_day(enter: OpenRoom, team: Team) -> None:
    """Both old leads stand in the first stage, nothing is dragged, and a card opens the lead of that day."""
    day = await _past(team)
    room = await enter(team.ben)
    page = await room.go("/board")
    await page.get_by_label("As of").fill(day)
    await page.wait_for_url(f"**asOf={day}*")
    await page.get_by_text(f"This is the board as the log told it at the end of {day}.").wait_for()
    first = page.locator(".col").first
    await expect(first.locator(".card")).to_have_count(2)
    await expect(page.locator(".card[draggable=true], .card .move, [data-live].col")).to_have_count(0)
    assert await room.axe() == []
    await first.locator("h3 a").first.click()
    await page.wait_for_url("**at=*")
    await page.go_back()
    await page.get_by_role("link", name="Back to now").click()
    await expect(page.locator(".col").first.locator(".card")).to_have_count(2)  # one went on, one came today
    await expect(page.locator(".card .move").first).to_be_attached()


async def test_the_dashboard_of_a_past_day(enter: OpenRoom, team: Team) -> None:
    """Figures and funnel as they were; what opens leads of today is no link there."""
    day = await _past(team)
    room = await enter(team.ben)
    page = await room.go("/dashboard/crm?period=all")
    total = page.locator(".kpis li").first.locator("b")
    await expect(total).to_have_text("3")
    await page.get_by_label("As of").fill(day)
    await page.wait_for_url(f"**asOf={day}*")
    await expect(total).to_have_text("2")
    await expect(page.locator(".funnel li").first.locator(".measure")).to_contain_text("2")
    await expect(page.locator(".kpis a[href], .funnel a[href], #leads")).to_have_count(0)
    assert await room.axe() == []
    await page.get_by_role("link", name="Back to now").click()
    await expect(total).to_have_text("3")
