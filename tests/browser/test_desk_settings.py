"""Settings of a person and of an admin's day: where one is signed in, a mailbox changed, late leads of one stage, a rule tried first."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenRoom
from tests.browser.stages import inbound
from tests.browser.test_inbox import VIEWS, picture
from tests.messages.conftest import connect
from tests.messages.conftest import post as post
from tests.messages.postoffice import PostOffice
from tests.team import Team

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1"


async def test_one_browser_is_signed_out_from_another(enter: OpenRoom, team: Team) -> None:
    """Spec B9: the other browser stands there by its name, and opens nothing after it was signed out; this one stays."""
    phone = await enter(team.ben, user_agent=PHONE)
    await phone.go("/board")
    room = await enter(team.ben)
    page = await room.go("/profile")
    await expect(page.locator(".sessions li")).to_have_count(2)
    await expect(page.locator(".sessions li").first).to_contain_text("this browser")
    await page.get_by_role("button", name="Sign out: Safari on iPhone").click()
    await expect(page.get_by_text("That browser is signed out.").first).to_be_visible()
    await expect(page.locator(".sessions li")).to_have_count(1)
    await phone.go("/board")
    await expect(phone.page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_a_mailbox_is_changed_and_tried_out(enter: OpenRoom, team: Team, post: PostOffice) -> None:
    """Its name and server are changed, the password stays where none is given; tried out before one leaves the sheet."""
    await connect(team, post, smtpPort=9)
    room = await enter(team.ana)
    page = await room.go("/settings/mail")
    await page.get_by_role("link", name="Change sales@northwind.example").click()
    sheet = page.locator("#sheet")
    await expect(sheet.get_by_label("Name that people see")).to_have_value("Northwind Sales")
    await sheet.get_by_label("Name that people see").fill("Northwind")
    await sheet.locator("#box-smtp-host").fill("")
    await sheet.get_by_role("button", name="Save", exact=True).click()
    await expect(sheet.get_by_text("This is required.").first).to_be_visible()
    await sheet.locator("#box-smtp-host").fill("127.0.0.1")
    await sheet.locator("#box-smtp-port").fill(str(post.port))
    await sheet.get_by_role("button", name="Save and try it out").click()
    await expect(sheet.get_by_text("It is saved, and works.")).to_be_visible()
    assert await room.axe() == []
    await sheet.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("sales@northwind.example is changed.")).to_be_visible()
    (box,) = await team.do(team.ana, "crm.mailboxes.list")
    assert (box.from_name, box.smtp_port) == ("Northwind", post.port)


async def test_late_leads_of_one_stage_are_dealt_with_otherwise(enter: OpenRoom, team: Team) -> None:
    """Spec B2, B7: the stage tells the admins and makes a task; switched back it does what the organization does."""
    pipeline = await inbound(team)
    stage = pipeline.stages[1]
    room = await enter(team.ana)
    for own in (True, False):
        page = await room.go(f"/settings/pipelines/{pipeline.id}/stages/{stage.id}")
        await page.get_by_label("Something of its own" if own else "What the organization does").check()
        if own:
            await page.get_by_label("tell the admins").check()
            await page.get_by_label("make a task for its owner").check()
            assert await room.axe() == []
        await page.locator("#sheet").get_by_role("button", name="Save").click()
        await page.wait_for_url("**/settings/pipelines")
        found = (await team.do(team.ana, "crm.sla.settings")).stages
        assert [(each.on_missed.tell, each.on_missed.task) for each in found if each.stage_id == stage.id] == (
            [(["admins", "owner", "supervisor"], True)] if own else []
        )


async def _closed(team: Team, outcome: str, **fields: Any) -> None:
    pipeline = await inbound(team)
    lead = await team.capture(**fields)
    stage = next(each for each in pipeline.stages if each.outcome == outcome)
    await team.do(team.ana, "crm.leads.moveStage", leadId=str(lead.id), stageId=str(stage.id))


async def test_a_scoring_rule_is_tried_before_it_is_saved(enter: OpenRoom, team: Team) -> None:
    """Spec C7: one new rule beside those in force, on the leads that were won and lost; nothing is written by it."""
    await team.do(team.ana, "crm.agents.setPlaybook", agentId=str(team.athena.id), rules=[])
    for _ in range(3):
        await _closed(team, "won", phone="+49 151 12345678")
        await _closed(team, "lost")
    before = await team.do(team.ana, "crm.scoring.rules")
    room = await enter(team.ana)
    page = await room.go(f"/settings/scoring/{before[0].id}/new")
    await page.get_by_label("Name").fill("Has a phone")
    await page.get_by_label("Points").fill("20")
    await page.get_by_role("button", name="Try it on the past first").click()
    await expect(page.get_by_text("3 won and 3 lost leads. Nothing was written.")).to_be_visible()
    await expect(page.get_by_label("Name")).to_have_value("Has a phone")
    assert await room.axe() == []
    assert await team.do(team.ana, "crm.scoring.rules") == before


@pytest.mark.parametrize("view", range(len(VIEWS)))
async def test_these_settings_read_well(enter: OpenRoom, team: Team, post: PostOffice, view: int) -> None:
    """WCAG 2.2 AA, and nothing scrolls sideways."""
    box = await connect(team, post)
    pipeline = await inbound(team)
    (factor, *_) = await team.do(team.ana, "crm.scoring.rules")
    room = await enter(team.ana, **VIEWS[view])
    wrong = []
    for name in (
        "profile", f"settings/mail/mailboxes/{box.id}/edit", f"settings/pipelines/{pipeline.id}/stages/{pipeline.stages[0].id}",
        f"settings/scoring/{factor.id}/new",
    ):  # fmt: skip
        page = await room.go(f"/{name}")
        wrong += [f"{name}: {finding}" for finding in await room.axe()]
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        wrong += [f"{name}: {wide} px too wide"] if wide > 0 else []
        await picture(page, f"set-{name.split('/')[1] if '/' in name else name}-{view}")
    assert wrong == []
