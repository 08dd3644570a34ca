"""Calculating scores in the database, for one lead or a million, with the reasons. Spec B6."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from baton.fields.lead import LEAD_FIELDS
from baton.kernel.conditions import compile
from baton.kernel.db import Tx, columns
from baton.kernel.operation import Output
from baton.kernel.values import new_id
from baton.scoring import rules

Band = Literal["high", "medium", "low"]
Cause = Literal["creation", "change", "request", "batch"]
SCORED_FIELDS = frozenset(
    {"source", "company_size", "value_cents", "title", "first_name", "last_name", "email", "phone", "company_name", "website",
     "location", "industry", "tags", "fields"}
)  # fmt: skip
"""The facts that the rules look at: a change of one of them is a new calculation."""


class Reason(Output, kw_only=True):
    """What a factor gave: its points of how many, and the names of the rules that held."""

    factor: str
    label: str
    points: int
    max: int
    rules: list[str]


class Score(Output, kw_only=True):
    """A score from 0 to 100, its band (70–100 high, 40–69 medium, 0–39 low) and what made it."""

    lead_id: UUID
    score: int
    band: Band
    reasons: list[Reason]


def band(score: int) -> Band:
    """The band of a score. Spec B6."""
    return "high" if score >= 70 else "medium" if score >= 40 else "low"


async def calculate(tx: Tx, lead_ids: Sequence[UUID]) -> list[Score]:
    """The scores of leads by the organization's rules as they stand. Writes nothing."""
    factors = await rules.read(tx)
    active = [(factor, rule) for factor in factors for rule in factor.rules if rule.enabled]
    tests, args = _tests([rule for _, rule in active], tx.now)
    rows = await tx.fetch(
        f"""SELECT l.id, ARRAY[{tests}]::boolean[] AS held FROM leads l
             WHERE l.org_id = $1 AND l.id = ANY ($2)""",
        tx.org_id, list(lead_ids), *args,
    )  # fmt: skip
    return [
        _score(row["id"], factors, [pair for pair, holds in zip(active, row["held"], strict=True) if holds])
        for row in rows
    ]


def _tests(active: list[rules.Rule], now: datetime) -> tuple[str, list[Any]]:
    tests: list[str] = []
    args: list[Any] = []
    for rule in active:
        compiled = compile(rule.condition, LEAD_FIELDS, now=now, first=len(args) + 3)
        tests.append(compiled.sql)
        args.extend(compiled.args)
    return ", ".join(tests), args


def _score(lead_id: UUID, factors: list[rules.Factor], held: list[tuple[rules.Factor, rules.Rule]]) -> Score:
    reasons = []
    for factor in factors:
        mine = [rule for owner, rule in held if owner.id == factor.id]
        if factor.combine == "best" and mine:
            mine = [max(mine, key=lambda rule: rule.points)]
        points = max(0, min(factor.max_points, sum(rule.points for rule in mine)))
        names = [rule.name for rule in mine]
        reasons.append(Reason(factor=factor.key, label=factor.label, points=points, max=factor.max_points, rules=names))
    total = max(0, min(100, sum(reason.points for reason in reasons)))
    return Score(lead_id=lead_id, score=total, band=band(total), reasons=reasons)


async def keep(tx: Tx, scores: Sequence[Score], cause: Cause) -> None:
    """Write calculations as immutable, numbered rows of `lead_scores`. The leads must be locked or new."""
    if not scores:
        return
    numbers = await tx.fetch(
        "SELECT lead_id, max(number) AS number FROM lead_scores WHERE org_id = $1 AND lead_id = ANY ($2) GROUP BY lead_id",
        tx.org_id, [score.lead_id for score in scores],
    ) if cause != "creation" else []  # fmt: skip
    last = {row["lead_id"]: row["number"] for row in numbers}
    rows = [
        (new_id(), s.lead_id, last.get(s.lead_id, 0) + 1, s.score, s.band, msgspec.json.encode(s.reasons).decode())
        for s in scores
    ]
    await tx.execute(
        """INSERT INTO lead_scores (org_id, cause, operation_id, created_at, id, lead_id, number, score, band, reasons)
           SELECT $1, $2, $3, $4, s.id, s.lead_id, s.number, s.score, s.band, s.reasons::jsonb
             FROM unnest($5::uuid[], $6::uuid[], $7::int[], $8::smallint[], $9::text[], $10::text[])
               AS s (id, lead_id, number, score, band, reasons)""",
        tx.org_id, cause, tx.operation_id, tx.now, *columns(rows, 6),
    )  # fmt: skip


def explained(score: Score) -> str:
    """A score in a sentence: "Score 88: director title, 420 people, complete profile"."""
    best = sorted((r for r in score.reasons if r.points), key=lambda reason: -reason.points)[:3]
    because = ", ".join(rule for reason in best for rule in reason.rules[:1])
    return f"Score {score.score}" + (f": {because}" if because else "")
