"""What the tests of attacks share: the doors' people, and a person at the pages."""

import httpx2
import pytest_asyncio

from tests.doors.conftest import Caller, caller
from tests.doors.conftest import address as address  # a real server on loopback
from tests.doors.conftest import ana as ana
from tests.doors.conftest import app as app
from tests.doors.conftest import ben as ben
from tests.doors.conftest import http as http
from tests.doors.conftest import stranger as stranger
from tests.doors.conftest import vera as vera
from tests.security.pages import Reader, sign_in
from tests.team import Team


@pytest_asyncio.fixture
async def admin(http: httpx2.AsyncClient, fresh: Team) -> Caller:
    """The admin of an organization of the test's own, at the doors for programs."""
    return await caller(http, fresh, "ana")


@pytest_asyncio.fixture
async def member(http: httpx2.AsyncClient, fresh: Team) -> Caller:
    """Its member."""
    return await caller(http, fresh, "ben")


@pytest_asyncio.fixture
async def page(http: httpx2.AsyncClient, fresh: Team) -> Reader:
    """The admin of an organization of the test's own, in a browser without the browser."""
    return await sign_in(http, fresh, "ana")
