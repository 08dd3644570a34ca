"""Files that leave by the browser or the REST door: never shown as a page, and not too many at once."""

import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from baton.exports.export import Export
from baton.exports.stream import stream
from baton.imports.kept import Refused, RefusedRows
from baton.imports.refused import refused_head, refused_rows
from baton.kernel.actor import Actor
from baton.kernel.errors import TooMany
from baton.kernel.perform import perform

_AT_ONCE = 2
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "jsonl": "application/jsonl",
}


async def give(request: Request, actor: Actor, asked: Any) -> Response:
    """The leads that `crm.exports.leads` is asked for, as a file that streams. Raises TooMany where others are under way."""
    busy = _under_way(request)
    if busy[actor.org_id] >= _AT_ONCE or busy.total() >= 2 * _AT_ONCE:
        raise TooMany("Other exports are under way. Try again when they are done.", retry_after=10)
    db = request.app.state.db
    found: Export = await perform(db, actor, "crm.exports.leads", asked, lenient=True)
    format = found.asked.format
    return download(_counted(stream(db, actor, found), busy, actor.org_id), format, f"leads.{format}")


async def give_refused(request: Request, actor: Actor, import_id: UUID) -> Response:
    """The rows that an import left out, as a CSV file to mend and bring again. Raises NotFound."""
    db = request.app.state.db

    async def page(after: int) -> Refused:
        asked = RefusedRows(import_id=import_id, after_line=after, limit=500)
        found: Refused = await perform(db, actor, "crm.imports.refused", asked)
        return found

    first = await page(0)

    async def lines() -> AsyncIterator[bytes]:
        yield refused_head(first.headers)
        found = first
        while True:
            yield refused_rows(found.rows, len(found.headers))
            if found.next_line is None:
                return
            found = await page(found.next_line)

    return download(lines(), "csv", "not-imported.csv")


def download(parts: AsyncIterator[bytes], format: str, name: str) -> Response:
    """A file to keep, which no browser takes for a page."""
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "content-security-policy": "default-src 'none'; sandbox",
        "x-content-type-options": "nosniff",
    }
    return StreamingResponse(parts, headers=headers, media_type=TYPES[format])


def _under_way(request: Request) -> Counter[UUID]:
    """How many exports each organization has under way in this process; each holds a connection."""
    state = request.app.state
    if not hasattr(state, "exports"):
        state.exports = Counter()
    found: Counter[UUID] = state.exports
    return found


async def _counted(parts: AsyncGenerator[bytes], busy: Counter[UUID], org_id: UUID) -> AsyncIterator[bytes]:
    busy[org_id] += 1
    try:
        async with contextlib.aclosing(parts):
            async for part in parts:
                yield part
    finally:
        busy[org_id] -= 1
