"""Reading from a streaming replica: as fresh as the moment it was asked, else from the primary.

Before a read the primary is asked how far its log is on disk, which holds every commit that anybody was told of, through whichever
process. The replica is read once it has replayed so far; one that is behind, or away, is passed over.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import structlog

from baton.kernel import connections
from baton.kernel.data_dir import Misconfigured
from baton.kernel.lent import LOST

log = structlog.get_logger()
BRIEFLY = 0.01
"""Seconds that a read waits for the replica to catch up."""
AWAY = 5.0
"""Seconds that a replica is left alone which did not answer."""
_CONNECT, _ANSWER, _PAUSE = 2.0, 1.0, 0.002

# What is committed is on disk, unless synchronous_commit is off: then it is in the log's buffers at least.
_POSITION = """SELECT (CASE current_setting('synchronous_commit') WHEN 'off' THEN pg_current_wal_insert_lsn()
                            ELSE pg_current_wal_flush_lsn() END)::text"""
_REPLAYED = "SELECT pg_is_in_recovery() AND coalesce(pg_last_wal_replay_lsn() >= $1::text::pg_lsn, false)"
_IDENTITY = """SELECT system_identifier::text AS cluster, pg_is_in_recovery() AS standby,
                      current_setting('hot_standby_feedback')::boolean AS feedback FROM pg_control_system()"""


class Replica:
    """A replica of the primary, and how often it was read (`reads`) or passed over because it was `behind` or `away`.

    `feedback`: whether it keeps what long reads need (hot_standby_feedback); without it PostgreSQL may end them.
    """

    def __init__(self, dsn: str, size: int, *, prepared: bool = True) -> None:
        self._dsn, self._size, self._prepared = dsn, size, prepared
        self._pool: asyncpg.Pool | None = None
        self._cluster = ""
        self._away_until = 0.0
        self.feedback = False
        self.reads = self.behind = self.away = 0

    async def open(self, primary: Any) -> None:
        """Make the pool; a replica that is away may come later. Raises Misconfigured where it is no replica of the primary."""
        self._cluster = (await primary.fetchrow(_IDENTITY))["cluster"]
        self._pool = await connections.pool(
            self._dsn, self._size, least=0, init=self._begin, prepared=self._prepared, connect_seconds=_CONNECT
        )
        try:
            async with self._pool.acquire(timeout=_CONNECT):
                pass
        except (*LOST, TimeoutError, asyncpg.PostgresError) as error:
            self._lost(error)

    async def close(self) -> None:
        """Give its connections back."""
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    async def connection(self, primary: Any, patience: float) -> Any | None:
        """A connection that has seen all that was committed until now; None where the replica cannot give one in time."""
        if self._pool is None or time.monotonic() < self._away_until:
            self.away += 1
            return None
        position = await primary.fetchval(_POSITION)
        try:
            conn = await self._pool.acquire(timeout=_CONNECT)
        except (*LOST, TimeoutError, asyncpg.PostgresError, Misconfigured) as error:
            if self._pool is not None and self._pool.get_idle_size() == self._pool.get_size() < self._size:
                self._lost(error)
            self.away += 1
            return None
        try:
            if await self._has(conn, position, patience):
                self.reads += 1
                return conn
            self.behind += 1
        except (*LOST, TimeoutError, asyncpg.PostgresError) as error:
            self._lost(error)
            self.away += 1
            conn.terminate()
        except BaseException:
            await self._pool.release(conn)
            raise
        await self._pool.release(conn)
        return None

    @contextlib.asynccontextmanager
    async def given_back(self, conn: Any) -> AsyncIterator[None]:
        """Take a connection back afterwards; one that broke tells that the replica is away."""
        try:
            yield
        except LOST as error:
            self._lost(error)
            with contextlib.suppress(asyncpg.InterfaceError):  # it is closed already
                conn.terminate()
            raise
        finally:
            if self._pool is not None:
                await self._pool.release(conn)

    @property
    def size(self) -> int:
        """How many connections are open."""
        return self._pool.get_size() if self._pool is not None else 0

    async def _has(self, conn: Any, position: str, patience: float) -> bool:
        until = time.monotonic() + patience
        while not await conn.fetchval(_REPLAYED, position, timeout=_ANSWER):
            if time.monotonic() >= until:
                return False
            await asyncio.sleep(_PAUSE)
        return True

    async def _begin(self, conn: asyncpg.Connection) -> None:
        found = await conn.fetchrow(_IDENTITY)
        if found["cluster"] != self._cluster:
            raise Misconfigured("DATABASE_READ_URL is another database, and no replica of DATABASE_URL's.")
        self.feedback = found["feedback"]
        await connections.with_json(conn)

    def _lost(self, error: BaseException) -> None:
        if time.monotonic() >= self._away_until:
            log.warning("the replica cannot be read; the primary is", error=repr(error))
        self._away_until = time.monotonic() + AWAY
