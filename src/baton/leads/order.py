"""The orders in which leads are listed: by any column of the list, or by a custom field. Spec A10."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from msgspec import Meta

from baton.fields import definition as definitions
from baton.kernel.conditions import Field
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid

_Moment = Annotated[datetime, Meta(tz=True)]
_Small = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
_Large = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_LAST_LETTER = "chr(1114111)"


@dataclass(frozen=True, slots=True)
class Indexed:
    """A column with an index of its own: what stands in it, the tests for leads with a value and without one, and the value itself."""

    sql: str
    has: str
    lacks: str
    value: str


@dataclass(frozen=True, slots=True)
class Order:
    """An order of leads `l`: its SQL, never null, and the Python type of its values, for cursors.

    With `indexed` an index walks the leads that have a value, and another those that have none: at any depth as fast as at the first page.
    """

    sql: str
    type: Any
    indexed: Indexed | None = None


@dataclass(frozen=True, slots=True)
class _Column:
    """A column to sort by: its SQL, its type, and what stands before and after every value."""

    sql: str
    type: Any
    least: str
    greatest: str


def _moment(sql: str) -> _Column:
    return _Column(sql, _Moment, "'0001-01-02T00:00:00Z'::timestamptz", "'9999-12-30T00:00:00Z'::timestamptz")


def _text(sql: str) -> _Column:
    return _Column(f'({sql}) COLLATE "C"', str, "''", _LAST_LETTER)


def _small(sql: str) -> _Column:
    return _Column(sql, _Small, "-1", "2147483647")


def _day(sql: str) -> _Column:
    return _Column(sql, date, "'0001-01-02'::date", "'9999-12-30'::date")


_OWNER = "SELECT search_fold(m.name) FROM members m WHERE m.org_id = l.org_id AND m.id = l.owner_id"
_STAGE = "(SELECT s.position FROM stages s WHERE s.org_id = l.org_id AND s.id = l.stage_id)"
_COLUMNS: Mapping[str, _Column] = {
    "createdAt": _moment("l.created_at"),
    "lastActivityAt": _moment("l.last_activity_at"),
    "nextActionAt": _moment("l.next_action_at"),
    "stageEnteredAt": _moment("l.stage_entered_at"),
    "expectedCloseDate": _day("l.expected_close_date"),
    "name": _Column("l.name_key", str, "''", _LAST_LETTER),
    "companyName": _Column("l.company_key", str, "''", _LAST_LETTER),
    "email": _text("l.email_norm"),
    "owner": _text(_OWNER),
    "source": _text("l.source"),
    "stage": _small(_STAGE),
    "score": _small("l.score"),
    "valueCents": _Column("l.value_cents", _Large, "-1", "9223372036854775807"),
}


def _nullable(sql: str) -> Indexed:
    return Indexed(sql, f"{sql} IS NOT NULL", f"{sql} IS NULL", sql)


_INDEXED: Mapping[str, Indexed] = {
    "companyName": _nullable("l.company_key"),
    "expectedCloseDate": _nullable("l.expected_close_date"),
    "nextActionAt": _nullable("l.next_action_at"),
    "score": _nullable("l.score"),
    "valueCents": Indexed("l.value_key", "l.value_key >= 0", "l.value_key = -1", "l.value_cents"),
}
_NEVER_EMPTY = {"createdAt", "lastActivityAt", "stageEnteredAt", "name", "source"}
SORTS = tuple(_COLUMNS)


async def order(tx: Tx, sort: str, *, descending: bool) -> Order:
    """The order by a column (`SORTS`) or a custom field (`field.<key>`), leads without a value last either way.

    Values of different currencies stand in the order of their minor units. Raises Invalid for anything else.
    """
    column, indexed = _COLUMNS.get(sort), _INDEXED.get(sort)
    if column is None:
        column, indexed = await _custom(tx, sort)
    if sort in _NEVER_EMPTY:
        return Order(column.sql, column.type)
    return Order(f"coalesce({column.sql}, {column.least if descending else column.greatest})", column.type, indexed)


async def _custom(tx: Tx, sort: str) -> tuple[_Column, Indexed | None]:
    if sort.startswith("field."):
        for definition in await definitions.read(tx):
            if definition.key == sort[6:]:
                field = definitions.indexed_column(definition)
                # Text stands in its folded order, which its plain column does not have.
                walked = (
                    _nullable(field.sql) if definition.indexed and field.type in ("integer", "number", "date") else None
                )
                return _of(definitions.column(definition)), walked
    raise Invalid(f"Leads are sorted by one of: {', '.join(SORTS)}, or field.<key>.", field="sort")


def _of(field: Field) -> _Column:
    match field.type:
        case "integer":
            return _Column(field.sql, _Large, "-9223372036854775808", "9223372036854775807")
        case "number":
            return _Column(field.sql, Decimal, "-1e99::numeric", "1e99::numeric")
        case "date":
            return _day(field.sql)
        case "boolean":
            return _small(f"{field.sql}::int")
        case "tags":
            return _text(f"nullif(search_fold(array_to_string({field.sql}, ', ')), '')")
        case _:
            return _text(f"search_fold(left({field.sql}, 200))")
