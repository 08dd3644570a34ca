"""Working on a lead from its page: mentions, calls with what came of them, files in an e-mail, WhatsApp, its sequences. Spec A6, A11."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from baton.jobs import lanes
from baton.kernel.actor import Role, system
from baton.messages.whatsapp.hear import Hear
from tests.browser.conftest import OpenRoom
from tests.browser.test_inbox import VIEWS, picture
from tests.messages.conftest import connect
from tests.messages.conftest import post as post
from tests.messages.postoffice import PostOffice
from tests.team import Team


async def quiet(team: Team, **fields: Any) -> Any:
    """A lead that no agent works on."""
    await team.do(team.ana, "crm.agents.setPlaybook", agentId=str(team.athena.id), rules=[])
    return await team.capture(**fields)


async def test_a_colleague_is_mentioned_by_keys(enter: OpenRoom, team: Team) -> None:
    """Spec A6: “@” and letters offer people, arrows and Enter take one, and she is told; Escape leaves the text alone."""
    lead = await quiet(team)
    room = await enter(team.ben)
    page = await room.go(f"/leads/{lead.id}")
    text = page.get_by_label("Text")
    await text.press_sequentially("Look, @")
    people = page.get_by_role("listbox", name="People")
    await expect(people.get_by_role("option")).to_have_count(4)
    assert await room.axe() == []
    await text.press_sequentially("an")
    await expect(people.get_by_role("option")).to_have_text(["Ana Duarte"])
    await page.keyboard.press("Enter")
    await expect(text).to_have_value("Look, @Ana Duarte ")
    await text.press_sequentially("at @o")
    await page.keyboard.press("Escape")
    await expect(people).to_be_hidden()
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#timeline")).to_contain_text("Look, @Ana Duarte at @o")
    await team.run_due()
    (mention,) = (await team.do(team.ana, "crm.inbox.list", only="mention")).items
    assert mention.title == "Ben Okafor mentioned you on Jane Smith"


async def test_a_call_is_logged_with_what_came_of_it(enter: OpenRoom, team: Team) -> None:
    """Spec B5: the outcome alone is enough; minutes and an earlier moment are told on the timeline."""
    lead = await quiet(team)
    room = await enter(team.ben, timezone_id="UTC")
    page = await room.go(f"/leads/{lead.id}")
    await page.get_by_role("radio", name="Call").check()
    await page.get_by_label("What came of the call").select_option("Left a message")
    await page.get_by_label("Minutes").fill("3")
    await page.get_by_label("When, if not now").fill("2026-01-05T09:30")
    assert await room.axe() == []
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#timeline")).to_contain_text("Left a message, 3 min")
    (told,) = [each for each in await team.log(lead.id) if each.kind == "call_logged"]
    assert (told.payload["outcome"], told.payload["durationMinutes"]) == ("Left a message", 3)
    assert told.payload["happenedAt"].startswith("2026-01-05T09:30")


async def test_files_go_with_an_email(enter: OpenRoom, team: Team, post: PostOffice, tmp_path: Path) -> None:
    """Spec A11: two files reach the other end; one that is too large is refused with words, and the others stay."""
    await connect(team, post)
    lead = await quiet(team, email="jane@acme.example")
    (tmp_path / "offer.pdf").write_bytes(b"%PDF-1.7 offer")
    (tmp_path / "plan <b>.html").write_bytes(b"<script>alert(1)</script>")
    (tmp_path / "large.bin").write_bytes(b"x" * 10_000_001)
    room = await enter(team.ben)
    page = await room.go(f"/leads/{lead.id}")
    await page.get_by_role("link", name="Email", exact=True).click()
    sheet = page.locator("#sheet")
    await sheet.get_by_label("Subject").fill("Our offer")
    await sheet.locator("#email-text").fill("See the files.")
    await sheet.get_by_label("Files").set_input_files([tmp_path / "offer.pdf", tmp_path / "large.bin"])
    await sheet.get_by_role("button", name="Send").click()
    await expect(sheet.get_by_text("large.bin is larger than 10 MB.").first).to_be_visible()
    await expect(sheet.get_by_role("checkbox", name="offer.pdf")).to_be_checked()
    await sheet.get_by_label("Files").set_input_files([tmp_path / "plan <b>.html"])
    await sheet.get_by_role("button", name="Send").click()
    await expect(page.get_by_text("The email to jane@acme.example is on its way.")).to_be_visible()
    await lanes.step(team.db, only=team.org_id)
    (taken,) = post.taken
    files = {part.get_filename(): part.get_content() for part in taken.mail.iter_attachments()}
    assert files["offer.pdf"] == b"%PDF-1.7 offer"
    assert len(files) == 2


async def test_whatsapp_says_how_its_window_stands(enter: OpenRoom, team: Team) -> None:
    """Spec A11: closed it takes a template; after they wrote, a text; the template that was used is offered again."""
    number = {
        "provider": "meta",
        "name": "Sales",
        "number": "+49 30 5550100",
        "account": "A1",
        "token": "t",
        "signingSecret": "s",
    }
    account = await team.do(team.ana, "crm.whatsapp.setAccount", number)
    lead = await quiet(team, phone="+49 151 12345678")
    room = await enter(team.ben)
    page = await room.go(f"/leads/{lead.id}")
    await page.get_by_role("link", name="WhatsApp", exact=True).click()
    sheet = page.locator("#sheet")
    await expect(sheet.get_by_role("status").first).to_contain_text("only a template")
    await sheet.get_by_label("Name of the template").fill("hello")
    await sheet.get_by_label("Variables").fill("Jane\nTuesday")
    assert await room.axe() == []
    await sheet.get_by_role("button", name="Send").click()
    await expect(page.get_by_text("The message to +4915112345678 is on its way.")).to_be_visible()
    by = system(team.org_id, "Meta", role=Role.MEMBER, via="api")
    heard = Hear(account_id=account.id, provider_id="w1", sender="+4915112345678", name="Jane", text="Yes!")
    await team.do(by, "crm.whatsapp.receive", heard)
    page = await room.go(f"/leads/{lead.id}/whatsapp")
    await expect(page.get_by_role("status").first).to_contain_text("you may write freely until")
    await page.get_by_text("Template", exact=True).click()
    await expect(page.get_by_label("Used before").locator("option")).to_have_count(2)
    await page.locator("#whatsapp-text").fill("Great, until Tuesday")
    await page.get_by_role("button", name="Send").click()
    await page.wait_for_url(f"**/leads/{lead.id}")
    sent = await team.do(team.ben, "crm.messages.list", leadId=str(lead.id))
    assert {each.text for each in sent.items} == {"hello: Jane, Tuesday", "Great, until Tuesday"}


async def _sequence(team: Team, name: str = "Welcome") -> Any:
    plan = {"steps": [{"do": "wait", "span": "2d"}, {"do": "task", "title": "Call {{ lead.name }}"}]}
    made = await team.do(team.ana, "crm.sequences.create", {"name": name, "plan": plan})
    await team.do(team.ana, "crm.sequences.setState", sequenceId=str(made.id), state="on")
    return made


async def test_a_lead_goes_through_a_sequence_from_its_page(enter: OpenRoom, team: Team) -> None:
    """Spec A11: put in, let wait, let go on, taken out; the panel says at which step it stands and what comes next."""
    lead = await quiet(team)
    await _sequence(team)
    room = await enter(team.ben)
    page = await room.go(f"/leads/{lead.id}")
    panel = page.locator(".in-sequences")
    await expect(panel).to_contain_text("In none.")
    await panel.get_by_role("link", name="Put in").click()
    await page.get_by_role("dialog").get_by_role("combobox", name="Sequence").select_option(label="Welcome")
    await page.get_by_role("button", name="Put it in").click()
    await expect(panel).to_contain_text("Step 1 of 2: a wait")
    assert await room.axe() == []
    await panel.get_by_role("button", name="Wait: Welcome").click()
    await panel.get_by_role("button", name="Go on: Welcome").click()
    await panel.get_by_role("button", name="Take out: Welcome").click()
    await expect(panel).to_contain_text("taken out")
    kinds = [each.kind for each in await team.log(lead.id) if each.kind.startswith("sequence")]
    assert kinds == ["sequence_enrolled", "sequence_waits", "sequence_resumed", "sequence_stopped"]


@pytest.mark.parametrize("view", range(len(VIEWS)))
async def test_the_lead_page_reads_well(enter: OpenRoom, team: Team, view: int) -> None:
    """WCAG 2.2 AA, and nothing scrolls sideways: the page with its panels, and the sheets of e-mail, WhatsApp, sequences."""
    lead = await quiet(team, phone="+49 151 12345678")
    made = await _sequence(team, "Welcome to everybody who wrote to us from the website")
    await team.do(team.ben, "crm.sequences.enrol", sequenceId=str(made.id), leadId=str(lead.id))
    room = await enter(team.ben, **VIEWS[view])
    wrong = []
    for name in ("", "/email", "/whatsapp", "/sequences"):
        page = await room.go(f"/leads/{lead.id}{name}")
        if not name:
            await page.get_by_text("Meeting", exact=True).click()
        wrong += [f"{name}: {finding}" for finding in await room.axe()]
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        wrong += [f"{name}: {wide} px too wide"] if wide > 0 else []
        await picture(page, f"lead{name.replace('/', '-')}-{view}")
    assert wrong == []
