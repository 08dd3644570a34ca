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
from baton.activities import kinds, stream
from baton.activities.stream import Cursor, Event
from baton.doors.web.shell.visit import Visit, as_uuid, database
from baton.kernel.db import Database
from baton.kernel.errors import Unauthenticated

log = structlog.get_logger()
PAUSE = 0.15
HEARTBEAT = 15.0
BATCH = 500
BACKLOG = 1000
Queue = asyncio.Queue[bytes | None]
_OF_MEMBER = (kinds.MEMBER_NOTIFIED, kinds.NOTICES_READ, kinds.NOTICES_UNREAD)


class LiveActor(msgspec.Struct, frozen=True):
    """Who did it."""

    id: UUID | None
    type: str
    name: str


class LiveChange(msgspec.Struct, frozen=True, rename="camel"):
    """What a page is told of an activity: `stages` are those that a lead left or entered, `member_id` who was told of something."""

    id: UUID
    kind: str
    lead_id: UUID | None
    actor: LiveActor
    stages: list[str]
    member_id: UUID | None = None


class Hub:
    """Reads the log once for all listeners of this process, while there are any."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._listeners: dict[UUID, set[Queue]] = {}
        self._wake = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self._beginning = asyncio.Lock()
        self._cursor: Cursor | None = None
        db.on_commit.append(self._wake.set)

    async def position(self) -> Cursor:
        """Where the log stands now; nothing before it is still to come."""
        return self._cursor or await stream.newest(self._db.app)

    @contextlib.asynccontextmanager
    async def listen(self, org_id: UUID) -> AsyncIterator[Queue]:
        """A queue of encoded changes of one organization; None ends it for a listener that fell too far behind."""
        queue: Queue = asyncio.Queue(BACKLOG)
        self._listeners.setdefault(org_id, set()).add(queue)
        try:
            await self._begin()
            yield queue
        finally:
            self._listeners[org_id].discard(queue)
            if not self._listeners[org_id]:
                del self._listeners[org_id]
            if not self._listeners and self._reading is not None:
                self._reading.cancel()
                self._reading = self._cursor = None

    async def _begin(self) -> None:
        async with self._beginning:
            if self._reading is None:
                self._cursor = await stream.newest(self._db.app)
                self._reading = asyncio.create_task(self._read(self._cursor))

    async def since(self, org_id: UUID, cursor: Cursor) -> list[bytes]:
        """What an organization missed after a cursor; where that is too much, the one word that says so."""
        async with self._db.relay.acquire() as conn:
            events, cursor = await stream.read(conn, cursor, BATCH)
        if len(events) == BATCH:
            return [b"event: missed\ndata: {}\n\n"]
        return [_encoded(event) for event in events if event.org_id == org_id]

    async def _read(self, cursor: Cursor) -> None:
        while True:
            try:
                async with self._db.relay.acquire() as conn:
                    events, cursor = await stream.read(conn, cursor, BATCH)
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("the live stream stumbled; it tries again")
                await asyncio.sleep(1)
                continue
            for event in events:
                self._tell(event.org_id, _encoded(event))
            for org_id in {event.org_id for event in events}:
                self._tell(org_id, _mark(cursor))
            self._cursor = cursor
            if len(events) < BATCH:
                self._wake.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), PAUSE)

    def _tell(self, org_id: UUID, message: bytes) -> None:
        for queue in self._listeners.get(org_id, ()):
            if queue.qsize() >= BACKLOG - 1:
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(None)
            else:
                queue.put_nowait(message)


def _encoded(event: Event) -> bytes:
    actor = LiveActor(event.actor_id, event.actor_type, event.actor_name)
    member = event.subject_id if event.kind in _OF_MEMBER else None
    change = LiveChange(event.id, event.kind, event.lead_id, actor, event.stages, member)
    return b"event: activity\ndata: " + msgspec.json.encode(change) + b"\n\n"


def _mark(cursor: Cursor) -> bytes:
    """How far the listener has come, for when the connection must be made again."""
    return f"id: {written(cursor)}\n\n".encode()


def written(cursor: Cursor) -> str:
    """A cursor as text."""
    return f"{cursor.txid}.{cursor.id}"


def _read_cursor(text: str) -> Cursor | None:
    txid, _, id = text.partition(".")
    uuid = as_uuid(id)
    return Cursor(int(txid), uuid) if uuid and txid.isascii() and txid.isdigit() and len(txid) < 20 else None


_hubs: WeakKeyDictionary[Database, Hub] = WeakKeyDictionary()


def hub(db: Database) -> Hub:
    """The hub of a database, one in each process."""
    found = _hubs.get(db)
    if found is None:
        found = _hubs[db] = Hub(db)
    return found


async def show(visit: Visit) -> Response:
    """GET /live: the stream (text/event-stream) of what comes after `after`, or after the last that the reader had."""
    return StreamingResponse(
        _messages(visit),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _messages(visit: Visit) -> AsyncIterator[bytes]:
    db, token, org_id = database(visit.request), visit.token, visit.actor.org_id
    cursor = _read_cursor(visit.request.headers.get("last-event-id") or visit.query.get("after", ""))
    async with hub(db).listen(org_id) as queue:
        yield b"retry: 500\n" + _mark(await hub(db).position())
        for missed in await hub(db).since(org_id, cursor) if cursor else []:
            yield missed
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
