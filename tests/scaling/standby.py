"""A streaming replica of a test's server: made by pg_basebackup, paused, resumed, killed."""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import asyncpg

from baton.kernel.embedded import DATABASE, EmbeddedPostgres
from baton.kernel.embedded.place import Place, find, launch

_OPTIONS = {
    "hot_standby_feedback": "on",
    "wal_receiver_status_interval": "1s",
    "wal_retrieve_retry_interval": "100ms",
    "log_destination": "stderr",
    "logging_collector": "off",
}


class Standby:
    """A replica beneath the primary's data directory, and how to slow it down."""

    def __init__(self, primary: EmbeddedPostgres, **options: str) -> None:
        self._primary = primary
        self.place: Place = find(primary.folder)
        self.cluster = self.place.cluster.with_name(f"standby-{time.monotonic_ns()}")
        self.sockets = self.place.sockets / self.cluster.name[-6:]
        self.place.make(self.sockets)
        self.place.make(self.cluster)
        self._options = _OPTIONS | options | {"unix_socket_directories": str(self.sockets)}
        self._process: subprocess.Popen[bytes] | None = None
        self.password = (primary.folder / "postgres.password").read_text(encoding="utf-8").strip()
        where = ("-h", str(self.place.sockets), "-U", "postgres")
        made = self.place.run(
            "pg_basebackup", "-D", str(self.cluster), "-R", "-c", "fast", *where, PGPASSWORD=self.password
        )
        assert made.returncode == 0, made.stderr

    def dsn(self, user: str = "") -> str:
        """Its address; without a user, as an operator writes it into DATABASE_READ_URL."""
        login = f"{user}:{self.password}@" if user else ""
        return f"postgresql://{login}/{DATABASE}?host={self.sockets}"

    def start(self) -> None:
        options = [part for name, value in self._options.items() for part in ("-c", f"{name}={value}")]
        command = [str(self.place.binaries / "postgres"), "-D", str(self.cluster), *options]
        log = (Path(self._primary.folder) / "standby.log").open("wb")
        self._process = subprocess.Popen(command, stdout=log, stderr=log, **launch(self.place.account))
        asked = ("-h", str(self.sockets), "-U", "postgres", "-t", "1")
        for _ in range(300):
            if self.place.run("pg_isready", *asked).returncode == 0:
                return
            time.sleep(0.05)
        raise AssertionError((Path(self._primary.folder) / "standby.log").read_text()[-2000:])

    async def ask(self, sql: str) -> Any:
        """Ask it as the superuser."""
        conn = await asyncpg.connect(self.dsn("postgres"))
        try:
            return await conn.fetchval(sql)
        finally:
            await conn.close()

    async def pause(self) -> None:
        """Replay nothing any more: the replica falls behind."""
        await self.ask("SELECT pg_wal_replay_pause()")
        for _ in range(100):
            if await self.ask("SELECT pg_get_wal_replay_pause_state()") == "paused":
                return
            time.sleep(0.02)
        raise AssertionError("the replica does not pause")

    async def resume(self) -> None:
        await self.ask("SELECT pg_wal_replay_resume()")

    def kill(self) -> None:
        """End it at once, as a machine that loses its power: its children too."""
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGQUIT)
            self._process.wait(20)
