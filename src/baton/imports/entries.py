"""The rows of a table one by one: each a lead to make or update, or left out for a reason."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from baton.imports.shape import Shape
from baton.imports.table import Cell, Notes, Refusal, Table
from baton.leads.create import NewLead

CHUNK = 1_000
FIRST = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """A row by its number in the file (from 1) and its line. Without a lead it is refused, or repeats an earlier row."""

    number: int
    line: int
    lead: NewLead | None = None
    identity: str = ""
    refused: bool = False
    reason: str | None = None
    cells: tuple[Cell, ...] = ()


def chunks(table: Table, shape: Shape, notes: Notes, *, after: int = 0) -> Iterator[list[Entry]]:
    """The entries of a table behind the first `after` rows, 1,000 at a time; the first are fewer, so that writing begins soon."""
    found = _entries(table, shape, notes, after)
    size = min(FIRST, CHUNK)
    while chunk := list(itertools.islice(found, size)):
        yield chunk
        size = CHUNK


def _entries(table: Table, shape: Shape, notes: Notes, after: int) -> Iterator[Entry]:
    seen: dict[str, int] = {}
    for number, row in enumerate(table.rows(notes), start=1):
        result = row if isinstance(row, Refusal) else shape.lead(row, notes)
        if isinstance(result, Refusal):
            if number > after:
                yield Entry(number, row.line, refused=True, reason=result.reason, cells=result.cells or row.cells)
            continue
        lead, identity = result
        earlier = seen.setdefault(identity, row.line)
        if number <= after:
            continue
        if earlier == row.line:
            yield Entry(number, row.line, lead, identity, cells=row.cells)
        else:
            yield Entry(number, row.line, reason=f"It repeats line {earlier}: {same(lead, identity)}")


def same(lead: NewLead, identity: str) -> str:
    """What two rows share that makes them one lead."""
    if identity.startswith("row:"):
        return "the same name, company and phone, or the same in every cell"
    return f"the same id, {lead.external_id}" if lead.external_id else f"the same e-mail, {lead.email}"
