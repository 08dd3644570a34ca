"""Contacts and companies that go, and come back: the record stays, known by nothing while it is gone. Spec A5, A7."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from baton.activities.append import Entry, append
from baton.contacts import company as companies
from baton.contacts import contact as contacts
from baton.contacts import matching, records
from baton.contacts.company import Company
from baton.contacts.contact import Contact
from baton.contacts.records import COMPANY, CONTACT, SORTS, Sort
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Row, Tx
from baton.kernel.errors import Conflict, NotFound, must_be_current
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Reason, Version
from baton.kernel.values import Ref


class RemoveContact(Input, kw_only=True):
    """The contact to remove, and why."""

    contact_id: Ref
    version: Version | None = None
    reason: Reason | None = None


class RemoveCompany(Input, kw_only=True):
    """The company to remove, and why."""

    company_id: Ref
    version: Version | None = None
    reason: Reason | None = None


class RestoreContact(Input, kw_only=True):
    """The removed contact to bring back."""

    contact_id: UUID
    version: Version | None = None


class RestoreCompany(Input, kw_only=True):
    """The removed company to bring back."""

    company_id: UUID
    version: Version | None = None


_USES = {
    "contact": (
        ("leads u", "u.contact_id = r.id AND u.deleted_at IS NULL", "A lead is about it."),
        ("customers u", "u.contact_id = r.id", "A customer is known by it."),
        ("tasks u", "u.contact_id = r.id AND u.status = 'open'", "A task is about it."),
        ("contacts u", "u.merged_into_id = r.id", "Another contact was merged into it."),
    ),
    "company": (
        ("leads u", "u.company_id = r.id AND u.deleted_at IS NULL", "A lead is about it."),
        ("contacts u", "u.company_id = r.id AND u.deleted_at IS NULL", "A contact works there."),
        ("customers u", "u.company_id = r.id", "A customer is known by it."),
        ("tasks u", "u.company_id = r.id AND u.status = 'open'", "A task is about it."),
        ("companies u", "u.merged_into_id = r.id", "Another company was merged into it."),
    ),
}
"""What holds a contact or a company: a table, how it points to the record `r`, and that in words."""


@operation("crm.contacts.delete", role=Role.ADMIN, summary="Remove a contact")
async def remove_contact(tx: Tx, actor: Actor, input: RemoveContact) -> Contact:
    """Remove a contact that nothing uses; it can be brought back. Raises NotFound, Conflict where something does."""
    row = await records.lock(tx, CONTACT, input.contact_id, version=input.version)
    found = await contacts.get(tx, row["id"])
    await _remove_one(tx, actor, CONTACT, row, input.reason)
    return found


@operation("crm.companies.delete", role=Role.ADMIN, summary="Remove a company")
async def remove_company(tx: Tx, actor: Actor, input: RemoveCompany) -> Company:
    """Remove a company that nothing uses; it can be brought back. Raises NotFound, Conflict where something does."""
    row = await records.lock(tx, COMPANY, input.company_id, version=input.version)
    await _remove_one(tx, actor, COMPANY, row, input.reason)
    return companies.from_row(row)


@operation("crm.contacts.restore", role=Role.ADMIN, summary="Bring a contact back")
async def restore_contact(tx: Tx, actor: Actor, input: RestoreContact) -> Contact:
    """Bring a removed contact back. Raises NotFound where it is not removed, Conflict where another has its e-mail by now."""
    await _restore_one(tx, actor, CONTACT, input.contact_id, input.version)
    return await contacts.get(tx, input.contact_id)


@operation("crm.companies.restore", role=Role.ADMIN, summary="Bring a company back")
async def restore_company(tx: Tx, actor: Actor, input: RestoreCompany) -> Company:
    """Bring a removed company back. Raises NotFound where it is not removed, Conflict where another has its name by now."""
    await _restore_one(tx, actor, COMPANY, input.company_id, input.version)
    return companies.from_row(await records.find(tx, COMPANY, input.company_id))


async def _remove_one(tx: Tx, actor: Actor, sort: Sort, row: Row, reason: str | None) -> None:
    kept = await remove(tx, actor, sort, {row["id"]: None}, reason=reason)
    if why := kept[row["id"]]:
        raise Conflict(f"{row['name']} is in use: {why[0].lower()}{why[1:]}")


async def _restore_one(tx: Tx, actor: Actor, sort: Sort, id: UUID, version: int | None) -> None:
    row = await tx.fetchrow(
        f"SELECT name, version FROM {sort.table} WHERE org_id = $1 AND id = $2 FOR NO KEY UPDATE", tx.org_id, id
    )
    if row is not None:
        must_be_current(row["name"], row["version"], version)
    holder = await bring_back(tx, actor, sort, id)
    if holder is not None:
        raise Conflict(f"Another {sort.noun} is known by its {sort.named_by} by now.", field=f"{sort.noun}Id")


async def remove(
    tx: Tx,
    actor: Actor,
    sort: Sort,
    ids: Mapping[UUID, UUID | None],
    *,
    ours: Sequence[UUID] = (),
    reason: str | None = None,
) -> dict[UUID, str | None]:
    """Remove those of the records that nothing uses.

    Each comes with an activity after which nobody else may have changed it, but in the operations that are `ours`; with none
    where that does not matter. Answers for each why it was kept, None where it is gone. Four statements, however many records.
    """
    # Locked first: whoever is pointing to one of them is waited for, and is then seen.
    await tx.execute(
        f"SELECT FROM {sort.table} WHERE org_id = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE", tx.org_id, list(ids)
    )
    cases = " ".join(
        f"WHEN EXISTS (SELECT FROM {table} WHERE u.org_id = $1 AND {points}) THEN '{why}'"
        for table, points, why in _USES[sort.noun]
    )
    rows = await tx.fetch(
        f"""SELECT r.id, r.name, r.external_id, CASE WHEN r.deleted_at IS NOT NULL THEN 'It was removed since.'
                   WHEN r.merged_into_id IS NOT NULL THEN 'It was merged into another since.' {cases}
                   WHEN EXISTS (SELECT FROM activities a
                                 WHERE a.org_id = $1 AND a.subject_id = r.id AND a.subject_type IN ('contact', 'company')
                                   AND a.id > m.since AND a.operation_id <> ALL ($4)) THEN 'It was changed since.' END AS why
              FROM {sort.table} r JOIN unnest($2::uuid[], $3::uuid[]) AS m (id, since) ON m.id = r.id WHERE r.org_id = $1 ORDER BY r.id""",
        tx.org_id, list(ids), list(ids.values()), list(ours),
    )  # fmt: skip
    kept: dict[UUID, str | None] = {row["id"]: row["why"] for row in rows}
    gone = [row for row in rows if kept[row["id"]] is None]
    await tx.execute(
        f"""UPDATE {sort.table} SET deleted_at = $3, {sort.key} = {_KEY_OF_NONE[sort.noun]}, external_id = NULL, version = version + 1
             WHERE org_id = $1 AND id = ANY ($2)""",
        tx.org_id, [row["id"] for row in gone], tx.now,
    )  # fmt: skip
    await append(
        tx, actor,
        *(Entry(kind=sort.removed, subject_type=sort.noun, subject_id=row["id"], payload={"name": row["name"]}, reason=reason,
                changes={"deletedAt": [None, tx.now.isoformat()]}
                | ({"externalId": [row["external_id"], None]} if row["external_id"] else {})) for row in gone),
    )  # fmt: skip
    return kept


_KEY_OF_NONE = {"contact": "NULL", "company": "id::text"}
"""What stands where a record is known by nothing: a company's key is never empty."""


async def bring_back(tx: Tx, actor: Actor, sort: Sort, id: UUID, *, reason: str | None = None) -> UUID | None:
    """Bring a removed record back, a contact with its company. Answers the one that has its e-mail or name by now, and then stays away.

    Raises NotFound for a record that is not removed.
    """
    row = await tx.fetchrow(
        f"SELECT * FROM {sort.table} WHERE org_id = $1 AND id = $2 AND deleted_at IS NOT NULL FOR UPDATE", tx.org_id, id
    )
    if row is None:
        raise NotFound(f"There is no removed {sort.noun} of this id in your organization.", field=f"{sort.noun}Id")
    facts = records.facts(sort, row)
    key = sort.key_of(facts, await matching.read(tx))
    holder: UUID | None = await tx.fetchval(
        f"SELECT coalesce(merged_into_id, id) FROM {sort.table} WHERE org_id = $1 AND {sort.key} = $2", tx.org_id, key
    )
    if holder is not None:
        return holder
    if sort is CONTACT and row["company_id"] is not None:
        facts["company_id"] = await standing(tx, actor, COMPANY, row["company_id"], reason=reason)
    old = await _external_id(tx, sort, id)
    facts["external_id"] = old
    await records.write(tx, sort, id, facts, key)
    await tx.execute(f"UPDATE {sort.table} SET deleted_at = NULL WHERE org_id = $1 AND id = $2", tx.org_id, id)
    changes = {"deletedAt": [row["deleted_at"].isoformat(), None]} | ({"externalId": [None, old]} if old else {})
    await append(
        tx, actor,
        Entry(kind=sort.restored, subject_type=sort.noun, subject_id=id, changes=changes, payload={"name": row["name"]}, reason=reason),
    )  # fmt: skip
    return None


async def standing(tx: Tx, actor: Actor, sort: Sort, id: UUID, *, reason: str | None = None) -> UUID:
    """The record itself, brought back where it was removed; or the one that stands in its place by now."""
    gone = await tx.fetchval(
        f"SELECT deleted_at IS NOT NULL FROM {sort.table} WHERE org_id = $1 AND id = $2", tx.org_id, id
    )
    return (await bring_back(tx, actor, sort, id, reason=reason) if gone else None) or id


async def _external_id(tx: Tx, sort: Sort, id: UUID) -> str | None:
    """The external id that a record had when it was removed, unless another has it by now."""
    changes = await tx.fetchval(
        """SELECT changes FROM activities WHERE org_id = $1 AND subject_id = $2 AND subject_type IN ('contact', 'company') AND kind = $3
            ORDER BY id DESC LIMIT 1""",
        tx.org_id, id, SORTS[sort.noun].removed,
    )  # fmt: skip
    old: str | None = (changes or {}).get("externalId", [None])[0]
    taken = old is not None and await tx.fetchval(
        f"SELECT exists (SELECT FROM {sort.table} WHERE org_id = $1 AND external_id = $2)", tx.org_id, old
    )
    return None if taken else old
