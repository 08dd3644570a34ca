"""The History view: a pipeline's closed leads, with who closed each, when and why. Spec A4."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from baton.activities import kinds
from baton.kernel.actor import Actor, Role
from baton.kernel.conditions import Condition, everything
from baton.kernel.db import Row, Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, Output, operation
from baton.kernel.page import Page, cursor, position
from baton.kernel.shapes import Cursor, PageSize, Words
from baton.kernel.values import Ref
from baton.leads.lead import COLUMNS, Lead, from_row
from baton.leads.matching import matching
from baton.pipelines import pipeline as pipelines

MAX_LIMIT = 200
_OUTCOMES = {"won": ["won"], "lost": ["lost", "disqualified"]}


Ending = Literal["won", "lost"]


class ReadHistory(Input, kw_only=True):
    """The pipeline, which of its closed leads to show, and a page of 1–200, the last closed first."""

    pipeline_id: Ref
    outcome: Ending | None = None
    where: Condition = msgspec.field(default_factory=everything)
    search: Words | None = None
    limit: PageSize = 50
    cursor: Cursor | None = None


class ClosedLead(Output, kw_only=True):
    """A closed lead, and who closed it by the log; none where it was closed when it was made."""

    lead: Lead
    closed_by_type: str | None
    closed_by_id: UUID | None
    closed_by_name: str | None
    reason: str | None


_CLOSING = f"""LEFT JOIN LATERAL (
    SELECT a.actor_type, a.actor_id, a.actor_name, a.reason FROM activities a
     WHERE a.org_id = l.org_id AND a.lead_id = l.id AND a.occurred_at >= l.closed_at
       AND a.kind IN ('{kinds.STAGE_CHANGED}', '{kinds.LEAD_DISQUALIFIED}', '{kinds.LEAD_CONVERTED}', '{kinds.PIPELINE_MOVED}',
                      '{kinds.LEAD_IMPORTED}')
     ORDER BY a.occurred_at, a.id LIMIT 1) c ON true"""


@operation("crm.leads.history", kind="query", role=Role.VIEWER, summary="Read a pipeline's closed leads")
async def history(tx: Tx, actor: Actor, input: ReadHistory) -> Page[ClosedLead]:
    """A pipeline's closed leads, the last closed first, in a fixed number of statements. Raises NotFound, Invalid."""
    if not 1 <= input.limit <= MAX_LIMIT:
        raise Invalid(f"A page has 1 to {MAX_LIMIT} leads.", field="limit")
    pipeline = await pipelines.get(tx, input.pipeline_id)
    tests, args = await matching(tx, input.where, input.search)
    args.append(pipeline.id)
    tests += f" AND l.pipeline_id = ${len(args)} AND l.closed_at IS NOT NULL"
    if input.outcome is not None:
        args.append(_OUTCOMES[input.outcome])
        tests += f" AND l.status = ANY (${len(args)}::text[])"
    if input.cursor is not None:
        args += position(input.cursor, datetime, UUID)
        tests += f" AND (l.closed_at, l.id) < (${len(args) - 1}, ${len(args)})"
    rows = await tx.fetch(
        f"""WITH found AS MATERIALIZED (
                SELECT l.* FROM leads l WHERE {tests} ORDER BY l.closed_at DESC, l.id DESC LIMIT {input.limit + 1})
            SELECT {COLUMNS}, c.actor_type, c.actor_id, c.actor_name, c.reason FROM found l {_CLOSING}
             ORDER BY l.closed_at DESC, l.id DESC""",
        *args,
    )
    shown = rows[: input.limit]
    more = cursor(shown[-1]["closed_at"], shown[-1]["id"]) if len(rows) > input.limit else None
    return Page(items=[_closed(row) for row in shown], next_cursor=more)


def _closed(row: Row) -> ClosedLead:
    return ClosedLead(
        lead=from_row(row), closed_by_type=row["actor_type"], closed_by_id=row["actor_id"], closed_by_name=row["actor_name"],
        reason=row["reason"],
    )  # fmt: skip
