"""What a report is about: a pipeline, a period, a condition, and the day as of which it is told."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from baton.accounts.organization import Organization, organization
from baton.accounts.rates import Rates, rates
from baton.fields import lead as fields
from baton.kernel.conditions import Condition, compile, everything
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input
from baton.kernel.shapes import DayOrMoment
from baton.kernel.values import Ref
from baton.leads import as_of_rowset
from baton.pipelines import pipeline as pipelines
from baton.pipelines.pipeline import Pipeline


class Over(Input, kw_only=True):
    """Leads that were created from one day to another, both included, and meet a condition, as of a past day.

    Days are those of the organization's time zone. `asOf` is a day, told as it ended, or a moment; none is the present.
    Names and probabilities of stages are today's, and so are the rates by which other currencies become the organization's own.
    """

    date_from: date | None = None
    date_to: date | None = None
    as_of: DayOrMoment | None = None
    where: Condition = msgspec.field(default_factory=everything)


class OverPipeline(Over, kw_only=True):
    """A report on one pipeline, whose leads are never mixed with another's."""

    pipeline_id: Ref


class OverAny(Over, kw_only=True):
    """A report on one pipeline, or on the whole organization where none is named."""

    pipeline_id: Ref | None = None


@dataclass(slots=True)
class Scope:
    """SQL of the leads that a report is about: `rowset` as `l`, its `tests`, and their arguments; `$2` is the moment."""

    rowset: str
    tests: str
    args: list[Any]
    at: datetime
    org: Organization
    pipeline: Pipeline | None
    rates: Rates

    def argument(self, value: Any) -> str:
        """Add an argument; answers its parameter."""
        self.args.append(value)
        return f"${len(self.args)}"


async def scope(tx: Tx, input: OverPipeline | OverAny, *, by: str = "created_at") -> Scope:
    """The leads that a report is about, in at most four statements, of the past five; the period counts by `created_at` or another column.

    Raises NotFound for a pipeline, Invalid for a day to come or a condition that cannot be read.
    """
    org = await organization(tx)
    pipeline = await pipelines.get(tx, input.pipeline_id) if input.pipeline_id is not None else None
    zone = ZoneInfo(org.time_zone)
    at = moment(input.as_of, zone, tx.now)
    known = await rates(tx, org.currency)
    past = at < tx.now
    if pipeline is not None and past:
        pipeline.stages = await pipelines.stages_at(tx, pipeline.id, at)
    rowset = as_of_rowset.rowset("$2") if past else "leads"
    found = Scope(rowset, "", [tx.org_id, at], at, org, pipeline, known)
    tests = ["l.org_id = $1", "l.deleted_at IS NULL", "l.created_at <= $2::timestamptz"]
    if pipeline is not None:
        tests.append(f"l.pipeline_id = {found.argument(pipeline.id)}")
    for day, sign, later in ((input.date_from, ">=", 0), (input.date_to, "<", 1)):
        if day is not None:
            begins = edge(day, later, zone) if by == "created_at" else day + timedelta(days=later)
            tests.append(f"l.{by} {sign} {found.argument(begins)}")
    compiled = compile(input.where, await fields.of(tx, input.where), now=at, first=len(found.args) + 1)
    found.args.extend(compiled.args)
    found.tests = " AND ".join([*tests, compiled.sql])
    return found


def moment(text: str | None, zone: ZoneInfo, now: datetime) -> datetime:
    """The moment that “asOf” names, not after the present. Raises Invalid."""
    if text is None:
        return now
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            if day > now.astimezone(zone).date():
                raise Invalid("“asOf” is a past day: nothing is known of one to come.", field="asOf")
            return min(edge(day, 1, zone) - timedelta(microseconds=1), now)
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise Invalid(
            "“asOf” is a day such as 2026-04-30, or a moment such as 2026-04-30T10:00:00Z.", field="asOf"
        ) from None
    at = at if at.tzinfo else at.replace(tzinfo=zone)
    if at > now:
        raise Invalid("“asOf” is a past moment: nothing is known of one to come.", field="asOf")
    return at


def edge(day: date, later: int, zone: ZoneInfo) -> datetime:
    """The moment at which a day begins in a time zone, or one so many days `later`. Raises Invalid."""
    try:
        return datetime.combine(day + timedelta(days=later), time(), tzinfo=zone)
    except OverflowError:
        raise Invalid("A period lies between the years 1 and 9999.", field="dateTo") from None
