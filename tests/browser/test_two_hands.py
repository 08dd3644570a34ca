"""Two people change the same: the second sees both versions, and keeps or takes. SPEC "Concurrency"."""

from playwright.async_api import expect

from tests.browser.conftest import OpenRoom
from tests.browser.stages import inbound, lead
from tests.team import Team


async def test_a_cell_that_another_hand_changed_shows_both(enter: OpenRoom, team: Team) -> None:
    """Both edit the company; the second sees who wrote what, keeps theirs, then puts their own."""
    hannah = await lead(team)
    room = await enter(team.ben)
    page = await room.go("/leads")
    row = page.locator(f"#row-{hannah.id}")
    company = row.locator('[data-cell="companyName"]')

    async def write(words: str) -> None:
        await company.get_by_role("button", name="Edit company").focus()
        await page.keyboard.press("Enter")
        await company.get_by_role("textbox").fill(words)

    await write("Kestrel Care")
    await team.do(team.ana, "crm.leads.update", leadId=str(hannah.id), companyName="Kestrel Medical")
    await page.keyboard.press("Enter")
    await company.get_by_text("Ana Duarte wrote “Kestrel Medical” meanwhile; you wrote “Kestrel Care”.").wait_for()
    assert await room.axe() == []
    await company.get_by_role("button", name="Keep theirs").click()
    await expect(company).to_contain_text("Kestrel Medical")
    await write("Kestrel Care")
    await team.do(team.ana, "crm.leads.update", leadId=str(hannah.id), companyName="Kestrel Group")
    await page.keyboard.press("Enter")
    await company.get_by_role("button", name="Put mine").click()
    await expect(company.locator("form")).to_have_count(0)
    assert (await team.do(team.ana, "crm.leads.get", leadId=str(hannah.id))).company_name == "Kestrel Care"


async def test_what_others_change_beside_a_cell_hinders_nothing(enter: OpenRoom, team: Team) -> None:
    """Another fact of the same lead changes while one writes: both stand in the end."""
    hannah = await lead(team)
    room = await enter(team.ben)
    page = await room.go("/leads")
    company = page.locator(f'#row-{hannah.id} [data-cell="companyName"]')
    await company.get_by_role("button", name="Edit company").focus()
    await page.keyboard.press("Enter")
    await company.get_by_role("textbox").fill("Kestrel Care")
    await team.do(team.ana, "crm.leads.update", leadId=str(hannah.id), title="CEO")
    await page.keyboard.press("Enter")
    await expect(company.locator("form")).to_have_count(0)
    found = await team.do(team.ana, "crm.leads.get", leadId=str(hannah.id))
    assert (found.company_name, found.title) == ("Kestrel Care", "CEO")


async def test_a_sheet_of_many_fields_is_settled_field_by_field(enter: OpenRoom, team: Team) -> None:
    """What one did not touch stays as the other made it; what both changed stands there twice, and is taken or kept."""
    pipeline = await inbound(team)
    stage = pipeline.stages[1]
    room = await enter(team.ana)
    page = await room.go(f"/settings/pipelines/{pipeline.id}/stages/{stage.id}")
    await page.get_by_label("Name").fill("Worth it")
    olivia = team.ana
    await team.do(
        olivia, "crm.pipelines.updateStage", {"stageId": str(stage.id), "name": "Promising", "probability": 35}
    )
    await page.get_by_role("button", name="Save").click()
    await page.get_by_text("Ana Duarte wrote “Promising” meanwhile; you wrote “Worth it”.").wait_for()
    await expect(page.get_by_label("Probability")).to_have_value("35")
    assert await room.axe() == []
    await page.get_by_role("button", name="Take theirs: Name").click()
    await expect(page.get_by_label("Name")).to_have_value("Promising")
    await page.get_by_label("Name").fill("Worth it")
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_url("**/settings/pipelines*")
    now = (await inbound(team)).stages[1]
    assert (now.name, now.probability) == ("Worth it", 35)


async def test_two_assign_a_lead(enter: OpenRoom, team: Team) -> None:
    """The second sees to whom it was given meanwhile."""
    hannah = await lead(team)
    room = await enter(team.ben)
    page = await room.go(f"/leads/{hannah.id}/assign")
    await page.get_by_label("Owner").select_option(label="Ben Okafor")
    await team.do(team.ana, "crm.leads.assign", leadId=str(hannah.id), ownerId=str(team.marcus.id))
    await page.get_by_role("button", name="Assign").click()
    await page.get_by_text("Ana Duarte wrote “Marcus (agent)” meanwhile; you wrote “Ben Okafor”.").wait_for()
    await page.get_by_role("button", name="Assign").click()
    await page.wait_for_url(f"**/leads/{hannah.id}")
    assert (await team.do(team.ana, "crm.leads.get", leadId=str(hannah.id))).owner_id == team.ben.id


async def test_a_condition_that_both_changed_is_opened_or_kept(enter: OpenRoom, team: Team) -> None:
    """What is many fields is settled as one: theirs is told in words and opened by a press; saving again keeps mine."""
    where = {"all": [{"field": "score", "op": ">=", "value": 40}]}
    made = await team.do(team.ana, "crm.segments.create", {"name": "Warm", "condition": where})
    theirs = {"all": [{"field": "source", "op": "=", "value": "event"}]}
    room = await enter(team.ana)
    page = await room.go(f"/segments/{made.id}")
    await page.get_by_label("Value 1").fill("60")
    await team.do(team.ben, "crm.segments.update", {"segmentId": str(made.id), "condition": theirs})
    await page.get_by_role("button", name="Save the segment").click()
    await page.get_by_text("Ben Okafor changed it meanwhile to “source is event”").wait_for()
    assert await room.axe() == []
    await page.get_by_role("link", name="Open theirs: Condition").click()
    await expect(page.get_by_label("Field 1")).to_have_value("source")
