"""Connections are lent in turn, and readers of one organization pass a transaction on: nobody sees another's rows, or old ones."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from baton.kernel import lent
from baton.kernel.db import Database
from baton.kernel.settings import Settings
from tests.team import Team

BEGAN = "SELECT now()"
ORGANIZATION = "SELECT current_setting('app.org_id')"


@pytest.fixture
async def narrow(settings: Settings) -> AsyncIterator[Database]:
    """One connection for everybody."""
    assert settings.app_dsn
    assert settings.relay_dsn
    db = Database(settings.app_dsn, settings.relay_dsn, pool_size=1)
    await db.open()
    yield db
    await db.close()


async def _ask(db: Database, team: Team, sql: str, *, passed_on: bool = True) -> Any:
    async with db.transaction(team.org_id, read_only=True, passed_on=passed_on) as conn:
        return await conn.fetchval(sql)


async def test_readers_of_one_organization_go_on_in_one_transaction(narrow: Database, fresh: Team) -> None:
    """Spec B8. It is handed over where somebody waits for it, and ended where nobody does."""
    began = await asyncio.gather(*(_ask(narrow, fresh, BEGAN) for _ in range(20)))
    assert len(set(began)) < 5
    assert await narrow.app.fetchval(BEGAN) not in began, "no transaction is open"
    one, other = [await _ask(narrow, fresh, BEGAN) for _ in range(2)]
    assert one != other
    assert len(set(await asyncio.gather(*(_ask(narrow, fresh, BEGAN, passed_on=False) for _ in range(5))))) == 5


async def test_it_is_passed_on_for_a_moment_only(
    narrow: Database, fresh: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lent, "LONGEST", 0.0)
    assert len(set(await asyncio.gather(*(_ask(narrow, fresh, BEGAN) for _ in range(5))))) == 5


async def test_every_organization_reads_its_own(narrow: Database, fresh: Team, carla: Team) -> None:
    """Spec A9. In turns on one connection, with rows of both and with the organization that the database is told."""
    theirs, ours = await carla.capture(), await fresh.capture()
    names = "SELECT string_agg(id::text, ' ') FROM leads"
    for sql in (ORGANIZATION, names):
        answers = await asyncio.gather(*(_ask(narrow, (fresh, carla)[n // 3 % 2], sql) for n in range(24)))
        alone = {team.org_id: await _ask(narrow, team, sql) for team in (fresh, carla)}
        assert answers == [alone[(fresh, carla)[n // 3 % 2].org_id] for n in range(24)]
    assert str(ours.id) in alone[fresh.org_id]
    assert str(theirs.id) not in alone[fresh.org_id]
    assert await narrow.app.fetchval(names) is None, "outside a transaction there is no organization"


async def test_a_reader_sees_what_was_committed_before_it_asked(narrow: Database, fresh: Team) -> None:
    """Spec A8. Also within a transaction that began before: each statement looks anew."""
    lead = await fresh.capture()
    seen = []
    done = asyncio.Event()

    async def read_on() -> None:
        while not done.is_set():
            await _ask(narrow, fresh, "SELECT 1")

    others = [asyncio.create_task(read_on()) for _ in range(3)]
    for number in range(5):
        await fresh.do(fresh.ana, "crm.leads.update", leadId=str(lead.id), title=f"Title {number}")
        seen.append(await _ask(narrow, fresh, f"SELECT title FROM leads WHERE id = '{lead.id}'"))
    done.set()
    await asyncio.gather(*others)
    assert seen == [f"Title {number}" for number in range(5)]


async def test_who_asks_first_is_served_first(narrow: Database, fresh: Team) -> None:
    """Readers who could go on do not overtake a writer."""
    order: list[str] = []

    async def use(name: str, *, read_only: bool) -> None:
        async with narrow.transaction(fresh.org_id, read_only=read_only, passed_on=read_only) as conn:
            await conn.fetchval("SELECT 1")
            order.append(name)

    await asyncio.gather(
        use("reader", read_only=True), use("second reader", read_only=True), use("writer", read_only=False), use("late", read_only=True)
    )  # fmt: skip
    assert order == ["reader", "second reader", "writer", "late"]


async def test_what_fails_ends_with_who_failed(narrow: Database, fresh: Team) -> None:
    """A statement that is refused, an error of the caller's: the next reader begins anew, and the connection is not lost."""
    async with narrow.transaction(fresh.org_id, read_only=True, passed_on=True) as conn:
        waiting = asyncio.gather(
            _ask(narrow, fresh, "SELECT 1 / 0"), _ask(narrow, fresh, BEGAN), _ask(narrow, fresh, "SELECT 'x'::uuid"),
            _ask(narrow, fresh, ORGANIZATION), _ask(narrow, fresh, "DELETE FROM leads"), return_exceptions=True,
        )  # fmt: skip
        await asyncio.sleep(0.01)
        began = await conn.fetchval(BEGAN)
    found = await waiting
    assert [type(each) for each in found[::2]] == [
        asyncpg.DivisionByZeroError, asyncpg.InvalidTextRepresentationError, asyncpg.ReadOnlySQLTransactionError,
    ]  # fmt: skip
    assert found[1] > began
    assert found[3] == str(fresh.org_id)


async def test_who_stops_waiting_takes_no_connection_along(narrow: Database, fresh: Team) -> None:
    """Before the turn has come, in the moment in which it comes, and while the statement runs."""
    async with narrow.transaction(fresh.org_id, read_only=True, passed_on=True) as conn:
        tasks = [asyncio.create_task(_ask(narrow, fresh, "SELECT pg_sleep(0.05)")) for _ in range(6)]
        await conn.fetchval("SELECT 1")
        tasks[1].cancel()
    tasks[0].cancel()
    await asyncio.sleep(0.02)
    tasks[2].cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(each, asyncio.CancelledError) for each in found] == [True, True, True, False, False, False]
    assert await asyncio.wait_for(_ask(narrow, fresh, ORGANIZATION), 5) == str(fresh.org_id)


async def test_a_connection_that_was_cut_is_another_one_for_the_next(narrow: Database, fresh: Team) -> None:
    """The reader whose server went is told; who waits behind gets a new connection, and none is lost."""
    cut = "SELECT pg_terminate_backend(pg_backend_pid())"
    for _ in range(3):
        found = await asyncio.gather(
            _ask(narrow, fresh, cut), *(_ask(narrow, fresh, ORGANIZATION) for _ in range(3)), return_exceptions=True
        )
        assert isinstance(found[0], (asyncpg.PostgresError, asyncpg.InterfaceError))
        assert found[1:] == [str(fresh.org_id)] * 3
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
            await narrow.app.fetchval(cut)
    assert await asyncio.wait_for(narrow.app.fetchval("SELECT 1"), 5) == 1
