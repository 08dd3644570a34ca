"""The inbox of what agents ask for: the exact words, approve, edit, reject; an agent's policy, limits, evidence and end. Spec A6."""

import re

from playwright.async_api import expect

from tests.agents.desk import approval, asked, policy
from tests.browser.conftest import OpenRoom
from tests.operations.cases_mail import lead_to_write_to
from tests.team import Team

NOTE = "crm.leads.logActivity"


async def test_a_person_decides_on_the_exact_words(enter: OpenRoom, team: Team) -> None:
    """Spec A6: recipient, subject and text stand there; approve, edit and approve, reject with a reason; the lead's page shows it too."""
    await team.do(team.ana, "crm.agents.setPlaybook", agentId=str(team.athena.id), rules=[])
    lead = await lead_to_write_to(team)
    await policy(team, {"operation": NOTE, "decision": "ask"})
    mail = await asked(
        team, "crm.emails.send", leadId=lead["leadId"], subject="A first hello", text="Dear Jane,\n\nhello."
    )
    notes = [await asked(team, NOTE, leadId=lead["leadId"], type="note", notes=words) for words in ("First", "Second")]
    room = await enter(team.ben)
    page = await room.go("/board")
    card = page.locator(f"#card-{lead['leadId']}")
    await expect(card.get_by_role("link", name="Marcus asks")).to_have_attribute("href", f"/approvals/{mail.id}")
    page = await room.go("/approvals")
    await expect(page.get_by_text("@acme.example").first).to_be_visible()
    assert "Dear Jane,\n\nhello." in await page.locator(".exact").last.inner_text()
    assert await room.axe() == []
    await page.get_by_role("article", name="Marcus asks: Send an email").get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("article")).to_have_count(2)
    assert (await approval(team, mail.id)).status == "approved"
    first = page.get_by_role("article").filter(has_text="First")
    await first.get_by_role("link", name="Edit and approve").click()
    await page.get_by_role("dialog").get_by_label("Notes").fill("Better")
    await page.get_by_role("button", name="Save and approve").click()
    await expect(page.get_by_role("article")).to_have_count(1)
    assert (await approval(team, notes[0].id)).input["notes"] == "Better"
    page = await room.go(f"/leads/{lead['leadId']}")
    await page.get_by_role("article").get_by_role("link", name="Reject").click()
    await page.get_by_label("Why").fill("Not now.")
    await page.get_by_role("dialog").get_by_role("button", name="Reject").click()
    await page.get_by_text("Rejected. Nothing was done.").first.wait_for()
    assert (await approval(team, notes[1].id)).reason == "Not now."
    await room.go("/board")
    await expect(card.get_by_role("link", name="Marcus asks")).to_have_count(0)


async def test_an_admin_sets_what_an_agent_may_do(enter: OpenRoom, team: Team) -> None:
    """Spec A6: a row of the policy in words, limits, and what it was refused; all hold from the next act on."""
    room = await enter(team.ana)
    page = await room.go(f"/agents/{team.marcus.id}")
    await page.get_by_role("link", name="New row").click()
    await page.get_by_label("When it would").select_option("stage_changed")
    await page.get_by_label("Field 1").select_option("valueCents")
    await page.get_by_label("Test 1").select_option(">")
    await page.get_by_label("Value 1").fill("50000")
    await page.get_by_label("What is decided").select_option("ask")
    await page.get_by_role("button", name="Save the row").click()
    await page.get_by_text("holds from now on").wait_for()
    (row,) = await team.do(team.ana, "crm.agents.policy", agentId=str(team.marcus.id))
    assert row.condition == {"all": [{"field": "valueCents", "op": ">", "value": 5_000_000}]}
    await page.get_by_role("link", name="Change its limits").click()
    await page.get_by_label("Messages a day").fill("20")
    await page.get_by_label(re.compile("Largest value")).fill("100000")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_text("works within these limits from now on").wait_for()
    await page.reload()
    await page.get_by_text("0 of 20").wait_for()
    limits = await team.do(team.ana, "crm.agents.limits", agentId=str(team.marcus.id))
    assert (limits.sends_per_day, limits.largest_value_cents) == (20, 10_000_000)
    assert await room.axe() == []


async def test_retire_and_take_back(enter: OpenRoom, team: Team) -> None:
    """Spec A6: what it did since a moment goes back, and its leads go to whom one chooses."""
    await team.do(team.ana, "crm.agents.setPlaybook", agentId=str(team.athena.id), rules=[])
    lead = await team.capture()
    ref = {"leadId": str(lead.id)}
    await team.do(team.ana, "crm.leads.assign", ref | {"ownerId": str(team.marcus.id)})
    await team.do(team.marcus, "crm.leads.setStatus", ref | {"status": "proposal"})
    room = await enter(team.ana)
    page = await room.go(f"/agents/{team.marcus.id}")
    await page.get_by_role("link", name="Take back…").click()
    await page.get_by_role("button", name="Take it back").click()
    await page.get_by_text("effects taken back").wait_for()
    assert (await team.do(team.ana, "crm.leads.get", ref)).stage_id == lead.stage_id
    await page.get_by_role("link", name="Retire…").click()
    await page.get_by_label("Who takes its open leads and tasks").select_option(str(team.ben.id))
    await page.get_by_role("button", name="Retire it").click()
    await page.get_by_text("1 leads were handed over").wait_for()
    assert (await team.do(team.ana, "crm.leads.get", ref)).owner_id == team.ben.id


async def test_marcus_gets_a_model(enter: OpenRoom, team: Team) -> None:
    """Spec A6: an agent that worked by its playbook alone gets a model, keeps its rules, and its key is shown to nobody."""
    room = await enter(team.ana)
    page = await room.go(f"/agents/{team.marcus.id}")
    await page.get_by_role("link", name="Model").click()
    await page.get_by_role("textbox", name="Model").fill("openai:gpt-5")
    await page.get_by_role("textbox", name="Key").fill("sk-very-secret")
    await page.get_by_role("textbox", name="tokens read").fill("many")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_text("Write a number here.").first.wait_for()
    await page.get_by_role("textbox", name="tokens read").fill("1.25")
    await page.get_by_role("textbox", name="Key").fill("sk-very-secret")
    assert await room.axe() == []
    await page.get_by_role("button", name="Save").click()
    await page.get_by_text("from the next run on").wait_for()
    kept = await team.do(team.ana, "crm.agents.model", agentId=str(team.marcus.id))
    assert (kept.model, kept.has_key, kept.input_price) == ("openai:gpt-5", True, 1.25)
    assert len(await team.do(team.ana, "crm.agents.playbook", agentId=str(team.marcus.id))) == 3
    page = await room.go(f"/agents/{team.marcus.id}/model")
    assert "sk-very-secret" not in await page.content()
