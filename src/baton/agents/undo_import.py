"""Taking back a whole import, however large: leads, contacts, companies, in chunks, going on where it was cut off. Spec A11."""

from typing import Any
from uuid import UUID

from baton.agents.undo_leads import undo_leads
from baton.agents.undo_records import Effect, made, unmake
from baton.contacts.records import SORTS
from baton.imports.kept import Import, find
from baton.imports.write import Overtaken
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx, columns
from baton.kernel.operation import Input, Output, operation
from baton.kernel.values import new_id

CHUNK = 200


PHASES = ("lead", "contact", "company", "done")
"""What goes after what: a contact when its leads are gone, a company when its contacts are."""
_ALL = 2**31


class Touched(Input, kw_only=True):
    """The import, and the phase of its undo."""

    import_id: UUID


class Left(Output, kw_only=True):
    """What is left to take back in the present phase, in the order of ids; `after` is the last that was, none at the phase's start."""

    phase: str
    ids: list[UUID]
    after: UUID | None


class UndoNext(Input, kw_only=True):
    """The next records of an import to take back, at most 1,000 in order of their ids, or with none of them the phase's end.

    `after` is the last that was taken back, none at the phase's start.
    """

    import_id: UUID
    phase: str
    ids: list[UUID]
    after: UUID | None = None


@operation(
    "crm.imports.touched", kind="query", role=Role.MEMBER, summary="Find the records of an import", internal=True
)
async def touched(tx: Tx, actor: Actor, input: Touched) -> Left:
    """The leads that an import made or changed, then the contacts and companies that it made, not taken back yet. Raises NotFound."""
    found = await find(tx, input.import_id)
    phase, at = await _place(tx, found.id)
    if phase in SORTS:
        ids = list(await made(tx, SORTS[phase], found.operation_id, at or _BEGIN, _ALL))
    elif phase == "lead":
        rows = await tx.fetch(
            """SELECT DISTINCT lead_id FROM activities
                WHERE org_id = $1 AND operation_id = $2 AND lead_id > $3 ORDER BY lead_id""",
            tx.org_id, found.operation_id, at or _BEGIN,
        )  # fmt: skip
        ids = [row["lead_id"] for row in rows]
    else:
        ids = []
    return Left(phase=phase, ids=ids, after=at)


@operation("crm.imports.undoNext", role=Role.MEMBER, summary="Take back the next records of an import", internal=True)
async def undo_next(tx: Tx, actor: Actor, input: UndoNext) -> Import:
    """Take back what an import did to some records, and move its undo behind them, all or nothing.

    Raises NotFound, Overtaken where another worker was here.
    """
    found = await find(tx, input.import_id, locked=True)
    phase, at = await _place(tx, found.id)
    if found.state != "undoing" or (phase, at) != (input.phase, input.after):
        raise Overtaken("Another worker is at this import.")
    reason = f"The import of {found.file} was undone."
    effects: list[tuple[UUID | None, Effect]] = []
    if phase in SORTS and input.ids:
        those = await made(tx, SORTS[phase], found.operation_id, at or _BEGIN, len(input.ids))
        effects += [(None, e) for e in await unmake(tx, actor, SORTS[phase], those, found.operation_id, reason)]
    elif phase == "lead":
        effects += await undo_leads(tx, actor, found.operation_id, input.ids, reason)
    counts = {outcome: sum(effect.outcome == outcome for _, effect in effects) for outcome in _OUTCOMES}
    place = (phase, input.ids[-1]) if input.ids else (PHASES[PHASES.index(phase) + 1], None)
    await tx.execute(
        """UPDATE imports SET undo_phase = $3, undo_position = $4, reversed = reversed + $5, kept = kept + $6,
                  impossible = impossible + $7 WHERE org_id = $1 AND id = $2""",
        tx.org_id, found.id, *place, *counts.values(),
    )  # fmt: skip
    await _keep(tx, found.id, [(lead_id, effect) for lead_id, effect in effects if effect.outcome != "reversed"])
    return await find(tx, found.id)


_OUTCOMES = ("reversed", "kept", "impossible")
_BEGIN = UUID(int=0)


async def _place(tx: Tx, id: UUID) -> tuple[str, UUID | None]:
    row = await tx.fetchrow(
        "SELECT undo_phase, undo_position FROM imports WHERE org_id = $1 AND id = $2", tx.org_id, id
    )
    assert row is not None
    return row["undo_phase"], row["undo_position"]


async def _keep(tx: Tx, import_id: UUID, effects: list[tuple[UUID | None, Effect]]) -> None:
    rows: list[tuple[Any, ...]] = [
        (new_id(), lead_id, e.subject_type, e.subject_id, e.what, e.outcome, e.why) for lead_id, e in effects
    ]
    if rows:
        await tx.execute(
            """INSERT INTO import_remains (org_id, import_id, id, lead_id, subject_type, subject_id, what, outcome, why)
               SELECT $1, $2, r.*
                 FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::text[], $8::text[], $9::text[]) AS r""",
            tx.org_id, import_id, *columns(rows, 7),
        )  # fmt: skip
