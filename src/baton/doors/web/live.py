"""The live stream: which records changed, and by whose hand. It carries ids; each page reads what it may see."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from uuid import UUID
from weakref import WeakKeyDictionary

import msgspec
import structlog
from starlette.responses import Response, StreamingResponse

from baton.accounts.sign_in import actor_of_token
from baton.activities import stream
from baton.activities.stream import Event
from baton.doors.web.visit import SESSION, Visit, database
from baton.kernel.db import Database
from baton.kernel.errors import Unauthenticated

log = structlog.get_logger()
PAUSE = 0.15
HEARTBEAT = 15.0
BATCH = 500
BACKLOG = 1000


class LiveActor(msgspec.Struct, frozen=True):
    """Who did it."""

    id: UUID | None
    type: str
    name: str


class LiveChange(msgspec.Struct, frozen=True, rename="camel"):
    """What a page is told of an activity: `stages` are those that a lead left or entered."""

    id: UUID
    kind: str
    lead_id: UUID | None
    actor: LiveActor
    stages: list[str]


class Hub:
    """Reads the log once for all listeners of this process, while there are any."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._listeners: dict[UUID, set[asyncio.Queue[bytes | None]]] = {}
        self._wake = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        db.on_commit.append(self._wake.set)

    @contextlib.asynccontextmanager
    async def listen(self, org_id: UUID) -> AsyncIterator["asyncio.Queue[bytes | None]"]:
        """A queue of encoded changes of one organization; None ends it for a listener that fell too far behind."""
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(BACKLOG)
        self._listeners.setdefault(org_id, set()).add(queue)
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        try:
            yield queue
        finally:
            self._listeners[org_id].discard(queue)
            if not self._listeners[org_id]:
                del self._listeners[org_id]
            if not self._listeners and self._reading is not None:
                self._reading.cancel()

    async def _read(self) -> None:
        cursor = None
        while True:
            try:
                async with self._db.relay.acquire() as conn:
                    if cursor is None:
                        cursor = await stream.newest(conn)
                    events, cursor = await stream.read(conn, cursor, BATCH)
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("the live stream stumbled; it tries again")
                await asyncio.sleep(1)
                continue
            for event in events:
                self._tell(event)
            if len(events) < BATCH:
                self._wake.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), PAUSE)

    def _tell(self, event: Event) -> None:
        listeners = self._listeners.get(event.org_id)
        if not listeners:
            return
        actor = LiveActor(event.actor_id, event.actor_type, event.actor_name)
        change = LiveChange(event.id, event.kind, event.lead_id, actor, event.stages)
        message = b"event: activity\ndata: " + msgspec.json.encode(change) + b"\n\n"
        for queue in listeners:
            if queue.qsize() >= BACKLOG - 1:
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(None)
            else:
                queue.put_nowait(message)


_hubs: WeakKeyDictionary[Database, Hub] = WeakKeyDictionary()


def hub(db: Database) -> Hub:
    """The hub of a database, one in each process."""
    found = _hubs.get(db)
    if found is None:
        found = _hubs[db] = Hub(db)
    return found


async def show(visit: Visit) -> Response:
    """GET /live: the stream (text/event-stream), until the reader leaves, signs out or falls behind."""
    return StreamingResponse(
        _messages(visit),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _messages(visit: Visit) -> AsyncIterator[bytes]:
    db, token = database(visit.request), visit.request.cookies.get(SESSION, "")
    async with hub(db).listen(visit.actor.org_id) as queue:
        yield b"retry: 500\n: listening\n\n"
        loop = asyncio.get_running_loop()
        checked = loop.time()
        while True:
            try:
                message = await asyncio.wait_for(queue.get(), HEARTBEAT)
            except TimeoutError:
                message = b": still here\n\n"
            if message is None:
                return
            if loop.time() - checked >= HEARTBEAT:
                try:
                    await actor_of_token(db, token, via="page", kinds=("session",))
                except Unauthenticated:
                    return
                checked = loop.time()
            yield message
