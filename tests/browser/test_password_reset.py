"""A forgotten password, from the sign-in page to the board. Spec B9."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from baton.kernel.db import Database
from baton.kernel.relay_mail import MailRelay
from baton.kernel.values import utc_now
from baton.messages import reset as mail_resets
from tests.browser.conftest import OpenRoom
from tests.messages.postoffice import PostOffice
from tests.operations.cases_people import somebody
from tests.team import Team, make_team


@pytest_asyncio.fixture
async def post(db: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PostOffice]:
    """The operator's relay leads here."""
    made = PostOffice()
    server = await made.open()
    relay = MailRelay("127.0.0.1", made.port, "none", None, None, "Baton", "baton@relay.example")
    monkeypatch.setattr(db, "installation", replace(db.installation, mail=relay))
    yield made
    server.close()


@pytest.mark.parametrize("several", [False, True])
async def test_who_forgot_the_password_gets_in_again(
    enter: OpenRoom, team: Team, db: Database, post: PostOffice, several: bool
) -> None:
    """On a phone: an address, a link from the mail, a new password, and the board; of several organizations one."""
    email, _ = await somebody(team, *([await make_team(db, "Tailspin")] if several else []))
    room = await enter(viewport={"width": 390, "height": 844})
    page = await room.go("/sign-in")
    await page.get_by_role("link", name="Forgot your password?").click()
    await page.wait_for_url("**/forgot")
    await page.get_by_label("Email").fill(email)
    assert await room.axe() == []
    await page.keyboard.press("Enter")
    await page.get_by_text("If this address signs in here, a mail with a link is on its way.").wait_for()
    assert await room.axe() == []
    for org_id, id in await mail_resets.due(db, utc_now(), 8):
        await mail_resets.walk(db, org_id, id)
    (text,) = [each.mail.get_content() for each in post.taken if each.to == [email]]
    (token,) = re.findall(r"/reset/(\S+)", text)
    await room.go(f"/reset/{token}")
    assert await room.axe() == []
    await page.get_by_label("New password").fill("short")
    await page.keyboard.press("Enter")
    await page.get_by_text("A password has at least 10 characters.").wait_for()
    await page.locator("input[name=password]:focus").wait_for()
    await page.keyboard.type("an own password of hers")
    await page.keyboard.press("Enter")
    if several:
        await page.get_by_text("Your password is changed.").wait_for()
        assert await room.axe() == []
        await page.get_by_label("Organization").select_option(label="Tailspin")
        await page.get_by_label("Password").fill("an own password of hers")
        await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/board")
    again = await (await enter()).go(f"/reset/{token}")
    await again.get_by_role("heading", name="This link opens nothing any more").wait_for()
    await again.get_by_role("link", name="Ask for a new link").click()
    await again.wait_for_url("**/forgot")
