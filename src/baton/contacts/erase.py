"""Erasing a person: what the records and the log say of them is blanked, and that something happened stays. GDPR, article 17."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.contacts import records
from baton.contacts.records import CONTACT
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict
from baton.kernel.operation import Input, Output, operation
from baton.kernel.shapes import Name
from baton.kernel.values import Ref

ERASED = "Erased person"


class EraseContact(Input, kw_only=True):
    """The person to erase. `confirm` is their e-mail, or their name where they have none: it cannot be taken back."""

    contact_id: Ref
    confirm: Name


class Erased(Output, kw_only=True):
    """How much said something of the person and does so no more: contacts, leads, entries of the log."""

    contact_id: UUID
    contacts: int
    leads: int
    activities: int


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who is erased: the contacts that they are, the leads about them, and the addresses (folded) that they were known by."""

    contact_ids: list[UUID]
    lead_ids: list[UUID]
    emails: list[str]


Forget = Callable[[Tx, Actor, Person], Awaitable[None]]
forgets: list[Forget] = []
"""What else is to be forgotten, by the rooms that keep it; each blanks its own rows of the person."""


@operation("crm.contacts.erase", role=Role.ADMIN, summary="Erase a person")
async def erase(tx: Tx, actor: Actor, input: EraseContact) -> Erased:
    """Blank everything that is known of a person, in their records, the leads about them, and the log; for good.

    The log keeps who did what and when, and each entry's digest; what was said is gone. Raises NotFound, Conflict where
    `confirm` names somebody else.
    """
    row = await records.find(tx, CONTACT, input.contact_id, lock=True)
    known_as = row["email"] or row["name"]
    if input.confirm.strip().casefold() != known_as.casefold():
        raise Conflict(
            "“confirm” is not the person's e-mail, or name where they have none. Nobody was erased.", field="confirm"
        )
    person = await _person(tx, row["id"])
    for forget in forgets:
        await forget(tx, actor, person)
    await _forget_contacts(tx, person)
    subjects = [*person.contact_ids, *await _forget_beside(tx, person)]
    blanked: int = await tx.fetchval("SELECT erase_from_log($1, $2, $3)", person.lead_ids, subjects, ERASED)
    counts = {"contacts": len(person.contact_ids), "leads": len(person.lead_ids), "activities": blanked}
    await append(
        tx, actor, Entry(kind=kinds.CONTACT_ERASED, subject_type="contact", subject_id=row["id"], payload=counts)
    )
    return Erased(contact_id=row["id"], **counts)


async def _person(tx: Tx, contact_id: UUID) -> Person:
    """Everything that points to a contact, or has its address; those merged into it are the same person."""
    rows = await tx.fetch(
        """SELECT id, email, email_norm FROM contacts WHERE org_id = $1 AND (id = $2 OR merged_into_id = $2)
            ORDER BY id FOR NO KEY UPDATE""",
        tx.org_id, contact_id,
    )  # fmt: skip
    emails = list({text.casefold() for row in rows for text in (row["email"], row["email_norm"]) if text})
    leads = await tx.fetch(
        """SELECT l.id FROM leads l WHERE l.org_id = $1 AND l.contact_id = ANY ($2)
           UNION SELECT l.id FROM leads l WHERE l.org_id = $1 AND l.email_norm = ANY ($3)""",
        tx.org_id, [row["id"] for row in rows], emails,
    )  # fmt: skip
    return Person(contact_ids=[row["id"] for row in rows], lead_ids=sorted(row["id"] for row in leads), emails=emails)


async def _forget_contacts(tx: Tx, person: Person) -> None:
    await tx.execute(
        """UPDATE contacts SET name = $3, first_name = NULL, last_name = NULL, email = NULL, email_norm = NULL, phone = NULL,
                  title = NULL, external_id = NULL, erased_at = $4, version = version + 1 WHERE org_id = $1 AND id = ANY ($2)""",
        tx.org_id, person.contact_ids, ERASED, tx.now,
    )  # fmt: skip


async def _forget_beside(tx: Tx, person: Person) -> list[UUID]:
    """Blank tasks and customers of the person, answers that were kept for repetitions, and what imports showed; answers their ids."""
    args = (tx.org_id, person.contact_ids, person.lead_ids)
    tasks = await tx.fetch(
        """UPDATE tasks SET title = 'Erased', notes = NULL, external_id = NULL, version = version + 1
            WHERE org_id = $1 AND (contact_id = ANY ($2) OR lead_id = ANY ($3)) RETURNING id""",
        *args,
    )
    customers = await tx.fetch(
        """UPDATE customers SET name = $4, external_id = NULL, version = version + 1
            WHERE org_id = $1 AND (contact_id = ANY ($2) OR lead_id = ANY ($3)) RETURNING id""",
        *args, ERASED,
    )  # fmt: skip
    await tx.execute(
        """DELETE FROM idempotency_keys k
            WHERE k.org_id = $1 AND EXISTS (SELECT FROM unnest($2::bytea[]) AS n (named) WHERE position(n.named IN k.response) > 0)""",
        tx.org_id, [str(named).encode() for named in (*person.emails, *person.contact_ids, *person.lead_ids)],
    )  # fmt: skip
    await _forget_imports(tx, person.emails)
    held = "UPDATE held_captures SET answers = '{}' WHERE org_id = $1 AND (lead_id = ANY ($2) OR lower(answers::text) LIKE ANY ($3))"
    await tx.execute(held, tx.org_id, person.lead_ids, mentions(person.emails))
    return [row["id"] for row in (*tasks, *customers)]


async def _forget_imports(tx: Tx, emails: Sequence[str]) -> None:
    """Rows that were left out are deleted where they name the address; previews that do lose their samples."""
    args: tuple[Any, ...] = (tx.org_id, mentions(emails))
    await tx.execute("DELETE FROM import_refusals WHERE org_id = $1 AND lower(cells::text) LIKE ANY ($2)", *args)
    await tx.execute(
        """UPDATE imports SET found = jsonb_set(jsonb_set(jsonb_set(found, '{sample}', '[]'), '{preview,examples}', '[]'),
                                                '{preview,repeated}', '[]') || jsonb_build_object('erased', true)
            WHERE org_id = $1 AND found IS NOT NULL AND lower(found::text) LIKE ANY ($2)""",
        *args,
    )


def mentions(emails: Sequence[str]) -> list[str]:
    """The patterns of lower-cased text in which one of some addresses (folded) stands."""
    return ["%" + email.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%" for email in emails]
