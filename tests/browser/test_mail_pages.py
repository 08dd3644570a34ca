"""Settings → E-mail, and writing to a lead from its page: what a person presses happens."""

import os
from pathlib import Path

import pytest
from playwright.async_api import expect

from baton.jobs import lanes
from tests.browser.conftest import OpenRoom
from tests.messages.conftest import post as post
from tests.messages.postoffice import PostOffice
from tests.messages.test_receive import letter, receive
from tests.team import Team

PICTURES = os.environ.get("BATON_PICTURES")


async def test_a_mailbox_is_connected_and_an_email_written(enter: OpenRoom, team: Team, post: PostOffice) -> None:
    """Spec A11. From an empty page to a mail at the other end; what the template lacks is said before it is sent."""
    room = await enter(team.ana)
    page = await room.go("/settings/mail")
    await page.locator("header.page").get_by_role("link", name="Connect a mailbox").click()
    dialog = page.locator("#sheet")
    await dialog.get_by_label("Name that people see").fill("Northwind")
    await dialog.get_by_label("Address", exact=False).first.fill("sales@northwind.example")
    await dialog.locator("#box-smtp-host").fill("127.0.0.1")
    await dialog.locator("#box-smtp-port").fill(str(post.port))
    await dialog.locator("#box-smtp-security").select_option("none")
    await dialog.get_by_role("button", name="Connect").click()
    await expect(page.get_by_role("heading", name="sales@northwind.example is connected")).to_be_visible()
    assert (await page.locator("#code-secret").inner_text()).startswith("bat_mail_")
    page = await room.go("/settings/mail")
    await page.get_by_role("button", name="Try out sales@northwind.example").click()
    await expect(page.get_by_text("The mailbox works.")).to_be_visible()
    lead = await team.capture(firstName="Jane", email="jane@acme.example")
    page = await room.go(f"/leads/{lead.id}")
    await page.get_by_role("link", name="Email", exact=True).click()
    await page.get_by_label("Template").select_option(label="Check-in")
    await page.get_by_role("button", name="Fill in").click()
    await expect(page.get_by_label("Subject")).to_have_value("A short check-in")
    await page.locator("#email-text").fill("Hello Jane, how are you?")
    await page.locator("#sheet").get_by_role("button", name="Send").click()
    await expect(page.get_by_text("The email to jane@acme.example is on its way.")).to_be_visible()
    await lanes.step(team.db, only=team.org_id)
    (taken,) = post.taken
    body = taken.mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().strip() == "Hello Jane, how are you?"
    page = await room.go(f"/leads/{lead.id}/email")
    await expect(page.get_by_text("leaves 24 hours between messages")).to_be_visible()


async def test_a_mailbox_signs_what_people_write(enter: OpenRoom, team: Team, post: PostOffice) -> None:
    """The signature of the mailbox that is chosen is seen before one sends, stands below the text, and can be left out."""
    boxes = [
        await team.do(
            team.ana, "crm.mailboxes.create", fromName="Northwind", fromAddress=f"{name}@northwind.example", smtpHost="127.0.0.1",
            smtpPort=post.port, smtpSecurity="none", **({"memberId": str(team.ana.id)} if name == "ana" else {}),
        )
        for name in ("sales", "ana")
    ]  # fmt: skip
    room = await enter(team.ana)
    for box, words in zip(boxes, ("The sales team", "Ana Duarte\nNorthwind <Berlin>"), strict=True):
        page = await room.go(f"/settings/mail/mailboxes/{box.id}/edit")
        await page.get_by_label("Signature").fill(words)
        await page.get_by_role("button", name="Save", exact=True).click()
        await page.wait_for_url("**/settings/mail*")
    leads = [await team.capture(firstName="Jane") for _ in range(3)]
    for lead, mailbox, signed in zip(leads, (None, "sales", "none"), ("ana", "sales", "none"), strict=True):
        page = await room.go(f"/leads/{lead.id}/email")
        seen = page.locator("[data-signature]:visible")
        await expect(seen).to_have_text("Ana Duarte\nNorthwind <Berlin>")
        await page.get_by_label("Subject").fill(f"Signed by {signed}")
        await page.locator("#email-text").fill("Hello Jane.")
        if mailbox == "sales":
            await page.get_by_label("From", exact=True).select_option(str(boxes[0].id))
            await expect(seen).to_have_text("The sales team")
            assert await room.axe() == []
        if mailbox == "none":
            await page.get_by_label("Sign it").uncheck()
        await page.locator("#sheet").get_by_role("button", name="Send").click()
        await page.wait_for_url(f"**/leads/{lead.id}")
    await lanes.step(team.db, only=team.org_id)
    found = {str(each.mail["subject"]): each.mail.get_content().replace("\r\n", "\n").strip() for each in post.taken}
    assert found == {
        "Signed by ana": "Hello Jane.\n\n-- \nAna Duarte\nNorthwind <Berlin>",
        "Signed by sales": "Hello Jane.\n\n-- \nThe sales team",
        "Signed by none": "Hello Jane.",
    }


async def test_a_number_is_connected(enter: OpenRoom, team: Team) -> None:
    """An admin connects a WhatsApp number, and reads what the provider must be told."""
    room = await enter(team.ana)
    page = await room.go("/settings/mail/numbers/new")
    for field, words in (
        ("Name", "Sales"),
        ("Number", "+49 30 5550100"),
        ("The provider", "123"),
        ("Token", "t"),
        ("App secret", "s"),
    ):
        await page.locator("#sheet").get_by_label(field).first.fill(words)
    await page.locator("#sheet").get_by_role("button", name="Connect").click()
    await expect(page.locator("#whatsapp").get_by_text("/whatsapp/in/")).to_be_visible()
    await expect(page.locator("#whatsapp").get_by_text("Verify token")).to_be_visible()
    await page.get_by_role("button", name="Remove: +49305550100").click()
    await expect(page.get_by_text("No number yet.")).to_be_visible()


async def test_what_hangs_is_decided_here(enter: OpenRoom, team: Team, post: PostOffice) -> None:
    """Messages in doubt, unknown senders, the list, the rules: each has its button."""
    mailbox = await team.do(
        team.ana, "crm.mailboxes.create", fromName="N", fromAddress="sales@northwind.example", smtpHost="127.0.0.1", smtpPort=post.port,
        smtpSecurity="none",
    )  # fmt: skip
    await receive(team, mailbox, letter("Nina Novak <nina@new.example>", subject="Your offer"))
    lead = await team.capture()
    await team.do(team.ben, "crm.emails.send", leadId=str(lead.id), subject="Hm", text="Hm")
    post.silent = True
    await lanes.step(team.db, only=team.org_id)
    room = await enter(team.ana)
    page = await room.go("/settings/mail")
    await page.get_by_role("button", name="It left: Hm").click()
    await expect(page.locator("#doubt")).to_have_count(0)
    await page.get_by_label("E-mail address or phone number").fill("old@acme.example")
    await page.locator("#suppressed").get_by_role("button", name="Add").click()
    await page.get_by_role("button", name="Allow again: old@acme.example").click()
    await expect(page.get_by_text("old@acme.example")).to_have_count(0)
    await page.get_by_label("Hours between two messages to one person").fill("48")
    await page.locator("#rules").get_by_role("button", name="Keep").click()
    await expect(page.get_by_text("within 48 hours")).to_be_visible()
    await page.get_by_role("button", name="Make a lead of nina@new.example").click()
    await expect(page.get_by_role("heading", name="Nina Novak")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_pages_of_mail_are_accessible_and_fit(
    enter: OpenRoom, team: Team, post: PostOffice, theme: str
) -> None:
    mailbox = await team.do(
        team.ana, "crm.mailboxes.create", fromName="Northwind", fromAddress="sales@northwind.example", smtpHost="127.0.0.1",
        smtpPort=post.port, smtpSecurity="none",
    )  # fmt: skip
    await receive(team, mailbox, letter("Nina Novak <nina@new.example>", subject="Your offer"))
    lead = await team.capture()
    await team.do(team.ben, "crm.emails.send", leadId=str(lead.id), subject="Shall we talk?", text="Hm")
    post.silent = True
    await lanes.step(team.db, only=team.org_id)
    await team.do(team.ben, "crm.suppressions.add", address="old@acme.example", note="They asked on the phone.")
    (template, *_) = await team.do(team.ana, "crm.templates.list")
    reply = letter(f"Jane Smith <{lead.email}>", subject="Our terms, and a question about the pilot", text="See below.")
    reply.add_alternative(
        "<h2>Terms</h2><p>Dear Ben, we <b>agree</b>, see <a href='https://acme.example/t'>our terms</a>.</p><ul><li>One</li></ul>"
        "<blockquote>Shall we talk?</blockquote><table><tr><th>Seats</th><td>40</td></tr></table><p style='color:white'>Jane</p>",
        subtype="html",
    )
    reply.add_attachment(
        b"%PDF-1.7 " + b"x" * 340_000, maintype="application", subtype="pdf", filename="Terms and conditions.pdf"
    )
    received = await receive(team, mailbox, reply)
    paths = {
        "message": f"/messages/{received.id}", "lead-mail": f"/leads/{lead.id}",
        "mail": "/settings/mail", "mailbox-new": "/settings/mail/mailboxes/new", "template": f"/settings/mail/templates/{template.id}",
        "template-new": "/settings/mail/templates/new", "email": f"/leads/{lead.id}/email", "number-new": "/settings/mail/numbers/new",
    }  # fmt: skip
    wrong: list[str] = []
    for across, down in ((1440, 900), (390, 844)):
        room = await enter(team.ana, viewport={"width": across, "height": down}, color_scheme=theme)
        for name, path in paths.items():
            page = await room.go(path)
            if PICTURES:
                await page.screenshot(path=Path(PICTURES) / f"{name}-{theme}-{across}.png", full_page=True)
            beyond = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            wrong += [f"{name} {across}: {beyond} px too wide"] if beyond > 0 else []
            wrong += [f"{name} {across}: {finding}" for finding in await room.axe()]
    assert wrong == []
