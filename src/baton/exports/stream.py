"""The leads of an export, read through a cursor in a read-only transaction and written out batch by batch. Spec A10."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator
from typing import Any, Protocol

from baton.exports.columns import Column, chosen, selected
from baton.exports.delimited import Csv
from baton.exports.export import EndExport, Export
from baton.exports.json_lines import JsonLines
from baton.exports.workbook import Workbook
from baton.kernel.actor import Actor
from baton.kernel.db import Database, Row, Tx
from baton.kernel.operation import perform
from baton.kernel.values import utc_now
from baton.leads.matching import matching
from baton.leads.order import order

BATCH = 2_000
PATIENCE = 120
"""Seconds that a reader may take for a batch before the database ends the transaction."""


_telling: set[asyncio.Future[Any]] = set()


class Format(Protocol):
    """A format: what begins the file, what a batch of rows becomes, what is left to do and to send at its end.

    `typed` says whether it has types, or takes everything as text.
    """

    typed: bool

    def begin(self) -> bytes: ...
    def rows(self, rows: list[Row]) -> bytes: ...
    def finish(self) -> None: ...
    def end(self) -> Iterator[bytes]: ...
    def close(self) -> None: ...


_FORMATS: dict[str, Any] = {"csv": Csv, "jsonl": JsonLines, "xlsx": Workbook}


async def stream(db: Database, actor: Actor, export: Export) -> AsyncGenerator[bytes]:
    """The bytes of an export that `crm.exports.leads` began. However it ends, the log is told how many leads left."""
    columns = chosen(export.asked.columns, export.fields)
    format: Format = _FORMATS[export.asked.format](columns)
    given, complete = 0, False
    try:
        if head := format.begin():
            yield head
        async with contextlib.aclosing(_batches(db, actor, export, columns, typed=format.typed)) as batches:
            async for batch in batches:
                part = await asyncio.to_thread(format.rows, batch)
                given += len(batch)
                if part:
                    yield part
        await asyncio.to_thread(format.finish)
        for part in format.end():
            yield part
        complete = True
    finally:
        format.close()
        ended = EndExport(export_id=export.id, leads=given, complete=complete)
        telling = asyncio.ensure_future(perform(db, actor, "crm.exports.end", ended))
        _telling.add(telling)
        telling.add_done_callback(_telling.discard)
        await asyncio.shield(telling)  # a reader who went away cancels us, but not what is told of them


async def _batches(
    db: Database, actor: Actor, export: Export, columns: list[Column], *, typed: bool
) -> AsyncGenerator[list[Row]]:
    async with db.transaction(actor.org_id, read_only=True) as conn:
        tx = Tx(conn, actor.org_id, utc_now(), "crm.exports.leads")
        # A name of its own: a prepared FETCH remembers the columns of the cursor that it was prepared for.
        name = f"export_{export.id.hex}"
        await conn.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{PATIENCE}s'")
        asked = export.asked
        tests, args = await matching(tx, asked.where, asked.search, asked.segment_id)
        by = await order(tx, asked.sort, descending=asked.descending)
        direction = "DESC" if asked.descending else "ASC"
        names = await tx.fetch(
            "SELECT name FROM members WHERE org_id = $1 GROUP BY name HAVING count(*) > 1", actor.org_id
        )
        args += [[row["name"] for row in names], list(export.fields)]
        listed = selected(columns, typed=typed, shared=len(args) - 1, fields=len(args))
        await conn.execute(
            f"""DECLARE {name} NO SCROLL CURSOR FOR
                SELECT {listed} FROM leads l
                  JOIN pipelines p ON p.org_id = l.org_id AND p.id = l.pipeline_id
                  JOIN stages s ON s.org_id = l.org_id AND s.id = l.stage_id
                  LEFT JOIN members m ON m.org_id = l.org_id AND m.id = l.owner_id
                 WHERE {tests} AND ${len(args) - 1}::text[] IS NOT NULL AND ${len(args)}::text[] IS NOT NULL
                 ORDER BY {by.sql} {direction}, l.id {direction}""",
            *args,
        )
        while batch := await conn.fetch(f"FETCH {BATCH} FROM {name}"):
            yield batch
