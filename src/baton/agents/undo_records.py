"""Taking back what an operation did to contacts and companies: facts go back, merged records come apart. Spec A7."""

from typing import Any, Literal
from uuid import UUID

from baton.contacts import matching, records
from baton.contacts.records import SORTS, Sort, camel
from baton.kernel.actor import Actor
from baton.kernel.db import Row, Tx
from baton.kernel.errors import Conflict, NotFound
from baton.kernel.operation import Output
from baton.leads.merge import Unmerge, unmerge

Outcome = Literal["reversed", "kept", "impossible"]


class Effect(Output, kw_only=True):
    """One effect of the operation, and what became of it."""

    subject_type: str
    subject_id: UUID
    what: str
    outcome: Outcome
    why: str | None = None


async def done_to(tx: Tx, operation_id: UUID) -> list[Row]:
    """What an operation changed of contacts and companies by itself, not by an edit of a lead, the last first."""
    return await tx.fetch(
        """SELECT id, kind, subject_type, subject_id, changes, payload FROM activities
            WHERE org_id = $1 AND operation_id = $2 AND lead_id IS NULL AND subject_type IN ('contact', 'company') AND kind = ANY ($3)
            ORDER BY id DESC""",
        tx.org_id, operation_id, [kind for sort in SORTS.values() for kind in (sort.updated, sort.merged, sort.unmerged)],
    )  # fmt: skip


def of_lead(rows: list[Row]) -> list[Row]:
    """Of a lead's activities those that changed its contact with it."""
    return [row for row in rows if row["subject_type"] in SORTS and row["kind"] == SORTS[row["subject_type"]].updated]


def is_merge(rows: list[Row]) -> bool:
    """Whether these are of a merge, or of its opposite: what hung on the records went with them, and comes back with them."""
    return any(row["kind"] in (sort.merged, sort.unmerged) for row in rows for sort in SORTS.values())


async def undo_records(tx: Tx, actor: Actor, rows: list[Row], reason: str | None) -> list[Effect]:
    """Take back what was done to contacts and companies; what was changed since is kept, and said."""
    merges = is_merge(rows)
    effects: list[Effect] = []
    for row in rows:
        sort = SORTS[row["subject_type"]]
        if row["kind"] == sort.merged:
            effects += await _apart(tx, actor, sort, row, reason)
        elif row["kind"] == sort.unmerged:
            effects.append(_effect(row, "merge", "impossible", "Merge the two again."))
        elif not merges:
            effects += await _back(tx, actor, sort, row, reason)
    return effects


async def _apart(tx: Tx, actor: Actor, sort: Sort, row: Row, reason: str | None) -> list[Effect]:
    try:
        _, _, kept = await unmerge(tx, actor, sort, Unmerge(merged_id=row["payload"]["mergedId"], reason=reason))
    except (Conflict, NotFound) as error:
        return [_effect(row, "merge", "kept", error.message)]
    return [_effect(row, "merge", "reversed"), *(_effect(row, name, "kept", "It was changed since.") for name in kept)]


async def _back(tx: Tx, actor: Actor, sort: Sort, row: Row, reason: str | None) -> list[Effect]:
    now = await records.find(tx, sort, row["subject_id"], lock=True, followed=False)
    names = {camel(name): name for name in sort.facts}
    old: dict[str, Any] = {}
    effects: list[Effect] = []
    changes = row["changes"] or row["payload"]["changes"]
    for field, (was, became) in changes.items():
        name = names[field]
        if records.plain(now[name]) == became and now["merged_into_id"] is None:
            old[name] = UUID(was) if name == "company_id" and was else was
            effects.append(_effect(row, field, "reversed"))
        else:
            effects.append(_effect(row, field, "kept", "It was changed since."))
    try:
        await records.change(tx, actor, sort, now, old, await matching.read(tx), reason=reason)
    except Conflict as error:
        return [_effect(row, field, "kept", error.message) for field in changes]
    return effects


def _effect(row: Row, what: str, outcome: Outcome, why: str | None = None) -> Effect:
    return Effect(subject_type=row["subject_type"], subject_id=row["subject_id"], what=what, outcome=outcome, why=why)
