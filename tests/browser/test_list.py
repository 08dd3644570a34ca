"""The list that a team works in: columns, order, edits in place, selections, views, segments, and files. Spec A10."""

import re

from playwright.async_api import Page, expect

from baton.kernel.errors import NotFound
from tests.browser.conftest import OpenRoom
from tests.browser.stages import inbound, lead
from tests.team import Team


async def _lists(page: Page, *names: str) -> None:
    """The list shows these leads, as soon as it has been read."""
    await expect(page.locator("tbody tr td.name")).to_have_text(list(names), use_inner_text=True)


async def test_a_list_is_sorted_by_any_column_and_by_a_field_of_ones_own(enter: OpenRoom, team: Team) -> None:
    """Spec A10."""
    await team.do(team.ana, "crm.fields.create", label="Seats", type="integer")
    for name, seats in (("Amara", 12), ("Boris", 300), ("Chidi", 45)):
        made = await lead(team, name, "Test")
        await team.do(team.ben, "crm.leads.update", leadId=str(made.id), fields={"seats": seats})
    room = await enter(team.ben)
    page = await room.go("/leads")
    await page.get_by_role("link", name="Name", exact=True).click()
    await page.wait_for_url("**sort=name")
    await _lists(page, "Amara Test", "Boris Test", "Chidi Test")
    await page.get_by_role("link", name="Columns").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Seats", exact=True).check()
    await dialog.get_by_label("Company", exact=True).uncheck()
    await dialog.get_by_role("button", name="Show these columns").click()
    await page.get_by_role("link", name="Seats").click()
    await page.wait_for_url("**sort=-field.seats")
    await _lists(page, "Boris Test", "Chidi Test", "Amara Test")
    assert (await page.locator("th[aria-sort=descending]").inner_text()).startswith("Seats")
    assert await page.get_by_role("columnheader", name="Company").count() == 0
    await room.go("/leads")  # remembered
    assert await page.get_by_role("columnheader", name="Seats").count() == 1


async def test_a_cell_is_edited_where_it_stands_and_taken_back(enter: OpenRoom, team: Team) -> None:
    """Spec A10, B5."""
    hannah = await lead(team)
    stages = (await inbound(team)).stages
    room = await enter(team.ben)
    page = await room.go("/leads")
    row = page.locator(f"#row-{hannah.id}")
    await row.get_by_role("button", name="Edit value of").focus()
    await page.keyboard.press("Enter")
    await row.get_by_role("textbox").fill("12,500")
    await page.keyboard.press("Enter")
    await row.get_by_text("$12,500").wait_for()
    await row.get_by_role("button", name="Edit stage of").focus()
    await page.keyboard.press("Enter")
    await row.get_by_role("combobox").select_option(label=stages[1].name)
    await row.get_by_text(stages[1].name).wait_for()
    assert (await team.do(team.ana, "crm.leads.get", leadId=str(hannah.id))).stage_id == stages[1].id
    await page.get_by_role("status").get_by_role("button", name="Undo").last.click()
    await row.get_by_text(stages[0].name).wait_for()
    await row.get_by_role("button", name="Edit value of").focus()
    await page.keyboard.press("Enter")
    await row.get_by_role("textbox").fill("a lot")
    await page.keyboard.press("Enter")
    await row.get_by_text("is not an amount").wait_for()
    await page.keyboard.press("Escape")
    await row.get_by_text("$12,500").wait_for()


async def test_a_selection_across_pages_is_one_act_and_is_taken_back_as_one(enter: OpenRoom, team: Team) -> None:
    """Spec A10, B9."""
    made = [await lead(team, f"Lead{number:02}", "Test") for number in range(55)]
    room = await enter(team.ana)
    page = await room.go("/leads?sort=name")
    await page.get_by_label("Select Lead00 Test").check()
    await page.get_by_label("Select Lead02 Test").click(modifiers=["Shift"])
    await page.get_by_role("link", name="Next page").click()
    await page.get_by_label("Select Lead54 Test").check()
    bar = page.get_by_role("toolbar", name="Selected leads")
    await bar.get_by_text("4 selected").wait_for()
    assert await room.axe() == []
    await bar.get_by_role("button", name="Assign").click()
    await page.get_by_role("dialog").get_by_label("Owner").select_option(label="Ben Okafor")
    await page.get_by_role("dialog").get_by_role("button", name="Assign").click()
    await page.get_by_text("4 leads are assigned.").wait_for()

    async def owned() -> int:
        where = {"field": "ownerId", "op": "=", "value": str(team.ben.id)}
        found = await team.do(team.ana, "crm.leads.find", where=where, count=True)
        return int(found.total)

    assert await owned() == 4
    await page.get_by_role("status").get_by_role("button", name="Undo").click()
    await page.get_by_text("Taken back.").wait_for()
    assert await owned() == 0
    await room.go("/leads")
    await page.get_by_label("Select all on this page").check()
    await bar.get_by_role("button", name="Select all 55").click()
    await bar.get_by_text("55 selected").wait_for()
    await bar.get_by_role("button", name="Tag").click()
    await page.get_by_label("Put on").fill("spring, EU")
    await page.get_by_role("button", name="Change the tags").click()
    await page.get_by_text("55 leads are tagged.").wait_for()
    lead_now = await team.do(team.ana, "crm.leads.get", leadId=str(made[7].id))
    assert set(lead_now.tags) >= {"spring", "EU"}
    await page.get_by_label("Select Lead30 Test").check()
    await bar.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await page.get_by_text("1 lead is deleted.").wait_for()
    try:
        await team.do(team.ana, "crm.leads.get", leadId=str(made[30].id))
        raise AssertionError("the lead is still there")
    except NotFound:
        pass


async def test_cards_of_the_board_are_moved_together(enter: OpenRoom, team: Team) -> None:
    """Spec A10, A11."""
    one, two = await lead(team), await lead(team, "Wei", "Zhang")
    stages = (await inbound(team)).stages
    room = await enter(team.ben)
    page = await room.go("/board")
    for each in (one, two):
        await page.locator(f"#card-{each.id}").hover()
        await page.locator(f"#card-{each.id}").get_by_role("checkbox").check()
    await page.get_by_role("toolbar", name="Selected leads").get_by_role("button", name="Move").click()
    await page.get_by_label("To", exact=True).select_option(label=f"Inbound / {stages[2].name}")
    await page.get_by_role("dialog").get_by_role("button", name="Move").click()
    await page.get_by_text("2 leads are moved.").wait_for()
    await page.locator(f"#col-{stages[2].id} .card").nth(1).wait_for()


async def test_a_view_is_saved_shared_changed_and_removed(enter: OpenRoom, team: Team) -> None:
    """Spec A10: each person saves their own."""
    await lead(team)
    await lead(team, "Wei", "Zhang", source="event")
    room = await enter(team.ben)
    page = await room.go("/leads")
    await page.get_by_role("link", name="+ Filter").click()
    await page.get_by_label("Field 1").select_option("source")
    assert await page.get_by_label("Test 1").locator("option:not([hidden])").count() == 6
    await page.get_by_label("Value 1").fill("Event")
    await page.get_by_role("button", name="Show these leads").click()
    await page.get_by_role("link", name="source is Event", exact=True).wait_for()
    await _lists(page, "Wei Zhang")
    await page.get_by_role("link", name="Save view").click()
    await page.get_by_role("textbox", name="Name").fill("From events")
    await page.get_by_label("Everybody in the organization").check()
    await page.get_by_role("button", name="Save the view").click()
    await page.wait_for_url("**/leads?view=*")
    await _lists(page, "Wei Zhang")
    other = await enter(team.vera)
    hers = await other.go("/leads")
    await hers.get_by_role("link", name="From events").click()
    await _lists(hers, "Wei Zhang")
    assert await hers.get_by_role("link", name="Change view").count() == 0
    await page.get_by_role("link", name="Change view").click()
    await page.get_by_label("Value 1").fill("Referral")
    await page.get_by_role("button", name="Save the view").click()
    await page.get_by_text("No lead matches these filters").wait_for()
    view = (await team.do(team.ben, "crm.views.list"))[0]
    assert view.condition == {"all": [{"field": "source", "op": "=", "value": "referral"}]}
    await room.go(f"/leads/views/{view.id}/remove")
    await page.get_by_role("button", name="Remove the view").click()
    await page.wait_for_url("**/leads")
    assert await team.do(team.ben, "crm.views.list") == []


async def test_a_segment_is_made_and_listed(enter: OpenRoom, team: Team) -> None:
    """Spec A10."""
    await lead(team)
    await lead(team, "Wei", "Zhang", source="event")
    room = await enter(team.ben)
    page = await room.go("/segments")
    await page.get_by_role("link", name="Make a segment").click()
    await page.get_by_role("textbox", name="Name").fill("Met at events")
    await page.get_by_label("Field 1").select_option("source")
    await page.get_by_label("Value 1").fill("Event")
    await page.get_by_role("button", name="Save the segment").click()
    await page.get_by_text("holds 1 leads").wait_for()
    await page.get_by_role("link", name="Met at events", exact=True).click()
    await _lists(page, "Wei Zhang")
    assert await page.get_by_role("link", name="Take away: Segment: Met at events").count() == 1


async def test_the_list_is_taken_away_as_a_file(enter: OpenRoom, team: Team) -> None:
    """Spec A10."""
    await lead(team)
    await lead(team, "Wei", "Zhang", source="event")
    room = await enter(team.ben)
    page = await room.go("/leads?source=event")
    await page.get_by_role("button", name="Export").click()
    async with page.expect_download() as started:
        await page.get_by_role("link", name="CSV").click()
    text = open(await (await started.value).path(), encoding="utf-8-sig").read()  # noqa: SIM115
    lines = text.splitlines()
    assert lines[0].startswith("Baton lead ID,Name,Company,Stage,Value,Currency,Score,Owner,Source")
    assert len(lines) == 2
    assert re.search(r",Wei Zhang,", lines[1])
