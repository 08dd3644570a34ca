"""Connections and transactions: the one place that says BEGIN, and sets the organization when it does."""

import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import asyncpg
import msgspec

from baton.kernel import connections
from baton.kernel.ask import Line
from baton.kernel.errors import Unavailable
from baton.kernel.installation import Installation
from baton.kernel.lent import Lender, Loan
from baton.kernel.replica import BRIEFLY, Replica
from baton.kernel.values import Ref, as_uuid, new_id

Row: TypeAlias = asyncpg.Record
S = TypeVar("S", bound=msgspec.Struct)
_AFRESH = "SET LOCAL plan_cache_mode = force_custom_plan"
_AS_KEPT = "SET LOCAL plan_cache_mode TO DEFAULT"
_LONGEST_WAIT, _TICK = timedelta(minutes=1), timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Consent:
    """An approval under which an act is carried out, and who gave it, in words."""

    approval_id: UUID
    by: str


@dataclass(slots=True)
class Tx:
    """One transaction of one operation, inside one organization. `now` is the operation's moment, in UTC, `began` the one it came with.

    `guarded` is where guards keep what they need to know again before the transaction ends.
    """

    conn: Any
    org_id: UUID
    now: datetime
    operation: str
    operation_id: UUID = field(default_factory=new_id)
    caused_by: UUID | None = None
    depth: int = 0
    installation: Installation = field(default_factory=Installation)
    consent: Consent | None = None
    guarded: dict[str, Any] = field(default_factory=dict)
    began: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.now

    def follow(self, last: datetime) -> None:
        """Take a moment after `last`, when somebody else wrote to a record while this transaction waited for its lock.

        So one record's history is told in the order in which it happened. A time further off than a lock is waited for
        is an imported or a foretold one, and changes nothing.
        """
        if self.now < last < self.now + _LONGEST_WAIT:
            self.now = last + _TICK

    async def fetch(self, sql: str, *args: Any) -> list[Row]:
        """All rows of a statement."""
        rows: list[Row] = await self.conn.fetch(sql, *args)
        return rows

    async def fetchrow(self, sql: str, *args: Any) -> Row | None:
        """The first row of a statement, or None."""
        row: Row | None = await self.conn.fetchrow(sql, *args)
        return row

    async def fetchval(self, sql: str, *args: Any) -> Any:
        """The first column of the first row."""
        return await self.conn.fetchval(sql, *args)

    async def execute(self, sql: str, *args: Any) -> None:
        """Run a statement for its effect."""
        await self.conn.execute(sql, *args)

    @contextlib.asynccontextmanager
    async def planned_afresh(self) -> AsyncIterator[None]:
        """Plan questions for their own arguments: bulk work makes tables grow faster than statistics follow. Not writes: the checks
        of foreign keys would be planned for each row, which takes longer than to write it."""
        await self.conn.execute(_AFRESH)
        yield
        await self.conn.execute(_AS_KEPT)


def struct_of(row: Row, type: type[S]) -> S:
    """The struct of a row whose columns are its fields, JSON columns converted to their types."""
    names = zip(type.__struct_fields__, type.__struct_encode_fields__, strict=True)
    return msgspec.convert({encoded: row[name] for name, encoded in names}, type)


def by_ref(ref: Ref, parameter: int = 2) -> tuple[str, UUID | str]:
    """The SQL that finds a record by id or external id, and its argument."""
    uuid = as_uuid(ref)
    return (f"id = ${parameter}", uuid) if uuid else (f"external_id = ${parameter}", ref)


class Database:
    """The pools: one of the application's role, one (small) of the role that reads the log across organizations."""

    def __init__(
        self,
        app_dsn: str,
        relay_dsn: str,
        *,
        read_dsn: str | None = None,
        pool_size: int = 6,
        prepared: bool = True,
        installation: Installation | None = None,
    ) -> None:
        self._app_dsn = app_dsn
        self._relay_dsn = relay_dsn
        self._prepared = prepared
        self.replica = Replica(read_dsn, pool_size, prepared=prepared) if read_dsn else None
        self._pool_size = pool_size
        self.installation = installation or Installation()
        self._app: Lender | None = None
        self._relay: asyncpg.Pool | None = None
        self.on_commit: list[Callable[[], None]] = []
        self._lines: dict[str, Line] = {}

    async def open(self) -> None:
        """Connect. Raises Unavailable where the database cannot be reached."""
        try:
            self._app = Lender(
                await connections.pool(
                    self._app_dsn, self._pool_size, init=connections.with_json, prepared=self._prepared
                )
            )
            self._relay = await connections.pool(self._relay_dsn, 4)  # the job engine reads and writes jsonb as text
            if self.replica:
                await self.replica.open(self._app)
        except (OSError, asyncpg.PostgresError, ssl.SSLError) as error:
            raise Unavailable(f"The database cannot be reached: {error}") from error

    async def close(self) -> None:
        """Give all connections back."""
        await self.installation.outbound.close()
        if self.replica:
            await self.replica.close()
        for pool in (self._app.pool if self._app else None, self._relay):
            if pool is not None:
                with contextlib.suppress(TimeoutError):
                    await pool.close()
        self._app = self._relay = None

    @property
    def opened(self) -> bool:
        """Whether `open` was awaited and `close` was not."""
        return self._app is not None

    @property
    def app(self) -> Lender:
        """The application's connections, for what needs no organization: directory functions only."""
        if self._app is None:
            raise RuntimeError("Database.open() was not awaited")
        return self._app

    @property
    def relay(self) -> Any:
        """The pool of the role that reads the log of all organizations and owns the job queue."""
        if self._relay is None:
            raise RuntimeError("Database.open() was not awaited")
        return self._relay

    async def ask(self, sql: str, key: Any) -> list[Row]:
        """The rows of a directory's question for one key; those that are asked at the same time share a statement.

        `sql` takes the keys as `$1`, an array, and says in its column `asked` which key a row belongs to.
        """
        line = self._lines.get(sql)
        if line is None:
            line = self._lines[sql] = Line(lambda keys: self._answers(sql, keys))
        return await line.ask(key) or []

    async def _answers(self, sql: str, keys: list[Any]) -> dict[Any, list[Row]]:
        found: dict[Any, list[Row]] = {}
        for row in await self.app.fetch(sql, keys):
            found.setdefault(row["asked"], []).append(row)
        return found

    @contextlib.asynccontextmanager
    async def transaction(
        self,
        org_id: UUID,
        *,
        read_only: bool = False,
        passed_on: bool = False,
        patience: float = BRIEFLY,
        primary: bool = False,
    ) -> AsyncIterator[Any]:
        """A transaction inside one organization, begun and scoped in one round trip.

        One that only reads may be a replica's, if that catches up within `patience` seconds and `primary` is not said. It plans each
        statement for its own arguments: the plan that suits any stage, owner and tag reads a hundred times what this stage, owner and
        tag need. Where it is `passed_on` the next reader of the organization may go on in it: it sets nothing and has no cursor.
        """
        begin = f"BEGIN{f' READ ONLY; {_AFRESH}' if read_only else ''}; SET LOCAL app.org_id = '{org_id}'"
        if read_only and not primary and self.replica and (conn := await self.replica.connection(self.app, patience)):
            async with self.replica.given_back(conn):
                await conn.execute(begin)
                async with _ended(Loan(conn)):
                    yield conn
            return
        loan = await self.app.lend(begin, passed_on=passed_on and read_only)
        try:
            async with _ended(loan):
                yield loan.conn
        finally:
            await self.app.take_back(loan)

    def committed(self) -> None:
        """Tell the readers of the log in this process that there is something new."""
        for wake in self.on_commit:
            wake()


@contextlib.asynccontextmanager
async def _ended(loan: Loan) -> AsyncIterator[None]:
    """Commit what was begun, unless it is passed on, and take back what fails."""
    try:
        yield
        if not loan.begun:
            await loan.conn.execute("COMMIT")
    except BaseException:
        await loan.roll_back()
        raise


def as_json(rows: Sequence[Any]) -> str:
    """Rows as one JSON document, for INSERT … SELECT FROM json_to_recordset(…)."""
    return msgspec.json.encode(rows).decode()


def columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows turned into columns, for INSERT … SELECT FROM unnest(…)."""
    return [[row[i] for row in rows] for i in range(width)]
