"""Taking back what an operation did to contacts and companies: facts go back, merged records come apart, made ones go. Spec A7."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from baton.contacts import matching, records
from baton.contacts.records import SORTS, Sort, camel
from baton.contacts.remove import bring_back, remove
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
    """What an operation changed, removed and brought back of contacts and companies by itself, not by an edit of a lead, the last first."""
    return await tx.fetch(
        """SELECT id, kind, subject_type, subject_id, changes, payload FROM activities
            WHERE org_id = $1 AND operation_id = $2 AND lead_id IS NULL AND subject_type IN ('contact', 'company') AND kind = ANY ($3)
            ORDER BY id DESC""",
        tx.org_id, operation_id, [kind for sort in SORTS.values() for kind in (sort.updated, sort.merged, sort.unmerged, sort.removed)],
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
        elif row["kind"] == sort.removed:
            effects.append(await _returned(tx, actor, sort, row, reason))
        elif not merges:
            effects += await _back(tx, actor, sort, row, reason)
    return effects


async def made(tx: Tx, sort: Sort, operation_id: UUID, after: UUID, limit: int) -> dict[UUID, UUID]:
    """The next contacts or companies that an operation made or brought back, in the order of ids, each with the activity that says so."""
    rows = await tx.fetch(
        f"""SELECT subject_id, min(id::text)::uuid AS since FROM activities
             WHERE org_id = $1 AND operation_id = $2 AND kind = ANY ($3) AND subject_id > $4
             GROUP BY subject_id ORDER BY subject_id LIMIT {limit}""",
        tx.org_id, operation_id, [sort.created, sort.restored], after,
    )  # fmt: skip
    return {row["subject_id"]: row["since"] for row in rows}


async def unmake(
    tx: Tx, actor: Actor, sort: Sort, those: Mapping[UUID, UUID], operation_id: UUID, reason: str | None
) -> list[Effect]:
    """Take back that an operation made some contacts or companies: those go that nothing uses and nobody changed since."""
    kept = await remove(tx, actor, sort, those, ours=[operation_id, tx.operation_id], reason=reason)
    return [
        Effect(subject_type=sort.noun, subject_id=id, what=sort.noun, outcome="kept" if why else "reversed", why=why)
        for id, why in kept.items()
    ]


async def _returned(tx: Tx, actor: Actor, sort: Sort, row: Row, reason: str | None) -> Effect:
    """Bring back what the operation removed; a lead that came back before may have brought it."""
    gone = await tx.fetchval(
        f"SELECT deleted_at IS NOT NULL FROM {sort.table} WHERE org_id = $1 AND id = $2", tx.org_id, row["subject_id"]
    )
    holder = await bring_back(tx, actor, sort, row["subject_id"], reason=reason) if gone else None
    if holder is not None:
        return _effect(row, sort.noun, "kept", f"Another {sort.noun} is known by its {sort.named_by} by now.")
    return _effect(row, sort.noun, "reversed")


async def _apart(tx: Tx, actor: Actor, sort: Sort, row: Row, reason: str | None) -> list[Effect]:
    try:
        _, _, kept = await unmerge(tx, actor, sort, Unmerge(merged_id=row["payload"]["mergedId"], reason=reason))
    except (Conflict, NotFound) as error:
        return [_effect(row, "merge", "kept", error.message)]
    return [_effect(row, "merge", "reversed"), *(_effect(row, name, "kept", "It was changed since.") for name in kept)]


async def _back(tx: Tx, actor: Actor, sort: Sort, row: Row, reason: str | None) -> list[Effect]:
    try:
        now = await records.find(tx, sort, row["subject_id"], lock=True, followed=False)
    except NotFound:
        return [_effect(row, sort.noun, "kept", "It was removed since.")]
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
