"""The leads of an export as a rowset, inside a read-only transaction of the application's role."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from baton.exports.export import Export
from baton.kernel.actor import Actor
from baton.kernel.db import Database, Tx
from baton.kernel.values import utc_now
from baton.leads.matching import matching
from baton.leads.order import order

FROM = """JOIN pipelines p ON p.org_id = l.org_id AND p.id = l.pipeline_id
    JOIN stages s ON s.org_id = l.org_id AND s.id = l.stage_id
    LEFT JOIN members m ON m.org_id = l.org_id AND m.id = l.owner_id"""
PATIENCE = 120
"""Seconds that the database waits for the next question before it ends the transaction."""
CATCH_UP = 2.0
"""Seconds that an export waits for a replica: it reads long, and the primary has better to do."""


@contextlib.asynccontextmanager
async def reading(db: Database, actor: Actor, export: Export) -> AsyncIterator[tuple[Any, str, str, list[Any]]]:
    """A read-only transaction: its connection, the test and the order of the leads `l` that are exported, and their arguments.

    The last two arguments are the names that several members share, and the custom fields.
    """
    lasting = db.replica is None or db.replica.feedback
    async with db.transaction(actor.org_id, read_only=True, patience=CATCH_UP, primary=not lasting) as conn:
        tx = Tx(conn, actor.org_id, utc_now(), "crm.exports.leads")
        await conn.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{PATIENCE}s'")
        asked = export.asked
        tests, args = await matching(tx, asked.where, asked.search, asked.segment_id)
        by = await order(tx, asked.sort, descending=asked.descending)
        direction = "DESC" if asked.descending else "ASC"
        names = await tx.fetch(
            "SELECT name FROM members WHERE org_id = $1 GROUP BY name HAVING count(*) > 1", actor.org_id
        )
        args += [[row["name"] for row in names], list(export.fields)]
        used = f"{tests} AND ${len(args) - 1}::text[] IS NOT NULL AND ${len(args)}::text[] IS NOT NULL"
        yield conn, used, f"{by.sql} {direction}, l.id {direction}", args
