"""No page of the product asks the database more often, or makes it read more, because there are more rows. Spec A11, B1."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import asyncpg
import httpx2
import pytest
import pytest_asyncio

from baton.accounts.sign_in import Membership, open_session
from baton.doors.app import create_app
from baton.doors.web.shell import late
from baton.doors.web.shell.visit import SESSION
from baton.kernel import settings as configuration
from baton.kernel.db import Database
from baton.kernel.embedded import EmbeddedPostgres
from baton.kernel.installation import installation
from baton.kernel.migrate import migrate
from tests.browser.gallery import furnish
from tests.doors.conftest import client_of
from tests.messages.conftest import post as post
from tests.messages.postoffice import PostOffice
from tests.scaling.asked import Asked, pages_read
from tests.scaling.copies import multiply
from tests.team import Team, make_team

OFTEN, SELDOM = int(os.environ.get("BATON_SCALE", "60")), 6
A_PAGE = 800  # 8 kB each: what a page may read in any case
# A past day, and what a rule would have done in thirty: the log itself is read, which was asked for.
PAST = {"board-past", "automation"}
# Fifty that wait for an owner, among the open ones; thirty entries of each of a company's leads; six hundred tasks and their leads.
WIDE = {"routing": 8000, "company": 2000, "calendar-of-all": 4000}


@dataclass
class Cost:
    """What a page costs: statements, and the pages of tables and indexes that they read together and the most that one of them does."""

    statements: int
    read: int
    worst: tuple[int, str]


@pytest_asyncio.fixture
async def alone(server: EmbeddedPostgres, empty_database: str) -> AsyncIterator[Database]:
    """The product on a database of its own, as what is copied here has no history."""
    environ = {"BATON_OUTBOUND_ALLOW": "127.0.0.1/32"}
    loaded = configuration.load(data=server.folder, environ=environ).with_database(empty_database)
    await migrate(empty_database, loaded)
    assert loaded.app_dsn
    assert loaded.relay_dsn
    found = Database(loaded.app_dsn, loaded.relay_dsn, installation=installation(loaded))
    await found.open()
    yield found
    await found.close()


async def test_no_page_grows_with_its_rows(
    server: EmbeddedPostgres, empty_database: str, alone: Database, post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every page of the gallery, before and after each thing that people fill by the day is there sixty times."""
    team = await make_team(alone)
    walls = await furnish(team, post)
    addresses = {name: path for wall in walls.values() for name, path in wall.items()}
    addresses["calendar-of-all"] = "/calendar?who=all"  # six hundred tasks are read, by two hundreds, and their leads
    settings = configuration.load(data=server.folder, environ={}).with_database(empty_database)
    app = create_app(settings, alone)
    root = await asyncpg.connect(server.dsn(user="postgres", database=urlsplit(empty_database).path[1:]))
    asked = Asked()
    asked.listen(monkeypatch)
    async with client_of(app) as http:
        few = await _walk(http, team, addresses, asked)
        await multiply(root, team.org_id, often=OFTEN, seldom=SELDOM)
        monkeypatch.setattr(late, "LARGE", 1)  # what takes long comes after the page
        many = await _walk(http, team, addresses, asked)
    await root.close()
    wrong = [
        f"{name}: {few[name].statements} → {cost.statements} statements, {few[name].read} → {cost.read} pages; most: {cost.worst}"
        for name, cost in many.items()
        if cost.statements > few[name].statements + 4
        or (name not in PAST and cost.read > max(WIDE.get(name, A_PAGE), 4 * few[name].read))
    ]
    assert not wrong, "\n".join(wrong)


async def _walk(http: httpx2.AsyncClient, team: Team, addresses: dict[str, str], asked: Asked) -> dict[str, Cost]:
    """What every page costs, asked twice: what is asked once in a while has been asked the first time."""
    place = Membership(
        org_id=team.org_id, org_name="", member_id=team.ana.id or team.org_id, name="Ana", role=team.ana.role
    )
    cookie = {"cookie": f"{SESSION}={await open_session(team.db, place)}"}
    costs = {}
    for name, path in addresses.items():
        await http.get(path, headers=cookie)
        asked.take()
        answer = await http.get(path, headers=cookie, follow_redirects=True)
        assert answer.status_code == (404 if name == "not-found" else 200), name
        statements = asked.take()
        read = [
            (await pages_read(team.db, team.org_id, sql, args), " ".join(sql.split())[:600]) for sql, args in statements
        ]
        asked.take()
        costs[name] = Cost(len(statements), sum(pages for pages, _ in read), max(read, default=(0, "")))
    return costs
