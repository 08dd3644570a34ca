"""Group commit: concurrent calls of one operation by one actor share a transaction, each answered after its own commit.

While a group commits the next calls queue; nobody waits to fill a group. What the database refuses for a group is run
again call by call, so that one bad call fails alone.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from uuid import UUID
from weakref import WeakKeyDictionary

import msgspec

from baton.kernel.actor import Actor
from baton.kernel.db import Database
from baton.kernel.values import new_id

MOST = 128
AT_ONCE = 2
"""So many groups of one line are under way: while one commits the next is being made."""


class Call(msgspec.Struct, eq=False):
    """A call that waits for its group: its input, its operation's id, and who waits for the answer."""

    input: Any
    answer: "asyncio.Future[Any]"
    operation_id: UUID

    def answered(self, answer: Any) -> None:
        """Tell who waits what became of the call; an error is raised there."""
        if self.answer.done():
            return
        if isinstance(answer, BaseException):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


Run: TypeAlias = Callable[[list[Call]], Awaitable[None]]
"""Does a group of calls and sets the answer, or the error, of each."""


class _Line:
    """The calls that wait, and how many groups are under way."""

    __slots__ = ("under_way", "waiting")

    def __init__(self) -> None:
        self.waiting: list[Call] = []
        self.under_way = 0


_lines: WeakKeyDictionary[Database, dict[tuple[str, Actor], _Line]] = WeakKeyDictionary()
_tasks: set[asyncio.Task[None]] = set()


async def join(db: Database, actor: Actor, name: str, input: Any, run: Run) -> Any:
    """Have a call done with those that wait beside it; answers its own result, or raises its own error."""
    lines = _lines.setdefault(db, {})
    line = lines.setdefault((name, actor), _Line())
    call = Call(input, asyncio.get_running_loop().create_future(), new_id())
    line.waiting.append(call)
    if line.under_way < AT_ONCE:
        line.under_way += 1
        task = asyncio.create_task(_serve(lines, (name, actor), line, run), name=f"group {name}")
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)
    return await call.answer


async def _serve(lines: dict[tuple[str, Actor], _Line], key: tuple[str, Actor], line: _Line, run: Run) -> None:
    try:
        while line.waiting:
            calls, line.waiting = line.waiting[:MOST], line.waiting[MOST:]
            await answering(calls, run)
    finally:
        line.under_way -= 1
        if not line.under_way and not line.waiting:
            lines.pop(key, None)


async def answering(calls: list[Call], run: Run) -> None:
    """Do calls; what stops them is the answer of each that has none."""
    try:
        await run(calls)
    except BaseException as error:
        for call in calls:
            call.answered(error)
        if not isinstance(error, Exception):
            raise


def waiting(db: Database) -> int:
    """How many lines of calls wait or are under way."""
    return len(_lines.get(db, {}))
