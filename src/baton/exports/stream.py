"""The leads of an export as the bytes of a file, read in a read-only transaction, in bounded memory. Spec A10."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator
from typing import Any, Protocol

from baton.exports import delimited
from baton.exports.columns import Column, chosen, selected
from baton.exports.export import EndExport, Export
from baton.exports.json_lines import JsonLines
from baton.exports.rowset import FROM, reading
from baton.exports.workbook import Workbook
from baton.kernel.actor import Actor
from baton.kernel.db import Database, Row
from baton.kernel.perform import perform

BATCH = 2_000
_telling: set[asyncio.Future[Any]] = set()


class Typed(Protocol):
    """A format that has types: what a batch of rows becomes, what is left to do and to send at its end."""

    def rows(self, rows: list[Row]) -> bytes: ...
    def finish(self) -> None: ...
    def end(self) -> Iterator[bytes]: ...
    def close(self) -> None: ...


async def stream(db: Database, actor: Actor, export: Export) -> AsyncGenerator[bytes]:
    """The bytes of an export that `crm.exports.leads` began. However it ends, the log is told how many leads left."""
    columns = chosen(export.asked.columns, export.fields)
    csv = export.asked.format == "csv"
    given, complete = 0, False
    try:
        async with contextlib.aclosing(
            _csv(db, actor, export, columns) if csv else _typed(db, actor, export, columns)
        ) as parts:
            async for part, leads in parts:
                given += leads
                if part:
                    yield part
        complete = True
    finally:
        ended = EndExport(export_id=export.id, leads=given, complete=complete)
        telling = asyncio.ensure_future(perform(db, actor, "crm.exports.end", ended))
        _telling.add(telling)
        telling.add_done_callback(_telling.discard)
        await asyncio.shield(telling)  # a reader who went away cancels us, but not what is told of them


async def _csv(db: Database, actor: Actor, export: Export, columns: list[Column]) -> AsyncGenerator[tuple[bytes, int]]:
    yield delimited.head(columns), 0
    async with contextlib.aclosing(delimited.parts(db, actor, export, columns)) as parts:
        async for part in parts:
            yield part


async def _typed(
    db: Database, actor: Actor, export: Export, columns: list[Column]
) -> AsyncGenerator[tuple[bytes, int]]:
    format: Typed = Workbook(columns) if export.asked.format == "xlsx" else JsonLines(columns)
    try:
        async with contextlib.aclosing(_batches(db, actor, export, columns)) as batches:
            async for batch in batches:
                yield await asyncio.to_thread(format.rows, batch), len(batch)
        await asyncio.to_thread(format.finish)
        for part in format.end():
            yield part, 0
    finally:
        format.close()


async def _batches(db: Database, actor: Actor, export: Export, columns: list[Column]) -> AsyncGenerator[list[Row]]:
    # A name of its own: a prepared FETCH remembers the columns of the cursor that it was prepared for.
    name = f"export_{export.id.hex}"
    async with reading(db, actor, export) as (conn, tests, order, args):
        listed = selected(columns, shared=len(args) - 1, fields=len(args))
        await conn.execute(
            f"DECLARE {name} NO SCROLL CURSOR FOR SELECT {listed} FROM leads l {FROM} WHERE {tests} ORDER BY {order}",
            *args,
        )
        while batch := await conn.fetch(f"FETCH {BATCH} FROM {name}"):
            yield batch
