"""Pointing leads, and what hangs on people and companies, from one record to another: each with its activity. Spec A7, C2."""

from collections.abc import Sequence
from uuid import UUID

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.contacts.records import SORTS, Sort, camel
from baton.kernel.actor import Actor
from baton.kernel.db import Tx

_BESIDE = {
    "contact": (("tasks", "task", kinds.TASK_UPDATED, "title"), ("customers", "customer", kinds.CUSTOMER_UPDATED, "name")),
    "company": (
        ("tasks", "task", kinds.TASK_UPDATED, "title"), ("customers", "customer", kinds.CUSTOMER_UPDATED, "name"),
        ("contacts", "contact", SORTS["contact"].updated, "name"),
    ),
}  # fmt: skip
"""What else points to a contact or a company: table, subject, kind of activity, and the column that names it."""

Only = Sequence[UUID] | None


async def repoint(
    tx: Tx,
    actor: Actor,
    sort: Sort,
    old: UUID,
    new: UUID,
    *,
    reason: str,
    only: dict[str, Sequence[UUID]] | None = None,
) -> dict[str, int]:
    """Let everything that points to one record point to another, or `only` the ids named by table.

    Answers how many of each table did. Three statements a table, however many rows.
    """
    moved = {"leads": await _leads(tx, actor, sort, old, new, reason, None if only is None else only.get("leads", ()))}
    for table, subject, kind, named in _BESIDE[sort.noun]:
        rows = await tx.fetch(
            f"""UPDATE {table} SET {sort.reference} = $3, version = version + 1
                 WHERE org_id = $1 AND {sort.reference} = $2 AND ($4::uuid[] IS NULL OR id = ANY ($4)) RETURNING id, {named} AS named""",
            tx.org_id, old, new, None if only is None else list(only.get(table, ())),
        )  # fmt: skip
        await append(
            tx, actor,
            *(Entry(kind=kind, subject_type=subject, subject_id=row["id"], changes={camel(sort.reference): [str(old), str(new)]},
                    payload={"name": row["named"], "title": row["named"]}, reason=reason) for row in rows),
        )  # fmt: skip
        moved[table] = len(rows)
    return moved


async def repointed(tx: Tx, sort: Sort, operation_id: UUID) -> dict[str, list[UUID]]:
    """What an operation pointed to another record, by table."""
    tables = {"lead": "leads"} | {subject: table for table, subject, _, _ in _BESIDE[sort.noun]}
    rows = await tx.fetch(
        """SELECT subject_type, subject_id FROM activities
            WHERE org_id = $1 AND operation_id = $2 AND changes ? $3 AND subject_type = ANY ($4)""",
        tx.org_id, operation_id, camel(sort.reference), list(tables),
    )  # fmt: skip
    found: dict[str, list[UUID]] = {}
    for row in rows:
        found.setdefault(tables[row["subject_type"]], []).append(row["subject_id"])
    return found


async def _leads(tx: Tx, actor: Actor, sort: Sort, old: UUID, new: UUID, reason: str, only: Only) -> int:
    """As `leads.change` does, for many leads at once: fact, version and activity. No count depends on these facts."""
    rows = await tx.fetch(
        f"""SELECT id, last_activity_at FROM leads WHERE org_id = $1 AND {sort.reference} = $2 AND ($3::uuid[] IS NULL OR id = ANY ($3))
             ORDER BY id FOR NO KEY UPDATE""",
        tx.org_id, old, None if only is None else list(only),
    )  # fmt: skip
    for row in rows:
        tx.follow(row["last_activity_at"])
    changed = await tx.fetch(
        f"""UPDATE leads SET {sort.reference} = $3, version = version + 1, last_activity_at = greatest(last_activity_at, $4)
             WHERE org_id = $1 AND id = ANY ($2) RETURNING id, version""",
        tx.org_id, [row["id"] for row in rows], new, tx.now,
    )  # fmt: skip
    await append(
        tx, actor,
        *(Entry(kind=kinds.FIELD_UPDATED, subject_type="lead", subject_id=row["id"], lead_id=row["id"], lead_version=row["version"],
                changes={camel(sort.reference): [str(old), str(new)]}, reason=reason) for row in changed),
    )  # fmt: skip
    return len(changed)
