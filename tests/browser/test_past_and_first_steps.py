"""What is tried on the past, figures of then, what was archived, and the first steps of a new organization."""

from tests.browser.conftest import OpenRoom
from tests.browser.stages import inbound, lead
from tests.team import Team


async def test_scoring_is_tried_on_the_past(enter: OpenRoom, team: Team) -> None:
    """Spec C7."""
    room = await enter(team.ana)
    page = await room.go("/settings/scoring")
    await page.get_by_role("link", name="Try on the past").click()
    await page.get_by_role("button", name="Try it").click()
    await page.get_by_role("alert").wait_for()
    won, lost = await lead(team, companySize=400, title="Director"), await lead(team, "Wei", "Zhang", source="other")
    await team.do(team.ben, "crm.leads.setStatus", leadId=str(won.id), status="won")
    await team.do(team.ben, "crm.leads.setStatus", leadId=str(lost.id), status="lost")
    await page.get_by_label("Source quality counts times").fill("3")
    await page.get_by_role("button", name="Try it").click()
    await page.get_by_text("1 won and 1 lost leads").wait_for()
    assert await page.get_by_role("heading", name="Proposed").count() == 1
    assert await room.axe() == []
    assert [f.weight for f in await team.do(team.ana, "crm.scoring.rules")] == [1.0] * 5
    ben = await enter(team.ben)
    assert (await ben.context.request.get(ben.site + "/settings/scoring/test")).status == 403


async def test_a_stage_is_archived_and_brought_back(enter: OpenRoom, team: Team) -> None:
    """Spec A3."""
    pipeline = await inbound(team)
    stage = pipeline.stages[2]
    room = await enter(team.ana)
    page = await room.go(f"/settings/pipelines/{pipeline.id}/stages/{stage.id}")
    await page.get_by_role("button", name="Archive it").click()
    await page.wait_for_url("**/settings/pipelines")
    assert stage.id not in {s.id for s in (await inbound(team)).stages}
    await page.get_by_role("button", name=f"Bring {stage.name} back").click()
    await page.get_by_text(f"“{stage.name}” is back.").wait_for()
    assert stage.id in {s.id for s in (await inbound(team)).stages}


async def test_figures_as_of_a_past_day(enter: OpenRoom, team: Team) -> None:
    """Spec A8, B8."""
    await lead(team)
    room = await enter(team.ana)
    page = await room.go("/dashboard/forecast?period=all")
    await page.get_by_label("As of").fill("2020-01-01")
    await page.get_by_label("As of").press("Tab")
    await page.wait_for_url("**asOf=2020-01-01")
    await page.get_by_text("the figures as the log told them at the end of").wait_for()
    await page.get_by_text("No open lead in this pipeline.").wait_for()


async def test_four_steps_lead_to_the_first_captured_lead(enter: OpenRoom, team: Team) -> None:
    room = await enter(team.ana)
    page = await room.go("/board")
    steps = page.get_by_role("list", name="First steps")
    assert await steps.get_by_role("listitem").count() == 4
    assert await steps.locator(".done b").all_inner_texts() == ["Bring your team", "Make a form"]
    assert await room.axe() == []
    await team.capture()
    await page.locator(".card").first.wait_for()
    await page.reload()
    assert await steps.count() == 0
