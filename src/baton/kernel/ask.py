"""Asking together: questions of one kind that come while others are under way share the next statement.

Each is answered by a statement that began after it was asked, so that what was revoked a moment before is revoked here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeAlias

MOST = 256
AT_ONCE = 2
"""So many statements of one kind are under way; a question that finds fewer does not wait."""

Answers: TypeAlias = Callable[[list[Any]], Awaitable[dict[Any, Any]]]
"""Asks for several keys in one statement: what is known of each, nothing of a key that is not known."""


class Line:
    """The questions of one kind: which wait, by key, and how many statements are under way."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._waiting: dict[Hashable, list[asyncio.Future[Any]]] = {}
        self._under_way = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, key: Hashable) -> Any:
        """What is known of a key, None where nothing is. Raises what its statement raises."""
        if self._under_way < AT_ONCE:
            self._under_way += 1
            try:
                return (await self._answers([key])).get(key)
            finally:
                self._next()
        asked: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(asked)
        return await asked

    def _next(self) -> None:
        """A statement ended: those who wait are asked for in the next one."""
        if not self._waiting:
            self._under_way -= 1
            return
        keys = list(self._waiting)[:MOST]
        task = asyncio.create_task(self._serve({key: self._waiting.pop(key) for key in keys}))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, asked: dict[Hashable, list[asyncio.Future[Any]]]) -> None:
        try:
            known = await self._answers(list(asked))
        except BaseException as error:
            for waiting in asked.values():
                for each in waiting:
                    if not each.done():
                        each.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            for key, waiting in asked.items():
                for each in waiting:
                    if not each.done():
                        each.set_result(known.get(key))
        finally:
            self._next()
