"""Contacts and companies: found, edited in place, merged field by field, and taken apart from the timeline. Spec A5, A7."""

from tests.browser.conftest import OpenRoom
from tests.browser.stages import lead
from tests.team import Team


async def test_a_person_is_found_from_their_lead_and_edited_in_place(enter: OpenRoom, team: Team) -> None:
    """Spec A5."""
    hannah = await lead(team)
    room = await enter(team.ben)
    page = await room.go(f"/leads/{hannah.id}")
    await page.locator("#fact-contact a").click()
    await page.wait_for_url("**/contacts/*")
    await page.locator("#edit-title").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("textbox", name="Title").fill("Chief of Everything")
    await page.keyboard.press("Enter")
    await page.locator("#fact-title").get_by_text("Chief of Everything").wait_for()
    assert (
        await team.do(team.ana, "crm.contacts.get", contactId=str(hannah.contact_id))
    ).title == "Chief of Everything"
    await (
        page.locator("#timeline").get_by_text("Chief of Everything").or_(page.locator("#timeline li")).first.wait_for()
    )
    await page.get_by_role("link", name=hannah.company_name).click()
    await page.wait_for_url("**/companies/*")
    await page.get_by_role("link", name="Hannah Weiss").first.wait_for()
    assert await room.axe() == []


async def test_two_contacts_are_merged_field_by_field_and_taken_apart_again(enter: OpenRoom, team: Team) -> None:
    """Spec A5, A7."""
    one = await lead(
        team, "Hannah", "Weiss", email="hannah@kestrel.example", companyName="Kestrel Health", title="Director"
    )
    two = await lead(
        team, "Hannah", "Weiß", email="h.weiss@kestrel.example", companyName="Kestrel Health", phone="+49 30 5550 0142"
    )
    room = await enter(team.ben)
    page = await room.go("/contacts/duplicates")
    await page.get_by_role("link", name="Compare").first.click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("radio", name="h.weiss@kestrel.example").check()
    assert await room.axe() == []
    await dialog.get_by_role("button", name="Merge").click()
    await page.get_by_text("is merged into Hannah").wait_for()
    first = (await team.do(team.ana, "crm.leads.get", leadId=str(one.id))).contact_id
    assert (await team.do(team.ana, "crm.leads.get", leadId=str(two.id))).contact_id == first
    merged = await team.do(team.ana, "crm.contacts.get", contactId=str(first))
    assert (merged.email, merged.title, merged.phone) == ("h.weiss@kestrel.example", "Director", "+493055500142")
    await room.go(f"/contacts/{first}")
    await page.get_by_role("link", name="Take apart").click()
    await page.get_by_role("dialog").get_by_role("button", name="Take apart").click()
    await page.get_by_text("are two again").wait_for()
    assert (await team.do(team.ana, "crm.leads.get", leadId=str(two.id))).contact_id == two.contact_id
    assert (
        await team.do(team.ana, "crm.contacts.get", contactId=str(two.contact_id))
    ).email == "h.weiss@kestrel.example"


async def test_a_contact_is_added_searched_and_read_by_viewers_only(enter: OpenRoom, team: Team) -> None:
    """Spec B9."""
    room = await enter(team.ben)
    page = await room.go("/contacts")
    await page.get_by_role("link", name="Add a contact").click()
    await page.get_by_role("textbox", name="Name").fill("Dora Keller")
    await page.get_by_role("textbox", name="Email").fill("dora@northwind")
    await page.get_by_role("dialog").get_by_role("button", name="Add").click()
    await page.get_by_role("dialog").locator(".wrong, .notice.bad").first.wait_for()
    await page.get_by_role("textbox", name="Email").fill("dora@northwind.example")
    await page.get_by_role("dialog").get_by_role("button", name="Add").click()
    await page.get_by_text("Dora Keller is added.").wait_for()
    await room.go("/contacts?q=dora")
    assert await page.locator("tbody tr").count() == 1
    vera = await enter(team.vera)
    hers = await vera.go("/contacts?q=dora")
    await hers.get_by_role("link", name="Dora Keller").click()
    await hers.get_by_role("heading", name="Dora Keller").wait_for()
    assert await hers.get_by_role("link", name="Merge with…").count() == 0
