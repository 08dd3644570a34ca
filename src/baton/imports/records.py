"""A delimited text cut into records, each with its line; what cannot be read is named and the next one goes on."""

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TextIO

from baton.imports.table import Limits, Notes, Refusal

NUL_REMOVED = "NUL characters were removed"
_RETRIES = 50
"""So often a quote that never closes is forgiven by reading on after its line; beyond it, the lines go with it."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the csv module has to be told, and how many lines stand above the header."""

    delimiter: str = ","
    quote: str = '"'
    escape: str | None = None
    skip_blanks: bool = False
    above: int = 0


def lines_of(text: TextIO, limits: Limits, notes: Notes) -> Iterator[str]:
    """The physical lines of a text, none longer than one character above `record_chars`; NULs are dropped."""
    longest = limits.record_chars + 1
    number = 0
    while line := text.readline(longest):
        number += 1
        if len(line) == longest and line[-1] not in "\r\n":
            while (rest := text.readline(longest)) and rest[-1] not in "\r\n":
                pass
        if "\0" in line:
            notes.add(NUL_REMOVED, number)
            line = line.replace("\0", "")
        yield line or "\n"


class _Feed:
    """Hands lines to the csv module for one record, and knows whether it asked for more than there is."""

    def __init__(self, source: "_Source", most: int) -> None:
        self.source = source
        self.most = most
        self.taken: list[str] = []
        self.starved = False

    def __iter__(self) -> Iterator[str]:
        chars = 0
        while True:
            line = self.source.take() if chars <= self.most else None
            if line is None:
                self.starved = True
                return
            self.taken.append(line)
            chars += len(line)
            yield line


class _Source:
    """Lines with their numbers, which can be given back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines = lines
        self.returned: deque[str] = deque()
        self.number = 0

    def take(self) -> str | None:
        line = self.returned.popleft() if self.returned else next(self.lines, None)
        if line is not None:
            self.number += 1
        return line

    def give_back(self, lines: list[str]) -> None:
        self.returned.extendleft(reversed(lines))
        self.number -= len(lines)


def records(lines: Iterator[str], dialect: Dialect, limits: Limits) -> Iterator[tuple[int, list[str]] | Refusal]:
    """Every record as (line, cells), or a Refusal naming the line and why it cannot be read."""
    source = _Source(lines)
    retries = _RETRIES
    while (line := source.take()) is not None:
        number = source.number
        if len(line) > limits.record_chars:
            yield Refusal(number, f"The line is longer than {limits.record_chars:,} characters")
        elif dialect.quote not in line and (dialect.escape is None or dialect.escape not in line):
            yield _within(number, line.rstrip("\r\n").split(dialect.delimiter), limits)
        else:
            source.give_back([line])
            feed = _Feed(source, limits.record_chars)
            record = _quoted(feed, number, dialect)
            if isinstance(record, Refusal):
                if retries:
                    retries -= 1
                    source.give_back(feed.taken[1:])
                elif source.number > number:
                    record = replace(record, reason=f"{record.reason}; the lines up to {source.number} go with it")
                yield record
            else:
                yield _within(number, record, limits)


def _within(number: int, cells: list[str], limits: Limits) -> tuple[int, list[str]] | Refusal:
    longest = max(map(len, cells), default=0)
    if longest > limits.cell_chars:
        return Refusal(number, f"A cell holds {longest:,} characters; {limits.cell_chars:,} are the most")
    return number, cells


def _quoted(feed: _Feed, number: int, dialect: Dialect) -> list[str] | Refusal:
    try:
        cells = next(_reader(iter(feed), dialect), [])
    except csv.Error as error:
        if "field limit" in str(error):
            return Refusal(number, "A cell is too long, or a quote opens here that is never closed")
        try:
            cells = next(_reader(iter([_one_line(line) for line in feed.taken]), dialect), [])
        except csv.Error:
            return Refusal(number, "Its quotes cannot be read")
    if feed.starved:
        return Refusal(number, "A quote opens here and is never closed", (feed.taken[0].rstrip("\r\n")[:200],))
    return cells


def _one_line(line: str) -> str:
    """A line whose carriage returns are no ends of lines."""
    return line.rstrip("\r\n").replace("\r", " ") + "\n"


def _reader(lines: Iterator[str], dialect: Dialect) -> Iterator[list[str]]:
    return csv.reader(
        lines,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        escapechar=dialect.escape,
        skipinitialspace=dialect.skip_blanks,
    )


def unwrapped(cells: list[str], dialect: Dialect) -> list[str] | None:
    """The cells of a record that was wrapped in quotes once more as a whole, or None where this is no such record."""
    if len(cells) != 1 or dialect.delimiter not in cells[0]:
        return None
    try:
        inner = next(_reader(iter([cells[0]]), dialect), [])
    except csv.Error:
        return None
    return inner if len(inner) > 1 else None
