"""Finding the contact and the company of new leads, or making them; a known person is never overwritten."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from baton.activities.append import Entry
from baton.contacts import matching
from baton.contacts.matching import Matching
from baton.contacts.records import COMPANY, CONTACT, Sort
from baton.kernel.db import Row, Tx, columns
from baton.kernel.values import fold, new_id


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What a new lead says of a person and the company behind them."""

    name: str
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    title: str | None = None
    company: str | None = None
    website: str | None = None
    location: str | None = None
    industry: str | None = None
    size: int | None = None
    operation_id: UUID | None = None


class Identified(msgspec.Struct, kw_only=True):
    """The ids (contact, company) of identities in their order, and what the log is yet to be told of those that were made."""

    ids: list[tuple[UUID | None, UUID | None]]
    entries: list[Entry]


async def find_or_make(tx: Tx, identities: Sequence[Identity]) -> Identified:
    """For each identity the ids of its contact (by e-mail) and company (by name), made where they were unknown.

    Without an e-mail there is no contact, without a company's name no company: they cannot be told from others. The caller
    appends the entries.
    """
    entries: list[Entry] = []
    companies = await _companies(tx, identities, entries)
    how = await matching.read(tx) if any(i.email for i in identities) else Matching()
    contacts = await _contacts(tx, identities, companies, how, entries)
    ids = [
        (
            contacts.get(how.email_key(i.email)) if i.email else None,
            companies.get(fold(i.company)) if i.company else None,
        )
        for i in identities
    ]
    return Identified(ids=ids, entries=entries)


async def _companies(tx: Tx, identities: Sequence[Identity], entries: list[Entry]) -> dict[str, UUID]:
    wanted = {fold(i.company): i for i in identities if i.company and fold(i.company)}
    # Sorted, so that concurrent writers of the same names take their locks in the same order.
    rows = [(new_id(), i.company, key, i.website, i.location, i.industry, i.size) for key, i in sorted(wanted.items())]
    return await _settled(
        tx, COMPANY, rows, wanted,
        """INSERT INTO companies (org_id, id, name, name_norm, website, location, industry, size, created_at)
           SELECT $1, c.*, $2 FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int[]) AS c
           ON CONFLICT (org_id, name_norm) DO NOTHING RETURNING id, name, name_norm AS key""", entries,
    )  # fmt: skip


async def _contacts(
    tx: Tx, identities: Sequence[Identity], companies: dict[str, UUID], how: Matching, entries: list[Entry]
) -> dict[str, UUID]:
    wanted: dict[str, Identity] = {}
    for identity in identities:
        if identity.email:
            wanted.setdefault(how.email_key(identity.email), identity)
    rows = [
        (new_id(), i.name, key, i.first_name, i.last_name, i.email, how.phone(i.phone), i.title,
         companies.get(fold(i.company)) if i.company else None)
        for key, i in sorted(wanted.items())
    ]  # fmt: skip
    return await _settled(
        tx, CONTACT, rows, wanted,
        """INSERT INTO contacts (org_id, id, name, email_norm, first_name, last_name, email, phone, title, company_id, created_at)
           SELECT $1, c.*, $2
             FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::uuid[]) AS c
           ON CONFLICT (org_id, email_norm) DO NOTHING RETURNING id, name, email_norm AS key""", entries,
    )  # fmt: skip


async def _settled(
    tx: Tx, sort: Sort, rows: list[tuple[Any, ...]], wanted: Mapping[str, Identity], insert: str, entries: list[Entry]
) -> dict[str, UUID]:
    """The ids by key of rows (id, name, key, …): made where they are unknown, found where they are known.

    What is found is held until the transaction ends. Where it was removed in that very moment it is made anew.
    """
    found: dict[str, UUID] = {}
    made: list[Row] = []
    while left := [row for row in rows if row[2] not in found]:
        new = await tx.fetch(insert, tx.org_id, tx.now, *columns(left, len(left[0])))
        made += new
        found |= {row["key"]: row["id"] for row in new}
        missing = [row[2] for row in left if row[2] not in found]
        if missing:
            known = await tx.fetch(
                f"""SELECT coalesce(merged_into_id, id) AS id, {sort.key} AS key FROM {sort.table}
                     WHERE org_id = $1 AND {sort.key} = ANY ($2) ORDER BY id FOR KEY SHARE""",
                tx.org_id, missing,
            )  # fmt: skip
            found |= {row["key"]: row["id"] for row in known}
    entries += [_made(sort.created, sort.noun, row, wanted[row["key"]]) for row in made]
    return found


def _made(kind: str, subject: str, row: Row, identity: Identity) -> Entry:
    return Entry(
        kind=kind, subject_type=subject, subject_id=row["id"], payload={"name": row["name"]}, operation_id=identity.operation_id
    )  # fmt: skip
