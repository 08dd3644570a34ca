"""A day's work on a phone, by touch, without the manual: capture, qualify, move, write, promise, approve, find, take back."""

from playwright.async_api import expect

from tests.agents.desk import asked, policy
from tests.browser.conftest import OpenRoom
from tests.browser.stages import inbound
from tests.team import Team

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
NOTE = "crm.leads.logActivity"


async def test_a_rep_works_a_day_on_a_phone(enter: OpenRoom, team: Team) -> None:
    """Spec A11, B1, B5, C5. Everything is reached by a tap, and stands within the window."""
    stages = (await inbound(team)).stages
    room = await enter(team.ben, **PHONE)
    page = await room.go("/board")
    await page.get_by_role("link", name="Add lead").tap()
    sheet = page.get_by_role("dialog")
    await sheet.get_by_label("First name").fill("Amara")
    await sheet.get_by_label("Last name").fill("Osei")
    await sheet.get_by_label("Email").fill("amara@kestrel.example")
    await sheet.get_by_role("button", name="Add lead").tap()
    card = page.locator(".card", has_text="Amara Osei")
    await card.wait_for()
    await card.get_by_role("button", name="Move Amara Osei").tap()
    await page.get_by_role("menuitem", name=stages[1].name).tap()
    await page.locator(f"#col-{stages[1].id} .card", has_text="Amara Osei").wait_for()
    await page.locator(".toast", has_text="moved to").get_by_role("button", name="Undo").tap()
    await page.locator(f"#col-{stages[0].id} .card", has_text="Amara Osei").wait_for()
    await card.get_by_role("link", name="Amara Osei", exact=True).tap()
    await page.wait_for_url("**/leads/*")
    await page.get_by_role("button", name="Qualify").tap()
    await page.locator("#path [aria-current=step]", has_text=stages[1].name).wait_for()
    await page.locator(".composer textarea").fill("Wants a pilot in May.")
    await page.locator(".composer button").last.tap()
    await page.locator("#timeline", has_text="Wants a pilot in May.").wait_for()
    await page.get_by_role("link", name="Follow up").tap()
    await sheet.get_by_role("button", name="Schedule").tap()
    await page.locator(".panel.tasks", has_text="Amara Osei").wait_for()
    beyond = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert beyond == 0
    page = await room.go("/tasks")
    await page.get_by_role("button", name="Complete").first.tap()
    await expect(page.locator("main")).not_to_contain_text("Follow up with Amara")
    await page.get_by_role("link", name="Search", exact=True).first.tap()
    await page.get_by_label("Find anything").fill("amara")
    await page.locator(".hit", has_text="Amara Osei").first.tap()
    await page.wait_for_url("**/leads/*")


async def test_a_manager_decides_on_a_phone(enter: OpenRoom, team: Team) -> None:
    """Spec A6. What an agent asks for is read whole, and approved by a tap."""
    await team.do(team.ana, "crm.agents.setPlaybook", agentId=str(team.athena.id), rules=[])
    lead = await team.capture()
    await policy(team, {"operation": NOTE, "decision": "ask"})
    await asked(team, NOTE, leadId=str(lead.id), type="note", notes="Prefers mornings.")
    room = await enter(team.ana, **PHONE)
    page = await room.go("/approvals")
    await page.get_by_text("Prefers mornings.").wait_for()
    await page.get_by_role("article").get_by_role("button", name="Approve").tap()
    await expect(page.get_by_role("article")).to_have_count(0)


async def test_a_viewer_reads_on_a_phone(enter: OpenRoom, team: Team) -> None:
    """Spec B9. Nothing to press that would be refused."""
    lead = await team.capture()
    room = await enter(team.vera, **PHONE)
    for path in ("/board", "/leads", f"/leads/{lead.id}", "/tasks", "/contacts", "/dashboard/crm"):
        page = await room.go(path)
        for name in ("Add", "Import", "Qualify", "Assign", "Edit", "Complete", "Export", "Approve", "Move"):
            found = (
                page.locator("main")
                .get_by_role("button", name=name)
                .or_(page.locator("main").get_by_role("link", name=name))
            )
            assert await found.count() == 0, (path, name)
