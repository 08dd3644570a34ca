"""The forecast: open value by the month in which it should close, weighted by the probability of its stage. Spec B2, C9."""

from collections.abc import Iterable
from datetime import date

from baton.accounts.rates import Rates
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Row, Tx
from baton.kernel.operation import Output, operation
from baton.reports.scope import OverPipeline, scope
from baton.reports.tally import converted


class ForecastValue(Output, kw_only=True):
    """Open leads in one currency: their value in its minor units, and the same weighted by probability.

    In the organization's own currency it holds what others are worth by its rates: `converted` names these, each with its value in
    its own minor units. What has no rate stands beside it.
    """

    currency: str
    leads: int
    value_cents: int
    weighted_value_cents: int
    converted: dict[str, int] = {}


class ForecastMonth(Output, kw_only=True):
    """What should close in a month ("2026-07"; none: no date is set). `overdue`: the month is over, and they are open still."""

    month: str | None
    overdue: bool
    leads: int
    values: list[ForecastValue]


class Forecast(Output, kw_only=True):
    """The months in order, what has no date at the end, and all of it; currencies are added by the organization's rates alone."""

    months: list[ForecastMonth]
    leads: int
    values: list[ForecastValue]


@operation("crm.reports.forecast", kind="query", role=Role.VIEWER, summary="Report the forecast")
async def forecast(tx: Tx, actor: Actor, input: OverPipeline) -> Forecast:
    """What a pipeline's open leads should bring, by expected close date, which the period counts by here. Five statements.

    Raises NotFound, Invalid. Probabilities are those that the stages have today.
    """
    over = await scope(tx, input, by="expected_close_date")
    rows = await tx.fetch(
        f"""SELECT date_trunc('month', l.expected_close_date)::date AS month, l.currency, count(*) AS leads,
                   coalesce(sum(l.value_cents), 0)::bigint AS value, coalesce(sum(l.value_cents * s.probability), 0)::numeric AS weighted
              FROM {over.rowset} l JOIN stages s ON s.org_id = $1 AND s.id = l.stage_id
             WHERE {over.tests} AND l.status NOT IN ('won', 'lost', 'disqualified') GROUP BY 1, 2 ORDER BY 1 NULLS LAST, 2""",
        *over.args,
    )
    this = over.at.date().replace(day=1)
    months = [
        _month(month, this, [row for row in rows if row["month"] == month], over.rates)
        for month in dict.fromkeys(r["month"] for r in rows)
    ]
    return Forecast(months=months, leads=sum(row["leads"] for row in rows), values=_values(rows, over.rates))


def _month(month: date | None, this: date, rows: list[Row], known: Rates) -> ForecastMonth:
    return ForecastMonth(
        month=month.strftime("%Y-%m") if month else None, overdue=month is not None and month < this,
        leads=sum(row["leads"] for row in rows),
        values=_values(rows, known),
    )  # fmt: skip


def _values(rows: Iterable[Row], known: Rates) -> list[ForecastValue]:
    parts: dict[str, dict[str, int]] = {"leads": {}, "value": {}, "weighted": {}}
    for row in rows:
        for name, sums in parts.items():
            sums[row["currency"]] = sums.get(row["currency"], 0) + int(row[name])
    values = known.gathered(parts["value"])
    weighted = known.gathered({code: round(share / 100) for code, share in parts["weighted"].items()})
    leads: dict[str, int] = {}
    for code, count in parts["leads"].items():
        into = known.own if code in known.worth else code
        leads[into] = leads.get(into, 0) + count
    return [
        ForecastValue(
            currency=code, leads=leads[code], value_cents=value, weighted_value_cents=weighted[code],
            converted=converted(parts["value"], code, known),
        )
        for code, value in values.items()
    ]  # fmt: skip
