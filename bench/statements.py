"""The statements that the server sends for one request, taken from the database's own log, with their parameters."""

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import msgspec

from bench.server import Place

_PARAMETER = re.compile(r"\$(\d+) = (NULL|'(?:[^']|'')*')")
SETTLE = 0.12
"""Seconds after which the log of the database has what was sent."""
_SESSION = re.compile(r"(BEGIN|COMMIT|ROLLBACK|SET LOCAL|SET )", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as it was sent: its text, its parameters as text, and whether it was prepared."""

    sql: str
    args: tuple[str | None, ...]
    prepared: bool

    @property
    def session(self) -> bool:
        """Whether it begins, scopes or ends a transaction."""
        return _SESSION.match(self.sql) is not None


@contextlib.contextmanager
def logged(place: Place) -> Iterator[Callable[[], list[Statement]]]:
    """Log every statement of the application meanwhile; the function answers those since it was called last."""
    _set(place, {"log_statement": "all", "log_destination": "jsonlog", "log_parameter_max_length": "-1"})
    seen = {file: file.stat().st_size for file in _logs(place)}

    def read() -> list[Statement]:
        time.sleep(SETTLE)
        found: list[Statement] = []
        for file in _logs(place):
            with file.open("rb") as log:
                log.seek(seen.get(file, 0))
                lines = log.read()
            whole = lines[: lines.rfind(b"\n") + 1]
            seen[file] = seen.get(file, 0) + len(whole)
            found += [said for line in whole.splitlines() if (said := _statement(msgspec.json.decode(line)))]
        return found

    try:
        time.sleep(SETTLE)
        yield read
    finally:
        _set(place, {"log_statement": None, "log_destination": None, "log_parameter_max_length": None})


async def of(read: Callable[[], list[Statement]], act: Callable[[], Awaitable[object]]) -> list[Statement]:
    """The statements of one request; `act` is done once before, so that everything is prepared already."""
    for _ in range(8):
        await act()
    read()
    await act()
    return read()


def _logs(place: Place) -> list[Path]:
    pointer = place.folder / "postgres.at"
    cluster = place.folder / "postgres" if not pointer.exists() else Path(pointer.read_text().strip())
    return sorted((cluster / "log").glob("*.json"))


def _set(place: Place, values: dict[str, str | None]) -> None:
    async def change() -> None:
        root = await asyncpg.connect(place.root())
        for name, value in values.items():
            await root.execute(
                f"ALTER SYSTEM RESET {name}" if value is None else f"ALTER SYSTEM SET {name} = '{value}'"
            )
        await root.execute("SELECT pg_reload_conf()")
        await root.close()

    thread = threading.Thread(target=lambda: asyncio.run(change()))
    thread.start()
    thread.join()


def _statement(line: dict[str, object]) -> Statement | None:
    message = str(line.get("message", ""))
    if line.get("user") != "baton_app":
        return None
    if message.startswith("statement: "):
        return Statement(message[11:], (), prepared=False)
    if message.startswith("execute "):
        detail = str(line.get("detail") or "")
        found = {int(n): None if v == "NULL" else v[1:-1].replace("''", "'") for n, v in _PARAMETER.findall(detail)}
        args = tuple(found.get(n) for n in range(1, max(found, default=0) + 1))
        return Statement(message.partition(": ")[2], args, prepared=True)
    return None
