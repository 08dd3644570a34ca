"""Finding leads: by any condition, in any of a few orders, page after page by cursor. Spec A10, B8."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from baton.fields import lead as fields
from baton.kernel.actor import Actor, Role
from baton.kernel.conditions import Condition, everything
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, operation
from baton.kernel.page import Page, cursor, position
from baton.kernel.values import Ref
from baton.leads.lead import COLUMNS, Lead, from_row, get

MAX_LIMIT = 200
SORTS: dict[str, tuple[str, Any]] = {
    "createdAt": ("l.created_at", datetime),
    "lastActivityAt": ("l.last_activity_at", datetime),
    "name": ("l.name", str),
    "score": ("coalesce(l.score, -1)", int),
    "valueCents": ("coalesce(l.value_cents, -1)", int),
}


class ListLeads(Input, kw_only=True):
    """A condition, a search (each word a part of name, company, e-mail or phone), an order, and a page of 1–200 leads."""

    where: Condition = msgspec.field(default_factory=everything)
    search: str | None = None
    sort: Literal["createdAt", "lastActivityAt", "name", "score", "valueCents"] = "createdAt"
    descending: bool = True
    limit: int = 50
    cursor: str | None = None
    count: bool = False


class GetLead(Input, kw_only=True):
    """One lead, by id or external id."""

    lead_id: Ref


@operation("crm.leads.get", kind="query", role=Role.VIEWER, summary="Read a lead")
async def read(tx: Tx, actor: Actor, input: GetLead) -> Lead:
    """A lead. Raises NotFound."""
    return await get(tx, input.lead_id)


@operation("crm.leads.find", kind="query", role=Role.VIEWER, summary="Find leads")
async def find(tx: Tx, actor: Actor, input: ListLeads) -> Page[Lead]:
    """The leads that meet a condition. Raises Invalid for a condition, order, limit or cursor that cannot be read."""
    if not 1 <= input.limit <= MAX_LIMIT:
        raise Invalid(f"A page has 1 to {MAX_LIMIT} leads.", field="limit")
    tests, args = await matching(tx, input.where, input.search)
    total = await tx.fetchval(f"SELECT count(*) FROM leads l WHERE {tests}", *args) if input.count else None
    column, type = SORTS[input.sort]
    direction, beyond = ("DESC", "<") if input.descending else ("ASC", ">")
    if input.cursor is not None:
        args += position(input.cursor, type, UUID)
        tests += f" AND ({column}, l.id) {beyond} (${len(args) - 1}, ${len(args)})"
    rows = await tx.fetch(
        f"""SELECT {COLUMNS}, {column} AS sorted_by FROM leads l WHERE {tests}
             ORDER BY {column} {direction}, l.id {direction} LIMIT {input.limit + 1}""",
        *args,
    )
    items = [from_row(row) for row in rows[: input.limit]]
    more = cursor(rows[input.limit - 1]["sorted_by"], items[-1].id) if len(rows) > input.limit else None
    return Page(items=items, next_cursor=more, total=total)


async def matching(tx: Tx, where: Condition, search: str | None) -> tuple[str, list[Any]]:
    """The SQL test for leads `l` that are not deleted and meet a condition and a search, with its arguments."""
    compiled = await fields.compiled(tx, where, first=2)
    args = [tx.org_id, *compiled.args]
    tests = f"l.org_id = $1 AND l.deleted_at IS NULL AND {compiled.sql}"
    if search is not None and search.strip():
        args.append(search)
        tests += f" AND l.id IN (SELECT search_leads(${len(args)}))"
    return tests, args
