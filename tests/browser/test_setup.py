"""Settings: fields, tags, organization, webhooks, enrichment, log, profile. Spec A5, B9, C8, C9."""

import re

from playwright.async_api import expect

from baton.accounts.sign_in import prove
from tests.browser.conftest import OpenRoom
from tests.browser.stages import lead
from tests.team import PASSWORD, Team


async def test_a_field_is_defined_changed_indexed_and_archived(enter: OpenRoom, team: Team) -> None:
    """Spec A5."""
    room = await enter(team.ana)
    page = await room.go("/settings/fields")
    await page.get_by_role("link", name="Define a field").click()
    await page.get_by_role("textbox", name="Name").fill("Current supplier")
    await page.get_by_label("Type").select_option("select")
    await page.get_by_role("button", name="Make the field").click()
    await page.get_by_text("Give 1 to 200 different options").first.wait_for()
    await page.get_by_label("Options").fill("Northwind\nContoso")
    assert await room.axe() == []
    await page.get_by_role("button", name="Make the field").click()
    await page.get_by_text("“Current supplier” can be filled in now.").wait_for()
    made = (await team.do(team.ana, "crm.fields.list"))[0]
    assert (made.key, made.type, made.options) == ("current_supplier", "select", ["Northwind", "Contoso"])
    await page.get_by_role("link", name="Change Current supplier").click()
    await page.get_by_role("button", name="Index it").click()
    await page.get_by_text("is indexed").wait_for()
    assert (await team.do(team.ana, "crm.fields.list"))[0].indexed
    await page.get_by_role("link", name="Change Current supplier").click()
    await page.get_by_role("button", name="Archive").click()
    await page.get_by_role("heading", name="Archived").wait_for()
    ben = await enter(team.ben)
    assert (await ben.context.request.get(ben.site + "/settings/fields/new")).status == 403


async def test_a_tag_is_renamed_everywhere_and_taken_back(enter: OpenRoom, team: Team) -> None:
    """Spec A5."""
    hannah = await lead(team, tags=["sprnig", "EU"])
    room = await enter(team.ben)
    page = await room.go("/settings/tags")
    await page.get_by_role("link", name="Change sprnig").click()
    await page.get_by_role("textbox", name="Name").fill("spring")
    await page.get_by_role("button", name="Rename").click()
    await page.get_by_text("is renamed on 1 lead").wait_for()
    assert set((await team.do(team.ana, "crm.leads.get", leadId=str(hannah.id))).tags) == {"spring", "EU"}
    await page.get_by_role("status").get_by_role("button", name="Undo").click()
    await page.get_by_text("Taken back.").wait_for()
    await page.get_by_role("link", name="sprnig", exact=True).click()
    await page.get_by_role("link", name="Hannah Weiss").wait_for()


async def test_the_organization_its_rates_and_how_people_are_told_apart(enter: OpenRoom, team: Team) -> None:
    room = await enter(team.ana)
    page = await room.go("/settings/organization")
    await page.get_by_label("Time zone").select_option("Europe/Lisbon")
    await page.get_by_role("button", name="Save").first.click()
    await page.wait_for_url("**?said=saved")
    await page.get_by_label("Currency 1").fill("EUR")
    await page.get_by_label("Rate 1").fill("a lot")
    await page.get_by_role("button", name="Set the rates").click()
    await page.get_by_text("is a number such as 1.08").wait_for()
    await page.get_by_label("Currency 1").fill("EUR")
    await page.get_by_label("Rate 1").fill("1.08")
    await page.get_by_role("button", name="Set the rates").click()
    await page.wait_for_url("**?said=rates")
    await page.get_by_label("ana+news@ is ana@").check()
    await page.get_by_role("button", name="Save").last.click()
    await page.wait_for_url("**?said=matching")
    assert (await team.do(team.ana, "crm.organization.get")).time_zone == "Europe/Lisbon"
    assert [(r.currency, r.rate) for r in (await team.do(team.ana, "crm.organization.rates")).rates] == [("EUR", 1.08)]
    assert (await team.do(team.ana, "crm.contacts.matching")).ignore_plus


async def test_a_webhook_is_made_tried_and_read(enter: OpenRoom, team: Team) -> None:
    """Spec C9."""
    room = await enter(team.ana)
    page = await room.go("/settings/webhooks")
    await page.get_by_role("link", name="Make a webhook").click()
    await page.get_by_role("textbox", name="Address").fill("https://hooks.example.com/baton")
    await page.get_by_role("textbox", name="Events").fill("lead.none")
    await page.get_by_role("button", name="Make the webhook").click()
    await page.get_by_text("Events are:").first.wait_for()
    await page.get_by_role("textbox", name="Events").fill("lead.*")
    await page.get_by_role("button", name="Make the webhook").click()
    assert re.match("whsec_", await page.locator("#key-secret").inner_text())
    await page.get_by_role("dialog").get_by_role("link", name="Done").click()
    await page.get_by_role("link", name="https://hooks.example.com/baton").click()
    await page.get_by_role("button", name="Try it out").click()
    await page.get_by_role("link", name="webhook.test").click()
    await page.get_by_role("dialog").get_by_text("Not tried yet.").wait_for()
    await page.wait_for_timeout(300)  # until it has risen
    assert await room.axe() == []
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Switch off").click()
    await page.get_by_role("button", name="Switch on").wait_for()


async def test_a_provider_and_a_rule_look_new_leads_up(enter: OpenRoom, team: Team) -> None:
    """Spec C8."""
    room = await enter(team.ana)
    page = await room.go("/settings/enrichment")
    await page.get_by_role("link", name="Add a provider").click()
    await page.get_by_role("link", name="Any HTTP interface").click()
    await expect(page.get_by_label("Configuration")).to_have_value(re.compile("api.example.com"))
    await page.get_by_label("Name").fill("People data")
    await page.get_by_role("dialog").get_by_role("button", name="Save").click()
    await page.get_by_text("People data can be asked now.").wait_for()
    await page.get_by_role("link", name="New rule").click()
    await page.get_by_label("Field 1").select_option("email")
    await page.get_by_label("Test 1").select_option("is_set")
    await page.get_by_role("button", name="Save the rule").click()
    await page.get_by_text("new leads of which: the email is known").wait_for()
    assert [rule.enabled for rule in await team.do(team.ana, "crm.enrichment.rules")] == [True]


async def test_the_log_is_filtered_by_actor_kind_and_day(enter: OpenRoom, team: Team) -> None:
    """Spec A7, B9, C6."""
    hannah = await lead(team)
    await team.do(team.ben, "crm.leads.logActivity", leadId=str(hannah.id), type="note", notes="Prefers the phone.")
    room = await enter(team.ana)
    page = await room.go("/settings/log")
    assert await room.axe() == []
    await page.get_by_label("Who").select_option(label="Ben Okafor")
    await page.wait_for_url("**actor=*")
    assert await page.locator(".log li").all_inner_texts()
    assert all("Ben Okafor" in text for text in await page.locator(".log li").all_inner_texts())
    await room.go("/settings/log?to=2001-01-01")
    await page.get_by_role("heading", name="Nothing of this kind happened").wait_for()


async def test_ones_own_profile_and_password(enter: OpenRoom, team: Team) -> None:
    """Spec B9."""
    room, other = await enter(team.ben), await enter(team.ben)
    page = await room.go("/profile")
    assert await room.axe() == []
    await page.get_by_label("Time zone").select_option("Europe/Lisbon")
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_url("**said=saved")
    assert (await team.do(team.ben, "crm.profile.get")).time_zone == "Europe/Lisbon"
    for now, new in (("wrong", "another long password"), (PASSWORD, "another long password")):
        await page.get_by_label("Your password of today").fill(now)
        await page.get_by_label("The new one").fill(new)
        await page.get_by_label("Once more").fill(new)
        await page.get_by_role("button", name="Change the password").click()
        await page.get_by_text(
            "This is not your password of today." if now == "wrong" else "Ben Okafor"
        ).first.wait_for()
    await page.wait_for_url("**said=password")
    assert (await other.context.request.get(other.site + "/board", max_redirects=0)).status == 303
    assert (await prove(team.db, team.emails["ben"], "another long password")).name == "Ben Okafor"
