"""Columns of the list are made wider and narrower, by a pointer and by keys, and stay so on this device. Spec A10."""

from playwright.async_api import Page, expect

from tests.browser.conftest import OpenRoom
from tests.browser.stages import lead
from tests.team import Team


async def _width(page: Page, key: str) -> float:
    box = await page.locator(f"th[data-cell={key}]").bounding_box()
    assert box is not None
    return box["width"]


async def test_a_column_is_dragged_and_stays(enter: OpenRoom, team: Team) -> None:
    """After another person's change, after a reload, and in another order; only the list of this person changes."""
    hannah = await lead(team)
    room = await enter(team.ben)
    page = await room.go("/leads")
    before = await _width(page, "companyName")
    box = await page.get_by_role("separator", name="Width of Company").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x + 60, y)
    await page.mouse.move(x + 120, y)
    await page.mouse.up()
    wide = await _width(page, "companyName")
    assert before + 60 < wide
    await team.do(team.ana, "crm.leads.update", leadId=str(hannah.id), title="CEO", valueCents=77_00)
    await page.get_by_text("$77").wait_for()
    assert abs(await _width(page, "companyName") - wide) < 2
    await room.go("/leads?sort=name")
    assert abs(await _width(page, "companyName") - wide) < 2
    assert await room.axe() == []
    other = await enter(team.ana)
    assert await (await other.go("/leads")).locator("table.sized").count() == 0


async def test_a_column_is_sized_by_keys_and_back(enter: OpenRoom, team: Team) -> None:
    """Arrows move its edge, Home lays all columns out as at first; a cell is edited in a narrow column all the same."""
    hannah = await lead(team)
    room = await enter(team.ben)
    page = await room.go("/leads")
    edge = page.get_by_role("separator", name="Width of Score")
    await edge.focus()
    before = await _width(page, "score")
    for _ in range(3):
        await page.keyboard.press("Shift+ArrowRight")
    assert await _width(page, "score") > before + 50
    assert int(await edge.get_attribute("aria-valuenow") or 0) > before
    value = page.get_by_role("separator", name="Width of Value")
    await value.focus()
    for _ in range(4):
        await page.keyboard.press("Shift+ArrowLeft")
    assert await value.get_attribute("aria-valuenow") == "48"
    cell = page.locator(f'#row-{hannah.id} [data-cell="valueCents"]')
    await cell.get_by_role("button", name="Edit value").focus()
    await page.keyboard.press("Enter")
    await cell.get_by_role("textbox").fill("1,500")
    await page.keyboard.press("Enter")
    await expect(cell).to_contain_text("$1,500")
    await edge.focus()
    await page.keyboard.press("Home")
    assert abs(await _width(page, "score") - before) < 30
    await page.reload()
    await expect(page.locator("table.sized")).to_have_count(0)
