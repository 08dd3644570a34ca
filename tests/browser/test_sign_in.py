"""Signing in, and what happens without."""

from tests.browser.conftest import OpenRoom
from tests.team import PASSWORD, Team


async def test_a_wrong_password_is_told_and_opens_nothing(enter: OpenRoom, team: Team) -> None:
    room = await enter()
    page = await room.go("/sign-in")
    await page.fill("#email", team.emails["ben"])
    await page.fill("#password", "not the password")
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("alert").wait_for()
    assert "do not belong together" in await page.get_by_role("alert").inner_text()
    assert await page.input_value("#email") == team.emails["ben"]
    assert await page.input_value("#password") == ""
    await room.go("/board")
    assert "/sign-in?next=/board" in page.url.replace("%2F", "/")


async def test_signing_in_leads_to_the_page_that_was_asked_for(enter: OpenRoom, team: Team) -> None:
    room = await enter()
    page = await room.go("/leads?status=new")
    await page.fill("#email", team.emails["ben"])
    await page.fill("#password", PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("heading", name="Leads", exact=True).wait_for()
    assert page.url.endswith("/leads?status=new")
    (cookie,) = [c for c in await room.context.cookies() if c["name"] == "baton_session"]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"


async def test_another_sites_address_is_no_place_to_go_on_to(enter: OpenRoom, team: Team) -> None:
    room = await enter()
    for wish in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        page = await room.go(f"/sign-in?next={wish}")
        assert await page.locator("input[name=next]").get_attribute("value") == "/board"


async def test_signing_out_ends_the_session_for_good(enter: OpenRoom, team: Team) -> None:
    room = await enter(team.ben)
    page = await room.go("/board")
    cookies = await room.context.cookies()
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_role("heading", name="Sign in").wait_for()
    await room.context.add_cookies(cookies)  # type: ignore[arg-type]
    await room.go("/board")
    assert "/sign-in" in page.url
