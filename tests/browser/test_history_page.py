"""The History view of a pipeline. Spec A4."""

from tests.browser.conftest import OpenRoom
from tests.browser.stages import inbound, lead
from tests.team import Team


async def test_closed_leads_are_found_and_reopened(enter: OpenRoom, team: Team) -> None:
    """Spec A4. How it ended, who closed it and why; a move to an open stage reopens, and is taken back again."""
    pipeline = await inbound(team)
    owen, hannah = await lead(team, "Owen", "Clarke"), await lead(team)
    await team.do(team.marcus, "crm.leads.disqualify", leadId=str(owen.id), reason="No budget")
    await team.do(team.ben, "crm.leads.setStatus", leadId=str(hannah.id), status="won")
    room = await enter(team.ben)
    page = await room.go("/board")
    await page.get_by_role("link", name="History").click()
    row = page.locator(f"#row-{owen.id}")
    assert [part for part in ("Disqualified", "No budget", "Marcus") if part not in await row.inner_text()] == []
    await page.locator("select[name=outcome]").select_option("lost")
    await page.wait_for_url("**outcome=lost")
    assert await page.locator("tbody td.name").all_inner_texts() == ["Owen Clarke"]
    await page.get_by_label("Reopen Owen Clarke in").select_option(label="Qualified")
    await page.get_by_text("Owen Clarke is open again, in Qualified.").wait_for()
    await page.get_by_text("No closed lead matches these filters").wait_for()
    found = await team.do(team.ana, "crm.leads.get", leadId=str(owen.id))
    assert (found.stage_id, found.closed_at) == (pipeline.stages[1].id, None)
    await page.get_by_role("button", name="Undo").click()
    await page.get_by_text("Taken back.").wait_for()
    await page.locator(f"#row-{owen.id}").wait_for()


async def test_the_history_of_another_organization_is_not_there(enter: OpenRoom, team: Team, carla: Team) -> None:
    """Spec A1."""
    room = await enter(carla.ana)
    answer = await room.context.request.get(f"{room.site}/history/{(await inbound(team)).id}")
    assert answer.status == 404
