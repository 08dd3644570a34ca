"""Reading leads in an order, from a place on or from the first: as fast at any depth, where the order has an index. Spec A10, B8."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from baton.kernel.db import Row, Tx
from baton.leads.lead import COLUMN_NAMES, COLUMNS
from baton.leads.order import Indexed, Order

Place = tuple[Any, UUID]
"""Where a page begins: behind the lead of that id, whose value is the first; None where it has none."""


async def ordered(
    tx: Tx,
    by: Order,
    tests: str,
    args: Sequence[Any],
    *,
    descending: bool,
    limit: int,
    offset: int = 0,
    after: Place | None = None,
    columns: str = COLUMNS,
) -> list[Row]:
    """At most `limit` leads that meet the tests, as `place` reads them too. Leads without a value come last.

    One statement, and a second one where the leads that have a value do not fill the page.
    """
    if by.indexed is None:
        return await _read(
            tx,
            by.sql,
            by.sql,
            tests,
            args,
            descending=descending,
            limit=limit,
            offset=offset,
            after=after,
            columns=columns,
        )
    rows: list[Row] = []
    if after is None or after[0] is not None:
        rows = await _valued(
            tx, by.indexed, tests, args, descending=descending, limit=limit, offset=offset, after=after, columns=columns
        )
        if len(rows) == limit:
            return rows
        if offset and not rows:
            offset -= await tx.fetchval(f"SELECT count(*) FROM leads l WHERE {tests} AND {by.indexed.has}", *args)
        else:
            offset = 0
        after = None
    return rows + await _missing(
        tx,
        by.indexed,
        tests,
        args,
        descending=descending,
        limit=limit - len(rows),
        offset=offset,
        after=after,
        columns=columns,
    )


def place(row: Row, by: Order) -> Place:
    """Where the lead of a row stands in an order: what the cursor of the page behind it must know."""
    return row["sorted_by"] if "sorted_by" in row else row[_column(_value(by))], row["id"]


def _value(by: Order) -> str:
    return by.indexed.value if by.indexed else by.sql


def _column(value: str) -> str:
    return value.removeprefix("l.")


def _selected(columns: str, value: str) -> str:
    """The columns, and beside them what the leads are sorted by, where these do not tell it."""
    return columns if columns is COLUMNS and _column(value) in COLUMN_NAMES else f"{columns}, {value} AS sorted_by"


async def _valued(tx: Tx, by: Indexed, tests: str, args: Sequence[Any], **page: Any) -> list[Row]:
    return await _read(tx, by.sql, by.value, f"{tests} AND {by.has}", args, **page)


async def _missing(
    tx: Tx,
    by: Indexed,
    tests: str,
    args: Sequence[Any],
    *,
    descending: bool,
    limit: int,
    offset: int,
    after: Place | None,
    columns: str,
) -> list[Row]:
    direction, beyond = _way(descending)
    values = list(args)
    tests = f"{tests} AND {by.lacks}"
    if after is not None:
        values.append(after[1])
        tests += f" AND l.id {beyond} ${len(values)}"
    return await tx.fetch(
        f"""SELECT {columns}, NULL AS sorted_by FROM leads l WHERE {tests}
             ORDER BY l.id {direction} LIMIT {limit} OFFSET {offset}""",
        *values,
    )


async def _read(
    tx: Tx,
    order: str,
    value: str,
    tests: str,
    args: Sequence[Any],
    *,
    descending: bool,
    limit: int,
    offset: int,
    after: Place | None,
    columns: str,
) -> list[Row]:
    direction, beyond = _way(descending)
    values = list(args)
    if after is not None:
        values += after
        tests += f" AND ({order}, l.id) {beyond} (${len(values) - 1}, ${len(values)})"
    return await tx.fetch(
        f"""SELECT {_selected(columns, value)} FROM leads l WHERE {tests}
             ORDER BY {order} {direction}, l.id {direction} LIMIT {limit} OFFSET {offset}""",
        *values,
    )


def _way(descending: bool) -> tuple[str, str]:
    return ("DESC", "<") if descending else ("ASC", ">")
