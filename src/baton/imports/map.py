"""Which column of a table becomes which field of a lead: by its header, and confirmed by what is in it."""

import re
from dataclasses import dataclass, replace

from baton.imports import headers as names
from baton.imports.column import DATES, Column
from baton.imports.dates import ORDERS
from baton.imports.headers import SEVERAL, System, Target
from baton.imports.look import Seen, look
from baton.imports.options import IGNORE, KEEP, Options, Question, checked
from baton.imports.table import Table
from baton.kernel.errors import Invalid

_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
REASON_HEADERS = ("Not imported: line", "Not imported: why")
"""The columns added to refused rows; when those come back mended, these two are passed over."""


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


def plan(table: Table, options: Options, currency: str) -> Plan:
    """Decide on every column, reading the table once. `currency` is the organization's (ISO 4217).

    Raises Invalid for a mapping that names no column or field.
    """
    system, guesses = names.recognise(table.headers)
    _must_be_headers(table.headers, options)
    wanted = checked(options.mapping, table.headers)
    columns = [
        _column(place, header, guesses[place], wanted.get(header), system) for place, header in enumerate(table.headers)
    ]
    records, seen = look(table, columns, currency)
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


def _must_be_headers(headers: tuple[str, ...], options: Options) -> None:
    """Raise Invalid where the first line is a lead, not the names of columns; a mapping that names it knows better."""
    lead = next((header for header in headers if _ADDRESS.fullmatch(header)), None)
    if lead is not None and not options.mapping:
        raise Invalid(
            f"The first line holds “{lead[:80]}”: it looks like a lead, not like names of columns. "
            "Put a line above it that names them, such as: Name, Email, Phone."
        )


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


def _confirmed(column: Column, seen: Seen, options: Options, questions: list[Question], warnings: list[str]) -> Column:
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
    column: Column, seen: Seen, choices: tuple[str, ...], answer: str | None, warnings: list[str]
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


def _identifying(column: Column, seen: Seen, unmapped: Column, warnings: list[str]) -> Column:
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
