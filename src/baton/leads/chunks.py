"""Many leads in one operation: chunk by chunk, each one transaction, all under one operation id, and undone as one."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Literal
from uuid import UUID

import asyncpg
from msgspec import Meta

from baton.kernel.actor import Actor
from baton.kernel.db import Tx
from baton.kernel.errors import BatonError, Forbidden, Invalid
from baton.kernel.operation import Input, Output
from baton.kernel.page import cursor, position
from baton.kernel.shapes import Cursor
from baton.kernel.sqlstate import translated

MOST = 500
Act = Callable[[UUID], Awaitable[bool]]


class Chunk(Input, kw_only=True):
    """How far one call goes (1–500 leads), and, to go on, the operation and the cursor that the call before answered."""

    limit: Annotated[int, Meta(ge=1, le=500)] = 200
    operation_id: UUID | None = None
    cursor: Cursor | None = None


class Outcome(Output, kw_only=True):
    """What became of one lead, as it was named; `why` says what was in the way."""

    lead_id: str
    outcome: Literal["changed", "unchanged", "refused"]
    why: str | None = None


class Changed(Output, kw_only=True):
    """What became of each lead of this chunk. Where `nextCursor` is given there are more: call again with it and `operationId`.

    `crm.operations.undo` with `operationId` takes all chunks back.
    """

    operation_id: UUID
    changed: int
    unchanged: int
    refused: int
    leads: list[Outcome]
    next_cursor: str | None


async def matched(tx: Tx, tests: str, args: list[object], chunk: Chunk) -> tuple[list[UUID], str | None]:
    """The ids of the next leads `l` that meet the tests, in the order of ids, and the cursor after them. Raises Invalid."""
    if not 1 <= chunk.limit <= MOST:
        raise Invalid(f"One call goes over 1 to {MOST} leads.", field="limit")
    if chunk.cursor is not None:
        args = [*args, position(chunk.cursor, UUID)[0]]
        tests += f" AND l.id > ${len(args)}"
    rows = await tx.fetch(f"SELECT l.id FROM leads l WHERE {tests} ORDER BY l.id LIMIT {chunk.limit + 1}", *args)
    ids = [row["id"] for row in rows[: chunk.limit]]
    return ids, cursor(ids[-1]) if len(rows) > chunk.limit else None


async def go_on(tx: Tx, actor: Actor, operation_id: UUID | None) -> None:
    """Put this transaction under the operation that it continues. Raises Forbidden where that is another's, or something else."""
    if operation_id is None:
        return
    foreign = await tx.fetchval(
        """SELECT exists (SELECT FROM activities WHERE org_id = $1 AND operation_id = $2
                             AND (operation <> $3 OR actor_id IS DISTINCT FROM $4))""",
        tx.org_id, operation_id, tx.operation, actor.id,
    )  # fmt: skip
    if foreign:
        raise Forbidden("Only your own operation of this kind can be continued.")
    tx.operation_id = operation_id


async def each(tx: Tx, refs: list[str], ids: dict[str, UUID], act: Act, after: str | None) -> Changed:
    """Do something to each lead; what is refused for one leaves that lead as it was, and the others are done."""
    outcomes = [await _one(tx, ref, ids.get(ref), act) for ref in refs]
    counts = {word: sum(o.outcome == word for o in outcomes) for word in ("changed", "unchanged", "refused")}
    return Changed(operation_id=tx.operation_id, **counts, leads=outcomes, next_cursor=after)


async def _one(tx: Tx, ref: str, id: UUID | None, act: Act) -> Outcome:
    if id is None:
        return Outcome(lead_id=ref, outcome="refused", why="There is no such lead in your organization.")
    try:
        async with _alone(tx):
            changed = await act(id)
    except BatonError as error:
        return Outcome(lead_id=ref, outcome="refused", why=error.message)
    except asyncpg.PostgresError as error:
        known = translated(error)
        if known is None:
            raise
        return Outcome(lead_id=ref, outcome="refused", why=known.message)
    return Outcome(lead_id=ref, outcome="changed" if changed else "unchanged")


@contextlib.asynccontextmanager
async def _alone(tx: Tx) -> AsyncIterator[None]:
    """What is done in here is done wholly or not at all, and the transaction goes on."""
    await tx.execute("SAVEPOINT one_lead")
    try:
        yield
    except (BatonError, asyncpg.PostgresError):
        await tx.execute("ROLLBACK TO SAVEPOINT one_lead")
        raise
    await tx.execute("RELEASE SAVEPOINT one_lead")
