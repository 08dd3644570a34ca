"""Brings a database to this version: roles, tables, job queue. Forward only, one at a time, all or nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import asyncpg

from baton.kernel import distribute, queue, roles
from baton.kernel.data_dir import Misconfigured
from baton.kernel.db import Database
from baton.kernel.errors import Unavailable
from baton.kernel.revisions import folder, revisions
from baton.kernel.settings import APP_ROLE, RELAY_ROLE, Settings

# "baton" in ASCII: the advisory lock that whoever migrates holds.
_LOCK = 0x6261746F6E
_TURN_TIMEOUT = "10min"
SESSION = (
    "set lock_timeout = '10s'; set citus.enable_unsafe_triggers = on; set citus.multi_shard_modify_mode = 'sequential'"
)
_OLDEST_SERVER = 180000


@dataclass(frozen=True, slots=True)
class Migrated:
    """The revision that the database had (None: it was empty) and the one that it has now."""

    before: str | None
    after: str


async def migrate(owner_dsn: str, settings: Settings) -> Migrated:
    """Provision roles, run the migrations that are missing, install the job queue. A second run changes nothing.

    Raises Misconfigured for a database that is newer, foreign, or of an older PostgreSQL, and Unavailable for one that
    cannot be reached or is locked; in each case it is left as it was.
    """
    known = revisions()
    head = known[-1]
    async with _owner(owner_dsn) as owner:
        before = await _known_revision(owner, set(known))
        await roles.provision(owner, settings)
        await distribute.prepare(owner)
        if before != head:
            # Loaded when there is something to do: a server that is up to date starts faster and smaller without it.
            from baton.kernel.upgrade import upgrade

            await upgrade(owner_dsn, folder(), SESSION)
            await owner.execute(f"grant select on alembic_version to {APP_ROLE}, {RELAY_ROLE}")
        await queue.install(owner)
        await distribute.distribute(owner)
    return Migrated(before, head)


async def check(database: Database) -> None:
    """See that the database fits this version, asking as the application. Raises Misconfigured, saying what to do."""
    head = revisions()[-1]
    try:
        revision = await database.app.fetchval("select version_num from alembic_version")
    except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):
        revision = None
    if revision is None:
        raise Misconfigured("The database is empty. Run: baton migrate")
    if revision != head:
        raise Misconfigured(
            f"The database is at revision {revision}, this Baton is at {head}. "
            "Run `baton migrate` if the database is the older one, or install the newer Baton."
        )


@asynccontextmanager
async def _owner(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    where = urlsplit(dsn)
    place = f"{where.path.strip('/') or 'the database'} at {where.hostname or 'the local socket'}"
    try:
        owner = await asyncpg.connect(dsn, timeout=30)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise Unavailable(
            f"{place} cannot be reached: {error or type(error).__name__}. Look at DATABASE_URL."
        ) from error
    try:
        await owner.execute(f"set lock_timeout = '{_TURN_TIMEOUT}'")
        await owner.fetchval("select pg_advisory_lock($1)", _LOCK)
        await owner.execute(SESSION)
        yield owner
    except asyncpg.LockNotAvailableError as error:
        raise Unavailable(f"{place} is busy: another migration or a long transaction runs there. Try again.") from error
    finally:
        await owner.close()


async def _known_revision(owner: asyncpg.Connection, known: set[str]) -> str | None:
    version = owner.get_server_version()
    if int(await owner.fetchval("select current_setting('server_version_num')::int")) < _OLDEST_SERVER:
        raise Misconfigured(f"Baton needs PostgreSQL 18 or newer; this server is {version.major}.{version.minor}.")
    if not await owner.fetchval("select to_regclass('public.alembic_version') is not null"):
        if await owner.fetchval("select exists (select from pg_tables where schemaname = 'public')"):
            raise Misconfigured(
                "The database holds tables that are not Baton's. Give Baton an empty database of its own."
            )
        return None
    revision: str | None = await owner.fetchval("select version_num from public.alembic_version")
    if revision is not None and revision not in known:
        raise Misconfigured(
            f"The database is at revision {revision}, which this Baton does not know: a newer version wrote it. "
            "Install that version. Nothing was changed."
        )
    return revision
