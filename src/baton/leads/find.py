"""Finding leads: by any condition, in any order, page after page by cursor. Spec A10, B8."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from baton.kernel.actor import Actor, Role
from baton.kernel.conditions import EVERYTHING, Condition, everything
from baton.kernel.db import Row, Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, operation
from baton.kernel.page import COUNTED, Page, Total, counting, cursor, position, up_to
from baton.kernel.shapes import Cursor, PageSize, Words
from baton.kernel.values import Ref
from baton.leads import totals
from baton.leads.lead import COLUMNS, WRITTEN, Lead, from_row, get
from baton.leads.matching import matching
from baton.leads.order import order
from baton.leads.ordered import ordered, place

MAX_LIMIT = 200


class ListLeads(Input, kw_only=True):
    """A condition, a search, a segment, an order, and a page of 1–200 leads.

    A search finds words by their beginnings in name, company, e-mail, phone and notes. `sort` is createdAt, lastActivityAt,
    nextActionAt, stageEnteredAt, expectedCloseDate, name, companyName, email, owner, source, stage, score, valueCents or
    `field.<key>`; leads without a value come last.
    """

    where: Condition = msgspec.field(default_factory=everything)
    search: Words | None = None
    segment_id: UUID | None = None
    sort: Annotated[str, Meta(max_length=106)] = "createdAt"
    descending: bool = True
    limit: PageSize = 50
    cursor: Cursor | None = None
    count: bool = False


class GetLead(Input, kw_only=True):
    """One lead, by id or external id."""

    lead_id: Ref


@operation("crm.leads.get", kind="query", role=Role.VIEWER, summary="Read a lead")
async def read(tx: Tx, actor: Actor, input: GetLead) -> Lead:
    """A lead. Raises NotFound."""
    return await get(tx, input.lead_id)


async def written(tx: Tx, actor: Actor, input: ListLeads) -> Page[msgspec.Raw]:
    """The same page, each lead as the JSON that the database wrote."""
    rows, more, total = await _found(tx, input, f"{WRITTEN} AS lead, l.id")
    items = [msgspec.Raw(row["lead"]) for row in rows]
    return Page(items=items, next_cursor=more, total=total.number, total_is_estimate=total.is_estimate)


@operation("crm.leads.find", kind="query", role=Role.VIEWER, summary="Find leads", written=written)
async def find(tx: Tx, actor: Actor, input: ListLeads) -> Page[Lead]:
    """The leads that meet a condition. Raises Invalid for a condition, order, limit or cursor that cannot be read, NotFound."""
    rows, more, total = await _found(tx, input, COLUMNS)
    items = [from_row(row) for row in rows]
    return Page(items=items, next_cursor=more, total=total.number, total_is_estimate=total.is_estimate)


async def _found(tx: Tx, input: ListLeads, columns: str) -> tuple[list[Row], str | None, Total]:
    """The rows of a page, the cursor of the next one, and how many leads there are where that was asked."""
    if not 1 <= input.limit <= MAX_LIMIT:
        raise Invalid(f"A page has 1 to {MAX_LIMIT} leads.", field="limit")
    tests, args = await matching(tx, input.where, input.search, input.segment_id)
    total = await _total(tx, input, tests, args)
    by = await order(tx, input.sort, descending=input.descending)
    after = None
    if input.cursor is not None:
        value, id = position(input.cursor, by.type | None if by.indexed else by.type, UUID)
        after = (value, id)
    rows = await ordered(
        tx, by, tests, args, descending=input.descending, limit=input.limit + 1, after=after, columns=columns
    )
    more = cursor(*place(rows[input.limit - 1], by)) if len(rows) > input.limit else None
    return rows[: input.limit], more, total


async def _total(tx: Tx, input: ListLeads, tests: str, args: list[Any]) -> Total:
    """How many leads there are, where that was asked: of all leads from the running totals, of others as many as are counted."""
    if not input.count:
        return Total(None)
    if input.where == EVERYTHING and input.segment_id is None:
        if not (input.search or "").strip():
            return Total(sum(each.leads for each in await totals.read(tx)))
        found = await tx.fetchval(f"SELECT count(*) FROM search_leads($1, {COUNTED + 1})", input.search)
        if found > COUNTED:  # no more are looked for than are counted
            return up_to(found)
    return up_to(await tx.fetchval(counting("leads l", tests), *args))
