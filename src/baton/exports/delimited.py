"""CSV (RFC 4180, UTF-8 with a mark, so that spreadsheets know), written by the database itself, guarded against being run."""

import asyncio
import contextlib
import csv
import io
from collections.abc import AsyncGenerator

from baton.exports.columns import Column, guarded
from baton.exports.export import Export
from baton.exports.rowset import FROM, reading
from baton.imports.guard import harmless
from baton.kernel.actor import Actor
from baton.kernel.db import Database

_PART = 1 << 18
_AHEAD = 4
"""So many parts wait for a slow reader; then the database waits."""


def head(columns: list[Column]) -> bytes:
    """The mark and the line of headers."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(harmless(column.header) for column in columns)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


async def parts(db: Database, actor: Actor, export: Export, columns: list[Column]) -> AsyncGenerator[tuple[bytes, int]]:
    """The lines of an export, part by part, each with how many leads it holds."""
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(_AHEAD)

    held = bytearray()

    async def take(part: bytearray) -> None:
        held.extend(part)
        if len(held) >= _PART:
            await queue.put(bytes(held))
            held.clear()

    async def copy() -> None:
        try:
            async with reading(db, actor, export) as (conn, tests, order, args):
                listed, look = guarded(columns, shared=len(args) - 1, fields=len(args))
                statement = f"SELECT {listed} FROM leads l {FROM} {look} WHERE {tests} ORDER BY {order}"
                await conn.copy_from_query(statement, *args, output=take, format="csv")
                if held:
                    await queue.put(bytes(held))
        finally:
            await queue.put(None)

    copying = asyncio.create_task(copy())
    quoted = False
    try:
        while (part := await queue.get()) is not None:
            pieces = part.split(b'"')
            lines = sum(piece.count(b"\n") for piece in pieces[quoted::2])
            quoted ^= len(pieces) % 2 == 0
            yield part, lines
        await copying
    finally:
        if not copying.done():
            copying.cancel()
            while not copying.done():
                with contextlib.suppress(asyncio.QueueEmpty):
                    queue.get_nowait()
                await asyncio.sleep(0)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([copying])
