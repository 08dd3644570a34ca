"""Reading the log: one lead's timeline, and the organization's whole audit. Spec A8, C6."""

from datetime import datetime
from typing import Any
from uuid import UUID

from baton.activities.activity import COLUMNS, Activity, from_row
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, operation
from baton.kernel.page import Page, cursor, position
from baton.kernel.shapes import Cursor, Kind, Moment, PageNumber, PageSize

MAX_LIMIT = 200
DEPTH = 10_000
COUNTED = 100_000


class ReadAudit(Input, kw_only=True):
    """Filters of the organization's log, from `since` to before `until` (each with its zone), and a page of it.

    The page has `limit` (1–200) activities, newest first. `page` (from 1, to a depth of 10,000 activities)
    instead of `cursor` also tells the total, up to 100,000.
    """

    kind: Kind | None = None
    actor_id: UUID | None = None
    operation_id: UUID | None = None
    since: Moment | None = None
    until: Moment | None = None
    limit: PageSize = 50
    cursor: Cursor | None = None
    page: PageNumber | None = None


@operation("crm.activities.list", kind="query", role=Role.MEMBER, summary="Read the organization's log")
async def audit(tx: Tx, actor: Actor, input: ReadAudit) -> Page[Activity]:
    """The organization's whole log, newest first. Spec B9, C6."""
    return await page(
        tx,
        limit=input.limit,
        after=input.cursor,
        kind=input.kind,
        actor_id=input.actor_id,
        operation_id=input.operation_id,
        since=_moment(input.since, "since"),
        until=_moment(input.until, "until"),
        number=input.page,
    )


def _moment(at: datetime | None, field: str) -> datetime | None:
    if at is not None and at.tzinfo is None:
        raise Invalid(f"“{field}” needs its time zone.", field=field)
    return at


async def page(
    tx: Tx,
    *,
    limit: int,
    after: str | None,
    lead_ids: list[UUID] | None = None,
    kind: str | None = None,
    actor_id: UUID | None = None,
    operation_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    subjects: tuple[str, list[UUID]] | None = None,
    number: int | None = None,
) -> Page[Activity]:
    """A page of activities, newest first, of some leads or of all: after a cursor, or by its number, with the total.

    With `subjects` (a type, and ids) those about these records stand among them.

    Raises Invalid for a bad limit, cursor or number.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise Invalid(f"A page has 1 to {MAX_LIMIT} entries.", field="limit")
    if number is not None and (number < 1 or number * limit > DEPTH or after is not None):
        raise Invalid(
            f"Pages count from 1 to a depth of {DEPTH:,} entries; beyond that, follow the cursor.", field="page"
        )
    tests: list[str] = ["a.org_id = $1"]
    args: list[Any] = [tx.org_id]
    if lead_ids is not None:
        args.append(lead_ids)
        tests.append("a.lead_id = ANY ($2)")
    if subjects is not None:
        args += subjects
        tests[-1] = f"({tests[-1]} OR (a.subject_type = ${len(args) - 1} AND a.subject_id = ANY (${len(args)})))"
    for column, value in (("kind", kind), ("actor_id", actor_id), ("operation_id", operation_id)):
        if value is not None:
            args.append(value)
            tests.append(f"a.{column} = ${len(args)}")
    for sign, moment in ((">=", since), ("<", until)):
        if moment is not None:
            args.append(moment)
            tests.append(f"a.occurred_at {sign} ${len(args)}")
    if after is not None:
        args.extend(position(after, datetime, UUID))
        tests.append(f"(a.occurred_at, a.id) < (${len(args) - 1}, ${len(args)})")
    found = " AND ".join(tests)
    skipped = (number - 1) * limit if number else 0
    total: int | None = None
    if number is not None:
        total = await tx.fetchval(
            f"SELECT count(*) FROM (SELECT FROM activities a WHERE {found} LIMIT {COUNTED}) c", *args
        )
    source, newest = "activities a", f"ORDER BY a.occurred_at DESC, a.id DESC LIMIT {limit + 1}"
    if lead_ids is not None:
        # Lead by lead along the index: of several leads, or of a busy one, the planner might walk the whole log instead.
        others = " AND ".join([tests[0], *tests[2:]])
        walks = [_walk("$2", f"{others} AND a.lead_id = w.id {newest} + {skipped}")]
        if subjects is not None:
            own = "a.subject_type = $3 AND a.subject_id = w.id AND (a.lead_id = ANY ($2)) IS NOT TRUE"
            walks.append(_walk("$4", f"{others} AND {own} {newest} + {skipped}"))
        source, found = f"({' UNION ALL '.join(walks)}) a", "true"
    rows = await tx.fetch(f"SELECT {COLUMNS} FROM {source} WHERE {found} {newest} OFFSET {skipped}", *args)
    items = [from_row(row) for row in rows[:limit]]
    more = cursor(items[-1].occurred_at, items[-1].id) if len(rows) > limit else None
    return Page(items=items, next_cursor=more, total=total)


def _walk(ids: str, tests: str) -> str:
    """SQL of the activities that meet a test, record by record (`w`), each along its index."""
    return (
        f"SELECT a.* FROM unnest({ids}::uuid[]) w (id) CROSS JOIN LATERAL (SELECT * FROM activities a WHERE {tests}) a"
    )
