"""The log: append-only for everyone, complete, in commit order."""

import asyncio
import hashlib
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from baton.activities import stream
from baton.activities.append import digest
from baton.jobs import relay
from baton.kernel.db import Database
from baton.kernel.embedded import EmbeddedPostgres
from baton.kernel.errors import NotFound
from baton.kernel.settings import Settings
from baton.kernel.values import utc_now
from tests.team import Team


@pytest.mark.parametrize("table", ["activities", "lead_scores"])
@pytest.mark.parametrize("change", ["UPDATE {t} SET org_id = org_id", "DELETE FROM {t}", "TRUNCATE {t} CASCADE"])
async def test_nobody_changes_it(team: Team, server: EmbeddedPostgres, table: str, change: str) -> None:
    """Spec A7. Refused to the application and to the owner of the tables alike."""
    await team.capture()
    async with team.db.app.acquire() as conn, conn.transaction():
        await conn.execute(f"SET LOCAL app.org_id = '{team.org_id}'")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with conn.transaction():
                await conn.execute(change.format(t=table))
        assert await conn.fetchval(f"SELECT count(*) FROM {table}")
    owner = await asyncpg.connect(server.dsn())
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await owner.execute(change.format(t=table))
    finally:
        await owner.close()


@pytest.mark.parametrize("setting", [None, "", "00000000-0000-0000-0000-000000000000", "carla"])
async def test_another_organizations_rows_do_not_exist(team: Team, carla: Team, setting: str | None) -> None:
    """Row-level security: without a setting, with an empty one, and as another organization, nothing of Northwind is there."""
    await team.capture()
    tables = (
        "organizations",
        "members",
        "leads",
        "activities",
        "contacts",
        "lead_scores",
        "tasks",
        "stages",
        "forms",
        "credentials",
    )
    async with team.db.app.acquire() as conn, conn.transaction():
        if setting is not None:
            await conn.execute(f"SET LOCAL app.org_id = '{carla.org_id if setting == 'carla' else setting}'")
        for table in tables:
            assert await conn.fetchval(f"SELECT count(*) FROM {table} WHERE org_id = $1", team.org_id) == 0, table
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await conn.execute(
                "INSERT INTO companies (org_id, id, name, name_norm, created_at) VALUES ($1, uuidv7(), 'x', 'x', now())",
                team.org_id,
            )


async def test_the_application_reads_no_directory_table(team: Team) -> None:
    """People and credentials are reached by key, through functions, never listed."""
    for table in ("directory_people", "directory_memberships", "directory_credentials", "directory_addresses"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await team.db.app.fetch(f"SELECT * FROM {table}")


async def test_the_relay_reads_nothing_but_the_log(team: Team) -> None:
    """The role that reads across organizations sees what it needs and nothing more."""
    for table in ("leads", "members", "contacts", "lead_scores", "directory_people", "credentials", "idempotency_keys"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await team.db.relay.fetch(f"SELECT * FROM {table}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await team.db.relay.execute("DELETE FROM activities")


async def test_no_setting_is_left_on_a_pooled_connection(settings: Settings, team: Team) -> None:
    """The next user of a connection begins in no organization."""
    assert settings.app_dsn
    assert settings.relay_dsn
    db = Database(settings.app_dsn, settings.relay_dsn, pool_size=1)
    await db.open()
    async with db.transaction(team.org_id) as conn:
        assert await conn.fetchval("SELECT count(*) FROM members") > 0
    with pytest.raises(ZeroDivisionError):
        async with db.transaction(team.org_id):
            raise ZeroDivisionError
    assert await db.app.fetchval("SELECT count(*) FROM members") == 0
    await db.close()


async def test_a_digest_commits_to_every_value(team: Team) -> None:
    """Each activity's digest is SHA-256 over its salt and its canonical values."""
    lead = await team.capture(message="We are opening 40 sites")
    async with team.db.transaction(team.org_id) as conn:
        row = await conn.fetchrow("SELECT * FROM activities WHERE lead_id = $1 AND kind = 'lead_imported'", lead.id)
    names = (  # noqa: SIM905
        "org_id id kind actor_type actor_id actor_name via lead_id lead_version subject_type subject_id "
        "changes payload reason operation operation_id caused_by occurred_at"
    ).split()
    values: list[Any] = [row[name] for name in names]
    assert digest(row["salt"], values) == row["digest"]
    values[-1] += timedelta(microseconds=1)
    assert digest(row["salt"], values) != row["digest"]
    assert len(row["digest"]) == hashlib.sha256().digest_size


async def test_a_reader_in_commit_order_loses_nothing(fresh: Team) -> None:
    """Eight writers commit out of order; a reader that follows sees each activity exactly once."""
    async with fresh.db.relay.acquire() as conn:
        cursor = await stream.newest(conn)
    seen: list[Any] = []
    writing = True

    async def read_along() -> None:
        nonlocal cursor
        while True:
            more = writing
            async with fresh.db.relay.acquire() as conn:
                events, cursor = await stream.read(conn, cursor, 100)
            seen.extend(event.id for event in events if event.org_id == fresh.org_id)
            if not events and not more:
                return
            await asyncio.sleep(0.005)

    async def write(_: int) -> None:
        for _ in range(10):
            await fresh.capture()

    reader = asyncio.create_task(read_along())
    await asyncio.gather(*(write(n) for n in range(8)))
    writing = False
    await reader
    async with fresh.db.transaction(fresh.org_id) as conn:
        written = {
            row["id"]
            for row in await conn.fetch("SELECT id FROM activities WHERE kind IN ('lead_imported', 'lead_scored')")
        }
    assert len(written) == 160
    assert len(seen) == len(set(seen))
    assert written <= set(seen)


async def test_only_one_relay_works_at_a_time(fresh: Team) -> None:
    """Several workers may run the relay: each activity makes its job once."""
    await fresh.run_due()
    for _ in range(20):
        await fresh.capture()
    await asyncio.gather(*(relay.step(fresh.db, limit=7) for _ in range(12)))
    assert await fresh.run_due() == 20


async def test_the_lead_as_of_a_past_moment(team: Team) -> None:
    """Spec A8: the state at any past moment, from the log alone."""
    lead = await team.capture(title="Buyer")
    edited = await team.do(team.ben, "crm.leads.update", leadId=str(lead.id), title="CTO", companySize=900)
    then = await team.do(team.vera, "crm.leads.asOf", leadId=str(lead.id), at=lead.last_activity_at.isoformat())
    assert (then.title, then.company_size, then.score) == ("Buyer", None, lead.score)
    now = await team.do(team.vera, "crm.leads.asOf", leadId=str(lead.id), at=utc_now().isoformat())
    assert now == edited
    before = (lead.created_at - timedelta(seconds=1)).isoformat()
    with pytest.raises(NotFound):
        await team.do(team.vera, "crm.leads.asOf", leadId=str(lead.id), at=before)
