"""Who asks is asked together: many requests share a statement, and what was revoked a moment before is revoked in it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from baton.accounts.sign_in import actor_of_token, close_session, memberships, open_session
from baton.kernel.ask import AT_ONCE, Line
from baton.kernel.db import Database
from baton.kernel.errors import Unauthenticated
from baton.kernel.values import utc_now
from tests.team import Team


async def test_questions_share_the_next_statement_and_never_one_that_began_before_them() -> None:
    """Spec C1: a question is answered by a statement that begins after it."""
    state, begun = {"a": 1}, []
    gates = [asyncio.Event() for _ in range(4)]

    async def answers(keys: list[Any]) -> dict[Any, Any]:
        begun.append(list(keys))
        seen = dict(state)
        await gates[len(begun) - 1].wait()
        return seen

    line = Line(answers)
    first = [asyncio.create_task(line.ask("a")) for _ in range(AT_ONCE)]
    await asyncio.sleep(0)
    state["a"] = 2
    waiting = [asyncio.create_task(line.ask(key)) for key in ("a", "b", "a")]
    await asyncio.sleep(0)
    for gate in gates:
        gate.set()
    assert await asyncio.gather(*first) == [1] * AT_ONCE
    assert await asyncio.gather(*waiting) == [2, None, 2]
    assert begun == [["a"]] * AT_ONCE + [["a", "b"]]


async def test_one_that_gives_up_takes_nobody_with_it_and_a_failure_is_told_to_all() -> None:
    """Who waits is served though the one before was cancelled; a statement that fails fails its own questions alone."""
    failing = True

    async def answers(keys: list[Any]) -> dict[Any, Any]:
        await asyncio.sleep(0.01)
        if failing:
            raise OSError("gone")
        return {key: key for key in keys}

    line = Line(answers)
    tasks = [asyncio.create_task(line.ask(number)) for number in range(AT_ONCE + 3)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    tasks[-1].cancel()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in told[1:-1]] == [OSError] * (AT_ONCE + 1)
    failing = False
    assert await asyncio.gather(*(line.ask(number) for number in range(9))) == list(range(9))


async def test_many_requests_at_once_ask_who_they_are_in_few_statements(
    fresh: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spec C1: each is answered for itself, in as many statements as there are round trips, and a session that ended opens nothing."""
    statements: list[int] = []
    real = Database._answers

    async def counted(db: Database, sql: str, keys: list[Any]) -> dict[Any, list[Any]]:
        statements.append(len(keys))
        return await real(db, sql, keys)

    monkeypatch.setattr(Database, "_answers", counted)
    async with fresh.db.transaction(fresh.org_id) as conn:
        person = await conn.fetchval(
            "SELECT person_id FROM members WHERE org_id = $1 AND id = $2", fresh.org_id, fresh.ben.id
        )
    (place,) = await memberships(fresh.db, person)
    tokens = [await open_session(fresh.db, place) for _ in range(20)]
    ended = await open_session(fresh.db, place, now=utc_now() - timedelta(days=30))
    await close_session(fresh.db, tokens[0])
    statements.clear()
    asked = [actor_of_token(fresh.db, token, via="page", kinds=("session",)) for token in [*tokens, ended, "nobody's"]]
    told = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(each) for each in (told[0], *told[-2:])] == [Unauthenticated] * 3
    assert {each.id for each in told[1:-2]} == {fresh.ben.id}  # type: ignore[union-attr]
    assert sum(statements) == 22
    assert len(statements) <= AT_ONCE + 1
