"""What tests share: one embedded server for the run, a migrated database on it, and the product's pools."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from baton.kernel import settings as configuration
from baton.kernel.db import Database
from baton.kernel.embedded import EmbeddedPostgres
from baton.kernel.installation import installation
from baton.kernel.migrate import migrate
from baton.kernel.settings import Settings
from tests.alone import Alone
from tests.given_server import GIVEN, GivenServer, given_server
from tests.passwords import make_passwords_cheap
from tests.team import Team, make_team

pytest_plugins = ("tests.skips", "tests.spec")
make_passwords_cheap()


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedPostgres]:
    """The embedded PostgreSQL of this run, or the one that was given; as root its account must be able to pass through the folder."""
    folder = Path(tempfile.mkdtemp(prefix="baton-tests-"))
    folder.chmod(0o711)
    if GIVEN:
        yield given_server(folder)
    else:
        with EmbeddedPostgres(folder) as started:
            _forget_durability(folder)
            yield started
    shutil.rmtree(folder)


def _forget_durability(folder: Path) -> None:
    """What a run leaves is thrown away: nothing waits for the disk."""
    (cluster,) = (pid.parent for pid in folder.glob("*/postmaster.pid"))
    with (cluster / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
        settings.write("fsync = off\nfull_page_writes = off\nsynchronous_commit = off\n")
    os.kill(int((cluster / "postmaster.pid").read_text(encoding="utf-8").split()[0]), signal.SIGHUP)


@pytest_asyncio.fixture
async def empty_database(server: EmbeddedPostgres) -> AsyncIterator[str]:
    """The owner's DSN of a database of its own, without tables."""
    name = f"t_{uuid4().hex[:12]}"
    owner = await asyncpg.connect(server.dsn())
    await owner.execute(f"create database {name}")
    yield server.dsn(database=name)
    await _drop(owner, name)
    await owner.close()


async def _drop(owner: asyncpg.Connection, name: str) -> None:
    for _ in range(40):
        try:
            await owner.execute(f"drop database {name} with (force)")
        except asyncpg.InsufficientPrivilegeError:  # the server itself is at work in it: vacuum
            await asyncio.sleep(0.25)
        else:
            return


@pytest_asyncio.fixture
async def alone(settings: Settings, empty_database: str, tmp_path: Path) -> AsyncIterator[Alone]:
    """An installation of the test's own. It has the run's secret: the passwords of the roles, which belong to the server, come from it."""
    environ = {
        "DATABASE_URL": empty_database, "BATON_DATA": str(tmp_path), "BATON_SECRET": settings.secret,
        "BATON_OUTBOUND_ALLOW": "127.0.0.1/32",
    }  # fmt: skip
    own = configuration.load(data=tmp_path, environ=environ)
    await migrate(empty_database, own)
    found = Alone(environ, own)
    yield found
    for database in found.opened:
        await database.close()


@pytest_asyncio.fixture(scope="session")
async def settings(server: EmbeddedPostgres) -> Settings:
    """Settings of the run, on the migrated database."""
    environ = {"BATON_OUTBOUND_ALLOW": "127.0.0.1/32"}  # where the tests' own servers are
    if isinstance(server, GivenServer):
        environ["BATON_SECRET"] = server.secret
    loaded = configuration.load(data=server.folder, environ=environ).with_database(server.dsn())
    await migrate(server.dsn(), loaded)
    return loaded


@pytest_asyncio.fixture(scope="session")
async def db(settings: Settings) -> AsyncIterator[Database]:
    """The product's own pools: the application's role and the relay's."""
    assert settings.app_dsn
    assert settings.relay_dsn
    database = Database(
        settings.app_dsn, settings.relay_dsn, pool_size=settings.pool_size, installation=installation(settings)
    )
    await database.open()
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="session")
async def team(db: Database) -> Team:
    """Northwind, shared by the tests of a run: Ana, Ben, Vera, Athena and Marcus."""
    return await make_team(db)


@pytest_asyncio.fixture
async def fresh(db: Database) -> Team:
    """An organization of the test's own."""
    return await make_team(db, "Fresh")


@pytest_asyncio.fixture(scope="session")
async def carla(db: Database) -> Team:
    """Another organization, whose people must see nothing of Northwind."""
    return await make_team(db, "Contoso")
