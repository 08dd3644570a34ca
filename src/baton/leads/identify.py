"""Whom a lead's contact facts are about: the contact and company that they point to, kept in step with the lead. Spec A5, C2."""

from typing import Any
from uuid import UUID

import msgspec

from baton.activities.append import append
from baton.contacts import matching, records
from baton.contacts.find_or_make import Identity, find_or_make
from baton.contacts.matching import Matching
from baton.contacts.records import CONTACT
from baton.kernel.actor import Actor
from baton.kernel.db import Row, Tx
from baton.leads.lead import Lead

IN_STEP = ("name", "first_name", "last_name", "email", "phone", "title", "company_id")
_ABOUT = {*IN_STEP, "company_name"}


async def identified(tx: Tx, actor: Actor, before: Lead, new: dict[str, Any]) -> dict[str, Any]:
    """The contact and company that new facts of a locked lead point to, where these are others than before.

    The linked contact changes too, fact by fact, where it had the lead's value before: what it knows otherwise, it keeps.
    A new e-mail that belongs to a known person points the lead to them. Clearing a fact clears it on the lead alone.
    """
    if not _ABOUT & new.keys():
        return {}
    after = msgspec.structs.replace(before, **new)
    found: dict[str, Any] = {}
    if "company_name" in new:
        found["company_id"] = (await _find(tx, actor, after, email=None))[1]
    if before.contact_id is None:
        if after.email and "email" in new:
            found["contact_id"] = (await _find(tx, actor, after, email=after.email))[0]
    else:
        found |= await _linked(tx, actor, before, after, found)
    return {name: value for name, value in found.items() if getattr(before, name) != value}


async def _linked(tx: Tx, actor: Actor, before: Lead, after: Lead, found: dict[str, Any]) -> dict[str, Any]:
    how = await matching.read(tx)
    contact = await records.find(tx, CONTACT, str(before.contact_id), lock=True)
    if after.email and after.email != before.email and not await _keeps(tx, how, contact, before, after.email):
        return {"contact_id": (await _find(tx, actor, after, email=after.email))[0]}
    was = {name: getattr(before, name) for name in IN_STEP}
    now = {name: getattr(after, name) for name in IN_STEP} | {"company_id": found.get("company_id", before.company_id)}
    for facts in (was, now):
        facts["phone"] = how.phone(facts["phone"])
    step = {name: now[name] for name in IN_STEP if now[name] is not None and now[name] != was[name] == contact[name]}
    await records.change(tx, actor, CONTACT, contact, step, how, lead_id=before.id)
    return {"contact_id": contact["id"]}


async def _keeps(tx: Tx, how: Matching, contact: Row, before: Lead, email: str) -> bool:
    """Whether a lead with a new e-mail is still about its contact: nobody else is known by it, and both had the same before."""
    known = await tx.fetchval(
        "SELECT coalesce(merged_into_id, id) FROM contacts WHERE org_id = $1 AND email_norm = $2", tx.org_id, how.email_key(email)
    )  # fmt: skip
    if known is not None:
        return bool(known == contact["id"])
    return bool(contact["email"] == before.email)


async def _find(tx: Tx, actor: Actor, lead: Lead, *, email: str | None) -> tuple[UUID | None, UUID | None]:
    identity = Identity(
        name=lead.name, first_name=lead.first_name, last_name=lead.last_name, email=email, phone=lead.phone, title=lead.title,
        company=lead.company_name, website=lead.website, location=lead.location, industry=lead.industry, size=lead.company_size,
    )  # fmt: skip
    found = await find_or_make(tx, [identity])
    await append(tx, actor, *found.entries)
    return found.ids[0]
