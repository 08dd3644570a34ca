"""What the tests of attacks share: the doors' people, and a person at the pages."""

from collections.abc import AsyncIterator

import httpx2
import pytest_asyncio
from starlette.applications import Starlette

from baton.doors.app import create_app
from baton.kernel.db import Database
from baton.kernel.settings import Settings
from tests.doors.conftest import Caller, caller, client_of
from tests.doors.conftest import address as address  # a real server on loopback
from tests.security.pages import Reader, sign_in
from tests.team import Team


@pytest_asyncio.fixture(scope="session")
async def app(settings: Settings, db: Database) -> Starlette:
    """The application itself."""
    return create_app(settings, db)


@pytest_asyncio.fixture(scope="session")
async def http(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the application in this process."""
    async with client_of(app) as client:
        yield client


@pytest_asyncio.fixture
async def admin(http: httpx2.AsyncClient, fresh: Team) -> Caller:
    """The admin of an organization of the test's own, at the doors for programs."""
    return await caller(http, fresh, "ana")


@pytest_asyncio.fixture
async def member(http: httpx2.AsyncClient, fresh: Team) -> Caller:
    """Its member."""
    return await caller(http, fresh, "ben")


@pytest_asyncio.fixture(scope="session")
async def ana(http: httpx2.AsyncClient, team: Team) -> Caller:
    """The admin of the organization that tests share."""
    return await caller(http, team, "ana")


@pytest_asyncio.fixture(scope="session")
async def ben(http: httpx2.AsyncClient, team: Team) -> Caller:
    """Its member."""
    return await caller(http, team, "ben")


@pytest_asyncio.fixture(scope="session")
async def vera(http: httpx2.AsyncClient, team: Team) -> Caller:
    """Its viewer."""
    return await caller(http, team, "vera")


@pytest_asyncio.fixture(scope="session")
async def stranger(http: httpx2.AsyncClient, carla: Team) -> Caller:
    """Another organization's admin."""
    return await caller(http, carla, "ana")


@pytest_asyncio.fixture
async def page(http: httpx2.AsyncClient, fresh: Team) -> Reader:
    """The admin of an organization of the test's own, in a browser without the browser."""
    return await sign_in(http, fresh, "ana")
