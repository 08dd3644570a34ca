"""By keyboard: search and go anywhere, step through leads, add one; and the list of keys."""

from tests.browser.conftest import OpenRoom
from tests.browser.stages import inbound, lead
from tests.team import Team


async def test_one_goes_anywhere_by_a_few_letters(enter: OpenRoom, team: Team, carla: Team) -> None:
    """Spec A10. Leads by search, pages and pipelines by name; nothing of another organization."""
    await lead(carla, "Hannah", "Elsewhere")
    hannah = await lead(team)
    room = await enter(team.ben)
    page = await room.go("/tasks")
    await page.keyboard.press("Control+k")
    hits = page.locator("#palette .hit")
    await hits.filter(has_text="Dashboard").wait_for()
    await page.wait_for_timeout(300)  # until it has risen
    assert await room.axe() == []
    await page.keyboard.type("hannah we")
    await hits.filter(has_text="Hannah Weiss").first.wait_for()
    assert "Elsewhere" not in await page.locator("#palette").inner_text()
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/leads/{hannah.id}")
    await page.keyboard.press("Control+k")
    await page.keyboard.type("inbound history")
    await page.keyboard.press("ArrowDown")  # before the answer is there
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/history/{(await inbound(team)).id}")


async def test_keys_step_through_leads_and_tell_themselves(enter: OpenRoom, team: Team) -> None:
    await lead(team)
    await lead(team, "Wei", "Zhang")
    room = await enter(team.ben)
    page = await room.go("/leads")
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    assert await page.evaluate("document.activeElement.textContent") == "Hannah Weiss"
    await page.keyboard.press("k")
    assert await page.evaluate("document.activeElement.textContent") == "Wei Zhang"
    await page.keyboard.press("?")
    await page.get_by_role("heading", name="Keys").wait_for()
    await page.wait_for_timeout(300)  # until it has risen
    assert await room.axe() == []
    await page.keyboard.press("Escape")
    await page.keyboard.press("/")
    await page.keyboard.type("a j")
    assert await page.get_by_label("Search leads").input_value() == "a j"
    await room.go("/leads")
    await page.keyboard.press("a")
    await page.get_by_role("dialog").get_by_label("First name").wait_for()


async def test_the_search_is_a_page_without_scripts(enter: OpenRoom, team: Team) -> None:
    await lead(team)
    room = await enter(team.vera, java_script_enabled=False)
    page = await room.go("/tasks")
    await page.get_by_role("link", name="Search").click()
    await page.get_by_label("Find anything").first.fill("weiss")
    await page.get_by_role("button", name="Search").click()
    await page.get_by_role("link", name="Hannah Weiss").first.click()
    await page.get_by_role("heading", name="Hannah Weiss").wait_for()
