"""Telling people apart: e-mails as configured, phones in E.164, and the contact of an edited lead. Spec A5, C2."""

from typing import Any

import pytest

from baton.contacts.matching import e164
from baton.kernel.errors import Conflict, Invalid
from tests.team import Team


async def contact_of(team: Team, lead: Any) -> Any:
    return await team.do(team.vera, "crm.contacts.get", contactId=str(lead.contact_id))


async def test_one_address_is_one_person_however_it_is_written(fresh: Team) -> None:
    """Spec A5: capitals do not matter, plus-addresses do, unless the organization says otherwise."""
    first = await fresh.capture(email="Ana@Acme.example")
    assert (await fresh.capture(email="ana@acme.EXAMPLE")).contact_id == first.contact_id
    plus = await fresh.capture(email="ana+news@acme.example")
    assert plus.contact_id != first.contact_id
    await fresh.do(fresh.ana, "crm.contacts.setMatching", ignorePlus=True)
    assert (await fresh.capture(email="ana+forms@acme.example")).contact_id == first.contact_id
    assert (await fresh.capture(email="ANA+news@acme.example")).contact_id == first.contact_id, "of two, the older"
    await fresh.do(fresh.ana, "crm.contacts.setMatching", ignorePlus=False)
    assert (await fresh.capture(email="ana+news@acme.example")).contact_id == plus.contact_id, "nothing was lost"
    await fresh.do(fresh.ana, "crm.contacts.setMatching", ignoreCase=False)
    assert (await fresh.capture(email="ana@acme.example")).contact_id != first.contact_id


@pytest.mark.parametrize(
    ("typed", "region", "kept"),
    [
        ("030 5550 0142", "DE", "+493055500142"),
        ("+49 (0)30 5550-0142", "US", "+493055500142"),
        ("(206) 555-0100", "US", "+12065550100"),
        ("030 5550 0142", None, "030 5550 0142"),
        ("ask for Jo", "DE", "ask for Jo"),
        ("12", "DE", "12"),
        ("+1 206 555 0100 ext. 9", "US", "+1 206 555 0100 ext. 9"),
        ("<b>+49</b>", "DE", "<b>+49</b>"),
    ],
)  # fmt: skip
def test_phones_are_kept_in_e164_or_as_they_were_typed(typed: str, region: str | None, kept: str) -> None:
    """ITU-T E.164; what cannot be read is not lost."""
    assert e164(typed, region) == kept


async def test_the_region_of_phones_is_the_organizations(fresh: Team) -> None:
    """Spec A5."""
    await fresh.do(fresh.ana, "crm.contacts.setMatching", defaultRegion="de")
    lead = await fresh.capture(phone="030 5550 0142")
    assert (await contact_of(fresh, lead)).phone == "+493055500142"
    assert lead.phone == "030 5550 0142", "the lead says what was typed"
    with pytest.raises(Invalid):
        await fresh.do(fresh.ana, "crm.contacts.setMatching", defaultRegion="XX")


async def test_a_public_capture_never_overwrites_a_known_person(fresh: Team) -> None:
    """Attack: overwriting a known person by e-mail."""
    lead = await fresh.capture(email="jo@acme.example", firstName="Jo", lastName="Park", phone="+12065550100")
    known = await contact_of(fresh, lead)
    await fresh.capture(email="jo@acme.example", firstName="Evil", lastName="Twin", phone="+12065550199", title="CEO")
    assert await contact_of(fresh, lead) == known


async def test_an_edit_keeps_the_contact_in_step_where_it_had_the_same(fresh: Team) -> None:
    """Spec A5, C2: fact by fact; what the contact knows otherwise stays; each change has its activity."""
    lead = await fresh.capture(firstName="Jo", lastName="Park", title="Buyer", phone="+1 206 555 0100")
    contact = await contact_of(fresh, lead)
    await fresh.do(fresh.ben, "crm.contacts.update", contactId=str(contact.id), title="Head of Buying")
    after = await fresh.do(
        fresh.ben, "crm.leads.update", leadId=str(lead.id), title="Director", phone="+1 206 555 0199", email="jo@new.example",
        lastName="Parker",
    )  # fmt: skip
    now = await contact_of(fresh, after)
    assert now.id == contact.id
    assert (now.name, now.email, now.phone, now.title) == (
        "Jo Parker",
        "jo@new.example",
        "+12065550199",
        "Head of Buying",
    )
    log = await fresh.do(fresh.ben, "crm.activities.list", kind="contact_updated")
    assert log.items[0].payload["changes"]["email"] == [lead.email, "jo@new.example"]
    assert "contact_updated" in [activity.kind for activity in await fresh.log(lead.id)]
    read = await fresh.do(fresh.vera, "crm.leads.asOf", leadId=str(lead.id), at=after.last_activity_at.isoformat())
    assert read == after, "a lead replays as before"
    assert (await fresh.capture(email="jo@new.example")).contact_id == contact.id


async def test_an_email_of_a_known_person_points_the_lead_to_them(fresh: Team) -> None:
    """Spec C2: nobody is overwritten by an edit either."""
    jo, kim = await fresh.capture(email="jo@acme.example"), await fresh.capture(email="kim@acme.example")
    after = await fresh.do(fresh.ben, "crm.leads.update", leadId=str(jo.id), email="kim@acme.example")
    assert after.contact_id == kim.contact_id
    assert (await contact_of(fresh, jo)).email == "jo@acme.example"
    cleared = await fresh.do(fresh.ben, "crm.leads.update", leadId=str(jo.id), email=None, title=None)
    assert cleared.contact_id == kim.contact_id
    assert (await contact_of(fresh, kim)).email == "kim@acme.example"


async def test_two_contacts_never_share_an_email(fresh: Team) -> None:
    """Conflict says to merge them."""
    jo, kim = await fresh.capture(email="jo@acme.example"), await fresh.capture(email="kim@acme.example")
    with pytest.raises(Conflict, match="Merge"):
        await fresh.do(fresh.ben, "crm.contacts.update", contactId=str(jo.contact_id), email="KIM@acme.example")
    with pytest.raises(Conflict):
        await fresh.do(fresh.ben, "crm.contacts.update", contactId=str(kim.contact_id), title="x", version=99)


async def test_lists_are_searched_sorted_and_paged(fresh: Team) -> None:
    """Contacts, companies and customers, page after page by cursor."""
    for name in ("Émile", "Zoë", "Adam"):
        await fresh.capture(firstName=name, lastName="Roux", company=f"{name} & Sons")
    page = await fresh.do(fresh.vera, "crm.contacts.find", sort="name", limit=2, count=True)
    rest = await fresh.do(fresh.vera, "crm.contacts.find", sort="name", limit=2, cursor=page.next_cursor)
    names = [c.name for c in (*page.items, *rest.items)]
    assert (sorted(names), page.total, rest.next_cursor) == (sorted(names), 3, None)
    assert len(set(names)) == 3
    assert [c.name for c in (await fresh.do(fresh.vera, "crm.contacts.find", search="emile")).items] == ["Émile Roux"]
    companies = await fresh.do(fresh.vera, "crm.companies.find", search="zoe")
    assert [c.name for c in companies.items] == ["Zoë & Sons"]
    of = await fresh.do(fresh.vera, "crm.contacts.find", companyId=str(companies.items[0].id))
    assert [c.name for c in of.items] == ["Zoë Roux"]
    lead = await fresh.capture(firstName="Won", lastName="Deal")
    await fresh.do(fresh.ben, "crm.leads.qualify", leadId=str(lead.id))
    await fresh.do(fresh.ben, "crm.leads.convert", leadId=str(lead.id), createCustomer=True)
    customers = await fresh.do(fresh.vera, "crm.customers.find", contactId=str(lead.contact_id))
    assert [c.lead_id for c in customers.items] == [lead.id]


@pytest.mark.parametrize("name", ["crm.contacts.find", "crm.companies.find"])
async def test_search_is_no_sql(team: Team, name: str) -> None:
    """Attack: SQL in search, sort and cursor."""
    for search in ("'; DROP TABLE contacts; --", "%", "a' OR '1'='1", "\\"):
        await team.do(team.vera, name, search=search)
    for bad in ({"sort": "name; DROP TABLE contacts"}, {"cursor": "x"}, {"limit": 0}, {"limit": 10_000}):
        with pytest.raises(Invalid):
            await team.do(team.vera, name, bad)
