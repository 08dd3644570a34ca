"""Which column of a table becomes which field of a lead: by its header, and confirmed by what is in it."""

from dataclasses import dataclass, field, replace

from baton.imports import headers as names
from baton.imports.dates import ORDERS, Order, readings
from baton.imports.headers import SEVERAL, System, Target
from baton.imports.numbers import Mark, amount, marks, money, written
from baton.imports.options import IGNORE, KEEP, ColumnUse, Options, Question, checked
from baton.imports.table import Cell, Notes, Refusal, Row, Table

DATES: frozenset[Target] = frozenset(("createdAt", "lastActivityAt", "expectedCloseDate"))
_PLACEHOLDERS = frozenset(
    ("select", "-", "--", "n/a", "#n/a", "null", "none", "nan", "undefined", "(blank)", "(not set)", "not provided")
)
_EXAMPLES = 3
Ways = frozenset[str]
ANY: Ways = frozenset(("any",))
REASON_HEADERS = ("Not imported: line", "Not imported: why")
"""The columns added to refused rows; when those come back mended, these two are passed over."""


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


@dataclass(frozen=True, slots=True)
class Plan:
    """How the rows of a table become leads, what has to be asked, and how many records there are."""

    system: System | None
    columns: tuple[Column, ...]
    questions: tuple[Question, ...]
    warnings: tuple[str, ...]
    records: int
    labels: tuple[Column, ...] = ()
    """Columns of further ids, which can name a lead that has no name."""

    @property
    def exact(self) -> bool:
        """Whether the values are ours, and are taken as they stand."""
        return self.system is not None and self.system.exact


@dataclass(slots=True)
class _Seen:
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


def plan(table: Table, options: Options, currency: str) -> Plan:
    """Decide on every column, reading the table once. `currency` is the organization's (ISO 4217).

    Raises Invalid for a mapping that names no column or field.
    """
    system, guesses = names.recognise(table.headers)
    wanted = checked(options.mapping, table.headers)
    columns = [
        _column(place, header, guesses[place], wanted.get(header), system) for place, header in enumerate(table.headers)
    ]
    records, seen = _look(table, columns, currency)
    warnings: list[str] = []
    questions: list[Question] = []
    if system is not None and system.exact:
        return Plan(system, tuple(columns), (), (), records)
    confirmed = [_confirmed(column, seen[column.place], options, questions, warnings) for column in columns]
    final = _one_each(confirmed)
    labels = tuple(
        now for now, was in zip(final, confirmed, strict=True) if was.target == "externalId" and now.target is None
    )
    return Plan(system, tuple(final), tuple(questions), tuple(warnings), records, labels)


def _column(
    place: int, header: str, guess: tuple[Target, int] | None, wanted: str | None, system: System | None
) -> Column:
    passed_over = header in REASON_HEADERS or (system is not None and names.key(header) in system.passed_over)
    if wanted == IGNORE or (wanted is None and passed_over):
        return Column(place, header, chosen=True, ignored=True)
    if wanted == KEEP:
        return Column(place, header, chosen=True)
    if wanted is not None:
        return Column(place, header, next(target for target in names.TARGETS if target == wanted), -2, chosen=True)
    exact = system is not None and system.exact
    return Column(place, header, *guess, chosen=exact) if guess else Column(place, header)


def _look(table: Table, columns: list[Column], currency: str) -> tuple[int, dict[int, _Seen]]:
    seen = {column.place: _Seen() for column in columns}
    looked_at = [column for column in columns if column.target in DATES | {"externalId", "value", "email"}]
    records = 0
    for row in table.rows(Notes()):
        records += 1
        if isinstance(row, Refusal):
            continue
        for column in looked_at:
            _note(seen[column.place], column, row, currency)
    return records, seen


def _note(seen: _Seen, column: Column, row: Row, currency: str) -> None:
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


def _confirmed(column: Column, seen: _Seen, options: Options, questions: list[Question], warnings: list[str]) -> Column:
    """The column as its content allows: its order and mark known, or its target given up."""
    if column.target is None or not seen.filled:
        return column
    unmapped = replace(column, target=None)
    if column.target == "externalId" and not column.chosen:
        return _identifying(column, seen, unmapped, warnings)
    if column.target == "email" and not column.chosen and seen.readable * 10 < seen.filled:
        return unmapped
    if column.target not in DATES | {"value"}:
        return column
    if not column.chosen and seen.readable * 2 < seen.filled:
        return unmapped
    is_date = column.target in DATES
    choices: tuple[str, ...] = ORDERS if is_date else ("point", "comma")
    answer = options.date_order if is_date else options.decimal_mark
    chosen = _one_way(column, seen, choices, answer, warnings)
    if chosen is None:
        possible = [way for way in choices if any(way in ways for ways in seen.ways)]
        asks = Question(
            column=column.header,
            asks="dateOrder" if is_date else "decimalMark",
            choices=possible,
            examples=seen.examples,
        )
        questions.append(asks)
        return unmapped
    if is_date:
        return replace(column, order=next(order for order in ORDERS if order == chosen))
    return replace(column, mark="comma" if chosen == "comma" else "point")


def _one_way(
    column: Column, seen: _Seen, choices: tuple[str, ...], answer: str | None, warnings: list[str]
) -> str | None:
    """The one way that fits every value that can be read, else the person's answer, else None."""
    fitting = [way for way in choices if all(way in ways for ways in seen.ways)]
    if not seen.ways or len(fitting) == 1:
        if answer and fitting and answer not in fitting:
            warnings.append(f"{column.header}: its values can only be read as {fitting[0]}, not as {answer}")
        if fitting[0] in seen.telling:
            warnings.append(f"{column.header}: read as {fitting[0]}, as “{seen.telling[fitting[0]]}” tells")
        return answer if answer in fitting else fitting[0]
    return answer if any(answer in ways for ways in seen.ways) else None


def _identifying(column: Column, seen: _Seen, unmapped: Column, warnings: list[str]) -> Column:
    """Ids name a row only if they differ from row to row, and are more than its number in this very file."""
    if len(seen.distinct) * 10 < seen.filled * 9:
        warnings.append(
            f"{column.header}: holds the same value on several rows, so it does not identify them; it is kept as a field"
        )
        return unmapped
    if names.key(column.header) == "id" and seen.short_numbers == seen.filled:
        warnings.append(
            f"{column.header}: numbers the rows of this file only, so it does not identify them; it is kept as a field"
        )
        return unmapped
    return column


def _one_each(columns: list[Column]) -> list[Column]:
    """Where several columns would feed one field that takes one, the preferred keeps it, the others become custom fields."""
    best: dict[Target, Column] = {}
    for column in columns:
        if column.target and column.target not in SEVERAL:
            rival = best.get(column.target)
            if rival is None or column.rank < rival.rank:
                best[column.target] = column
    return [
        column
        if column.target is None or column.target in SEVERAL or best[column.target] is column
        else replace(column, target=None)
        for column in columns
    ]
