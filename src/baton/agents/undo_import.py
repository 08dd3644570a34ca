"""Taking back a whole import, however large: lead by lead in chunks, going on where it was cut off. Spec A11."""

from typing import Any
from uuid import UUID

from baton.agents.undo import Effect, Undo, undo_leads
from baton.imports.kept import Import, find
from baton.imports.write import Overtaken
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx, columns
from baton.kernel.operation import Input, operation
from baton.kernel.values import new_id

CHUNK = 200


class Touched(Input, kw_only=True):
    """The import whose leads are asked for."""

    import_id: UUID


class UndoNext(Input, kw_only=True):
    """The next leads of an import to take back, at most 1,000 in order of their ids; `after` is the last that was, none at the start."""

    import_id: UUID
    lead_ids: list[UUID]
    after: UUID | None = None


@operation("crm.imports.touched", kind="query", role=Role.MEMBER, summary="Find the leads of an import", internal=True)
async def touched(tx: Tx, actor: Actor, input: Touched) -> list[UUID]:
    """The leads that an import made or changed and that were not taken back yet, in order. Raises NotFound."""
    found = await find(tx, input.import_id)
    rows = await tx.fetch(
        """SELECT DISTINCT a.lead_id FROM activities a
             JOIN imports i ON i.org_id = a.org_id AND i.id = $3
            WHERE a.org_id = $1 AND a.operation_id = $2 AND a.lead_id > coalesce(i.undo_position, $4) ORDER BY a.lead_id""",
        tx.org_id, found.operation_id, found.id, UUID(int=0),
    )  # fmt: skip
    return [row["lead_id"] for row in rows]


@operation("crm.imports.undoNext", role=Role.MEMBER, summary="Take back the next leads of an import", internal=True)
async def undo_next(tx: Tx, actor: Actor, input: UndoNext) -> Import:
    """Take back what an import did to some leads, and move its undo behind them, all or nothing.

    Raises NotFound, Overtaken where another worker was here.
    """
    found = await find(tx, input.import_id, locked=True)
    at = await tx.fetchval("SELECT undo_position FROM imports WHERE org_id = $1 AND id = $2", tx.org_id, found.id)
    if found.state != "undoing" or at != input.after:
        raise Overtaken("Another worker is at this import.")
    order = Undo(operation_id=found.operation_id, reason=f"The import of {found.file} was undone.")
    effects = await undo_leads(tx, actor, order, input.lead_ids)
    counts = {outcome: sum(effect.outcome == outcome for _, effect in effects) for outcome in _OUTCOMES}
    await tx.execute(
        """UPDATE imports SET undo_position = $3, reversed = reversed + $4, kept = kept + $5, impossible = impossible + $6
            WHERE org_id = $1 AND id = $2""",
        tx.org_id, found.id, input.lead_ids[-1] if input.lead_ids else at, *counts.values(),
    )  # fmt: skip
    await _keep(tx, found.id, [(lead_id, effect) for lead_id, effect in effects if effect.outcome != "reversed"])
    return await find(tx, found.id)


_OUTCOMES = ("reversed", "kept", "impossible")


async def _keep(tx: Tx, import_id: UUID, effects: list[tuple[UUID, Effect]]) -> None:
    rows: list[tuple[Any, ...]] = [(new_id(), lead_id, e.what, e.outcome, e.why) for lead_id, e in effects]
    if rows:
        await tx.execute(
            """INSERT INTO import_remains (org_id, import_id, id, lead_id, what, outcome, why)
               SELECT $1, $2, r.* FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[]) AS r""",
            tx.org_id, import_id, *columns(rows, 5),
        )  # fmt: skip
