"""The list: filters in the address, page after page. Spec A10."""

from tests.browser.conftest import OpenRoom
from tests.browser.stages import inbound, lead
from tests.team import Team


async def test_filters_apply_at_once_and_stay_in_the_address(enter: OpenRoom, team: Team) -> None:
    hannah = await lead(team)
    await lead(team, "Wei", "Zhang", source="event")
    await team.do(team.ana, "crm.leads.assign", leadId=str(hannah.id), ownerId=str(team.marcus.id))
    room = await enter(team.ben)
    page = await room.go("/leads")
    assert await page.locator("tbody tr").count() == 2
    await page.locator("select[name=owner]").select_option("agents")
    await page.wait_for_url("**/leads?owner=agents")
    assert await page.locator("tbody tr td.name").all_inner_texts() == ["Hannah Weiss"]
    await page.get_by_role("link", name="Clear filters").click()
    await page.get_by_label("Search leads").fill("zhang")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/leads?q=zhang")
    assert await page.locator("tbody tr td.name").all_inner_texts() == ["Wei Zhang"]


async def test_all_leads_are_reached_page_by_page(enter: OpenRoom, team: Team) -> None:
    for number in range(55):
        await lead(team, f"Lead{number:02}", "Test")
    room = await enter(team.ben)
    page = await room.go("/leads")
    assert "50 of 55" in await page.locator(".pages").inner_text()
    seen = await page.locator("tbody tr td.name").all_inner_texts()
    await page.get_by_role("link", name="Next page").click()
    await page.get_by_role("link", name="First page").wait_for()
    seen += await page.locator("tbody tr td.name").all_inner_texts()
    assert len(set(seen)) == 55


async def test_a_long_column_is_read_on_as_one_scrolls(enter: OpenRoom, team: Team) -> None:
    for number in range(45):
        await lead(team, f"Lead{number:02}", "Test")
    first = (await inbound(team)).stages[0]
    room = await enter(team.ben)
    page = await room.go("/board")
    cards = page.locator(f"#col-{first.id} .card")
    assert await cards.count() == 40
    await page.locator(f"#col-{first.id} .more").scroll_into_view_if_needed()
    await cards.nth(44).wait_for()
    await team.capture(firstName="New", lastName="Comer")
    await cards.filter(has_text="New Comer").wait_for()
    assert await cards.count() == 46
