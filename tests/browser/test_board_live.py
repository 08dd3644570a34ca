"""The board is live: what one does, the others see at once, and nothing else moves. Spec A9, B5."""

import asyncio

from tests.browser.conftest import OpenRoom
from tests.browser.stages import inbound, lead
from tests.team import Team


async def test_a_second_browser_sees_an_agents_move_without_a_reload(enter: OpenRoom, team: Team) -> None:
    hannah = await lead(team)
    other = await lead(team, "Wei", "Zhang")
    pipeline = await inbound(team)
    room = await enter(team.ben)
    page = await room.go("/board")
    first, second = pipeline.stages[0], pipeline.stages[1]
    await page.locator(f"#col-{first.id} #card-{hannah.id}").wait_for()
    await page.locator(f"#card-{other.id} h3 a").focus()
    await page.evaluate("window.unchanged = true")

    await team.do(team.marcus, "crm.leads.moveStage", leadId=str(hannah.id), stageId=str(second.id))

    card = page.locator(f"#col-{second.id} #card-{hannah.id}")
    await card.wait_for()
    await card.locator(".live", has_text="Marcus is moving this").wait_for()
    assert await page.locator(f"#col-{first.id} .n").text_content() == "1 leads"
    assert await page.evaluate("window.unchanged")
    assert await page.evaluate("document.activeElement.closest('.card').id") == f"card-{other.id}"
    await card.locator(".live").wait_for(state="detached")


async def test_a_new_lead_appears_on_an_open_board(enter: OpenRoom, team: Team) -> None:
    room = await enter(team.ben)
    page = await room.go("/board")
    made = await team.capture(firstName="Amara", lastName="Osei")
    card = page.locator(f"#card-{made.id}")
    await card.wait_for()
    await card.locator(".live", has_text="Website form just added this").wait_for()


async def test_one_organization_hears_nothing_of_another(enter: OpenRoom, team: Team, db: object) -> None:
    from tests.team import make_team

    carla = await make_team(team.db, "Carlsen")
    room = await enter(carla.ana)
    page = await room.go("/board")
    await page.evaluate(
        "window.heard = []; document.getElementById('live').addEventListener('activity', (e) => heard.push(e.detail.data))"
    )
    await lead(team)
    mine = await carla.capture()
    await page.locator(f"#card-{mine.id}").wait_for()
    heard = await page.evaluate("heard")
    assert heard
    assert all(str(mine.id) in change or '"leadId":null' in change for change in heard)


async def test_after_a_lost_connection_the_board_catches_up(enter: OpenRoom, team: Team) -> None:
    hannah = await lead(team)
    pipeline = await inbound(team)
    room = await enter(team.ben)
    page = await room.go("/board")
    await page.locator(f"#card-{hannah.id}").wait_for()
    async with asyncio.timeout(8):
        while not await page.evaluate("Boolean(document.getElementById('live')._htmx?.sse?.reader)"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await room.context.set_offline(True)
    await page.evaluate("document.getElementById('live')._htmx.sse.reader?.cancel()")
    await team.do(team.marcus, "crm.leads.moveStage", leadId=str(hannah.id), stageId=str(pipeline.stages[2].id))
    await page.wait_for_timeout(300)
    await room.context.set_offline(False)
    await page.locator(f"#col-{pipeline.stages[2].id} #card-{hannah.id}").wait_for()
    room.complaints.clear()  # the lost connection itself
