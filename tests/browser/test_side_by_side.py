"""Two windows side by side while agents work: nothing flickers, and focus, scroll, what is typed and ticked stay. Spec A9."""

import asyncio

from playwright.async_api import Page, expect

from tests.browser.conftest import OpenRoom
from tests.browser.stages import inbound, lead
from tests.team import Team

SHIFTS = """() => { window.shifted = 0; new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({type: "layout-shift"}); }"""


async def _agents_work(team: Team, made: list[object], stage: str) -> None:
    """Marcus moves leads one after the other, and writes something down on each."""
    for each in made:
        id = str(each.id)  # type: ignore[attr-defined]
        await team.do(team.marcus, "crm.leads.logActivity", leadId=id, type="note", notes="Looked at it.")
        await team.do(team.marcus, "crm.leads.moveStage", leadId=id, stageId=stage)
        await asyncio.sleep(0.1)


async def test_the_board_stays_still_under_ones_hands(enter: OpenRoom, team: Team) -> None:
    """While twelve leads move elsewhere: the focus, the column's and the board's scroll, and a ticked card stay as they are."""
    stages = (await inbound(team)).stages
    made = [await lead(team, f"Lead{n:02}", "Test") for n in range(24)]
    room = await enter(team.ben)
    page = await room.go("/board")
    kept = page.locator(f"#card-{made[2].id}")
    await kept.hover()
    await kept.get_by_role("checkbox").check()
    await kept.locator("h3 a").focus()
    await page.evaluate("document.getElementById('board').scrollTop = 300")
    before = await page.evaluate("document.getElementById('board').scrollTop")
    await page.evaluate(SHIFTS)
    await _agents_work(team, made[12:], str(stages[3].id))
    await expect(page.locator(f"#col-{stages[3].id} .card")).to_have_count(12)
    assert await page.evaluate("document.activeElement.closest('.card')?.id") == f"card-{made[2].id}"
    assert await kept.get_by_role("checkbox").is_checked()
    assert (
        abs(await page.evaluate("document.getElementById('board').scrollTop") - before) < 400
    )  # the column grew shorter
    assert await _blank(page) == 0


async def test_what_is_typed_in_the_list_and_on_a_lead_stays(enter: OpenRoom, team: Team) -> None:
    """A cell half written, a note half written: both survive what agents do to the same lead."""
    stages = (await inbound(team)).stages
    hannah, others = await lead(team), [await lead(team, f"Lead{n}", "Test") for n in range(5)]
    room, other = await enter(team.ben), await enter(team.ben)
    page, beside = await room.go("/leads"), await other.go(f"/leads/{hannah.id}")
    cell = page.locator(f'#row-{hannah.id} [data-cell="companyName"]')
    await cell.get_by_role("button", name="Edit company").focus()
    await page.keyboard.press("Enter")
    await cell.get_by_role("textbox").fill("Half a na")
    await beside.locator(".composer textarea").fill("Half a sent")
    await _agents_work(team, [hannah, *others], str(stages[2].id))
    await beside.locator("#timeline", has_text="Looked at it.").wait_for()
    await expect(page.locator("tbody .chip", has_text=stages[2].name)).to_have_count(6)
    assert await cell.get_by_role("textbox").input_value() == "Half a na"
    assert await page.evaluate("document.activeElement.name") == "value"
    assert await beside.locator(".composer textarea").input_value() == "Half a sent"
    assert await beside.evaluate("document.activeElement.name") == "text"


async def _blank(page: Page) -> int:
    """Columns that stand without their cards though they have some."""
    empty: int = await page.evaluate("""() => [...document.querySelectorAll('.col')].filter(
        (col) => Number(col.querySelector('.n').firstChild.data) > 0 && !col.querySelector('.card')).length""")
    return empty
