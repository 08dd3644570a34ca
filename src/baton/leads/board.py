"""The board of a pipeline: its columns with counts, sums and first cards. Spec A11, B2."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from baton.accounts.rates import Rates, rates
from baton.kernel.actor import Actor, Role
from baton.kernel.conditions import EVERYTHING, Condition, everything
from baton.kernel.db import Row, Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, Output, operation
from baton.kernel.page import cursor, position
from baton.kernel.shapes import Cursor, Moment, PageSize, Words
from baton.kernel.values import Ref
from baton.leads import totals
from baton.leads.as_of_rowset import rowset
from baton.leads.card import CARD, OWNED, Card, card
from baton.leads.matching import matching
from baton.pipelines import pipeline as pipelines
from baton.pipelines.pipeline import Pipeline, Stage


class ReadBoard(Input, kw_only=True):
    """The pipeline to show (the intake where none is named), what leads to show of it, and how many cards a column.

    `asOf` is a past moment: the cards, counts and sums as they stood then, in the stages that there were, as they are called now.
    """

    pipeline_id: Ref | None = None
    where: Condition = msgspec.field(default_factory=everything)
    search: Words | None = None
    limit: PageSize = 40
    as_of: Moment | None = None


class ReadColumn(Input, kw_only=True):
    """A page of one column of the board."""

    stage_id: Ref
    where: Condition = msgspec.field(default_factory=everything)
    search: Words | None = None
    limit: PageSize = 40
    cursor: Cursor | None = None


class Sum(Output, kw_only=True):
    """Value in minor units of one currency."""

    currency: str
    value_cents: int
    leads: int


class Column(Output, kw_only=True):
    """A stage with its exact count and sums, one a currency, and a page of cards, the latest arrivals first.

    `valueCents` is all of it in the organization's `currency`, but for the currencies `unconverted`, which have no rate.
    """

    stage: Stage
    count: int
    sums: list[Sum]
    currency: str
    value_cents: int
    unconverted: list[str]
    cards: list[Card]
    next_cursor: str | None


class Board(Output, kw_only=True):
    """A pipeline's open columns; closed leads are in the History view (Spec A4)."""

    pipeline: Pipeline
    columns: list[Column]


@operation("crm.leads.board", kind="query", role=Role.VIEWER, summary="Read a board")
async def board(tx: Tx, actor: Actor, input: ReadBoard) -> Board:
    """A pipeline's open stages with counts, sums and first cards, in a fixed number of statements. Spec A8, A11.

    Raises NotFound for the pipeline, Invalid for a moment to come, or a search in the past.
    """
    _check(input.limit)
    past = _past(tx, input)
    pipeline = await pipelines.get(tx, input.pipeline_id) if input.pipeline_id else await pipelines.intake(tx)
    if past is not None:
        pipeline.stages = await pipelines.stages_at(tx, pipeline.id, past)
    shown = [stage for stage in pipeline.stages if not stage.closed]
    tests, args = await matching(tx, input.where, input.search)
    args.append([stage.id for stage in shown])
    source = _source(past, args)
    first = _found if input.search else _first
    rows = await tx.fetch(first(source, tests, input.limit + 1), *args)
    sums, known = await _sums(tx, shown, input.where, input.search, past), await rates(tx)
    cards: dict[UUID, list[Row]] = {}
    for row in rows:
        cards.setdefault(row["stage_id"], []).append(row)
    return Board(
        pipeline=pipeline,
        columns=[
            _column(stage, sums.get(stage.id, []), known, cards.get(stage.id, []), input.limit, past or tx.now)
            for stage in shown
        ],
    )


@operation("crm.leads.boardColumn", kind="query", role=Role.VIEWER, summary="Read a column of a board")
async def column(tx: Tx, actor: Actor, input: ReadColumn) -> Column:
    """A page of one column, with its count and sums. Raises NotFound, Invalid."""
    _check(input.limit)
    stage = await pipelines.stage(tx, input.stage_id)
    tests, args = await matching(tx, input.where, input.search)
    args.append(stage.id)
    tests += f" AND l.stage_id = ${len(args)}"
    if input.cursor is not None:
        args += position(input.cursor, datetime, UUID)
        tests += f" AND (l.stage_entered_at, l.id) < (${len(args) - 1}, ${len(args)})"
    rows = await tx.fetch(
        f"""SELECT l.stage_id, {CARD} FROM leads l {OWNED} WHERE {tests}
             ORDER BY l.stage_entered_at DESC, l.id DESC LIMIT {input.limit + 1}""",
        *args,
    )
    sums = await _sums(tx, [stage], input.where, input.search)
    return _column(stage, sums.get(stage.id, []), await rates(tx), rows, input.limit, tx.now)


def _check(limit: int) -> None:
    if not 1 <= limit <= 200:
        raise Invalid("A column shows 1 to 200 cards.", field="limit")


def _past(tx: Tx, input: ReadBoard) -> datetime | None:
    """The moment to show, None for the present. Raises Invalid."""
    if input.as_of is None:
        return None
    if input.as_of.tzinfo is None or input.as_of > tx.now:
        raise Invalid("“asOf” is a past moment with its time zone, such as 2026-10-31T18:00:00Z.", field="asOf")
    if input.search:
        raise Invalid(
            "A board of the past is filtered by conditions; a search finds what is there now.", field="search"
        )
    return input.as_of


class _Source(msgspec.Struct):
    """Where leads are read: how the statement begins, the rowset's name, and the parameter that holds the stages."""

    begin: str
    leads: str
    stages: int


def _source(past: datetime | None, args: list[Any]) -> _Source:
    """The table, or all leads as they stood at a moment, calculated once. The stages are the last of `args`."""
    stages = len(args)
    if past is None:
        return _Source("", "leads", stages)
    args.append(past)
    return _Source(f"WITH past AS MATERIALIZED (SELECT * FROM {rowset(f'${len(args)}')} t)", "past", stages)


def _first(source: _Source, tests: str, most: int) -> str:
    """SQL of so many cards of each stage, the latest arrivals: each is the beginning of an index."""
    return f"""{source.begin} SELECT c.* FROM unnest(${source.stages}::uuid[]) AS s (id)
      CROSS JOIN LATERAL (
         SELECT l.stage_id, {CARD} FROM {source.leads} l {OWNED}
          WHERE {tests} AND l.stage_id = s.id
          ORDER BY l.stage_entered_at DESC, l.id DESC LIMIT {most}) c"""


def _found(source: _Source, tests: str, most: int) -> str:
    """The same of what a search finds, which is asked once and not for every stage."""
    return f"""WITH found AS MATERIALIZED (
         SELECT l.id, row_number() OVER (PARTITION BY l.stage_id ORDER BY l.stage_entered_at DESC, l.id DESC) AS place
           FROM leads l WHERE {tests} AND l.stage_id = ANY (${source.stages}))
      SELECT l.stage_id, {CARD} FROM found f JOIN leads l ON l.org_id = $1 AND l.id = f.id {OWNED}
       WHERE f.place <= {most} ORDER BY l.stage_entered_at DESC, l.id DESC"""


async def _sums(
    tx: Tx, stages: list[Stage], where: Condition, search: str | None, past: datetime | None = None
) -> dict[UUID, list[Sum]]:
    """Exact counts and sums: from the running totals, or counted where leads are filtered or of the past."""
    ids = [stage.id for stage in stages]
    if where == EVERYTHING and not search and past is None:
        found: list[Any] = [(t.stage_id, t.currency, t.leads, t.value_cents) for t in await totals.read(tx, ids)]
    else:
        tests, args = await matching(tx, where, search)
        args.append(ids)
        source = _source(past, args)
        found = await tx.fetch(
            f"""{source.begin} SELECT l.stage_id, l.currency, count(*) AS leads, coalesce(sum(l.value_cents), 0)::bigint AS value_cents
                  FROM {source.leads} l WHERE {tests} AND l.stage_id = ANY (${source.stages}) GROUP BY 1, 2""",
            *args,
        )
    sums: dict[UUID, list[Sum]] = {}
    for stage_id, currency, leads, value_cents in sorted(found, key=lambda t: -t[2]):
        sums.setdefault(stage_id, []).append(Sum(currency=currency, value_cents=value_cents, leads=leads))
    return sums


def _column(stage: Stage, sums: list[Sum], known: Rates, rows: list[Row], limit: int, now: datetime) -> Column:
    shown = rows[:limit]
    more = cursor(shown[-1]["stage_entered_at"], shown[-1]["id"]) if len(rows) > limit else None
    converted = {s.currency: known.convert(s.value_cents, s.currency) for s in sums if s.value_cents}
    return Column(
        stage=stage, count=sum(s.leads for s in sums), sums=sums, cards=[card(row, now) for row in shown], next_cursor=more,
        currency=known.own, value_cents=sum(value or 0 for value in converted.values()),
        unconverted=sorted(code for code, value in converted.items() if value is None),
    )  # fmt: skip
