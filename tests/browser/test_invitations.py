"""Asking people in by a link, from the admin's settings to the new member's board. Spec B9."""

import secrets

from playwright.async_api import expect

from tests.browser.conftest import OpenRoom
from tests.operations.cases_people import invited, token_of
from tests.team import Team

OWN = "an own password of hers"


async def test_a_person_is_invited_joins_and_works(enter: OpenRoom, team: Team) -> None:
    """The link is shown once; whoever opens it sees who invites into what, chooses a password and stands before the board."""
    room = await enter(team.ana)
    page = await room.go("/settings/members")
    await page.get_by_role("link", name="Invite a person").click()
    sheet = page.get_by_role("dialog")
    await sheet.get_by_role("button", name="Invite").click()
    await sheet.get_by_text("Name is required.").first.wait_for()
    await sheet.get_by_label("Name").fill("Bea Stone")
    await sheet.get_by_label("Email").fill(f"bea.{secrets.token_hex(4)}@northwind.example")
    await sheet.get_by_label("Role").select_option("viewer")
    await sheet.get_by_role("button", name="Invite").click()
    await sheet.get_by_text("Bea Stone is invited").wait_for()
    await sheet.get_by_text("hand the link to Bea Stone yourself").wait_for()
    assert await room.axe() == []
    link = await page.locator("#link-text").inner_text()
    await sheet.get_by_role("link", name="Done").click()
    panel = page.get_by_role("region", name="Invited")
    await panel.get_by_text("Bea Stone").wait_for()
    await page.reload()
    assert link.rpartition("/")[2] not in await page.content()

    hers = await enter(viewport={"width": 390, "height": 844})
    joining = await hers.go("/join/" + link.rpartition("/")[2])
    await joining.get_by_text("Ana Duarte invites Bea Stone. You will read along.").wait_for()
    assert await hers.axe() == []
    await joining.get_by_label("Choose a password").fill(OWN)
    await joining.get_by_role("button", name="Join").click()
    await joining.wait_for_url("**/board")
    await panel.wait_for(state="detached")
    await page.get_by_label("Role of Bea Stone").wait_for()

    again = await (await enter()).go("/join/" + link.rpartition("/")[2])
    await again.get_by_role("heading", name="This link is used up").wait_for()
    await again.get_by_role("link", name="Sign in").click()
    await again.wait_for_url("**/sign-in")


async def test_who_signs_in_here_already_is_led_to_their_own_password(enter: OpenRoom, team: Team, carla: Team) -> None:
    """A password is chosen only by who is new; whose first password somebody else chose chooses a new one."""
    made = await team.do(
        team.ana, "crm.members.invite", {"name": "Ben", "email": carla.emails["vera"], "role": "member"}
    )
    room = await enter(locale="pt-BR")
    page = await room.go(f"/join/{token_of(made)}")
    await page.get_by_role("heading", name="Entrar em Northwind").wait_for()
    await page.get_by_label("Escolha uma senha").fill("a password that is not hers")
    await page.get_by_role("button", name="Entrar").click()
    await page.get_by_text("Este endereço de e-mail já entra aqui.").wait_for()
    for _ in range(2):
        await page.get_by_label("Sua senha").fill("a long enough password")
        if await page.get_by_label("A nova").count():
            assert await room.axe() == []
            await page.get_by_label("A nova").fill(OWN)
        await page.get_by_role("button", name="Entrar").click()
    await page.wait_for_url("**/board")


async def test_an_invitation_is_renewed_and_revoked(enter: OpenRoom, team: Team) -> None:
    """A new link in place of the old; revoked, it is gone from the list, and from the page of whoever holds the link."""
    made = await invited(team)
    room = await enter(team.ana)
    page = await room.go("/settings/members")
    await page.get_by_role("link", name="New link for Bea Stone").click()
    await page.get_by_role("dialog").get_by_role("button", name="Make a new link").click()
    link = await page.locator("#link-text").inner_text()
    assert token_of(made) not in link
    await page.get_by_role("dialog").get_by_role("link", name="Done").click()
    await page.get_by_role("button", name="Revoke the invitation of Bea Stone").click()
    await page.get_by_text("The invitation of Bea Stone opens nothing any more.").wait_for()
    await expect(page.get_by_role("region", name="Invited")).to_have_count(0)
    stranger = await (await enter()).go("/join/" + link.rpartition("/")[2])
    await stranger.get_by_text("This invitation was withdrawn.").wait_for()
    viewer = await enter(team.vera)
    assert (await viewer.context.request.get(viewer.site + "/settings/members/new")).status == 403
    seen = await viewer.go("/settings/members")
    assert await seen.get_by_role("link", name="Invite a person").count() == 0
