"""The cells of one row by the field they mean: what is understood is struck off, what remains is kept as it stood."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, TypeVar

from baton.fields.definition import Definition
from baton.fields.values import one
from baton.imports.column import Column, is_placeholder, text_of
from baton.imports.dates import readings
from baton.imports.headers import Target
from baton.imports.map import Plan
from baton.imports.table import Cell, Notes, Row
from baton.kernel.errors import Invalid
from baton.kernel.values import fold

T = TypeVar("T")
Defined = Mapping[str, Definition]
"""The organization's own fields by their folded labels and keys."""


class Cells:
    """One row. `kept` holds, by header, whatever no field has taken: it ends as the lead's custom fields."""

    def __init__(self, plan: Plan, row: Row, notes: Notes, defined: Defined) -> None:
        self.exact = plan.exact
        self.row = row
        self.notes = notes
        self.kept: dict[str, Any] = {}
        self._columns: dict[Target, list[Column]] = {}
        for column in plan.columns:
            cell = row.cells[column.place]
            if column.ignored or cell is None or not (text := text_of(cell)):
                continue
            if column.target and not self.exact and is_placeholder(text):
                notes.add(f"{column.header}: “{text}” was read as empty", row.line)
                continue
            if column.target:
                self.kept[column.header] = _plain(cell)
                self._columns.setdefault(column.target, []).append(column)
            elif (definition := defined.get(fold(column.kept_as))) is not None:
                self._keep_defined(column, definition, cell)
            else:
                self.kept[column.kept_as] = _plain(cell)
        for columns in self._columns.values():
            columns.sort(key=lambda column: column.rank)

    def _keep_defined(self, column: Column, definition: Definition, cell: Cell) -> None:
        """A cell of one of the organization's own fields in the field's form; else as text, under another name than the field's."""
        try:
            value = _day(cell) if definition.type == "date" else _plain(cell)
            self.kept[definition.key] = one(definition, value)
        except Invalid as error:
            self.note(column, f"{error.message.rstrip('.')}: what is not is kept as text")
            name = column.kept_as if column.kept_as != definition.key else f"{column.kept_as} (as imported)"
            self.kept[name] = _plain(cell)

    def columns(self, target: Target) -> list[Column]:
        """The columns of a field that hold something, the preferred first."""
        return self._columns.get(target, [])

    def note(self, column: Column, text: str) -> None:
        """Note something about a column, with the row's line."""
        self.notes.add(f"{column.header}: {text}", self.row.line)

    def strike(self, column: Column) -> None:
        """A column was understood in full: it need not be kept."""
        self.kept.pop(column.header, None)

    def every(self, target: Target, read: Callable[[Cell, Column], T | None], what: str) -> list[T]:
        """What the columns of a field say; those that `read` does not understand are noted and kept."""
        found: list[T] = []
        for column in self.columns(target):
            value = read(self.row.cells[column.place], column)
            if value is None:
                self.note(column, f"not understood as {what}, kept as text")
            else:
                self.strike(column)
                found.append(value)
        return found

    def first(self, target: Target, read: Callable[[Cell, Column], T | None], what: str) -> T | None:
        """What the first column of a field that can be understood says; later ones stay as they are."""
        for column in self.columns(target):
            value = read(self.row.cells[column.place], column)
            if value is not None:
                self.strike(column)
                return value
            self.note(column, f"not understood as {what}, kept as text")
        return None

    def text(self, target: Target, longest: int) -> str | None:
        """The text of a field, its blanks made single unless it is long; one beyond `longest` characters is kept instead."""

        def read(cell: Cell, column: Column) -> str | None:
            text = text_of(cell)
            return text if len(text) <= longest else None

        return self.first(target, read, f"a text of at most {longest:,} characters")

    def peek(self, target: Target) -> str:
        """The text of a field's first column, which stays kept; "" where there is none."""
        columns = self.columns(target)
        return text_of(self.row.cells[columns[0].place]) if columns else ""


def _day(cell: Cell) -> Any:
    """A day in ISO 8601 where the cell can be read as one day only, else what it holds."""
    found = {moment.date() for moment in readings(cell).values()}
    return next(iter(found)).isoformat() if len(found) == 1 else _plain(cell)


def _plain(cell: Cell) -> Any:
    """A cell as JSON holds it."""
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    return cell.strip() if isinstance(cell, str) else cell
