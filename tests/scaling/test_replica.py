"""What only reads is read from a replica, and never staler than the moment it was asked."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import httpx2
import pytest

from baton.accounts.sign_in import issue_jwt
from baton.doors.app import create_app
from baton.exports.stream import stream
from baton.kernel import replica as kernel_replica
from baton.kernel import settings as configuration
from baton.kernel.data_dir import Misconfigured
from baton.kernel.db import Database
from baton.kernel.embedded import EmbeddedPostgres
from baton.kernel.perform import perform
from baton.kernel.replica import Replica
from baton.kernel.settings import Settings
from baton.kernel.values import utc_now
from tests.scaling.conftest import opened
from tests.scaling.standby import Standby
from tests.team import Team, make_team


def told(database: Database) -> Replica:
    assert database.replica is not None
    return database.replica


async def caught_up(team: Team) -> None:
    """Until a list comes from the replica again."""
    until = time.monotonic() + 15
    while time.monotonic() < until:
        before = told(team.db).reads
        await team.do(team.ana, "crm.leads.find")
        if told(team.db).reads > before:
            return
        await asyncio.sleep(0.05)
    pytest.fail("the replica is never read")


async def test_lists_reports_and_exports_come_from_the_replica(replicated: Database) -> None:
    """They are read there: the primary is asked for its position alone."""
    team = await make_team(replicated, "Replicated")
    lead = await team.capture(firstName="Ada")
    await caught_up(team)
    for name in ("crm.leads.find", "crm.leads.board", "crm.leads.pipelineSummary", "crm.reports.funnel"):
        before = told(replicated).reads
        pipeline = {"pipelineId": str(lead.pipeline_id)} if name in ("crm.leads.board", "crm.reports.funnel") else {}
        await team.do(team.ana, name, pipeline)
        assert told(replicated).reads == before + 1, name
    begun = await team.do(team.ana, "crm.exports.leads", format="csv")
    before = told(replicated).reads
    written = b"".join([part async for part in stream(replicated, team.ana, begun)])
    assert b"Ada" in written
    assert told(replicated).reads == before + 1


async def test_a_read_after_a_write_is_never_stale(
    replicated: Database, replicated_settings: Settings, standby: Standby
) -> None:
    """With a replica that stands still each read sees the write before it: it comes from the primary, also in another process."""
    team = await make_team(replicated, "Behind")
    await caught_up(team)
    other = opened(replicated_settings)
    await other.open()
    await standby.pause()
    try:
        for number in range(5):
            lead = await team.capture(firstName=f"No {number}")
            for database in (replicated, other):
                found = await perform(database, team.ana, "crm.leads.find", {"limit": 50})
                assert lead.id in [each.id for each in found.items]
                summary = await perform(database, team.ana, "crm.leads.pipelineSummary", {})
                assert summary.total == number + 1
        assert told(other).behind >= 10
        assert told(other).reads == 0
    finally:
        await standby.resume()
        await other.close()
    await caught_up(team)


async def test_while_it_replays_reads_stay_fresh(replicated: Database) -> None:
    """Writers and readers at once, on a replica that follows: everybody sees what they wrote, and the replica is read."""
    team = await make_team(replicated, "Busy")
    await caught_up(team)
    before = told(replicated).reads

    async def one(number: int) -> None:
        for turn in range(6):
            lead = await team.capture(firstName=f"Of {number}", lastName=f"{turn}")
            page = await team.do(team.ana, "crm.leads.find", limit=100)
            assert lead.id in [each.id for each in page.items]

    await asyncio.gather(*(one(number) for number in range(4)))
    assert told(replicated).reads > before


async def test_a_replica_that_dies_is_passed_over_and_found_again(
    replicated_settings: Settings, primary: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while it is read, nobody meets an error; a while later it is read again."""
    monkeypatch.setattr(kernel_replica, "AWAY", 0.5)
    mortal = Standby(primary)
    mortal.start()
    database = opened(replace(replicated_settings, read_dsn=mortal.dsn()))
    await database.open()
    try:
        team = await make_team(database, "Mortal")
        await caught_up(team)
        reading = True

        async def read() -> None:
            while reading:
                await team.do(team.ana, "crm.leads.find")

        readers = [asyncio.create_task(read()) for _ in range(4)]
        await asyncio.sleep(0.3)
        await asyncio.to_thread(mortal.kill)
        await asyncio.sleep(0.7)
        reading = False
        await asyncio.gather(*readers)
        assert told(database).away > 0
        mortal.start()
        await caught_up(team)
    finally:
        await database.close()
        mortal.kill()


async def test_what_the_replica_breaks_off_the_primary_answers(
    replicated: Database, standby: Standby, primary: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read that is ended on the replica in the middle (it waits for a lock there) is read once more, from the primary."""
    monkeypatch.setattr(kernel_replica, "AWAY", 0.0)
    team = await make_team(replicated, "Broken")
    await caught_up(team)
    lost: list[BaseException] = []
    monkeypatch.setattr(told(replicated), "_lost", lost.append)
    owner = await asyncpg.connect(primary.dsn(user="postgres"))
    try:
        async with owner.transaction():
            await owner.execute("LOCK TABLE leads IN ACCESS EXCLUSIVE MODE")
            await owner.execute("SELECT pg_logical_emit_message(false, 'flushed', '', true)")
            reading = asyncio.create_task(team.do(team.ana, "crm.leads.find"))
            ended = 0
            while not ended and not reading.done():
                ended = await standby.ask(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                )
            for _ in range(500):
                if lost or reading.done():
                    break
                await asyncio.sleep(0.01)
        assert (await reading).items == []
        assert ended
        assert lost
    finally:
        await owner.close()


async def test_without_feedback_no_export_is_read_there(
    replicated_settings: Settings, primary: EmbeddedPostgres
) -> None:
    """PostgreSQL ends long reads of a replica that does not say what it reads: an export would be cut off."""
    silent = Standby(primary, hot_standby_feedback="off")
    silent.start()
    database = opened(replace(replicated_settings, read_dsn=silent.dsn()))
    await database.open()
    try:
        team = await make_team(database, "Silent")
        await caught_up(team)
        begun = await team.do(team.ana, "crm.exports.leads", format="csv")
        before = told(database).reads
        assert [part async for part in stream(database, team.ana, begun)]
        assert told(database).reads == before
    finally:
        await database.close()
        silent.kill()


async def test_another_database_is_refused(replicated_settings: Settings, settings: Settings) -> None:
    """An address that is no replica of this server is told at the start, not found out by its answers."""
    elsewhere = opened(replace(replicated_settings, read_dsn=settings.app_dsn))
    with pytest.raises(Misconfigured, match="no replica"):
        await elsewhere.open()
    await elsewhere.close()


async def test_the_primary_itself_is_no_replica(replicated_settings: Settings) -> None:
    """The address of the primary does no harm: it never counts as caught up."""
    same = opened(replace(replicated_settings, read_dsn=replicated_settings.app_dsn))
    await same.open()
    team = await make_team(same, "Same")
    await team.do(team.ana, "crm.leads.find")
    assert told(same).reads == 0
    await same.close()


def test_it_belongs_to_a_database(settings: Settings) -> None:
    """DATABASE_READ_URL alone says nothing of where to write."""
    with pytest.raises(Misconfigured, match="DATABASE_READ_URL"):
        configuration.load(data=settings.data_dir, environ={"DATABASE_READ_URL": "postgresql://replica/baton"})


@pytest.fixture
async def browser(replicated: Database, replicated_settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    app = create_app(replicated_settings, replicated)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://baton.example") as client:
        yield client


async def test_through_a_door(replicated: Database, replicated_settings: Settings, browser: httpx2.AsyncClient) -> None:
    """A lead that was captured over HTTP is in the list that is asked for next, wherever it comes from."""
    team = await make_team(replicated, "Door")
    await caught_up(team)
    async with replicated.transaction(team.org_id) as conn:
        person = await conn.fetchval(
            "SELECT person_id FROM members WHERE org_id = $1 AND id = $2", team.org_id, team.ana.id
        )
    token = issue_jwt(replicated_settings.secret, person, team.org_id, now=utc_now())
    for number in range(3):
        body = {
            "orgId": str(team.org_id),
            "firstName": "Grace",
            "lastName": f"{number}",
            "email": f"grace{number}@navy.example",
        }
        made = await browser.post("/api/trpc/crm.leads.capture", json=body)
        id = made.json()["result"]["data"]["id"]
        answer = await browser.get("/api/v1/crm.leads.find", headers={"authorization": f"Bearer {token}"})
        assert id in [lead["id"] for lead in answer.json()["items"]]
    metrics = (await browser.get("/metrics")).text
    assert f'baton_replica_reads{{found="read"}} {float(told(replicated).reads)}' in metrics
