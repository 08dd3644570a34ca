"""Group commit: concurrent calls of one operation in one organization share a transaction, each answered after its own commit.

While a group commits the next calls queue; nobody waits to fill a group. What the database refuses for a group is run
again call by call, so that one bad call fails alone.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias
from uuid import UUID
from weakref import WeakKeyDictionary

from baton.kernel.actor import Actor
from baton.kernel.db import Database
from baton.kernel.operation import Asked
from baton.kernel.values import new_id

MOST = 128
OF_A_LINE, OF_ALL = 2, 3
"""So many groups of one line, and of all lines, are under way: while some commit the next grow. A line that waits for a lock
leaves room for the others.
"""


class Call(Asked, eq=False):
    """A call that waits for its group, and who waits for the answer."""

    answer: "asyncio.Future[Any]"

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


Key: TypeAlias = tuple[str, UUID]


class _Line:
    """The calls that wait, how many groups are under way, and what does them."""

    __slots__ = ("run", "under_way", "waiting")

    def __init__(self, run: Run) -> None:
        self.waiting: list[Call] = []
        self.under_way = 0
        self.run = run


class _Lines:
    """The lines of one database. Whoever waits longest has the next group."""

    __slots__ = ("by_key", "under_way")

    def __init__(self) -> None:
        self.by_key: OrderedDict[Key, _Line] = OrderedDict()
        self.under_way = 0

    def next(self) -> tuple[Key, _Line] | None:
        """The line whose turn it is, put behind the others."""
        for key, line in self.by_key.items():
            if line.waiting and line.under_way < OF_A_LINE:
                self.by_key.move_to_end(key)
                return key, line
        return None


_lines: WeakKeyDictionary[Database, _Lines] = WeakKeyDictionary()
_tasks: set[asyncio.Task[None]] = set()


async def join(db: Database, actor: Actor, name: str, input: Any, run: Run) -> Any:
    """Have a call done with those that wait beside it; answers its own result, or raises its own error."""
    lines = _lines.setdefault(db, _Lines())
    line = lines.by_key.setdefault((name, actor.org_id), _Line(run))
    call = Call(actor, input, new_id(), asyncio.get_running_loop().create_future())
    line.waiting.append(call)
    if lines.under_way < OF_ALL and line.under_way < OF_A_LINE:
        lines.under_way += 1
        beside(_serve(lines))
    return await call.answer


def beside(work: Coroutine[Any, Any, None]) -> None:
    """Let some work go on by itself."""
    task = asyncio.create_task(work)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def _serve(lines: _Lines) -> None:
    """Do groups, line by line, until nobody waits."""
    try:
        while found := lines.next():
            key, line = found
            calls, line.waiting = line.waiting[:MOST], line.waiting[MOST:]
            line.under_way += 1
            try:
                await answering(calls, line.run)
            finally:
                line.under_way -= 1
                if not line.under_way and not line.waiting:
                    lines.by_key.pop(key, None)
    finally:
        lines.under_way -= 1


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
    lines = _lines.get(db)
    return len(lines.by_key) if lines else 0
