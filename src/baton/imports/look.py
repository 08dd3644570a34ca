"""Looking through a table once: what the cells of its columns can be meant as."""

from dataclasses import dataclass, field

from baton.imports.column import DATES, Column, is_placeholder, text_of
from baton.imports.dates import readings
from baton.imports.numbers import Mark, amount, marks, money, written
from baton.imports.table import Cell, Notes, Refusal, Row, Table

_EXAMPLES = 3
Ways = frozenset[str]
ANY: Ways = frozenset(("any",))


@dataclass(slots=True)
class Seen:
    """What the cells of one column were found to be."""

    filled: int = 0
    readable: int = 0
    distinct: set[int] = field(default_factory=set)
    ways: set[Ways] = field(default_factory=set)
    """The different ways in which its dates or amounts can be meant, of those that matter."""
    examples: list[str] = field(default_factory=list)
    telling: dict[str, str] = field(default_factory=dict)
    """For a way, the first value that can be meant in no other."""
    short_numbers: int = 0


def look(table: Table, columns: list[Column], currency: str) -> tuple[int, dict[int, Seen]]:
    """How many records a table has, and what the cells of each column whose content matters were found to be."""
    seen = {column.place: Seen() for column in columns}
    looked_at = [column for column in columns if column.target in DATES | {"externalId", "value", "email"}]
    records = 0
    for row in table.rows(Notes()):
        records += 1
        if isinstance(row, Refusal):
            continue
        for column in looked_at:
            _note(seen[column.place], column, row, currency)
    return records, seen


def _note(seen: Seen, column: Column, row: Row, currency: str) -> None:
    cell = row.cells[column.place]
    text = text_of(cell)
    if not text or is_placeholder(text):
        return
    seen.filled += 1
    if column.target == "externalId":
        seen.distinct.add(hash(text))
        seen.short_numbers += text.isdigit() and len(text) < 8
    elif column.target == "email":
        seen.readable += "@" in text
    else:
        ways = _date_ways(cell) if column.target in DATES else _money_ways(cell, currency)
        seen.readable += bool(ways)
        if not ways or ways == ANY:
            return
        if len(ways) == 1 and ways not in seen.ways:
            seen.telling.setdefault(next(iter(ways)), text[:40])
        seen.ways.add(ways)
        if len(seen.examples) < _EXAMPLES and text[:40] not in seen.examples:
            seen.examples.append(text[:40])


def _date_ways(cell: Cell) -> Ways:
    """The orders in which a cell is a date, ANY where they agree on the moment; none where it is no date."""
    found = readings(cell)
    return ANY if len(found) > 1 and len(set(found.values())) == 1 else frozenset(found)


def _money_ways(cell: Cell, currency: str) -> Ways:
    """The marks with which a cell is an amount, ANY where they agree on it; none where it is no amount."""
    if not isinstance(cell, str):
        return ANY if money(cell, "point", currency) else frozenset()
    number = written(cell, currency)
    ways = marks(number, currency) if number else frozenset[Mark]()
    return ANY if number and len(ways) > 1 and amount(number, "point") == amount(number, "comma") else frozenset(ways)
