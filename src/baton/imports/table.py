"""A table as it stands in a file: headers, rows with the line each began on, and what was noticed on the way."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

Cell = str | int | float | bool | date | datetime | list[Any] | None
"""What a cell may hold: text from CSV; numbers, truth values, dates and lists where the file itself has types."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a file may be before it is refused; sizes in bytes or characters as named."""

    file_bytes: int = 2_000_000_000
    whole_bytes: int = 64_000_000
    """Of a file that has to be held in memory as a whole (JSON, XLSX)."""
    unpacked_bytes: int = 300_000_000
    columns: int = 1_000
    cell_chars: int = 100_000
    record_chars: int = 1_000_000
    rows: int = 2_000_000
    sheet_cells: int = 5_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One record: the line of the file it begins on (counted from 1) and a cell for every header."""

    line: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that is left out: its line, the reason in plain words, and its cells as far as they could be read."""

    line: int
    reason: str
    cells: tuple[Cell, ...] = ()


@dataclass(slots=True)
class Notes:
    """What was noticed on the way, counted, each with the line where it was first seen."""

    seen: dict[str, tuple[int, int | None]] = field(default_factory=dict)

    def add(self, text: str, line: int | None = None, times: int = 1) -> None:
        """Count `text`; the first line that it is noted for stays."""
        count, first = self.seen.get(text, (0, line))
        self.seen[text] = (count + times, first)

    def sentences(self) -> list[str]:
        """Everything noted, as sentences: `text (338 times, first on line 24)`."""
        return [_sentence(text, count, first) for text, (count, first) in self.seen.items()]


def _sentence(text: str, count: int, first: int | None) -> str:
    if first is None:
        return text
    return f"{text} (line {first})" if count == 1 else f"{text} ({count:,} times, first on line {first})"


@dataclass(frozen=True, slots=True)
class Table:
    """A file opened for reading: its rows can be read any number of times, one at a time.

    `encoding` and `delimiter` are those that were recognised (None where the format has none).
    """

    name: str
    format: str
    headers: tuple[str, ...]
    read: Callable[[Notes], Iterator[Row | Refusal]]
    encoding: str | None = None
    delimiter: str | None = None
    warnings: tuple[str, ...] = ()

    def rows(self, notes: Notes | None = None) -> Iterator[Row | Refusal]:
        """The records in the order of the file; what is noticed while reading goes to `notes`."""
        return self.read(notes if notes is not None else Notes())


MAX_HEADER = 90


def distinct(headers: list[str]) -> tuple[str, ...]:
    """Headers made unique and short enough for a field's name: a blank one is named by its place, a repeated one gets
    a number ("Phone (2)").
    """
    names: list[str] = []
    taken: set[str] = set()
    copies: dict[str, int] = {}
    for place, header in enumerate(headers, start=1):
        wanted = " ".join(header.split())[:MAX_HEADER] or f"column {place}"
        name, copy = wanted, copies.get(wanted, 2)
        while name.casefold() in taken:
            name, copy = f"{wanted} ({copy})", copy + 1
        copies[wanted] = copy
        taken.add(name.casefold())
        names.append(name)
    return tuple(names)
