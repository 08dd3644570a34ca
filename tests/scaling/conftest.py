"""A server of the tests' own with a streaming replica, and the product on both."""

import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from baton.kernel import settings as configuration
from baton.kernel.db import Database
from baton.kernel.embedded import EmbeddedPostgres
from baton.kernel.embedded.place import find
from baton.kernel.installation import installation
from baton.kernel.migrate import migrate
from baton.kernel.settings import Settings, read_dsn_of
from tests.scaling.standby import Standby


@pytest.fixture(scope="session")
def primary() -> Iterator[EmbeddedPostgres]:
    """A server whose commits are acknowledged when they are in the log, as in production; the disk itself need not keep them."""
    folder = Path(tempfile.mkdtemp(prefix="baton-primary-"))
    folder.chmod(0o711)
    with EmbeddedPostgres(folder) as started:
        cluster = find(folder).cluster
        with (cluster / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
            settings.write("fsync = off\n")
        os.kill(int((cluster / "postmaster.pid").read_text(encoding="utf-8").split()[0]), signal.SIGHUP)
        yield started
    shutil.rmtree(folder, ignore_errors=True)


@pytest_asyncio.fixture(scope="session")
async def primary_settings(primary: EmbeddedPostgres) -> Settings:
    """Settings on that server, migrated."""
    loaded = configuration.load(data=primary.folder, environ={}).with_database(primary.dsn())
    await migrate(primary.dsn(), loaded)
    return loaded


@pytest.fixture(scope="session")
def standby(primary: EmbeddedPostgres, primary_settings: Settings) -> Iterator[Standby]:
    """Its replica."""
    replica = Standby(primary)
    replica.start()
    yield replica
    replica.kill()


@pytest.fixture
def replicated_settings(primary_settings: Settings, standby: Standby) -> Settings:
    """Settings that name the replica."""
    return replace(primary_settings, read_dsn=standby.dsn())


@pytest_asyncio.fixture
async def replicated(replicated_settings: Settings) -> AsyncIterator[Database]:
    """The product's pools on both."""
    database = opened(replicated_settings)
    await database.open()
    yield database
    await database.close()


def opened(settings: Settings) -> Database:
    assert settings.app_dsn
    assert settings.relay_dsn
    return Database(
        settings.app_dsn,
        settings.relay_dsn,
        read_dsn=read_dsn_of(settings),
        prepared=settings.prepared,
        installation=installation(settings),
    )
