"""Baton as a process of its own, as it is shipped, on a data set; and the database beneath it, asked directly."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import asyncpg
import psutil

from baton.accounts.sign_in import issue_jwt
from baton.kernel.embedded import DATABASE, EmbeddedPostgres
from baton.kernel.settings import Settings
from baton.kernel.values import utc_now
from bench.made import Dataset, Organization, settings_of

# Captures of one machine are counted as ever, up to a limit that one machine does not reach.
LIMITS = {"BATON_CAPTURE_PER_ORGANIZATION": "10000000", "BATON_CAPTURE_PER_ADDRESS": "10000000"}
LIMITS_DATABASE = "limits"
ONE = ("-m", "baton.doors.cli")


@dataclass(frozen=True, slots=True)
class Place:
    """The data set, the database that serves it, and its settings: what every line of the bench is given."""

    data: Dataset
    postgres: EmbeddedPostgres
    settings: Settings
    seconds: float
    rounds: int
    kept: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    web: "list[Served]" = field(default_factory=list)

    @property
    def quick(self) -> bool:
        """Whether little time is given: what only waits, waits less often then."""
        return self.seconds <= 1

    @property
    def folder(self) -> Path:
        """The data directory."""
        return Path(self.data.folder)

    def root(self) -> str:
        """The superuser's DSN."""
        return self.postgres.dsn(user="postgres")

    def jwt(self, org: Organization) -> str:
        """The bearer token of the organization's admin."""
        return issue_jwt(self.settings.secret, org.person, org.id, now=utc_now(), lifetime=timedelta(hours=12))

    def headers(self, org: Organization) -> dict[str, str]:
        """What a client of the API sends with every request: its JWT and its organization."""
        return {"authorization": f"Bearer {self.jwt(org)}", "orgid": str(org.id)}


@contextlib.contextmanager
def place(data: Dataset, seconds: float, rounds: int) -> Iterator[Place]:
    """The database of a data set, started and stopped again."""
    with EmbeddedPostgres(Path(data.folder)) as postgres:
        asyncio.run(_second(postgres.dsn(user="postgres", database="postgres")))
        found = Place(data, postgres, settings_of(Path(data.folder), postgres), seconds, rounds)
        with found.kept:
            yield found


async def _second(dsn: str) -> None:
    """A second database with the same rows, where pgbench writes: it changes leads without telling the log the truth."""
    root = await asyncpg.connect(dsn)
    if not await root.fetchval("SELECT exists (SELECT FROM pg_database WHERE datname = $1)", LIMITS_DATABASE):
        await root.execute(f"CREATE DATABASE {LIMITS_DATABASE} TEMPLATE {DATABASE} STRATEGY FILE_COPY", timeout=3600)
    await root.close()


@dataclass(slots=True)
class Served:
    """A running server: its port, its process, and the seconds from its start to its first answer."""

    port: int
    process: "subprocess.Popen[bytes]"
    seconds: float

    def memory(self) -> float:
        """Megabytes of the process and its children without PostgreSQL: the resident set, shared pages counted once (PSS) if told."""
        return _memory(psutil.Process(self.process.pid))

    def seconds_of_cpu(self) -> float:
        """Seconds of processor time that the process has used."""
        return sum(psutil.Process(self.process.pid).cpu_times()[:2])


def _memory(process: psutil.Process) -> float:
    total = 0
    for each in [process, *process.children(recursive=True)]:
        if not each.name().startswith("postgres"):
            full = each.memory_full_info()
            total += getattr(full, "pss", 0) or full.rss
    return total / 1e6


@contextlib.contextmanager
def web(place: Place) -> Iterator[Served]:
    """The web process alone; it serves the lines that come one after the other, until one starts a server of its own."""
    if place.web and place.web[0].process.poll() is not None:
        place.web.clear()
    if not place.web:
        place.web.append(place.kept.enter_context(_started(place, "--web-only")))
    yield place.web[0]


@contextlib.contextmanager
def served(place: Place) -> Iterator[Served]:
    """Web and worker in one process, `baton serve`, from its start until it is stopped again."""
    place.web.clear()
    place.kept.close()
    with _started(place) as server:
        yield server


@contextlib.contextmanager
def _started(place: Place, *options: str) -> Iterator[Served]:
    """`baton serve` with these options, from its start until it is stopped again."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, *ONE, "serve", "--data", str(place.folder), "--port", str(port), *options]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("BATON_", "DATABASE_"))}
    log = place.folder / "bench-server.log"
    began = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environ | LIMITS, stdout=output, stderr=output)
    try:
        while not _answers(port):
            if process.poll() is not None:
                raise RuntimeError(f"The server ended: {log.read_text()[-2000:]}")
            time.sleep(0.005)
        yield Served(port, process, time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def working(place: Place) -> Iterator[Served]:
    """`baton worker`, from its start until it is stopped again. It listens on no port."""
    began = time.perf_counter()
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("BATON_", "DATABASE_"))}
    with (place.folder / "bench-worker.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *ONE, "worker", "--data", str(place.folder)], env=environ, stdout=output, stderr=output
        )
    try:
        yield Served(0, process, time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait(30)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as asked:
            asked.sendall(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
            return asked.recv(100).startswith(b"HTTP/1.1 200")
    except OSError:
        return False
