"""Migrations: idempotent, in turn, and harmless to what is not theirs."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from baton.kernel import upgrade
from baton.kernel.data_dir import Misconfigured
from baton.kernel.db import Database
from baton.kernel.errors import Unavailable
from baton.kernel.migrate import migrate
from baton.kernel.revisions import folder, revisions
from baton.kernel.settings import Settings, role_dsn


async def run(dsn: str, *statements: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        results = [await connection.fetchval(statement) for statement in statements]
        return results[-1]
    finally:
        await connection.close()


async def test_a_second_run_changes_nothing(empty_database: str, settings: Settings) -> None:
    first = await migrate(empty_database, settings)
    second = await migrate(empty_database, settings)
    assert first.before is None
    assert first.after == second.before == second.after


async def test_processes_that_start_together_take_turns(empty_database: str, settings: Settings) -> None:
    runs = await asyncio.gather(*(migrate(empty_database, settings) for _ in range(4)))
    assert sorted(one.before is None for one in runs) == [False, False, False, True]


async def test_a_database_of_a_newer_version_is_left_alone(empty_database: str, settings: Settings) -> None:
    await migrate(empty_database, settings)
    await run(empty_database, "update alembic_version set version_num = '9999'")
    with pytest.raises(Misconfigured, match=r"revision 9999.*newer version"):
        await migrate(empty_database, settings)
    assert await run(empty_database, "select version_num from alembic_version") == "9999"


async def test_somebody_elses_tables_are_left_alone(empty_database: str, settings: Settings) -> None:
    await run(empty_database, "create table letters (n int)")
    with pytest.raises(Misconfigured, match="not Baton's"):
        await migrate(empty_database, settings)
    assert await run(empty_database, "select count(*) from pg_tables where schemaname = 'public'") == 1


async def test_a_database_that_cannot_be_reached_is_named_without_its_password(settings: Settings) -> None:
    with pytest.raises(Unavailable) as refused:
        await migrate("postgresql://baton:sesame@127.0.0.1:1/crm", settings)
    assert "crm at 127.0.0.1" in refused.value.message
    assert "sesame" not in refused.value.message


async def test_the_application_owns_nothing_and_stands_below_row_level_security(db: Database) -> None:
    for pool, role in ((db.app, "baton_app"), (db.relay, "baton_relay")):
        row = await pool.fetchrow("""
            select rolname, rolsuper or rolbypassrls or rolcreaterole or rolcreatedb as mighty,
                   (select count(*) from pg_class where relowner = r.oid) as owned
              from pg_roles r where rolname = current_user
        """)
        assert row
        assert dict(row) == {"rolname": role, "mighty": False, "owned": 0}
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute("create table mine (n int)")


async def test_the_relay_uses_the_queue_and_the_application_does_not(db: Database) -> None:
    assert await db.relay.fetchval("select count(*) from jobs.pgqueuer") >= 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await db.app.fetchval("select count(*) from jobs.pgqueuer")


async def test_logins_that_an_administrator_made_join_our_roles(empty_database: str, settings: Settings) -> None:
    login = "t_application"
    await run(empty_database, f"create role {login} login password 'sesame'")
    try:
        dsn = role_dsn(empty_database, login, "sesame")
        await migrate(empty_database, replace(settings, app_dsn=dsn, app_role_managed=False))
        assert await run(dsn, "select count(*) from leads") == 0
        assert await run(settings.app_dsn or "", "select current_user") == "baton_app"
    finally:
        await run(empty_database, f"drop role {login}")


def test_the_names_of_the_files_are_the_revisions_in_order() -> None:
    """What a start reads without the migration tool is what the tool would run."""
    _, scripts = upgrade.scripts(folder())
    assert revisions() == [script.revision for script in reversed(list(scripts.walk_revisions()))]
