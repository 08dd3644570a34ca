"""Running Baton as a process: its data directory, port, database, web server and worker, and a clean end of them all."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import uvicorn
import uvloop

from baton.doors import words
from baton.doors.app import create_app
from baton.doors.connection import Connection
from baton.doors.demo import DemoFacts, known_demo, make_demo
from baton.jobs import worker
from baton.kernel import data_dir
from baton.kernel.data_dir import Lock, Misconfigured
from baton.kernel.db import Database
from baton.kernel.embedded import EmbeddedPostgres
from baton.kernel.installation import installation
from baton.kernel.migrate import check, migrate
from baton.kernel.settings import Settings, load, read_dsn_of
from baton.kernel.values import utc_now

T = TypeVar("T")
Ready = Callable[[Settings, DemoFacts | None], None]


@dataclass(frozen=True, slots=True)
class Parts:
    """What a process does beside serving pages: work off jobs; before it, migrate and make the demo organization."""

    worker: bool = True
    migrate: bool = False
    demo: bool = False


class Running(msgspec.Struct, rename="camel"):
    """What `<data>/server.json` says of the server that runs, or ran last, on a data directory."""

    base_url: str
    pid: int
    started_at: str


def last_server(folder: Path) -> Running | None:
    """The server that runs, or ran last, on this data directory."""
    try:
        return msgspec.json.decode((folder / "server.json").read_bytes(), type=Running)
    except (OSError, msgspec.DecodeError):
        return None


@contextlib.contextmanager
def holding(settings: Settings, command: str) -> Iterator[None]:
    """Hold the data directory as the one server of it. Raises Misconfigured, naming the holder, where there is one."""
    lock = Lock(data_dir.ensure(settings.data_dir) / "baton.lock")
    if not lock.take():
        raise Misconfigured(
            f"{settings.data_dir} is in use by {lock.holder() or 'another Baton'}. "
            "Use that one, stop it, or choose another folder with --data."
        )
    try:
        lock.say(f"{command} (process {os.getpid()}, since {utc_now():%Y-%m-%d %H:%M} UTC)")
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def database_of(settings: Settings) -> Iterator[Settings]:
    """Settings with a database: the one that they name, or the embedded one, which serves as long as it is needed."""
    if settings.app_dsn and settings.relay_dsn:
        yield settings
        return
    embedded = EmbeddedPostgres(settings.data_dir, tell=words.tell)
    with embedded, embedded.watched():
        yield settings.with_database(embedded.dsn())


@contextlib.asynccontextmanager
async def opened(settings: Settings, *, migrating: bool) -> AsyncIterator[Database]:
    """The product's connections to a database of this version.

    Raises Unavailable where it cannot be reached, Misconfigured where it is of another version.
    """
    if migrating and settings.owner_dsn:
        await migrate(settings.owner_dsn, settings)
    database = Database(
        settings.app_dsn or "",
        settings.relay_dsn or "",
        read_dsn=read_dsn_of(settings),
        pool_size=settings.pool_size,
        prepared=settings.prepared,
        installation=installation(settings),
    )
    try:
        await database.open()
        await check(database)
        yield database
    finally:
        await database.close()


def execute(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end; SIGTERM interrupts it as Ctrl+C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def with_database(data: Path | None, body: Callable[[Settings, Database], Awaitable[T]], *, migrating: bool) -> T:
    """Do something with the database of a data directory, whether or not a server runs on it."""

    async def work(settings: Settings) -> T:
        async with opened(settings, migrating=migrating) as database:
            settle()
            return await body(settings, database)

    settings = load(data=data)
    last = last_server(settings.data_dir)
    with database_of(replace(settings, public_url=last.base_url) if last else settings) as connected:
        return execute(work(connected))


async def demo_organization(database: Database, settings: Settings) -> DemoFacts:
    """The demo organization, made if it is absent."""
    if known_demo(settings) is None:
        words.tell("Making the demo organization, with the history of a few hundred leads …")
    return await make_demo(database, settings)


async def serve(settings: Settings, parts: Parts, taken: socket.socket | None, ready: Ready) -> None:
    """Serve until SIGINT or SIGTERM, then finish what is begun. A part that fails ends the others, and is raised."""
    async with opened(settings, migrating=parts.migrate) as database:
        facts = await demo_organization(database, settings) if parts.demo else None
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        web = _Web(settings, database) if taken else None
        works = [_until(stop)]
        works += [worker.run(database, stop)] if parts.worker else []
        works += [web.serve([taken])] if web and taken else []
        tasks = [asyncio.create_task(work) for work in works]
        try:
            if web:
                await asyncio.wait([asyncio.create_task(web.up.wait()), *tasks], return_when=asyncio.FIRST_COMPLETED)
                _leave_word(settings)
            settle()
            if not any(task.done() for task in tasks):
                ready(settings, facts)
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.set()
            if web:
                web.should_exit = True
            await asyncio.gather(*tasks)


def settle() -> None:
    """What is loaded by now stays: to look it all through takes the collector 50 ms, in which nobody is answered."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


async def _until(event: asyncio.Event) -> None:
    await event.wait()


class _Web(uvicorn.Server):
    """A web server that says when it is up, and leaves signals to us: we have more to end than it."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.up = asyncio.Event()
        super().__init__(
            uvicorn.Config(
                create_app(settings, database),
                http=Connection,
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # who is believed about addresses is BATON_TRUSTED_PROXIES: doors/limits.py
                timeout_graceful_shutdown=5,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave SIGINT and SIGTERM as they are."""
        yield


def _leave_word(settings: Settings) -> None:
    word = Running(base_url=settings.public_url, pid=os.getpid(), started_at=utc_now().isoformat())
    data_dir.write_private(settings.data_dir / "server.json", msgspec.json.encode(word).decode() + "\n")
