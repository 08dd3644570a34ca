"""Moving cards: by dragging, by keys, and back again where the server or the person says so. Spec B5."""

from tests.browser.conftest import OpenRoom
from tests.browser.stages import inbound, lead
from tests.team import Team


async def test_dragging_a_card_moves_the_lead_and_others_see_who_did_it(enter: OpenRoom, team: Team) -> None:
    hannah = await lead(team)
    stage = (await inbound(team)).stages[2]
    ben, ana = await enter(team.ben), await enter(team.ana)
    page, watching = await ben.go("/board"), await ana.go("/board")
    await watching.locator(f"#card-{hannah.id}").wait_for()
    await page.locator(f"#card-{hannah.id}").drag_to(page.locator(f"#col-{stage.id} .cards"))
    await page.get_by_text(f"Hannah Weiss moved to {stage.name}.").wait_for()
    await watching.locator(f"#col-{stage.id} #card-{hannah.id} .live", has_text="Ben Okafor is moving this").wait_for()
    assert await page.locator(f"#card-{hannah.id} .live").count() == 0
    moved = await team.do(team.ana, "crm.leads.get", leadId=str(hannah.id))
    assert moved.stage_id == stage.id
    last = (await team.log(hannah.id))[-1]
    assert (last.kind, last.actor_name, last.via) == ("stage_changed", "Ben Okafor", "page")


async def test_undo_takes_a_move_back(enter: OpenRoom, team: Team) -> None:
    hannah = await lead(team)
    stages = (await inbound(team)).stages
    room = await enter(team.ben)
    page = await room.go("/board")
    await page.locator(f"#card-{hannah.id}").drag_to(page.locator(f"#col-{stages[1].id} .cards"))
    await page.get_by_role("button", name="Undo").click()
    await page.get_by_text(f"Hannah Weiss is back in {stages[0].name}.").wait_for()
    assert (await team.do(team.ana, "crm.leads.get", leadId=str(hannah.id))).stage_id == stages[0].id


async def test_a_card_moves_by_keyboard_alone(enter: OpenRoom, team: Team) -> None:
    hannah = await lead(team)
    stages = (await inbound(team)).stages
    room = await enter(team.ben)
    page = await room.go("/board")
    await page.locator(f"#card-{hannah.id} h3 a").focus()
    await page.keyboard.press("Tab")
    assert (
        await page.evaluate("document.activeElement.getAttribute('aria-label')") == "Move Hannah Weiss to another stage"
    )
    await page.keyboard.press("Enter")
    menu = page.get_by_role("menu", name="Move to")
    await menu.wait_for()
    await page.keyboard.press("Escape")
    await menu.wait_for(state="hidden")
    await page.keyboard.press("Enter")
    await menu.wait_for()
    await page.keyboard.press("ArrowDown")
    assert await page.evaluate("document.activeElement.textContent.trim()") == stages[2].name
    await page.keyboard.press("Enter")
    await page.get_by_text(f"Hannah Weiss moved to {stages[2].name}.").wait_for()
    await page.locator(f"#col-{stages[2].id} #card-{hannah.id}").wait_for()
    assert await page.evaluate("document.activeElement.closest('.card')?.id") == f"card-{hannah.id}"


async def test_a_move_that_came_too_late_rolls_back_with_a_clear_word(enter: OpenRoom, team: Team) -> None:
    hannah = await lead(team)
    stages = (await inbound(team)).stages
    room = await enter(team.ben)
    page = await room.go("/board")
    await page.locator(f"#card-{hannah.id}").wait_for()
    await page.evaluate("document.getElementById('live').remove()")
    await team.do(team.marcus, "crm.leads.moveStage", leadId=str(hannah.id), stageId=str(stages[3].id))
    await page.locator(f"#card-{hannah.id}").drag_to(page.locator(f"#col-{stages[1].id} .cards"))
    await page.get_by_text(f"Marcus moved Hannah Weiss to {stages[3].name} meanwhile.").wait_for()
    assert (await team.do(team.ana, "crm.leads.get", leadId=str(hannah.id))).stage_id == stages[3].id


async def test_a_change_of_other_facts_does_not_hinder_a_move(enter: OpenRoom, team: Team) -> None:
    hannah = await lead(team)
    stages = (await inbound(team)).stages
    room = await enter(team.ben)
    page = await room.go("/board")
    await page.locator(f"#card-{hannah.id}").wait_for()
    await page.evaluate("document.getElementById('live').remove()")
    await team.do(team.athena, "crm.leads.update", leadId=str(hannah.id), phone="+49 30 5550 0142")
    await page.locator(f"#card-{hannah.id}").drag_to(page.locator(f"#col-{stages[1].id} .cards"))
    await page.get_by_text(f"Hannah Weiss moved to {stages[1].name}.").wait_for()


async def test_a_viewer_sees_the_board_and_moves_nothing(enter: OpenRoom, team: Team) -> None:
    hannah = await lead(team)
    room = await enter(team.vera)
    page = await room.go("/board")
    card = page.locator(f"#card-{hannah.id}")
    await card.wait_for()
    assert await card.get_attribute("draggable") is None
    assert await page.locator(".move, #move-menu").count() == 0
    assert await page.get_by_role("link", name="Add lead").count() == 0
