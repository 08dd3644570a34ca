"""Giving a custom field an index of its own, for organizations that ask it often. Spec A5."""

from uuid import UUID

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.fields import definition as definitions
from baton.fields.define import get
from baton.fields.definition import SLOTS
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Invalid
from baton.kernel.operation import Input, Output, operation
from baton.kernel.page import cursor, position
from baton.kernel.shapes import Cursor
from baton.leads import hot

MOST = 20_000
_BEGIN = UUID(int=0)


class IndexField(Input, kw_only=True):
    """The field, whether it is indexed, and the cursor that the call before answered."""

    field_id: UUID
    indexed: bool = True
    cursor: Cursor | None = None


class Indexing(Output, kw_only=True):
    """How far it is: how many leads this call went over. Call again with `nextCursor` until there is none; then the index is used."""

    field_id: UUID
    indexed: bool
    leads: int
    next_cursor: str | None


@operation("crm.fields.index", role=Role.ADMIN, summary="Index a custom field")
async def index_field(tx: Tx, actor: Actor, input: IndexField) -> Indexing:
    """Give a field an index, or take it away. The first call says so, each further one goes over 20,000 leads.

    Raises NotFound, Invalid for a type that has none (long text, yes/no, multi-select, URL), Conflict where all of that type are taken.
    """
    if input.cursor is None:
        return await _begin(tx, actor, input)
    definition = await get(tx, input.field_id, lock=True)
    if definition.slot is None:
        raise Conflict("This field is being indexed no more. Begin anew.")
    (after,) = position(input.cursor, UUID)
    rows = await tx.fetch(
        f"SELECT id, fields FROM leads WHERE org_id = $1 AND id > $2 ORDER BY id LIMIT {MOST} FOR NO KEY UPDATE",
        tx.org_id,
        after,
    )
    await hot.write(tx, [definition], [(row["id"], row["fields"]) for row in rows])
    done = len(rows) < MOST
    if done:
        await tx.execute(
            "UPDATE field_definitions SET slot_filled = true, version = version + 1 WHERE org_id = $1 AND id = $2",
            tx.org_id, definition.id,
        )  # fmt: skip
    await _tell(tx, actor, definition, [False, True] if done and not definition.indexed else None)
    return Indexing(
        field_id=definition.id, indexed=done, leads=len(rows), next_cursor=None if done else cursor(rows[-1]["id"])
    )


async def _begin(tx: Tx, actor: Actor, input: IndexField) -> Indexing:
    """From here on every write of a lead copies the value; whoever is writing now is waited for."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 2))", f"{tx.org_id}/fields")
    definition = await get(tx, input.field_id, lock=True)
    free = [slot for slot in SLOTS.get(definition.type, ()) if slot not in {d.slot for d in await definitions.read(tx)}]
    slot = None
    if input.indexed:
        if definition.type not in SLOTS:
            raise Invalid("Short text, select, integers, decimals and dates are indexed.", field="fieldId")
        if definition.slot is None and not free:
            raise Conflict(
                f"No more fields of the type {definition.type} can be indexed. Take the index from another first."
            )
        slot = definition.slot or free[0]
    await tx.execute(
        "UPDATE field_definitions SET slot = $3, slot_filled = false, version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id, definition.id, slot,
    )  # fmt: skip
    await _tell(tx, actor, definition, [True, False] if definition.indexed else None)
    return Indexing(field_id=definition.id, indexed=False, leads=0, next_cursor=cursor(_BEGIN) if slot else None)


async def _tell(tx: Tx, actor: Actor, definition: definitions.Definition, indexed: list[bool] | None) -> None:
    await append(
        tx, actor,
        Entry(kind=kinds.CUSTOM_FIELD_CHANGED, subject_type="custom_field", subject_id=definition.id,
              changes={"indexed": list(indexed)} if indexed else {}, payload={"name": definition.label, "key": definition.key}),
    )  # fmt: skip
