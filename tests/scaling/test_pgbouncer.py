"""PgBouncer in transaction mode between the application and PostgreSQL: everything works with fewer servers than connections."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest
import pytest_asyncio

from baton.exports.stream import stream
from baton.kernel import settings as configuration
from baton.kernel.db import Database
from baton.kernel.embedded import DATABASE, EmbeddedPostgres
from baton.kernel.embedded.place import find
from baton.kernel.errors import Conflict
from baton.kernel.migrate import migrate
from baton.kernel.perform import perform
from baton.kernel.settings import Settings
from tests.scaling import bouncer
from tests.scaling.bouncer import Bouncer
from tests.scaling.conftest import opened
from tests.team import make_team

pytestmark = pytest.mark.skipif(bouncer.PROGRAM is None, reason="pgbouncer is not installed (apt install pgbouncer)")
LOGIN = "pooled"


@pytest_asyncio.fixture(params=[False, True], ids=["unprepared", "prepared"])
async def pooled(
    request: pytest.FixtureRequest, primary: EmbeddedPostgres, primary_settings: Settings
) -> AsyncIterator[Database]:
    """The product with its application role behind PgBouncer, and the relay's straight at PostgreSQL, which it listens to."""
    prepared: bool = request.param
    if prepared and bouncer.version() < bouncer.PREPARING:
        pytest.xfail("PgBouncer keeps prepared statements from 1.21 on")
    password = secrets.token_hex(16)
    place = find(primary.folder)
    owner = await asyncpg.connect(primary.dsn())
    await owner.execute(f"DROP ROLE IF EXISTS {LOGIN}")
    await owner.execute(f"CREATE ROLE {LOGIN} LOGIN PASSWORD '{password}'")
    await owner.close()
    running = Bouncer(place.sockets, place.account, LOGIN, password, prepared=prepared)
    environ = {
        "DATABASE_URL": primary.dsn(), "DATABASE_APP_URL": await asyncio.to_thread(running.dsn, DATABASE),
        "BATON_SECRET": primary_settings.secret, "BATON_PREPARED": "1" if prepared else "0",
    }  # fmt: skip
    settings = configuration.load(data=primary.folder, environ=environ)
    await migrate(primary.dsn(), settings)
    database = opened(replace(settings, pool_size=12))
    await database.open()
    yield database
    await database.close()
    running.end()


async def test_the_first_story_through_it(pooled: Database) -> None:
    """Spec A12. Captured, qualified, given an owner and a follow-up; listed, reported and exported."""
    team = await make_team(pooled, "Pooled")
    lead = await team.capture(title="CEO", companySize=500)
    await team.run_due()
    found = await team.do(team.ana, "crm.leads.get", leadId=str(lead.id))
    assert found.owner_id is not None
    assert found.next_action_at is not None
    assert (await team.do(team.ana, "crm.leads.pipelineSummary")).total == 1
    begun = await team.do(team.ana, "crm.exports.leads", format="csv")
    assert b"Jane" in b"".join([part async for part in stream(pooled, team.ana, begun)])


async def test_more_callers_than_servers(pooled: Database) -> None:
    """Forty at once share three servers; nobody sees another organization's rows, and nothing is done twice."""
    teams = [await make_team(pooled, name) for name in ("One", "Two")]

    async def one(number: int) -> None:
        team = teams[number % 2]
        await team.capture(firstName=f"No {number}")
        for _ in range(2):
            try:
                await perform(
                    pooled, team.ana, "crm.leads.create", {"name": f"Keyed {number}"}, idempotency_key=f"k{number}"
                )
            except Conflict:
                await asyncio.sleep(0.05)
        page = await team.do(team.ana, "crm.leads.find", limit=100)
        assert {lead.org_id for lead in page.items if hasattr(lead, "org_id")} <= {team.org_id}

    await asyncio.gather(*(one(number) for number in range(40)))
    for team in teams:
        page = await team.do(team.ana, "crm.leads.find", limit=100)
        names = [lead.name for lead in page.items]
        assert len([name for name in names if name.startswith("Keyed")]) == 20
        assert len(names) == 40


async def test_what_asks_before_the_organization_is_known(pooled: Database) -> None:
    """Signing in asks outside any transaction of ours: a hundred times side by side, each is answered."""
    await make_team(pooled, "Many")
    asked = [
        pooled.app.fetchval(f"SELECT count(*)::int + {n} + $1::int FROM directory_person($2)", n, f"nobody {n}")
        for n in range(100)
    ]
    assert await asyncio.gather(*asked) == [2 * n for n in range(100)]
