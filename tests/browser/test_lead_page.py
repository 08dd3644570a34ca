"""The lead's page: its story in words, and everything that one does there. Spec A6, A7, A9, B5, C3, C5."""

from tests.browser.conftest import OpenRoom
from tests.browser.stages import inbound, lead
from tests.team import Team


async def test_the_story_from_the_form_to_the_follow_up_names_athena(enter: OpenRoom, team: Team) -> None:
    """Spec A12."""
    made = await team.capture(
        firstName="Hannah", lastName="Weiss", title="Director of Operations", company="Kestrel Health", companySize=420,
        phone="+49 30 5550 0142", estimatedValue=4_200_000, message="We are opening 40 sites next year.",
    )  # fmt: skip
    await team.run_due()
    room = await enter(team.ben)
    page = await room.go(f"/leads/{made.id}")
    story = await page.locator("#timeline").inner_text()
    assert "Website form captured this lead" in story
    assert "“We are opening 40 sites next year.”" in story
    assert "Athena qualified this lead: moved to Qualified" in story
    assert "Athena assigned this to Olivia Park" in story
    assert "Athena scheduled a follow-up for" in story
    assert "stage changed" not in story.lower()
    assert await page.locator("#path [aria-current=step]").inner_text() == "Qualified · today"


async def test_a_fact_is_edited_in_place_and_the_timeline_says_who(enter: OpenRoom, team: Team) -> None:
    hannah = await lead(team)
    room = await enter(team.ben)
    page = await room.go(f"/leads/{hannah.id}")
    await page.locator("#fact-title").hover()
    await page.get_by_role("link", name="Edit title").click()
    field = page.locator("#fact-title input[name=value]")
    await field.fill("Chief Operating Officer")
    await page.keyboard.press("Enter")
    await page.locator("#fact-title dd", has_text="Chief Operating Officer").wait_for()
    await page.locator("#timeline", has_text="Ben Okafor changed the title to Chief Operating Officer").wait_for()
    await page.get_by_role("link", name="Edit potential value").click()
    await page.locator("#fact-valueCents input[name=value]").fill("fifty")
    await page.keyboard.press("Enter")
    await page.get_by_text("is not an amount in USD").wait_for()
    await page.locator("#fact-valueCents input[name=value]").fill("50k")
    await page.keyboard.press("Enter")
    await page.locator("#fact-valueCents dd", has_text="$50,000").wait_for()


async def test_who_edits_the_same_fact_second_sees_both(enter: OpenRoom, team: Team) -> None:
    hannah = await lead(team, phone="1")
    room = await enter(team.ben)
    page = await room.go(f"/leads/{hannah.id}?edit=phone")
    await page.locator("#fact-phone input[name=value]").fill("3")
    await team.do(team.athena, "crm.leads.update", leadId=str(hannah.id), phone="2")
    await page.locator("#timeline", has_text="Athena changed the phone to 2").wait_for()
    assert await page.locator("#fact-phone input[name=value]").input_value() == "3"
    await page.get_by_role("button", name="Save").first.click()
    await page.get_by_text("Athena wrote “2” meanwhile; you wrote “3”.").wait_for()
    await page.locator("#fact-phone").get_by_role("button", name="Put mine").click()
    await page.locator("#fact-phone dd", has_text="3").wait_for()


async def test_a_note_is_written_while_the_page_stays(enter: OpenRoom, team: Team) -> None:
    hannah = await lead(team)
    room = await enter(team.ben)
    page = await room.go(f"/leads/{hannah.id}")
    await page.get_by_role("textbox", name="Text").fill("Prefers the phone <b>before noon</b>.")
    await page.keyboard.press("Control+Enter")
    await page.locator("#timeline .quote", has_text="Prefers the phone <b>before noon</b>.").wait_for()
    assert await page.get_by_role("textbox", name="Text").input_value() == ""
    await page.get_by_text("Call", exact=True).click()
    await page.get_by_role("textbox", name="Text").fill("Wants a pilot.")
    await page.get_by_role("button", name="Save").click()
    await page.locator("#timeline", has_text="Ben Okafor logged a call").wait_for()


async def test_what_one_types_survives_what_an_agent_does(enter: OpenRoom, team: Team) -> None:
    hannah = await lead(team)
    room = await enter(team.ben)
    page = await room.go(f"/leads/{hannah.id}")
    box = page.get_by_role("textbox", name="Text")
    await box.fill("Half a sentence")
    await team.do(team.marcus, "crm.leads.logActivity", leadId=str(hannah.id), type="note", notes="Looked them up.")
    await page.locator("#timeline", has_text="Marcus wrote a note").wait_for()
    assert await box.input_value() == "Half a sentence"
    assert await page.evaluate("document.activeElement.name") == "text"


async def test_a_follow_up_is_scheduled_and_completed(enter: OpenRoom, team: Team) -> None:
    hannah = await lead(team)
    room = await enter(team.ben)
    page = await room.go(f"/leads/{hannah.id}")
    await page.get_by_role("link", name="Follow up").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("What").fill("Call about the pilot")
    await dialog.get_by_role("button", name="Schedule").click()
    await dialog.wait_for(state="hidden")
    await page.locator(".tasks", has_text="Call about the pilot").wait_for()
    await page.locator("#timeline", has_text="Ben Okafor scheduled a follow-up for tomorrow 10:00").wait_for()
    await page.get_by_role("button", name="Complete: Call about the pilot").click()
    await page.locator(".tasks", has_text="0 open").wait_for()
    await page.locator("#timeline", has_text="Ben Okafor completed Call about the pilot").wait_for()


async def test_assigning_to_an_agent(enter: OpenRoom, team: Team) -> None:
    """Spec A6."""
    hannah = await lead(team)
    room = await enter(team.ben)
    page = await room.go(f"/leads/{hannah.id}")
    await page.locator(".acts").get_by_role("link", name="Assign").click()
    await page.get_by_label("Owner").select_option(label="Marcus (agent)")
    await page.get_by_label("Reason").fill("Healthcare is his")
    await page.get_by_role("dialog").get_by_role("button", name="Assign").click()
    await page.locator("#fact-owner", has_text="Marcus for Olivia Park").wait_for()
    await page.locator("#timeline", has_text="Ben Okafor assigned this to Marcus").wait_for()
    await page.locator("#timeline", has_text="Healthcare is his").wait_for()


async def test_disqualifying_asks_why_and_the_path_shows_the_end(enter: OpenRoom, team: Team) -> None:
    hannah = await lead(team)
    room = await enter(team.ben)
    page = await room.go(f"/leads/{hannah.id}")
    await page.get_by_role("link", name="Disqualify").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Disqualify").click()
    await dialog.get_by_role("alert").wait_for()
    assert await page.evaluate("document.activeElement.id") == "disqualify-reason"
    await dialog.get_by_label("Why").fill("No budget this year")
    await dialog.get_by_role("button", name="Disqualify").click()
    await page.locator(".chip", has_text="Disqualified").wait_for()
    await page.locator("#timeline", has_text="Ben Okafor disqualified this lead: moved to Closed-Lost").wait_for()


async def test_a_step_of_the_path_moves_there_and_close_offers_the_ends(enter: OpenRoom, team: Team) -> None:
    hannah = await lead(team)
    stages = (await inbound(team)).stages
    room = await enter(team.ben)
    page = await room.go(f"/leads/{hannah.id}")
    await page.get_by_role("button", name=stages[3].name).click()
    await page.locator("#path [aria-current=step]", has_text=stages[3].name).wait_for()
    await page.get_by_role("button", name="Close…").click()
    await page.get_by_role("button", name="Closed-Won").click()
    await page.locator("#timeline", has_text="Ben Okafor won this lead: moved to Closed-Won").wait_for()


async def test_adding_a_lead_asks_for_what_is_needed(enter: OpenRoom, team: Team) -> None:
    """Spec B1: first name, last name and e-mail are required."""
    room = await enter(team.ben)
    page = await room.go("/board")
    await page.get_by_role("link", name="Add lead", exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("First name").fill("Sofia")
    await dialog.get_by_role("button", name="Add lead").click()
    await dialog.get_by_text("Last name is required.").first.wait_for()
    assert await dialog.get_by_label("First name").input_value() == "Sofia"
    await dialog.get_by_label("Last name").fill("Marino")
    await dialog.get_by_label("Email").fill("sofia@vela.example")
    await dialog.get_by_label("Potential value").fill("96,000")
    await page.keyboard.press("Enter")
    await dialog.wait_for(state="hidden")
    await page.locator(".card", has_text="Sofia Marino").locator(".val", has_text="$96,000").wait_for()
    await page.get_by_role("link", name="Open").click()
    await page.get_by_role("heading", name="Sofia Marino").wait_for()


async def test_another_organizations_lead_is_not_there(enter: OpenRoom, team: Team) -> None:
    from tests.team import make_team

    hers = await (await make_team(team.db, "Carlsen")).capture()
    room = await enter(team.ana)
    page = await room.go(f"/leads/{hers.id}")
    await page.get_by_role("heading", name="Nothing is here").wait_for()


async def test_a_qualified_lead_becomes_a_deal(enter: OpenRoom, team: Team) -> None:
    """Spec C3."""
    hannah = await lead(team)
    room = await enter(team.ben)
    page = await room.go(f"/leads/{hannah.id}")
    await page.get_by_role("button", name="Qualify").click()
    await page.locator("#timeline", has_text="Ben Okafor qualified this lead: moved to Qualified").wait_for()
    await page.get_by_role("link", name="Convert").click()
    await page.get_by_role("dialog").get_by_role("button", name="Convert").click()
    await page.locator("#timeline", has_text="Ben Okafor converted this into a deal in Deals").wait_for()
    await page.get_by_role("link", name="Open").click()
    await page.locator("#timeline", has_text="Ben Okafor made this deal of the lead Hannah Weiss").wait_for()
