"""Counting leads by anything: how many, won, lost, worth what in each currency. Spec B1, B8."""

from collections.abc import Iterable
from typing import Any

from baton.accounts.rates import Rates
from baton.kernel.db import Row, Tx
from baton.kernel.operation import Output
from baton.reports.scope import Scope


class Money(Output, kw_only=True):
    """An amount in minor units of its currency (ISO 4217); amounts of different currencies are never added.

    In the organization's own currency it holds what others are worth by the organization's rates: `converted` names these, each
    with its amount in its own minor units. What has no rate stands beside it.
    """

    currency: str
    value_cents: int
    converted: dict[str, int] = {}


class Tally(Output, kw_only=True):
    """Leads, and what became of them; the disqualified count as lost. Values are listed by currency.

    `conversionRate` is won ÷ leads × 100, `winRate` won ÷ (won + lost) × 100; `averageScore` is over scored leads.
    """

    leads: int
    open: int
    won: int
    lost: int
    conversion_rate: float
    win_rate: float
    average_score: float | None
    open_value: list[Money]
    won_value: list[Money]


async def tally(tx: Tx, scope: Scope, key: str) -> dict[Any, Tally]:
    """The leads of a scope, counted by an SQL expression over `l`, in one statement."""
    found = by_key(await counted(tx, scope, key=key), "key")
    return {key: added(mine, scope.rates) for key, mine in found.items()}


async def counted(tx: Tx, scope: Scope, **keys: str) -> list[Row]:
    """The leads of a scope, counted by named SQL expressions over `l` and by currency, in one statement, in no order."""
    named = ", ".join(f"{sql} AS {name}" for name, sql in keys.items())
    places = ", ".join(str(place) for place in range(1, len(keys) + 2))
    return await tx.fetch(
        f"""SELECT {named}, l.currency, count(*) AS leads, count(*) FILTER (WHERE l.status = 'won') AS won,
                   count(*) FILTER (WHERE l.status IN ('lost', 'disqualified')) AS lost, coalesce(sum(l.value_cents), 0)::bigint AS value,
                   coalesce(sum(l.value_cents) FILTER (WHERE l.status = 'won'), 0)::bigint AS won_value,
                   coalesce(sum(l.value_cents) FILTER (WHERE l.status NOT IN ('won', 'lost', 'disqualified')), 0)::bigint AS open_value,
                   count(l.score) AS scored, coalesce(sum(l.score), 0)::bigint AS score_sum
              FROM {scope.rowset} l WHERE {scope.tests} GROUP BY {places}""",
        *scope.args,
    )


def by_key(rows: Iterable[Row], name: str) -> dict[Any, list[Row]]:
    """Rows by what stands in one of their columns."""
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(row[name], []).append(row)
    return found


def added(rows: Iterable[Row], known: Rates) -> Tally:
    """The tally of rows, one a currency at least; none for no leads. Values are converted by the rates that are known."""
    rows = list(rows)
    leads, won, lost, scored, score_sum = (
        sum(row[name] for row in rows) for name in ("leads", "won", "lost", "scored", "score_sum")
    )
    return Tally(
        leads=leads, open=leads - won - lost, won=won, lost=lost, conversion_rate=percent(won, leads), win_rate=percent(won, won + lost),
        average_score=round(score_sum / scored, 2) if scored else None, open_value=by_currency(rows, "open_value", known),
        won_value=by_currency(rows, "won_value", known),
    )  # fmt: skip


def by_currency(rows: Iterable[Row], name: str, known: Rates) -> list[Money]:
    """The amounts of rows, in the own currency what has a rate, those of nothing left out."""
    sums: dict[str, int] = {}
    for row in rows:
        sums[row["currency"]] = sums.get(row["currency"], 0) + row[name]
    return [
        Money(currency=code, value_cents=value, converted=converted(sums, code, known))
        for code, value in known.gathered(sums).items()
        if value
    ]


def converted(sums: dict[str, int], code: str, known: Rates) -> dict[str, int]:
    """The amounts of other currencies that are in the sum of one."""
    return {other: value for other, value in sums.items() if value and code == known.own != other in known.worth}


def percent(part: int, whole: int) -> float:
    """A part of a whole in percent, two decimals; 0 of nothing."""
    return round(100 * part / whole, 2) if whole else 0.0
