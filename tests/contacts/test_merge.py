"""Merging two records of one person or company, and taking them apart again. Spec A5, A7."""

from typing import Any

import pytest

from baton.kernel.errors import BatonError, Conflict, Invalid, NotFound
from baton.leads.lead import COLUMNS, from_row, replayed
from tests.team import Team


async def read(team: Team, id: Any, noun: str = "contact") -> Any:
    plural = {"contact": "contacts", "company": "companies"}[noun]
    return await team.do(team.vera, f"crm.{plural}.get", {f"{noun}Id": str(id)})


async def two(team: Team) -> tuple[Any, Any]:
    """Two leads of one person whom the organization knows as two."""
    return (
        await team.capture(firstName="Jo", lastName="Park", email="jo@acme.example", title="Buyer"),
        await team.capture(
            firstName="Jo", lastName="Park", email="jo@home.example", phone="+12065550100", company="Acme"
        ),
    )


async def merge(team: Team, one: Any, other: Any, **fields: Any) -> Any:
    return await team.do(
        team.ben, "crm.contacts.merge", {"survivorId": str(one.contact_id), "mergedId": str(other.contact_id)} | fields
    )  # fmt: skip


async def test_a_merge_is_chosen_field_by_field(fresh: Team) -> None:
    """Spec A5: chosen values win, the survivor's own stay, what it has not is taken; all that points to the other follows."""
    one, other = await two(fresh)
    await fresh.do(fresh.ben, "crm.leads.followUp", leadId=str(other.id), dueIn="2h")
    done = await merge(fresh, one, other, choose={"email": "merged"})
    assert (done.contact.email, done.contact.title, done.contact.phone) == ("jo@home.example", "Buyer", "+12065550100")
    assert done.contact.company_name == "Acme"
    assert done.moved["leads"] == 1
    moved = await fresh.do(fresh.vera, "crm.leads.get", leadId=str(other.id))
    assert moved.contact_id == one.contact_id
    told = (await fresh.log(other.id))[-1]
    assert (told.kind, told.changes["contactId"]) == ("field_updated", [str(other.contact_id), str(one.contact_id)])
    log = await fresh.do(fresh.ben, "crm.activities.list", kind="contact_merged")
    assert log.items[0].changes["email"] == ["jo@acme.example", "jo@home.example"]
    assert log.items[0].payload["merged"]["email"] == "jo@home.example"


async def test_both_emails_lead_to_the_survivor(fresh: Team) -> None:
    """A known person stays known by every address, id and external id."""
    one, other = await two(fresh)
    for choose in ({}, {"email": "merged"}):
        await merge(fresh, one, other, choose=choose)
        for email in ("jo@acme.example", "jo@home.example"):
            assert (await fresh.capture(email=email)).contact_id == one.contact_id
        assert (await read(fresh, other.contact_id)).id == one.contact_id
        found = await fresh.do(fresh.vera, "crm.contacts.find", search="jo@")
        assert [contact.id for contact in found.items] == [one.contact_id]
        await fresh.do(fresh.ben, "crm.contacts.unmerge", mergedId=str(other.contact_id))


@pytest.mark.parametrize(
    "choose", [{}, {"email": "merged", "title": "merged", "phone": "merged"}, {"externalId": "merged"}]
)
async def test_unmerging_restores_both(fresh: Team, choose: dict[str, str]) -> None:
    """Spec A7: nothing is lost by a merge; what came later stays where it came."""
    one, other = await two(fresh)
    await fresh.do(fresh.ben, "crm.contacts.update", contactId=str(other.contact_id), externalId="jo-2")
    before = [await read(fresh, lead.contact_id) for lead in (one, other)]
    await merge(fresh, one, other, choose=choose)
    later = await fresh.capture(email="jo@acme.example")
    apart = await fresh.do(fresh.ben, "crm.contacts.unmerge", mergedId=str(other.contact_id))
    assert apart.kept == []
    assert apart.moved["leads"] == 1
    for was, now in zip(before, (apart.survivor, apart.contact), strict=True):
        assert {n: getattr(was, n) for n in was.__struct_fields__ if n != "version"} == {
            n: getattr(now, n) for n in now.__struct_fields__ if n != "version"
        }
    assert (await fresh.do(fresh.vera, "crm.leads.get", leadId=str(other.id))).contact_id == other.contact_id
    assert (await fresh.do(fresh.vera, "crm.leads.get", leadId=str(later.id))).contact_id == one.contact_id
    for lead in (one, other):
        assert (await fresh.capture(email=lead.email)).contact_id == lead.contact_id
    with pytest.raises(Conflict, match="not merged"):
        await fresh.do(fresh.ben, "crm.contacts.unmerge", mergedId=str(other.contact_id))


async def test_what_was_changed_since_is_kept_and_said(fresh: Team) -> None:
    """As with every undo."""
    one, other = await two(fresh)
    await merge(fresh, one, other, choose={"title": "merged", "phone": "merged"})
    await fresh.do(fresh.ben, "crm.contacts.update", contactId=str(one.contact_id), phone="+12065550177")
    apart = await fresh.do(fresh.ben, "crm.contacts.unmerge", mergedId=str(other.contact_id))
    assert (apart.kept, apart.survivor.phone, apart.contact.phone) == (["phone"], "+12065550177", "+12065550100")
    assert apart.survivor.title == "Buyer"


async def test_merges_of_merges_come_apart_in_turn(fresh: Team) -> None:
    """Three records of one person: the last merge is taken apart first."""
    one, other = await two(fresh)
    third = await fresh.capture(email="jo@third.example")
    await merge(fresh, other, third)
    await merge(fresh, one, other)
    assert (await read(fresh, third.contact_id)).id == one.contact_id
    assert (await fresh.capture(email="jo@third.example")).contact_id == one.contact_id
    with pytest.raises(Conflict, match="apart first"):
        await fresh.do(fresh.ben, "crm.contacts.unmerge", mergedId=str(third.contact_id))
    with pytest.raises(Conflict, match="merged into another"):
        await merge(fresh, one, third)
    await fresh.do(fresh.ben, "crm.contacts.unmerge", mergedId=str(other.contact_id))
    assert (await read(fresh, third.contact_id)).id == other.contact_id
    await fresh.do(fresh.ben, "crm.contacts.unmerge", mergedId=str(third.contact_id))
    assert (await read(fresh, third.contact_id)).email == "jo@third.example"


async def test_the_leads_of_a_merge_replay_from_the_log(fresh: Team) -> None:
    """Spec A8: merged and taken apart, a lead's row is still what its activities say."""
    one, other = await two(fresh)
    await merge(fresh, one, other)
    await fresh.do(fresh.ben, "crm.contacts.unmerge", mergedId=str(other.contact_id))
    async with fresh.db.transaction(fresh.org_id) as conn:
        row = await conn.fetchrow(
            f"SELECT {COLUMNS} FROM leads l WHERE org_id = $1 AND id = $2", fresh.org_id, other.id
        )
        log = await conn.fetch(
            """SELECT changes, lead_version, occurred_at FROM activities WHERE org_id = $1 AND lead_id = $2
                ORDER BY lead_version NULLS FIRST, id""",
            fresh.org_id, other.id,
        )  # fmt: skip
    last = max(entry["lead_version"] or 0 for entry in log)
    folded = replayed([e["changes"] for e in log], version=last, last_activity_at=max(e["occurred_at"] for e in log))
    assert folded == from_row(row)


async def test_companies_merge_with_their_people(fresh: Team) -> None:
    """Spec A5: leads and contacts of both names are of one company; both names lead to it; and apart again."""
    one = await fresh.capture(company="Acme Inc", email="a@acme.example")
    other = await fresh.capture(company="Acme", email="b@acme.example")
    body = {"survivorId": str(one.company_id), "mergedId": str(other.company_id), "choose": {"name": "merged"}}
    done = await fresh.do(fresh.ben, "crm.companies.merge", body)
    assert (done.company.name, done.moved["leads"], done.moved["contacts"]) == ("Acme", 1, 1)
    assert {(await fresh.capture(company=name)).company_id for name in ("ACME", "acme inc")} == {one.company_id}
    people = await fresh.do(fresh.vera, "crm.contacts.find", companyId=str(other.company_id), limit=200)
    assert {one.contact_id, other.contact_id} <= {contact.id for contact in people.items}
    apart = await fresh.do(fresh.ben, "crm.companies.unmerge", mergedId=str(other.company_id))
    assert (apart.survivor.name, apart.company.name) == ("Acme Inc", "Acme")
    assert (await read(fresh, other.contact_id)).company_id == other.company_id
    assert (await fresh.capture(company="Acme")).company_id == other.company_id


async def test_what_makes_no_sense_is_refused(fresh: Team, carla: Team) -> None:
    """Attack: a record into itself, unknown fields, and records of another organization; nothing is changed."""
    one, other = await two(fresh)
    theirs = await carla.capture()
    for body, error in (
        ({"survivorId": str(one.contact_id), "mergedId": str(one.contact_id)}, Invalid),
        (
            {"survivorId": str(one.contact_id), "mergedId": str(other.contact_id), "choose": {"orgId": "merged"}},
            Invalid,
        ),
        ({"survivorId": str(one.contact_id), "mergedId": str(theirs.contact_id)}, NotFound),
        ({"survivorId": str(theirs.contact_id), "mergedId": str(one.contact_id)}, NotFound),
    ):
        with pytest.raises(error):
            await fresh.do(fresh.ben, "crm.contacts.merge", body)
    assert (await read(fresh, other.contact_id)).email == "jo@home.example"
    with pytest.raises(BatonError):
        await fresh.do(fresh.vera, "crm.contacts.merge", survivorId=str(one.contact_id), mergedId=str(other.contact_id))


async def test_duplicates_are_found_and_say_why(fresh: Team) -> None:
    """By e-mail, phone, name and company; the likeliest first; strangers are left alone."""
    await fresh.capture(firstName="Jonathan", lastName="Parker", email="jp@acme.example", company="Acme Inc.")
    await fresh.capture(firstName="Jonathon", lastName="Parker", email="jonathon@other.example", company="ACME")
    await fresh.capture(firstName="Mia", lastName="Wong", email="mia@a.example", phone="+12065550142")
    await fresh.capture(firstName="Mia", lastName="Wong", email="mia@b.example", phone="(206) 555-0142 ")
    await fresh.capture(firstName="Mia", lastName="Wong-Lee", email="mia+x@a.example", company="Elsewhere")
    await fresh.capture(firstName="Bob", lastName="Stranger", email="bob@acme.example", company="Acme Inc.")
    found = await fresh.do(fresh.vera, "crm.contacts.duplicates")
    said = {frozenset((pair.first.email, pair.second.email)): pair for pair in found}
    assert said[frozenset(("mia@a.example", "mia+x@a.example"))].why == ["the same e-mail"]
    alike = said[frozenset(("jp@acme.example", "jonathon@other.example"))]
    assert (alike.likeness >= 90, alike.why[0]) == (True, "companies 100 % alike")
    assert not any("bob@acme.example" in pair for pair in said)
    assert [pair.likeness for pair in found] == sorted((pair.likeness for pair in found), reverse=True)
    companies = await fresh.do(fresh.vera, "crm.companies.duplicates")
    assert [(pair.first.name, pair.second.name, pair.likeness) for pair in companies] == [("Acme Inc.", "ACME", 100)]
    only = await fresh.do(fresh.vera, "crm.contacts.duplicates", of=str(alike.first.id))
    assert [pair.first.id for pair in only] == [alike.first.id]


async def test_the_same_phone_is_a_hint(fresh: Team) -> None:
    """One number however it was written, under one name."""
    await fresh.do(fresh.ana, "crm.contacts.setMatching", defaultRegion="US")
    await fresh.capture(firstName="Mia", lastName="Wong", email="mia@a.example", phone="+12065550142")
    await fresh.capture(firstName="Mia", lastName="Wong", email="mia@b.example", phone="(206) 555-0142")
    await fresh.capture(firstName="Zed", lastName="Quill", email="zed@b.example", phone="206.555.0142")
    (pair,) = await fresh.do(fresh.vera, "crm.contacts.duplicates")
    assert (pair.likeness, pair.why) == (100, ["the same phone", "the same name"])


async def operation_of(team: Team, kind: str) -> str:
    log = await team.do(team.ben, "crm.activities.list", kind=kind)
    return str(log.items[0].operation_id)


async def test_undo_takes_a_merge_apart(fresh: Team) -> None:
    """Spec A7: undo of the operation restores both, and says so."""
    one, other = await two(fresh)
    before = await read(fresh, one.contact_id)
    await merge(fresh, one, other)
    operation = await operation_of(fresh, "contact_merged")
    done = await fresh.do(fresh.ben, "crm.operations.undo", operationId=operation)
    assert [(e.subject_type, e.what, e.outcome) for e in done.effects] == [("contact", "merge", "reversed")]
    after = await read(fresh, one.contact_id)
    assert (after.name, after.email, after.phone) == (before.name, before.email, before.phone)
    assert (await fresh.do(fresh.vera, "crm.leads.get", leadId=str(other.id))).contact_id == other.contact_id
    again = await fresh.do(fresh.ben, "crm.operations.undo", operationId=operation)
    assert [e.outcome for e in again.effects] == ["kept"]


async def test_undo_of_an_edit_takes_the_contact_back_too(fresh: Team) -> None:
    """Spec A7: lead and contact go back together; what the contact was told since is kept."""
    lead = await fresh.capture(email="jo@acme.example", title="Buyer", phone="+12065550100")
    await fresh.do(fresh.ben, "crm.leads.update", leadId=str(lead.id), email="jo@new.example", title="CFO")
    operation = await operation_of(fresh, "contact_updated")
    await fresh.do(fresh.ben, "crm.contacts.update", contactId=str(lead.contact_id), title="CEO")
    done = await fresh.do(fresh.ben, "crm.operations.undo", operationId=operation)
    said = {(e.subject_type, e.what): e.outcome for e in done.effects}
    assert (said["contact", "email"], said["contact", "title"], said["lead", "title"]) == (
        "reversed",
        "kept",
        "reversed",
    )
    contact = await read(fresh, lead.contact_id)
    assert (contact.email, contact.title) == ("jo@acme.example", "CEO")
    now = await fresh.do(fresh.vera, "crm.leads.get", leadId=str(lead.id))
    assert (now.email, now.title, now.contact_id) == ("jo@acme.example", "Buyer", lead.contact_id)


async def test_three_with_one_email_can_be_edited_and_merged(fresh: Team) -> None:
    """What another rule of likeness makes one person is merged one by one, in any order."""
    leads = [await fresh.capture(email=f"jo{plus}@acme.example") for plus in ("", "+a", "+b")]
    await fresh.do(fresh.ana, "crm.contacts.setMatching", ignorePlus=True)
    await fresh.do(fresh.ben, "crm.contacts.update", contactId=str(leads[2].contact_id), title="CEO")
    await merge(fresh, leads[1], leads[2])
    done = await merge(fresh, leads[0], leads[1])
    assert (done.moved["leads"], done.contact.title) == (2, "CEO")
    assert (await fresh.capture(email="jo+c@acme.example")).contact_id == leads[0].contact_id
    for lead in (leads[1], leads[2]):
        await fresh.do(fresh.ben, "crm.contacts.unmerge", mergedId=str(lead.contact_id))
        assert (await read(fresh, lead.contact_id)).email == lead.email
