"""Contacts and companies that go, come back, and are taken back with what made them. Spec A5, A7, A11."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from baton.agents.undo import Undo
from baton.kernel.errors import Conflict, NotFound
from baton.kernel.perform import perform
from tests.team import Team


async def last_operation(team: Team, lead_id: Any) -> str:
    return str((await team.log(lead_id))[-1].operation_id)


async def undo(team: Team, operation_id: Any) -> dict[str, tuple[str, str | None]]:
    done = await team.do(team.ana, "crm.operations.undo", operationId=str(operation_id))
    return {effect.what: (effect.outcome, effect.why) for effect in done.effects}


async def make(team: Team, operation: str, **fields: Any) -> Any:
    return await team.do(team.ben, operation, fields)


async def names(team: Team, operation: str) -> list[str]:
    return [each.name for each in (await team.do(team.ben, operation)).items]


async def test_what_a_lead_brought_with_it_goes_and_comes_back(fresh: Team) -> None:
    """An undone creation takes its contact and company along; undoing that brings all three back."""
    lead = await make(fresh, "crm.leads.create", name="Rita Rey", email="rita@rey.example", companyName="Rey Ltd")
    made = await last_operation(fresh, lead.id)
    done = await fresh.do(fresh.ana, "crm.operations.undo", operationId=made)
    assert {e.what: e.outcome for e in done.effects} == dict.fromkeys(("lead", "contact", "company"), "reversed")
    assert await names(fresh, "crm.contacts.find") == await names(fresh, "crm.companies.find") == []
    found = await fresh.do(fresh.ben, "crm.search", query="rita")
    assert (found.leads, found.contacts, found.companies) == ([], [], [])
    for name, id in (("contacts", lead.contact_id), ("companies", lead.company_id)):
        with pytest.raises(NotFound):
            await fresh.do(
                fresh.ben, f"crm.{name}.get", {f"{'contact' if name == 'contacts' else 'company'}Id": str(id)}
            )
    again = await undo(fresh, done.undo_id)
    assert {outcome for outcome, _ in again.values()} == {"reversed"}
    back = await fresh.do(fresh.ben, "crm.leads.get", leadId=str(lead.id))
    assert (back.contact_id, back.company_id) == (lead.contact_id, lead.company_id)
    assert await names(fresh, "crm.contacts.find") == ["Rita Rey"]
    assert await names(fresh, "crm.companies.find") == ["Rey Ltd"]


async def test_what_is_used_or_changed_since_is_kept(fresh: Team) -> None:
    """A contact that another lead points to, or that somebody changed, stays, and the undo says why."""
    first = await make(fresh, "crm.leads.create", name="Rita Rey", email="rita@rey.example", companyName="Rey Ltd")
    other = await make(fresh, "crm.leads.create", name="Rita Rey", email="RITA@rey.example")
    assert other.contact_id == first.contact_id
    kept = await undo(fresh, await last_operation(fresh, first.id))
    assert kept == {
        "lead": ("reversed", None),
        "contact": ("kept", "A lead is about it."),
        "company": ("kept", "A contact works there."),
    }
    third = await make(fresh, "crm.leads.create", name="Bo Li", email="bo@li.example")
    await fresh.do(fresh.ana, "crm.contacts.update", contactId=str(third.contact_id), title="CFO")
    kept = await undo(fresh, await last_operation(fresh, third.id))
    assert kept == {"lead": ("reversed", None), "contact": ("kept", "It was changed since.")}


async def test_a_lead_that_comes_back_finds_who_is_known_by_its_email_now(fresh: Team) -> None:
    """Its contact is gone and another took the e-mail: the lead points to that one, and its external id stays the other's."""
    body = {"name": "Rita Rey", "email": "rita@rey.example", "externalId": "r-1"}
    lead = await fresh.do(fresh.ben, "crm.leads.create", body)
    await undo(fresh, await last_operation(fresh, lead.id))
    second = await fresh.do(fresh.ben, "crm.leads.create", body)
    assert second.id != lead.id
    assert second.contact_id != lead.contact_id
    back = await fresh.do(fresh.ana, "crm.leads.restore", leadId=str(lead.id))
    assert (back.contact_id, back.external_id) == (second.contact_id, None)
    last = (await fresh.log(lead.id))[-2:]
    assert [activity.kind for activity in last] == ["lead_restored", "field_updated"]


async def test_removing_and_bringing_back_by_hand(fresh: Team) -> None:
    """An admin removes what nothing uses; its e-mail, name and external id are free until it comes back."""
    made = await make(fresh, "crm.contacts.create", name="Rita Rey", email="rita@rey.example", externalId="c-1")
    lead = await fresh.do(fresh.ben, "crm.leads.create", contactId="c-1")
    with pytest.raises(Conflict, match="in use: a lead is about it"):
        await fresh.do(fresh.ana, "crm.contacts.delete", contactId="c-1")
    await fresh.do(fresh.ana, "crm.leads.delete", leadId=str(lead.id))
    await fresh.do(fresh.ana, "crm.contacts.delete", contactId="c-1")
    with pytest.raises(NotFound):
        await fresh.do(fresh.ben, "crm.contacts.get", contactId="c-1")
    other = await make(fresh, "crm.contacts.create", name="Rita Two", email="rita@rey.example", externalId="c-1")
    with pytest.raises(Conflict, match="known by its email by now"):
        await fresh.do(fresh.ana, "crm.contacts.restore", contactId=str(made.id))
    await fresh.do(fresh.ana, "crm.contacts.update", contactId=str(other.id), email="two@rey.example")
    back = await fresh.do(fresh.ana, "crm.contacts.restore", contactId=str(made.id))
    assert (back.email, back.external_id) == ("rita@rey.example", None), "the external id is another's by now"
    found = await make(fresh, "crm.leads.create", name="R", email="rita@rey.example")
    assert found.contact_id == made.id


async def test_a_large_operation_is_taken_back_call_by_call(fresh: Team) -> None:
    """A bulk edit of more leads than a call takes back goes back in chunks under one operation, each lead once."""
    for n in range(7):
        await make(fresh, "crm.leads.create", name=f"Lead {n}")
    edit: dict[str, Any] = {"where": {"all": []}, "addTags": ["wrong"], "limit": 3}
    done = await fresh.do(fresh.ben, "crm.leads.bulkUpdate", edit)
    while done.next_cursor:
        more = edit | {"operationId": str(done.operation_id), "cursor": done.next_cursor}
        done = await fresh.do(fresh.ben, "crm.leads.bulkUpdate", more)
    step: Any = Undo(operation_id=done.operation_id, limit=2)
    told, undo_ids = [], set()
    while True:
        undone = await perform(fresh.db, fresh.ben, "crm.operations.undo", step)
        told += [effect.outcome for effect in undone.effects]
        undo_ids.add(undone.undo_id)
        if undone.next_cursor is None:
            break
        step = Undo(operation_id=done.operation_id, limit=2, undo_id=undone.undo_id, cursor=undone.next_cursor)
    assert told == ["reversed"] * 7
    assert len(undo_ids) == 1
    leads = (await fresh.do(fresh.ben, "crm.leads.find")).items
    assert [lead.tags for lead in leads] == [[]] * 7


async def test_removing_while_a_lead_is_made(fresh: Team) -> None:
    """With real concurrency: whoever comes first, a lead never points to a contact that is gone."""
    for n in range(12):
        email = f"race{n}@rey.example"
        made = await make(fresh, "crm.contacts.create", name="Race", email=email)

        async def remove(id: UUID = made.id) -> None:
            try:
                await fresh.do(fresh.ana, "crm.contacts.delete", contactId=str(id))
            except Conflict:
                return

        _, lead, second = await asyncio.gather(
            remove(),
            make(fresh, "crm.leads.create", name="Race", email=email),
            make(fresh, "crm.leads.create", name="Race", email=email),
        )
        assert lead.contact_id == second.contact_id is not None
        assert (await fresh.do(fresh.ben, "crm.contacts.get", contactId=str(lead.contact_id))).email == email
