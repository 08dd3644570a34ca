"""Trying scoring rules on the past before they are switched on: would they have told the won from the lost? Spec C7."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from baton.accounts.organization import organization
from baton.fields import lead as fields
from baton.kernel.actor import Actor, Role
from baton.kernel.conditions import Condition, everything
from baton.kernel.db import Row, Tx
from baton.kernel.errors import Conflict
from baton.kernel.operation import Input, Output, operation
from baton.kernel.values import Ref
from baton.leads import as_of_rowset
from baton.pipelines import pipeline as pipelines
from baton.reports.scope import edge
from baton.reports.tally import percent
from baton.scoring import rules
from baton.scoring.bands import BANDS, Band, Bands
from baton.scoring.formula import formula
from baton.scoring.rules import Factor, NewFactor

Facts = Literal["creation", "closing"]
MOST = 50_000


class BackTest(Input, kw_only=True):
    """Rules to try, and on which leads: those closed in a period, of one pipeline if named, that meet a condition now.

    Days are those of the organization's time zone.

    `facts` says what the rules see of a lead: what was known when it was created, or just before it was closed.
    """

    factors: Annotated[list[NewFactor], Meta(max_length=50)]
    facts: Facts = "creation"
    pipeline_id: Ref | None = None
    closed_from: date | None = None
    closed_to: date | None = None
    where: Condition = msgspec.field(default_factory=everything)


class BandTest(Output, kw_only=True):
    """The leads that would have been in a band; the win rate in percent, and how many times that of all it is."""

    band: Band
    leads: int
    won: int
    win_rate: float
    lift: float | None


class Ranking(Output, kw_only=True):
    """How well scores rank. `auc` is how likely a won lead scores above a lost one (0.5 is chance, ties are half).

    `topTenthLift` is the win rate among the tenth with the best scores, by that of all; none where nothing can be told.
    """

    auc: float | None
    top_tenth_lift: float | None
    average_won: float | None
    average_lost: float | None
    bands: list[BandTest]


class BackTested(Output, kw_only=True):
    """The proposed rules and those in force, on the same won and lost leads, seen with the same facts."""

    facts: Facts
    won: int
    lost: int
    only_newest: bool
    proposed: Ranking
    current: Ranking


@operation("crm.scoring.backTest", kind="query", role=Role.ADMIN, summary="Try scoring rules on the past")
async def back_test(tx: Tx, actor: Actor, input: BackTest) -> BackTested:
    """Rank the won and lost leads, the newest 50,000, by the proposed rules and by those in force. Writes nothing.

    The facts are replayed from the log, set by set, in one statement. Raises Invalid for rules that cannot be set,
    NotFound for a pipeline, Conflict where no lead was closed yet.
    """
    await rules.checked(tx, input.factors)
    current, bands = await rules.read_all(tx)
    rowset = as_of_rowset.rowset_at_creation() if input.facts == "creation" else as_of_rowset.rowset_before_closing()
    closed, args = await _closed(tx, input)
    both: list[Factor | NewFactor] = [*input.factors, *current]
    known = await fields.of(tx, *(rule.condition for factor in both for rule in factor.rules))
    new = formula(input.factors, known, now=tx.now, first=len(args) + 1, name="n", explained=False)
    old = formula(current, known, now=tx.now, first=len(args) + 1 + len(new.args), name="o", explained=False)
    new.codes += old.codes
    rows = await tx.fetch(
        f"""WITH closed AS MATERIALIZED ({closed})
            SELECT {new.score} AS proposed, {old.score} AS current, k.won, count(*) AS leads
              FROM {new.over(rowset, "l.id IN (SELECT k.id FROM closed k)")} JOIN closed k ON k.id = c.id GROUP BY 1, 2, 3""",
        *args, *new.args, *old.args,
    )  # fmt: skip
    if not rows:
        raise Conflict("No lead was won or lost yet: there is nothing to try the rules on.")
    won, lost = (sum(row["leads"] for row in rows if row["won"] == outcome) for outcome in (True, False))
    return BackTested(
        facts=input.facts, won=won, lost=lost, only_newest=won + lost >= MOST, proposed=_ranking(rows, "proposed", bands),
        current=_ranking(rows, "current", bands),
    )  # fmt: skip


async def _closed(tx: Tx, input: BackTest) -> tuple[str, list[Any]]:
    """SQL of the closed leads and whether each was won, with its arguments."""
    args: list[Any] = [tx.org_id]
    tests = ["l.org_id = $1", "l.deleted_at IS NULL", "l.closed_at IS NOT NULL"]
    if input.pipeline_id is not None:
        args.append((await pipelines.get(tx, input.pipeline_id)).id)
        tests.append(f"l.pipeline_id = ${len(args)}")
    zone = ZoneInfo((await organization(tx)).time_zone)
    for day, sign, later in ((input.closed_from, ">=", 0), (input.closed_to, "<", 1)):
        if day is not None:
            args.append(edge(day, later, zone))
            tests.append(f"l.closed_at {sign} ${len(args)}")
    compiled = await fields.compiled(tx, input.where, first=len(args) + 1)
    args.extend(compiled.args)
    sql = f"""SELECT l.id, l.status = 'won' AS won FROM leads l WHERE {" AND ".join(tests)} AND {compiled.sql}
               ORDER BY l.closed_at DESC LIMIT {MOST}"""
    return sql, args


def _ranking(rows: Sequence[Row], name: str, bands: Bands) -> Ranking:
    """How well the scores of that name rank, from the counts of won and lost at each score."""
    counts = {
        score: tuple(sum(row["leads"] for row in same if row["won"] == outcome) for outcome in (True, False))
        for score, group in groupby(sorted(rows, key=lambda row: row[name]), key=lambda row: row[name])
        if (same := list(group))
    }
    won, lost = (sum(pair[i] for pair in counts.values()) for i in (0, 1))
    below = pairs = 0.0
    for here_won, here_lost in counts.values():
        pairs += here_won * (below + here_lost / 2)
        below += here_lost
    base = won / (won + lost)
    return Ranking(
        auc=round(pairs / (won * lost), 4) if won and lost else None, top_tenth_lift=_top_tenth(counts, base),
        average_won=_average(counts, 0), average_lost=_average(counts, 1),
        bands=[_band(band, [pair for score, pair in counts.items() if bands.of(score) == band], base) for band in BANDS],
    )  # fmt: skip


def _top_tenth(counts: dict[int, tuple[int, ...]], base: float) -> float | None:
    """The lift of the best tenth; leads of the score at its edge count in proportion."""
    size = left = sum(map(sum, counts.values())) / 10
    won = 0.0
    for _, (here_won, here_lost) in sorted(counts.items(), reverse=True):
        part = min(1.0, left / (here_won + here_lost))
        won, left = won + here_won * part, left - (here_won + here_lost) * part
        if left <= 0:
            break
    return round(won / size / base, 2) if base else None


def _average(counts: dict[int, tuple[int, ...]], index: int) -> float | None:
    many = sum(pair[index] for pair in counts.values())
    return round(sum(score * pair[index] for score, pair in counts.items()) / many, 2) if many else None


def _band(band: Band, pairs: list[tuple[int, ...]], base: float) -> BandTest:
    won, leads = sum(pair[0] for pair in pairs), sum(map(sum, pairs))
    return BandTest(
        band=band, leads=leads, won=won, win_rate=percent(won, leads),
        lift=round(won / leads / base, 2) if leads and base else None,
    )  # fmt: skip
