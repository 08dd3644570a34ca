"""Taking back what an operation did, a whole run included: reversed, kept because it was changed since, or impossible.

Nothing is removed from the log: an undo is an operation of its own, with its own activities, and can be undone.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from baton.activities import kinds
from baton.agents.retire import take_back
from baton.agents.undo_leads import undo_leads
from baton.agents.undo_records import Effect as Effect
from baton.agents.undo_records import done_to, is_merge, made, undo_records, unmake
from baton.agents.undo_tasks import of_no_lead, undo_tasks
from baton.contacts.records import COMPANY, CONTACT, Sort
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Forbidden, Invalid, NotFound
from baton.kernel.operation import Input, Output, operation
from baton.kernel.page import cursor, position
from baton.kernel.shapes import Cursor, Reason
from baton.leads.chunks import go_on

MOST = 10_000
_BEGIN = UUID(int=0)


class Undo(Input, kw_only=True):
    """The operation, or the run, to take back; of a large one at most `limit` leads a call (1–10,000).

    To go on: `undoId` and the cursor that the call before answered.
    """

    operation_id: UUID
    reason: Reason | None = None
    limit: Annotated[int, Meta(ge=1, le=10_000)] = MOST
    undo_id: UUID | None = None
    cursor: Cursor | None = None


class Undone(Output, kw_only=True):
    """Each effect of what was taken back, by this call. Where `nextCursor` is given there is more: call again with it and `undoId`.

    `crm.operations.undo` with `undoId` as the operation does it again, all calls at once.
    """

    operation_id: UUID
    undo_id: UUID
    effects: list[Effect]
    next_cursor: str | None


@operation("crm.operations.undo", role=Role.MEMBER, summary="Undo an operation")
async def undo(tx: Tx, actor: Actor, input: Undo) -> Undone:
    """Take an operation back, effect by effect: what it did to leads, then the contacts and companies that it made.

    A person takes back their own acts and those of agents, an admin everybody's; an agent only its own: else Forbidden.
    A fact goes back where it still is what the operation made it; what others changed since is kept, and said. Raises
    NotFound where nothing of it can be undone, Invalid for a limit or cursor.
    """
    await _must_be_allowed(tx, actor, input.operation_id)
    await go_on(tx, actor, input.undo_id)
    phase, after = position(input.cursor, str, UUID) if input.cursor else (_PHASES[0], _BEGIN)
    if phase not in _PHASES:
        raise Invalid("This cursor is not one of an undo. Begin without it.", field="cursor")
    effects: list[Effect] = []
    back = input.cursor is None and await take_back(tx, actor, input.operation_id)
    left = input.limit
    for step in _PHASES[_PHASES.index(phase) :]:
        done, at = await _PHASE[step](tx, actor, input, after, left)
        effects += done
        if at is not None:
            return _undone(tx, input, effects, cursor(step, at))
        after, left = _BEGIN, max(1, left - len(done))
    if not effects and not back and not await _is_known(tx, input.operation_id):
        raise NotFound("There is no such operation, or it changed nothing that can be taken back.")
    return _undone(tx, input, effects, None)


async def _is_known(tx: Tx, operation_id: UUID) -> bool:
    found: bool = await tx.fetchval(
        """SELECT EXISTS (SELECT FROM activities
            WHERE org_id = $1 AND operation_id = $2 AND (lead_id IS NOT NULL OR subject_type IN ('contact', 'company', 'task')))""",
        tx.org_id, operation_id,
    )  # fmt: skip
    return found


def _undone(tx: Tx, input: Undo, effects: list[Effect], more: str | None) -> Undone:
    return Undone(operation_id=input.operation_id, undo_id=tx.operation_id, effects=effects, next_cursor=more)


async def _leads(tx: Tx, actor: Actor, input: Undo, after: UUID, limit: int) -> tuple[list[Effect], UUID | None]:
    """What was done to the next leads; of a merge nothing, for it comes apart as a whole."""
    if is_merge(await done_to(tx, input.operation_id)):
        return [], None
    rows = await tx.fetch(
        f"""SELECT DISTINCT lead_id FROM activities
             WHERE org_id = $1 AND operation_id = $2 AND lead_id > $3 ORDER BY lead_id LIMIT {limit + 1}""",
        tx.org_id, input.operation_id, after,
    )  # fmt: skip
    ids = [row["lead_id"] for row in rows[:limit]]
    effects = [effect for _, effect in await undo_leads(tx, actor, input.operation_id, ids, input.reason)]
    return effects, ids[-1] if len(rows) > limit else None


async def _changes(tx: Tx, actor: Actor, input: Undo, after: UUID, limit: int) -> tuple[list[Effect], UUID | None]:
    """What was changed, merged or removed of contacts and companies by itself, and their tasks."""
    effects = await undo_tasks(tx, actor, await of_no_lead(tx, input.operation_id))
    return effects + await undo_records(tx, actor, await done_to(tx, input.operation_id), input.reason), None


def _made(sort: Sort) -> "_Phase":
    async def phase(tx: Tx, actor: Actor, input: Undo, after: UUID, limit: int) -> tuple[list[Effect], UUID | None]:
        those = await made(tx, sort, input.operation_id, after, limit)
        effects = await unmake(tx, actor, sort, those, input.operation_id, input.reason)
        return effects, max(those) if len(those) == limit else None

    return phase


_Phase = Callable[[Tx, Actor, Undo, UUID, int], Awaitable[tuple[list[Effect], UUID | None]]]
_PHASE: dict[str, _Phase] = {"lead": _leads, "change": _changes, "contact": _made(CONTACT), "company": _made(COMPANY)}
_PHASES = tuple(_PHASE)
"""What is taken back in which order: a contact goes when its leads are gone, a company when its contacts are."""


async def _must_be_allowed(tx: Tx, actor: Actor, operation_id: UUID) -> None:
    """An undo is no way around a role: what only an admin does, only an admin takes back."""
    if actor.type != "agent" and actor.role.admits(Role.ADMIN):
        return
    foreign = await tx.fetchval(
        """SELECT true FROM activities
            WHERE org_id = $1 AND operation_id = $2
              AND (kind = ANY ($3) OR (actor_id IS DISTINCT FROM $4 AND (actor_type = 'user' OR $5))) LIMIT 1""",
        tx.org_id, operation_id, [kinds.LEAD_DELETED, kinds.LEAD_RESTORED, kinds.AGENT_RETIRED], actor.id, actor.type == "agent",
    )  # fmt: skip
    if foreign:
        raise Forbidden("This was another's act, or an admin's. Ask an admin of your organization to take it back.")
