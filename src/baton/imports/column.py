"""A column of a table, what becomes of it, and its cells as text."""

from dataclasses import dataclass

from baton.imports.dates import Order
from baton.imports.headers import Target
from baton.imports.numbers import Mark
from baton.imports.options import IGNORE, KEEP, ColumnUse
from baton.imports.table import Cell

DATES: frozenset[Target] = frozenset(("createdAt", "lastActivityAt", "expectedCloseDate"))
_PLACEHOLDERS = frozenset(
    ("select", "-", "--", "n/a", "#n/a", "null", "none", "nan", "undefined", "(blank)", "(not set)", "not provided")
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column and what becomes of it. `order` and `mark` say how its dates and amounts are read."""

    place: int
    header: str
    target: Target | None = None
    rank: int = 0
    chosen: bool = False
    """Whether a person said so; then its content is not asked whether it agrees."""
    ignored: bool = False
    order: Order = "ymd"
    mark: Mark = "point"

    @property
    def kept_as(self) -> str:
        """The custom field that it becomes where no field of a lead takes it: an export of ours marks those by "field."."""
        return self.header.removeprefix("field.").removeprefix("fields.")

    @property
    def use(self) -> ColumnUse:
        """What it becomes, in words."""
        return ColumnUse(header=self.header, becomes=IGNORE if self.ignored else self.target or KEEP)


def text_of(cell: Cell) -> str:
    """A cell as text without blanks around it; placeholders such as "Select" and "n/a" stay."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return str(cell).strip()


def is_placeholder(text: str) -> bool:
    """Whether a text only says that nothing was filled in."""
    return text.casefold() in _PLACEHOLDERS
