"""Leads by page and limit, with document B's filters. Native clients page by cursor, at any depth. Spec B8."""

from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from baton.accounts.members import member
from baton.accounts.organization import organization
from baton.kernel.actor import Actor, Role
from baton.kernel.conditions import Condition
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, Output, operation
from baton.kernel.shapes import DayOrMoment, PageNumber, PageSize, Words
from baton.kernel.values import Ref
from baton.leads import totals
from baton.leads.facts import Source, source
from baton.leads.find import MAX_LIMIT
from baton.leads.lead import Lead, from_row
from baton.leads.matching import matching
from baton.leads.order import order
from baton.leads.ordered import ordered
from baton.pipelines import pipeline as pipelines
from baton.pipelines.pipeline import Status

DEPTH = 10_000
COUNTED = 100_000


class PageOfLeads(Input, kw_only=True):
    """Filters and a page (from 1) of `limit` leads (1–200), to a depth of 10,000 leads; beyond that, `crm.leads.find`.

    `dateFrom` and `dateTo` bound the creation, each a day of the organization's time zone (both included) or a moment.
    """

    status: Status | None = None
    source: Source | None = None
    stage_id: Ref | None = None
    pipeline_id: Ref | None = None
    owner_id: Ref | None = None
    date_from: DayOrMoment | None = None
    date_to: DayOrMoment | None = None
    search: Words | None = None
    sort: Literal["createdAt", "lastActivityAt", "name", "score", "valueCents"] = "createdAt"
    descending: bool = True
    page: PageNumber = 1
    limit: PageSize = 20


class LeadsPage(Output, kw_only=True):
    """A page of leads; `total` is how many there are, at least that many where `totalIsEstimate`."""

    leads: list[Lead]
    total: int
    total_is_estimate: bool
    page: int
    limit: int
    pages: int


@operation("crm.leads.list", kind="query", role=Role.VIEWER, summary="List leads page by page")
async def page(tx: Tx, actor: Actor, input: PageOfLeads) -> LeadsPage:
    """A page of leads, the newest first. Raises Invalid for a filter or page that cannot be read, NotFound for a stage or owner."""
    if not 1 <= input.limit <= MAX_LIMIT:
        raise Invalid(f"A page has 1 to {MAX_LIMIT} leads.", field="limit")
    if input.page < 1 or input.page * input.limit > DEPTH:
        raise Invalid(
            f"Pages reach to a depth of {DEPTH:,} leads. Narrow the filters, or use crm.leads.find with a cursor.",
            field="page",
        )
    tests, args = await matching(tx, await _condition(tx, input), input.search)
    by = await order(tx, input.sort, descending=input.descending)
    rows = await ordered(
        tx, by, tests, args, descending=input.descending, limit=input.limit, offset=(input.page - 1) * input.limit
    )
    total, estimate = await _total(tx, input, tests, args)
    return LeadsPage(
        leads=[from_row(row) for row in rows], total=total, total_is_estimate=estimate, page=input.page, limit=input.limit,
        pages=-(-total // input.limit),
    )  # fmt: skip


async def _condition(tx: Tx, input: PageOfLeads) -> Condition:
    tests: list[dict[str, Any]] = []

    def add(field: str, value: Any, op: str = "=") -> None:
        tests.append({"field": field, "op": op, "value": value})

    if input.status is not None:
        add("status", input.status)
    if input.source is not None:
        add("source", source(input.source))
    if input.stage_id is not None:
        add("stageId", str((await pipelines.stage(tx, input.stage_id)).id))
    if input.pipeline_id is not None:
        add("pipelineId", str((await pipelines.get(tx, input.pipeline_id)).id))
    if input.owner_id is not None:
        add("ownerId", str((await member(tx, input.owner_id)).id))
    if input.date_from is not None or input.date_to is not None:
        zone = ZoneInfo((await organization(tx)).time_zone)
        if input.date_from is not None:
            add("createdAt", _moment(input.date_from, zone, "dateFrom").isoformat(), ">=")
        if input.date_to is not None:
            until = _moment(input.date_to, zone, "dateTo", whole_day=True)
            add("createdAt", until.isoformat(), "<" if _is_day(input.date_to) else "<=")
    return {"all": tests}


def _is_day(text: str) -> bool:
    return len(text) == 10


def _moment(text: str, zone: ZoneInfo, field: str, *, whole_day: bool = False) -> datetime:
    """The moment that a text spells; for a day its beginning, or the next day's for the end of a range."""
    try:
        if _is_day(text):
            return datetime.combine(date.fromisoformat(text) + timedelta(days=whole_day), time(), tzinfo=zone)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(zone)
    except (ValueError, OverflowError):
        raise Invalid(
            f"{field} is a day such as 2026-07-15, or a moment such as 2026-07-15T10:00:00Z.", field=field
        ) from None


async def _total(tx: Tx, input: PageOfLeads, tests: str, args: list[Any]) -> tuple[int, bool]:
    """How many there are, and whether there are more: from the running totals where these know, else counted up to 100,000."""
    others = (
        input.status,
        input.source,
        input.owner_id,
        input.date_from,
        input.date_to,
        input.search,
        input.pipeline_id,
    )
    if all(other is None for other in others):
        stages = [(await pipelines.stage(tx, input.stage_id)).id] if input.stage_id is not None else None
        return sum(total.leads for total in await totals.read(tx, stages)), False
    counted: int = await tx.fetchval(
        f"SELECT count(*) FROM (SELECT FROM leads l WHERE {tests} LIMIT {COUNTED + 1}) counted", *args
    )
    return min(counted, COUNTED), counted > COUNTED
