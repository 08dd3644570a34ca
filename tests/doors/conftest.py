"""What the tests of the doors share: the application itself, a real server on loopback, and people with tokens."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest_asyncio
import uvicorn
from starlette.applications import Starlette

from baton.doors.app import create_app
from baton.kernel.db import Database
from baton.kernel.settings import Settings
from tests.team import PASSWORD, Team


@dataclass
class Caller:
    """A person of an organization, at the doors for programs."""

    http: httpx2.AsyncClient
    team: Team
    headers: dict[str, str] = field(default_factory=dict)

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> httpx2.Response:
        """A request with this person's token and `orgid`."""
        headers = self.headers | options.pop("headers", {})
        return await self.http.request(method, path, json=body, headers=headers, **options)

    async def ok(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """What a request answers, which must succeed."""
        response = await self.call(method, path, body, **options)
        assert response.is_success, response.text
        return response.json()


def client_of(app: Starlette) -> httpx2.AsyncClient:
    """A client of an application in this process."""
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://baton.test")


@pytest_asyncio.fixture(scope="session")
async def app(settings: Settings, db: Database) -> Starlette:
    return create_app(settings, db)


@pytest_asyncio.fixture(scope="session")
async def http(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(app) as client:
        yield client


async def token_of(http: httpx2.AsyncClient, team: Team, who: str) -> str:
    """The bearer token of a person."""
    response = await http.post("/api/auth/token", json={"email": team.emails[who], "password": PASSWORD})
    assert response.status_code == 200, response.text
    token: str = response.json()["token"]
    return token


async def caller(http: httpx2.AsyncClient, team: Team, who: str) -> Caller:
    """A person with their token."""
    token = await token_of(http, team, who)
    return Caller(http, team, {"authorization": f"Bearer {token}", "orgid": str(team.org_id)})


@pytest_asyncio.fixture
async def ana(http: httpx2.AsyncClient, team: Team) -> Caller:
    """Northwind's admin."""
    return await caller(http, team, "ana")


@pytest_asyncio.fixture
async def ben(http: httpx2.AsyncClient, team: Team) -> Caller:
    """Northwind's member."""
    return await caller(http, team, "ben")


@pytest_asyncio.fixture
async def vera(http: httpx2.AsyncClient, team: Team) -> Caller:
    """Northwind's viewer."""
    return await caller(http, team, "vera")


@pytest_asyncio.fixture
async def stranger(http: httpx2.AsyncClient, carla: Team) -> Caller:
    """Another organization's admin."""
    return await caller(http, carla, "ana")


@pytest_asyncio.fixture(scope="session")
async def address(app: Starlette) -> AsyncIterator[str]:
    """The application behind a real server on loopback."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan="off", log_config=None, proxy_headers=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[taken]))
    async with asyncio.timeout(20):
        while not server.started:  # noqa: ASYNC110 - uvicorn tells it by no event
            await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{taken.getsockname()[1]}"
    server.should_exit = True
    await running


@pytest_asyncio.fixture
async def boss(http: httpx2.AsyncClient, fresh: Team) -> Caller:
    """The admin of an organization with the people and contacts that document C names."""
    person = {"name": "Rosa East", "email": f"rosa@{fresh.org_id}.example", "externalId": "user-rep-east"}
    await fresh.do(fresh.ana, "crm.members.addPerson", person)
    contact = {
        "firstName": "Priya",
        "lastName": "Nair",
        "email": "priya@acme.example",
        "companyName": "Acme",
        "externalId": "contact-abc",
    }
    await fresh.do(fresh.ana, "crm.contacts.create", contact)
    return await caller(http, fresh, "ana")
