"""Links and forms carry the work where no script runs."""

from tests.browser.conftest import OpenRoom
from tests.browser.stages import inbound, lead
from tests.team import PASSWORD, Team


async def test_a_lead_is_added_moved_noted_and_given_away_without_scripts(enter: OpenRoom, team: Team) -> None:
    room = await enter(java_script_enabled=False)
    page = await room.go("/sign-in")
    await page.fill("#email", team.emails["ben"])
    await page.fill("#password", PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("link", name="Add lead").click()
    await page.get_by_label("First name").fill("Sofia")
    await page.get_by_label("Last name").fill("Marino")
    await page.get_by_label("Email").fill("sofia@vela.example")
    await page.get_by_role("button", name="Add lead").click()
    await page.get_by_role("heading", name="Sofia Marino").wait_for()
    stage = (await inbound(team)).stages[2]
    await page.get_by_role("button", name=stage.name).click()
    await page.locator("#path [aria-current=step]", has_text=stage.name).wait_for()
    await page.get_by_role("textbox", name="Text").fill("Met at the fair.")
    await page.get_by_role("button", name="Save").click()
    await page.locator("#timeline", has_text="Met at the fair.").wait_for()
    await page.locator(".acts").get_by_role("link", name="Assign").click()
    await page.get_by_label("Owner").select_option(label="Ana Duarte")
    await page.get_by_role("button", name="Assign").click()
    await page.locator("#fact-owner", has_text="Ana Duarte").wait_for()


async def test_cards_lead_to_the_path_and_filters_have_a_button(enter: OpenRoom, team: Team) -> None:
    hannah = await lead(team)
    room = await enter(team.ben, java_script_enabled=False)
    page = await room.go("/board?owner=none")
    await page.locator(f"#card-{hannah.id} .move").click(force=True)
    assert page.url.endswith(f"/leads/{hannah.id}#path")
    await room.go("/leads")
    await page.get_by_label("Search leads").fill("nobody of this name")
    await page.get_by_role("button", name="Apply").click()
    await page.get_by_text("No lead matches these filters").wait_for()
