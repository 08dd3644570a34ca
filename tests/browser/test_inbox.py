"""The inbox in the browser: acts beside each row, keys, counts as they happen; wide and narrow, light and dark. Spec A6."""

import os
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenRoom
from tests.inbox.test_inbox import filled
from tests.team import Team

VIEWS: tuple[dict[str, Any], ...] = (
    {"color_scheme": "light"},
    {"color_scheme": "dark", "viewport": {"width": 820, "height": 1100}},
    {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
)


async def test_a_morning_at_the_inbox(enter: OpenRoom, team: Team) -> None:
    """Spec A6: by keys alone: the task is done and comes back by Undo, the notices are read, the approval is given."""
    await filled(team)
    room = await enter(team.ana)
    page = await room.go("/inbox")
    count = page.locator("#count-inbox")
    await expect(count).to_have_text("6 waiting")
    await expect(page.locator("#count-approvals")).to_have_text("1 waiting")
    for _ in range(2):
        await page.keyboard.press("j")
    await expect(page.locator("[data-waits]:focus")).to_contain_text("Send the offer")
    await page.keyboard.press("e")
    await expect(page.get_by_text("Done: Send the offer.")).to_be_visible()
    await expect(count).to_have_text("5 waiting")
    await expect(page.locator("[data-waits]:focus")).to_contain_text("Hannah Weiss replied")
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("link", name="Send the offer")).to_be_visible()
    await page.locator("[data-waits]").nth(1).focus()
    await page.keyboard.press("s")
    await expect(page.get_by_role("link", name="Send the offer")).to_have_count(0)
    await page.locator("[data-waits]", has_text="Hannah Weiss replied").focus()
    await page.keyboard.press("e")
    await expect(page.get_by_role("link", name="Hannah Weiss replied")).to_have_count(0)
    await page.get_by_role("button", name="Undo").last.click()
    await page.get_by_text("It waits for you again.").wait_for()
    await expect(page.get_by_role("link", name="Hannah Weiss replied")).to_be_visible()
    for title in ("Hannah Weiss replied", "Ben Okafor mentioned you", "Ben Okafor assigned", "Hannah Weiss is late"):
        row = page.locator("[data-waits]", has_text=title)
        await row.focus()
        await page.keyboard.press("e")
        await expect(row).to_have_count(0)
    await page.locator("[data-waits]").focus()
    await page.keyboard.press("e")
    await expect(page.get_by_role("button", name="Approve", exact=True)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()
    await expect(page.locator("#count-approvals")).to_have_text("")


async def test_the_inbox_fills_while_one_looks(enter: OpenRoom, team: Team) -> None:
    """Told and asked by other hands, the list and the counts of any page change without a reload; a mention opens its note."""
    room, other = await enter(team.ana), await enter(team.ana)
    page, board = await room.go("/inbox"), await other.go("/board")
    await expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()
    made = await filled(team)
    await expect(page.get_by_role("button", name="Approve", exact=True)).to_be_visible()
    await expect(board.locator("#count-inbox")).to_have_text("6 waiting")
    await page.locator("[data-waits]", has_text="mentioned you").get_by_role("button", name="Read").click()
    await page.wait_for_url(f"**/leads/{made['lead'].id}#act-{made['note'].id}")
    await expect(board.locator("#count-inbox")).to_have_text("5 waiting")


@pytest.mark.parametrize("view", range(len(VIEWS)))
async def test_the_inbox_reads_well(enter: OpenRoom, team: Team, view: int) -> None:
    """WCAG 2.2 AA, and nothing scrolls sideways; empty it teaches."""
    room = await enter(team.ana, **VIEWS[view])
    empty = await room.go("/inbox")
    await expect(empty.get_by_text("notes that mention you")).to_be_visible()
    wrong = await room.axe()
    await filled(team)
    page = await room.go("/inbox")
    await expect(page.locator("[data-waits]")).to_have_count(6)
    wrong += await room.axe()
    assert await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    await picture(page, f"inbox-{view}")
    assert wrong == []


async def picture(page: Any, name: str) -> None:
    """A picture into the folder of pictures, where one is wanted."""
    if folder := os.environ.get("BATON_PICTURES"):
        await page.screenshot(path=f"{folder}/{name}.png", full_page=True)
