"""A page of rows, newest first: one way to narrow, order and go on for every list that is read so."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from baton.kernel.db import Row, Tx
from baton.kernel.page import cursor, position


async def newest(
    tx: Tx, select: str, where: Mapping[str, Any], *, limit: int, after: str | None, also: Sequence[str] = ()
) -> tuple[list[Row], str | None]:
    """Rows of `select` ("SELECT … FROM …", with id and created_at) and the cursor of the next page, none at the end.

    `where` is what columns must equal, None for whatever they are; `also` are further tests. Raises Invalid for a cursor.
    """
    tests: list[str] = ["org_id = $1", *also]
    args: list[Any] = [tx.org_id]
    for column, value in where.items():
        if value is not None:
            args.append(value)
            tests.append(f"{column} = ${len(args)}")
    if after is not None:
        args += position(after, datetime, UUID)
        tests.append(f"(created_at, id) < (${len(args) - 1}, ${len(args)})")
    rows = await tx.fetch(
        f"{select} WHERE {' AND '.join(tests)} ORDER BY created_at DESC, id DESC LIMIT {limit + 1}", *args
    )
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], cursor(last["created_at"], last["id"])
