"""What people and companies have in common as records: their facts, how one is locked and changed. Spec A5, A7."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from baton.activities import kinds
from baton.activities.append import Changes, Entry, append
from baton.contacts.matching import Matching
from baton.kernel.actor import Actor
from baton.kernel.db import Row, Tx, by_ref
from baton.kernel.errors import Conflict, NotFound, must_be_current
from baton.kernel.values import Ref, fold

Noun = Literal["contact", "company"]
Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort of record: its table, its facts, and the column that tells it from others, made of one of them."""

    noun: Noun
    table: str
    facts: tuple[str, ...]
    named_by: str
    key: str
    created: str
    updated: str
    removed: str
    restored: str
    merged: str
    unmerged: str

    @property
    def reference(self) -> str:
        """The column by which other records point to one of these."""
        return f"{self.noun}_id"

    def key_of(self, facts: Facts, matching: Matching) -> str | None:
        """What tells a record of these facts from others; none where nothing does."""
        text = facts[self.named_by]
        if not text:
            return None
        return matching.email_key(text) if self.noun == "contact" else fold(text)


CONTACT = Sort(
    "contact", "contacts", ("name", "first_name", "last_name", "email", "phone", "title", "company_id", "external_id"), "email",
    "email_norm", kinds.CONTACT_CREATED, kinds.CONTACT_UPDATED, kinds.CONTACT_REMOVED, kinds.CONTACT_RESTORED,
    kinds.CONTACT_MERGED, kinds.CONTACT_UNMERGED,
)  # fmt: skip
COMPANY = Sort(
    "company", "companies", ("name", "website", "location", "industry", "size", "external_id"), "name",
    "name_norm", kinds.COMPANY_CREATED, kinds.COMPANY_UPDATED, kinds.COMPANY_REMOVED, kinds.COMPANY_RESTORED,
    kinds.COMPANY_MERGED, kinds.COMPANY_UNMERGED,
)  # fmt: skip
SORTS: dict[str, Sort] = {sort.noun: sort for sort in (CONTACT, COMPANY)}


def facts(sort: Sort, row: Row) -> Facts:
    """The facts of a row."""
    return {name: row[name] for name in sort.facts}


async def find(
    tx: Tx, sort: Sort, ref: Ref | UUID, *, lock: bool = False, followed: bool = True, alone: bool = False
) -> Row:
    """A record by id or external id, of a merged one the survivor where `followed`. Raises NotFound, also for one that is gone.

    Locked `alone`, nothing comes to point to it before the transaction ends, and whatever is about to is waited for.
    """
    where, value = by_ref(str(ref))
    locking = "FOR UPDATE" if alone else "FOR NO KEY UPDATE" if lock else ""
    row = await tx.fetchrow(
        f"SELECT * FROM {sort.table} WHERE org_id = $1 AND {where} AND deleted_at IS NULL {locking}", tx.org_id, value
    )
    if row is not None and followed and row["merged_into_id"] is not None:
        row = await tx.fetchrow(
            f"SELECT * FROM {sort.table} WHERE org_id = $1 AND id = $2 {locking}", tx.org_id, row["merged_into_id"]
        )
    if row is None:
        raise NotFound(f"There is no such {sort.noun} in your organization.", field=f"{sort.noun}Id")
    return row


async def lock(tx: Tx, sort: Sort, ref: Ref | UUID, *, version: int | None = None) -> Row:
    """A record, locked until the transaction ends. Raises NotFound; Conflict where `version` is stale."""
    row = await find(tx, sort, ref, lock=True)
    must_be_current(row["name"], row["version"], version)
    return row


async def change(
    tx: Tx,
    actor: Actor,
    sort: Sort,
    row: Row,
    new: Facts,
    matching: Matching,
    *,
    reason: str | None = None,
    lead_id: UUID | None = None,
) -> bool:
    """Set facts of a locked record and append the activity that says so; answers whether anything was to change.

    With `lead_id` it follows from an edit of that lead, and stands in its timeline: then the changes are in the payload,
    because those of a lead's activities are the lead's own. Raises Conflict where another record is known by the new
    e-mail, name or external id.
    """
    before = facts(sort, row)
    after = before | new
    changes = difference(before, after)
    if not changes:
        return False
    named = before[sort.named_by] != after[sort.named_by]
    key = sort.key_of(after, matching) if named else row[sort.key]
    if (
        named
        and key is not None
        and await tx.fetchval(
            f"SELECT exists (SELECT FROM {sort.table} WHERE org_id = $1 AND {sort.key} = $2 AND id <> $3)",
            tx.org_id,
            key,
            row["id"],
        )
    ):
        raise Conflict(f"Another {sort.noun} is known by this {sort.named_by}. Merge the two.", field=sort.named_by)
    await write(tx, sort, row["id"], after, key)
    await append(
        tx, actor,
        Entry(kind=sort.updated, subject_type=sort.noun, subject_id=row["id"], lead_id=lead_id, changes={} if lead_id else changes,
              payload={"name": after["name"]} | ({"changes": changes} if lead_id else {}), reason=reason),
    )  # fmt: skip
    return True


async def write(tx: Tx, sort: Sort, id: UUID, after: Facts, key: str | None) -> None:
    """Write a locked record's facts and its key."""
    values = after | {sort.key: key}
    assignments = ", ".join(f"{name} = ${index}" for index, name in enumerate(values, start=3))
    await tx.execute(
        f"UPDATE {sort.table} SET {assignments}, version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id, id, *values.values(),
    )  # fmt: skip


def difference(before: Facts, after: Facts) -> Changes:
    """The changes {field: [old, new]} from some facts to others, by their JSON names."""
    return {camel(name): [plain(before[name]), plain(after[name])] for name in after if before[name] != after[name]}


def plain(value: Any) -> Any:
    """A fact as the log writes it."""
    return str(value) if isinstance(value, UUID) else value


def camel(name: str) -> str:
    """A fact's name in JSON."""
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
