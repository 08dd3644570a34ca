"""Reading the log in commit order, across organizations, without losing what commits late.

A row counts as readable once every transaction that began before it has ended: its txid is below `pg_snapshot_xmin(…)`. Ids alone
are taken before commit, so a reader of `id > cursor` overtakes slow writers and loses their rows.
"""

from typing import Any
from uuid import UUID

import msgspec

from baton.kernel.db import Row

ZERO = UUID(int=0)


class Event(msgspec.Struct, rename="camel", kw_only=True):
    """What readers of the log get of an activity: no personal values, only what happened to which record."""

    org_id: UUID
    id: UUID
    kind: str
    actor_type: str
    actor_id: UUID | None
    actor_name: str
    via: str
    lead_id: UUID | None
    subject_type: str
    subject_id: UUID
    depth: int
    stages: list[str]
    outcome: str | None


class Cursor(msgspec.Struct, frozen=True):
    """How far a reader has come: the last transaction and activity read."""

    txid: int
    id: UUID


async def newest(conn: Any) -> Cursor:
    """The cursor from which only what commits from now on is read."""
    return Cursor(
        int(await conn.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")) - 1, UUID(int=2**128 - 1)
    )


async def read(conn: Any, after: Cursor, limit: int) -> tuple[list[Event], Cursor]:
    """The next events after a cursor, in commit order, at most `limit`, and the cursor behind them.

    How far may be read is asked first: where rows lie on other nodes, transactions are still counted by the one that is asked.
    """
    horizon = await conn.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
    rows = await conn.fetch(
        """SELECT a.txid::text AS txid, a.org_id, a.id, a.kind, a.actor_type, a.actor_id, a.actor_name, a.via, a.lead_id, a.subject_type,
                  a.subject_id, a.depth, (a.changes -> 'stageId')::text AS stages,
                  a.payload ->> 'outcome' AS outcome
             FROM activities a
            WHERE (a.txid, a.id) > ($1::text::xid8, $2) AND a.txid < $4::text::xid8
            ORDER BY a.txid, a.id
            LIMIT $3""",
        str(after.txid), after.id, limit, horizon,
    )  # fmt: skip
    if not rows:
        return [], after
    return [_event(row) for row in rows], Cursor(int(rows[-1]["txid"]), rows[-1]["id"])


def _event(row: Row) -> Event:
    values = dict(row)
    values.pop("txid")
    values["stages"] = [stage for stage in msgspec.json.decode(values["stages"] or "[]") if stage]
    return Event(**values)


async def cluster(conn: Any) -> str:
    """The identity of the database cluster: a cursor taken in another one means nothing here."""
    return str(await conn.fetchval("SELECT system_identifier::text FROM pg_control_system()"))
