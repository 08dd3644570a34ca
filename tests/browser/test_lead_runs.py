"""What automations did about a lead, on its page; and long mails that are folded. Spec C9, A9."""

from playwright.async_api import expect

from tests.browser.conftest import OpenRoom
from tests.browser.stages import lead
from tests.browser.test_automations import MOVE, NOTE, WAIT, _work
from tests.team import Team

LONG = (
    "Dear Ben,\n\n"
    + "\n".join(f"Point {n} of many." for n in range(1, 30))
    + "\n\nOn Tue, 3 Nov 2026, Ben Okafor wrote:\n> Hello"
)


async def test_the_runs_of_a_lead_stand_on_its_page(enter: OpenRoom, team: Team) -> None:
    """Which rule, how it stands, why it is held; a person tries again or drops it there. A viewer reads it."""
    hannah = await lead(team)
    for name, steps in (("Welcome", [WAIT, NOTE]), ("Move it on", [MOVE])):
        rule = {"name": name, "trigger": {"on": "activity", "kind": "call_logged"}, "steps": steps}
        made = await team.do(team.ana, "crm.automations.create", rule)
        await team.do(team.ana, "crm.automations.setState", automationId=str(made.id), state="on")
    room = await enter(team.ben)
    page = await room.go(f"/leads/{hannah.id}")
    panel = page.get_by_role("region", name="Automations")
    await expect(panel).to_have_count(0)
    await team.do(team.ben, "crm.leads.logActivity", leadId=str(hannah.id), type="call", notes="Rang")
    await _work(team)
    await panel.get_by_text("needs a person").wait_for()
    await panel.get_by_text("under way").wait_for()
    assert await room.axe() == []
    viewer = await (await enter(team.vera)).go(f"/leads/{hannah.id}")
    await viewer.get_by_role("region", name="Automations").get_by_text("needs a person").wait_for()
    await expect(viewer.get_by_role("button", name="Drop: Move it on")).to_have_count(0)
    await panel.get_by_role("button", name="Drop: Move it on").click()
    await panel.get_by_text("dropped").wait_for()
    assert page.url.endswith(f"/leads/{hannah.id}")
    await panel.get_by_role("link", name="Welcome").click()
    await page.wait_for_url("**/automations/*")


async def test_a_long_mail_is_folded(enter: OpenRoom, team: Team) -> None:
    """What was quoted and what is long is behind “Show the rest”, which stays open while the page is refreshed."""
    hannah = await lead(team)
    await team.do(team.ben, "crm.leads.logActivity", leadId=str(hannah.id), type="email_received", notes=LONG)
    room = await enter(team.ben)
    page = await room.go(f"/leads/{hannah.id}")
    await page.get_by_text("Point 5 of many.").wait_for()
    rest = page.get_by_text("Point 25 of many.")
    await expect(rest).to_be_hidden()
    await page.get_by_text("Show the rest").click()
    await expect(rest).to_be_visible()
    assert await room.axe() == []
    await team.do(team.ana, "crm.leads.logActivity", leadId=str(hannah.id), type="note", notes="Meanwhile, a note.")
    await page.get_by_text("Meanwhile, a note.").wait_for()
    await expect(rest).to_be_visible()
