"""Runs: looking a lead up, many, or all that match; what became of it, what it cost. Spec C8."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from baton.activities import kinds
from baton.enrichment import providers
from baton.enrichment.providers import Provider
from baton.fields import lead as lead_fields
from baton.kernel.actor import Actor, Role
from baton.kernel.conditions import Condition
from baton.kernel.db import Tx, columns, struct_of
from baton.kernel.errors import Invalid, NotFound
from baton.kernel.operation import Input, Output, operation
from baton.kernel.page import Page, cursor, position
from baton.kernel.shapes import Cursor, PageSize, Refs
from baton.kernel.values import Ref, as_uuid, new_id
from baton.leads import lead as leads

Status = Literal["waiting", "done", "nothing", "failed"]
MAX_BATCH = 1_000
MAX_LIMIT = 200


class EnrichmentRun(Output, kw_only=True):
    """One lookup: `found` are values by field with where each was read, `kept` what was found but left, and why.

    `cost` is in US dollars as the provider says, none where it does not. `made` counts the leads that a search made.
    """

    id: UUID
    lead_id: UUID | None
    provider_id: UUID
    provider: str
    cause: Literal["request", "batch", "auto", "search"]
    status: Status
    attempts: int
    next_at: datetime | None
    found: dict[str, Any]
    kept: dict[str, Any]
    made: int
    cost: float | None
    error: str | None
    created_at: datetime
    finished_at: datetime | None


class Enrich(Input, kw_only=True):
    """The lead to look up, and where, if not at the organization's first provider."""

    lead_id: Ref
    provider_id: UUID | None = None


class EnrichBatch(Input, kw_only=True):
    """Leads to look up: named ones, or those that a condition finds, at most 1,000."""

    lead_ids: Refs = []
    where: Condition | None = None
    provider_id: UUID | None = None


class Batch(Output, kw_only=True):
    """The runs that were begun."""

    queued: int
    runs: list[EnrichmentRun]


class ReadStatus(Input, kw_only=True):
    """A run, or a lead, whose last run is meant."""

    id: Ref


class ListRuns(Input, kw_only=True):
    """Runs, newest first; `limit` 1 to 200."""

    status: Status | None = None
    limit: PageSize = 50
    cursor: Cursor | None = None


_SELECT = """SELECT r.id, r.lead_id, r.provider_id, p.name AS provider, r.cause, r.status, r.attempts,
       CASE WHEN r.status = 'waiting' THEN r.next_at END AS next_at, r.found, r.kept, r.made, r.cost::float8 AS cost, r.error, r.created_at,
       r.finished_at
  FROM enrichment_runs r JOIN enrichment_providers p ON p.org_id = r.org_id AND p.id = r.provider_id
 WHERE r.org_id = $1"""


@operation("crm.leads.enrich", role=Role.MEMBER, summary="Look a lead up")
async def enrich(tx: Tx, actor: Actor, input: Enrich) -> EnrichmentRun:
    """Ask a provider about a lead; the run goes on by itself, and its answer fills the lead's gaps. Raises NotFound."""
    before = await leads.lock(tx, input.lead_id)
    provider = await providers.asked(tx, actor, input.provider_id)
    (id,) = await begin(tx, actor, provider, [before.id], "request")
    await leads.change(tx, actor, before, kinds.ENRICHMENT_REQUESTED, payload={"name": provider.name, "runId": str(id)})
    return await get(tx, id)


@operation("crm.leads.enrichBatch", role=Role.MEMBER, summary="Look many leads up")
async def enrich_batch(tx: Tx, actor: Actor, input: EnrichBatch) -> Batch:
    """Ask a provider about many leads. Raises Invalid for none or more than 1,000, NotFound where one is not there."""
    if bool(input.lead_ids) == (input.where is not None):
        raise Invalid("Name leads in “leadIds”, or find them by “where”.", field="leadIds")
    if len(input.lead_ids) > MAX_BATCH:
        raise Invalid(f"A batch has at most {MAX_BATCH:,} leads.", field="leadIds")
    wanted = await _matching(tx, input.where) if input.where is not None else input.lead_ids
    provider = await providers.asked(tx, actor, input.provider_id)
    found = {before.id: before for ref in wanted for before in [await leads.lock(tx, ref)]}
    ids = await begin(tx, actor, provider, list(found), "batch")
    for id, before in zip(ids, found.values(), strict=True):
        await leads.change(
            tx, actor, before, kinds.ENRICHMENT_REQUESTED, payload={"name": provider.name, "runId": str(id)}
        )
    rows = await tx.fetch(f"{_SELECT} AND r.id = ANY ($2) ORDER BY r.id", tx.org_id, ids)
    return Batch(queued=len(ids), runs=[struct_of(row, EnrichmentRun) for row in rows])


@operation("crm.leads.enrichmentStatus", kind="query", role=Role.VIEWER, summary="Read how looking a lead up went")
async def status(tx: Tx, actor: Actor, input: ReadStatus) -> EnrichmentRun:
    """A run by its id, or the last one of a lead. Raises NotFound."""
    uuid = as_uuid(input.id)
    row = await tx.fetchrow(f"{_SELECT} AND r.id = $2", tx.org_id, uuid) if uuid else None
    if row is None:
        lead = await leads.get(tx, input.id)
        row = await tx.fetchrow(
            f"{_SELECT} AND r.lead_id = $2 ORDER BY r.created_at DESC, r.id DESC LIMIT 1", tx.org_id, lead.id
        )
    if row is None:
        raise NotFound("This lead was not looked up yet.")
    return struct_of(row, EnrichmentRun)


@operation("crm.enrichment.runs", kind="query", role=Role.VIEWER, summary="List lookups of leads")
async def list_runs(tx: Tx, actor: Actor, input: ListRuns) -> Page[EnrichmentRun]:
    """The organization's runs, newest first. Raises Invalid for a bad limit or cursor."""
    if not 1 <= input.limit <= MAX_LIMIT:
        raise Invalid(f"A page has 1 to {MAX_LIMIT} entries.", field="limit")
    args: list[Any] = [tx.org_id, input.status]
    after = ""
    if input.cursor is not None:
        args.extend(position(input.cursor, datetime, UUID))
        after = "AND (r.created_at, r.id) < ($3, $4)"
    rows = await tx.fetch(
        f"""{_SELECT} AND ($2::text IS NULL OR r.status = $2) {after}
             ORDER BY r.created_at DESC, r.id DESC LIMIT {input.limit + 1}""",
        *args,
    )
    items = [struct_of(row, EnrichmentRun) for row in rows[: input.limit]]
    more = cursor(items[-1].created_at, items[-1].id) if len(rows) > input.limit else None
    return Page(items=items, next_cursor=more)


async def get(tx: Tx, id: UUID) -> EnrichmentRun:
    """A run. Raises NotFound."""
    row = await tx.fetchrow(f"{_SELECT} AND r.id = $2", tx.org_id, id)
    if row is None:
        raise NotFound("There is no such lookup in your organization.")
    return struct_of(row, EnrichmentRun)


async def begin(
    tx: Tx,
    actor: Actor,
    provider: Provider,
    lead_ids: Sequence[UUID | None],
    cause: str,
    *,
    asked: dict[str, Any] | None = None,
) -> list[UUID]:
    """Write runs down that are due now. Answers their ids, in order."""
    rows = [(new_id(), lead_id) for lead_id in lead_ids]
    await tx.execute(
        """INSERT INTO enrichment_runs (org_id, id, provider_id, lead_id, cause, input, next_at, requested_by, operation_id, created_at)
           SELECT $1, r.id, $2, r.lead_id, $3, $4, $5, $6, $7, $5 FROM unnest($8::uuid[], $9::uuid[]) AS r (id, lead_id)""",
        tx.org_id, provider.id, cause, asked or {}, tx.now, msgspec.to_builtins(actor), tx.operation_id, *columns(rows, 2),
    )  # fmt: skip
    return [row[0] for row in rows]


async def _matching(tx: Tx, where: Condition) -> list[str]:
    compiled = await lead_fields.compiled(tx, where, first=2)
    rows = await tx.fetch(
        f"""SELECT l.id FROM leads l WHERE l.org_id = $1 AND l.deleted_at IS NULL AND {compiled.sql}
             ORDER BY l.created_at DESC, l.id DESC LIMIT {MAX_BATCH + 1}""",
        tx.org_id, *compiled.args,
    )  # fmt: skip
    if len(rows) > MAX_BATCH:
        raise Invalid(f"This finds more than {MAX_BATCH:,} leads. Narrow it.", field="where")
    return [str(row["id"]) for row in rows]
