"""What tests of imports share: an organization for each, with pipelines and scoring, and Ana, who owns it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest_asyncio
from starlette.applications import Starlette
from tests.doors.conftest import app as app
from tests.doors.conftest import http as http
from tests.doors.conftest import stranger as stranger
from tests.imports.desk import Desk, open_desk
from tests.team import make_team

from baton.accounts.found import Found, found
from baton.kernel.actor import Actor, Role, system
from baton.kernel.db import Database, Tx
from baton.kernel.settings import Settings
from baton.kernel.values import new_id, utc_now
from baton.pipelines.templates import create_defaults
from baton.scoring.defaults import DEFAULT_FACTORS
from baton.scoring.rules import SetRules, set_rules


@dataclass(frozen=True)
class Office:
    """An organization as tests look at it: the database, the actor who imports, and reads past every door."""

    db: Database
    ana: Actor

    async def rows(self, sql: str, *args: Any) -> list[dict[str, Any]]:
        """Rows of a statement whose $1 is the organization."""
        async with self.db.transaction(self.ana.org_id) as conn:
            return [dict(row) for row in await conn.fetch(sql, self.ana.org_id, *args)]

    async def leads(self) -> list[dict[str, Any]]:
        """All leads in the order they were made, each with its stage's name."""
        return await self.rows(
            """SELECT l.*, s.name AS stage FROM leads l JOIN stages s ON s.org_id = l.org_id AND s.id = l.stage_id
                WHERE l.org_id = $1 ORDER BY l.id"""
        )

    async def count(self, table: str) -> int:
        """How many rows of a table the organization has."""
        return int((await self.rows(f"SELECT count(*) AS n FROM {table} WHERE org_id = $1"))[0]["n"])


@pytest_asyncio.fixture
async def office(settings: Settings) -> AsyncIterator[Office]:
    """A new organization, and connections of its own, as each run of the command has them."""
    assert settings.app_dsn
    assert settings.relay_dsn
    db = Database(settings.app_dsn, settings.relay_dsn)
    await db.open()
    org_id = new_id()
    baton = system(org_id, "Baton", role=Role.OWNER)
    async with db.transaction(org_id) as conn:
        tx = Tx(conn, org_id, utc_now(), "test")
        person = Found(
            name="Acme",
            owner_name="Ana Rey",
            owner_email=f"ana-{org_id}@acme.example",
            owner_password="correct horse battery",
        )
        _, owner = await found(tx, person)
        await create_defaults(tx, baton)
        await set_rules(tx, baton, SetRules(factors=DEFAULT_FACTORS))
    yield Office(db, Actor(type="user", org_id=org_id, role=Role.MEMBER, name="Ana Rey", id=owner.id, via="csv"))
    await db.close()


@pytest_asyncio.fixture
async def desk(app: Starlette, http: httpx2.AsyncClient, db: Database) -> Desk:
    """A new organization with people at the REST door."""
    return await open_desk(app, http, await make_team(db, "Desk"))
