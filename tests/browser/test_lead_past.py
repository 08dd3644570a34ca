"""The lead page through time: as of then, its scores, its story by kind, and the organization's own facts. Spec A5, A8, B6."""

from tests.browser.conftest import OpenRoom
from tests.browser.stages import inbound, lead
from tests.team import Team


async def test_the_lead_as_of_then(enter: OpenRoom, team: Team) -> None:
    """Spec A8: its state at any past moment, from the log alone."""
    hannah = await lead(team, title="Director")
    stages = (await inbound(team)).stages
    await team.do(team.ben, "crm.leads.update", leadId=str(hannah.id), title="Chief")
    await team.do(team.ben, "crm.leads.moveStage", leadId=str(hannah.id), stageId=str(stages[2].id))
    room = await enter(team.ben)
    page = await room.go(f"/leads/{hannah.id}")
    slider = page.get_by_role("slider", name="The lead as of a past moment")
    await slider.focus()
    await page.keyboard.press("Home")
    await page.get_by_text("Nothing can be changed in the past.").wait_for()
    assert await page.locator("#fact-title dd").inner_text() == "Director"
    assert await page.get_by_role("link", name="Assign").count() == 0
    assert await page.locator("#timeline li").count() == 1
    assert await room.axe() == []
    await page.get_by_role("link", name="Back to now").click()
    await page.locator("#fact-title").get_by_text("Chief").wait_for()
    await page.get_by_text("calculations").click()
    assert await page.locator(".scores li").count() >= 2
    await page.locator("select[name=kind]").select_option(label="stages")
    await page.wait_for_url("**kind=stage_changed")
    assert await page.locator("#timeline li").count() == 1


async def test_ones_own_facts_are_edited_with_the_control_of_their_type(enter: OpenRoom, team: Team) -> None:
    """Spec A5."""
    for label, type, options in (
        ("Seats", "integer", []),
        ("Renewal", "date", []),
        ("Plan", "select", ["Basic", "Pro"]),
        ("Regions", "multiSelect", ["EU", "US", "APAC"]),
        ("Partner", "yesNo", []),
    ):
        await team.do(team.ana, "crm.fields.create", label=label, type=type, options=options)
    hannah = await lead(team)
    room = await enter(team.ben)
    page = await room.go(f"/leads/{hannah.id}")

    async def edit(key: str) -> None:
        await page.locator(f"#edit-field-{key}").focus()
        await page.keyboard.press("Enter")

    await edit("seats")
    await page.get_by_role("spinbutton", name="Seats").fill("40")
    await page.keyboard.press("Enter")
    await page.locator("#fact-field-seats").get_by_text("40").wait_for()
    await edit("plan")
    await page.get_by_role("combobox", name="Plan").select_option("Pro")
    await page.locator("#fact-field-plan").get_by_role("button", name="Save").click()
    await page.locator("#fact-field-plan").get_by_text("Pro").wait_for()
    await edit("regions")
    assert await room.axe() == []
    await page.get_by_role("checkbox", name="EU").check()
    await page.get_by_role("checkbox", name="APAC").check()
    await page.locator("#fact-field-regions").get_by_role("button", name="Save").click()
    await page.locator("#fact-field-regions .chip", has_text="APAC").wait_for()
    held = (await team.do(team.ana, "crm.leads.get", leadId=str(hannah.id))).fields
    assert held == {"seats": 40, "plan": "Pro", "regions": ["EU", "APAC"]}
