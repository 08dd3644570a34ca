"""What a person may decide about an import, and what they are told of it."""

from typing import Annotated, Literal, get_args
from uuid import UUID

import msgspec
from msgspec import Meta

from baton.imports.dates import ORDERS, Order
from baton.imports.headers import TARGETS
from baton.imports.numbers import Mark
from baton.kernel.errors import Invalid
from baton.kernel.operation import Output
from baton.kernel.shapes import CurrencyCode
from baton.kernel.values import Ref, fold

OnDuplicate = Literal["skip", "update", "fill"]
"""What a row does to a lead that is in already: nothing, set what it says, or set only what the lead does not know yet."""
KEEP = "keep"
IGNORE = "ignore"


class Options(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """How to read a file. Everything may be left out: it is then found out, or asked where it is ambiguous.

    `pipeline` is a name, id or external id (the intake, if none); `mapping` is header → field, "keep" (a custom field
    under the header's name) or "ignore"; `region` is an ISO 3166 country whose phone numbers need no prefix.
    """

    pipeline: Ref | None = None
    on_duplicate: OnDuplicate = "skip"
    mapping: dict[str, str] = {}
    date_order: Order | None = None
    decimal_mark: Mark | None = None
    currency: CurrencyCode | None = None
    source: str | None = None
    region: Annotated[str, Meta(max_length=10)] | None = None
    encoding: Annotated[str, Meta(max_length=100)] | None = None
    delimiter: Annotated[str, Meta(max_length=100)] | None = None
    sheet: Annotated[str, Meta(max_length=100)] | None = None


class Named(Output, kw_only=True):
    """A row that is not in, by its line, and why."""

    line: int
    reason: str


class Question(Output, kw_only=True):
    """A column that can be read in several ways. Until it is answered its text is kept as it is."""

    column: str
    asks: Literal["dateOrder", "decimalMark"]
    choices: list[str]
    examples: list[str]


class ColumnUse(Output, kw_only=True):
    """What a column becomes: a field of the lead, a custom field ("keep"), or nothing ("ignore")."""

    header: str
    becomes: str


class Example(Output, kw_only=True):
    """A row and what becomes of it."""

    line: int
    outcome: Literal["created", "updated", "duplicate"]
    name: str | None
    company_name: str | None
    email: str | None


class ImportReport(Output, kw_only=True):
    """What became of a file: every row is created, updates a lead, is a duplicate (named in `repeated`), or is refused.

    A preview (`dryRun`) tells what would become of it, with examples. The four counts together are `rows`.
    """

    file: str
    format: str
    pipeline: str
    dry_run: bool
    encoding: str | None = None
    delimiter: str | None = None
    system: str | None = None
    operation_id: UUID | None = None
    rows: int = 0
    created: int = 0
    updated: int = 0
    duplicates: int = 0
    refused: list[Named] = []
    repeated: list[Named] = []
    examples: list[Example] = []
    columns: list[ColumnUse] = []
    questions: list[Question] = []
    warnings: list[str] = []


def mapping_from(pairs: list[str]) -> dict[str, str]:
    """`["Header=field", …]` as a mapping; the last "=" divides, so headers may hold one. Raises Invalid."""
    mapping: dict[str, str] = {}
    for pair in pairs:
        header, mark, field = pair.rpartition("=")
        if not mark or not header.strip():
            raise Invalid(f"“{pair}” is not of the form “Header=field”.", field="map")
        mapping[header.strip()] = field.strip() or IGNORE
    return mapping


def checked(mapping: dict[str, str], headers: tuple[str, ...]) -> dict[str, str]:
    """The mapping by the table's own spelling of its headers. Raises Invalid for a header or field that does not exist."""
    by_fold = {fold(header): header for header in headers}
    found: dict[str, str] = {}
    for header, field in mapping.items():
        if fold(header) not in by_fold:
            raise Invalid(f"The file has no column “{header}”; it has: {', '.join(headers)[:500]}.", field="map")
        if field not in (*TARGETS, KEEP, IGNORE):
            raise Invalid(
                f"“{field}” is no field of a lead; the fields are: {', '.join((*TARGETS, KEEP, IGNORE))}.", field="map"
            )
        found[by_fold[fold(header)]] = field
    return found


def check_choices(options: Options) -> None:
    """Raise Invalid for an order of dates, a decimal mark or a way with duplicates that does not exist."""
    if options.on_duplicate not in get_args(OnDuplicate):
        raise Invalid("A lead that is in already is one of: skip, update, fill.", field="onDuplicate")
    if options.date_order not in (None, *ORDERS):
        raise Invalid(f"The order of dates is one of: {', '.join(ORDERS)}.", field="dateOrder")
    if options.decimal_mark not in (None, *get_args(Mark)):
        raise Invalid("The decimal mark is “point” or “comma”.", field="decimalMark")
