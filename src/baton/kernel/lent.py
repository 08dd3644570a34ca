"""Lending the connections of a pool: whoever asks first has the next one, and readers pass an open transaction on.

A transaction that only reads, each of its statements seeing what was committed when the statement began (READ COMMITTED), serves
the next reader of the same organization as well as it served the first. Where connections are scarce it is passed on as it is:
the reader who waited begins none, and only the last one ends it.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import asyncpg

LONGEST = 0.05
"""Seconds after which an open transaction is passed on no more: it holds locks on the tables that it read."""
LOST = (
    OSError, asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError, asyncpg.CannotConnectNowError,
)  # fmt: skip
"""What a statement meets whose server has gone."""


class Loan:
    """A connection, or the room for one. `begun` is how the transaction began that is open on it for the next reader too."""

    __slots__ = ("begun", "conn", "since")

    def __init__(self, conn: Any = None) -> None:
        self.conn = conn
        self.begun = ""
        self.since = 0.0

    async def turn_to(self, begin: str, *, passed_on: bool) -> None:
        """Begin a transaction (none where `begin` is empty), or go on in the one that is open if it began so and not long ago."""
        if self.begun and self.begun == begin and time.monotonic() - self.since < LONGEST:
            return
        statement = f"COMMIT; {begin}" if self.begun else begin
        self.begun = ""
        if statement:
            await self.conn.execute(statement)
        if passed_on:
            self.begun, self.since = begin, time.monotonic()

    async def roll_back(self) -> None:
        """End a transaction that failed; a connection whose server has gone is given up, so that the failure is told and not this."""
        self.begun = ""
        try:
            await self.conn.execute("ROLLBACK")
        except LOST:
            self.give_up()

    def give_up(self) -> None:
        """Close the connection; the room for one stays."""
        if self.conn is not None:
            with contextlib.suppress(asyncpg.InterfaceError):  # it is closed already
                self.conn.terminate()
        self.conn, self.begun = None, ""


class Lender:
    """Lends the connections of a pool in the order in which they are asked for; single statements go through it as through the pool."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self._free = pool.get_max_size()
        self._waiting: deque[asyncio.Future[Loan]] = deque()

    async def lend(self, begin: str = "", *, passed_on: bool = False) -> Loan:
        """A connection in the transaction that `begin` begins; one that only reads may be `passed_on`. Raises what the pool raises."""
        loan = await self._turn()
        try:
            if loan.conn is None:
                loan.conn = await self.pool.acquire()
            await loan.turn_to(begin, passed_on=passed_on)
        except BaseException:
            loan.give_up()
            await self.take_back(loan)
            raise
        return loan

    async def _turn(self) -> Loan:
        if self._free:
            self._free -= 1
            return Loan()
        turn: asyncio.Future[Loan] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                await self.take_back(turn.result())
            raise

    async def take_back(self, loan: Loan) -> None:
        """Hand a connection to who waits longest; where nobody does, end what is open on it and give it back to the pool."""
        if loan.conn is not None and _gone(loan.conn):
            loan.give_up()
        if self._handed_on(loan):
            return
        try:
            if loan.conn is not None:
                await loan.turn_to("", passed_on=False)
                await self.pool.release(loan.conn)
        except LOST:
            loan.give_up()  # what was read is read
        except BaseException:
            loan.give_up()
            raise
        finally:
            loan.conn = None
            if not self._handed_on(loan):
                self._free += 1

    def _handed_on(self, loan: Loan) -> bool:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(loan)
                return True
        return False

    @contextlib.asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        """A connection, in no transaction."""
        loan = await self.lend()
        try:
            yield loan.conn
        finally:
            await self.take_back(loan)

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """All rows of a statement."""
        async with self.acquire() as conn:
            rows: list[asyncpg.Record] = await conn.fetch(sql, *args)
            return rows

    async def fetchrow(self, sql: str, *args: Any) -> asyncpg.Record | None:
        """The first row of a statement, or None."""
        async with self.acquire() as conn:
            row: asyncpg.Record | None = await conn.fetchrow(sql, *args)
            return row

    async def fetchval(self, sql: str, *args: Any) -> Any:
        """The first column of the first row."""
        async with self.acquire() as conn:
            return await conn.fetchval(sql, *args)

    async def execute(self, sql: str, *args: Any) -> None:
        """Run a statement for its effect."""
        async with self.acquire() as conn:
            await conn.execute(sql, *args)


def _gone(conn: Any) -> bool:
    try:
        closed: bool = conn.is_closed()
    except asyncpg.InterfaceError:  # closed, and out of the pool
        return True
    return closed
