"""Calculating scores in the database, for one lead or a million, with the reasons. Spec B6."""

import functools
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from baton.fields import lead as lead_fields
from baton.kernel.db import Tx, columns
from baton.kernel.operation import Output
from baton.kernel.values import new_id
from baton.scoring import rules
from baton.scoring.bands import Band, Bands
from baton.scoring.formula import Formula, formula
from baton.scoring.rules import Factor

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


class Why(msgspec.Struct, frozen=True):
    """What made a score: its reasons, the same as canonical JSON, and the rules that gave most, in words."""

    reasons: list[Reason]
    written: bytes
    because: str


class Score(msgspec.Struct, kw_only=True):
    """A score from 0 to 100, its band (70–100 high, 40–69 medium, 0–39 low unless drawn otherwise) and what made it."""

    lead_id: UUID
    score: int
    band: Band
    why: Why

    @property
    def reasons(self) -> list[Reason]:
        """What each factor gave."""
        return self.why.reasons


_LAST = (
    """(SELECT s.reasons FROM lead_scores s WHERE s.org_id = $1 AND s.lead_id = c.id ORDER BY s.number DESC LIMIT 1)"""
)


async def calculate(tx: Tx, lead_ids: Sequence[UUID], *, changed: bool = False) -> list[Score]:
    """The scores of leads by the organization's rules as they stand, in two statements. Writes nothing.

    With `changed` only of those whose score or reasons differ from what was kept last.
    """
    return await _scores(tx, "leads", _THESE, [tx.org_id, list(lead_ids)], changed=changed)


async def calculate_over(tx: Tx, rowset: str, args: Sequence[object]) -> list[Score]:
    """The scores of a rowset with a lead's columns, such as leads that are yet to be written; `args` are its parameters from $1 on."""
    return await _scores(tx, rowset, "true", args)


async def _scores(tx: Tx, rowset: str, tests: str, args: Sequence[object], *, changed: bool = False) -> list[Score]:
    asked, bands = await _asked(tx, first=len(args) + 1)
    rows = await tx.fetch(
        f"""SELECT c.id, {asked.score} AS score, ({asked.reasons})::text AS reasons FROM {asked.over(rowset, tests, ", l.score")}
             {f"WHERE {_differs(asked)}" if changed else ""}""",
        *args, *asked.args,
    )  # fmt: skip
    return [Score(lead_id=id, score=score, band=bands.of(score), why=why(told)) for id, score, told in rows]


@functools.lru_cache(maxsize=2048)
def why(told: str) -> Why:
    """What is kept and said of reasons, from their JSON; made once for all leads that have the same."""
    reasons = msgspec.json.decode(told, type=list[Reason])
    best = sorted((r for r in reasons if r.points), key=lambda reason: -reason.points)[:3]
    because = ", ".join(rule for reason in best for rule in reason.rules[:1])
    return Why(reasons, msgspec.json.encode(reasons, order="sorted"), because)


async def changed(tx: Tx, lead_ids: Sequence[UUID]) -> list[UUID]:
    """The leads whose score or reasons differ from what was kept last, in two statements."""
    asked, _ = await _asked(tx, first=3)
    rows = await tx.fetch(
        f"SELECT c.id FROM {asked.over('leads', _THESE, ', l.score')} WHERE {_differs(asked)}", tx.org_id, list(lead_ids), *asked.args
    )  # fmt: skip
    return [row["id"] for row in rows]


_MOVING = (b'"field.', b'"within_last"', b'"within_next"', b'"older_than"')
"""What makes a rule mean something else by the organization's definitions, or from one moment to the next."""
_THESE = "l.org_id = $1 AND l.id = ANY ($2)"


async def _asked(tx: Tx, *, first: int) -> tuple[Formula, Bands]:
    factors, bands = await rules.read_all(tx)
    written = msgspec.json.encode(factors)
    if not any(word in written for word in _MOVING):
        return _settled(written, first), bands
    fields = await lead_fields.of(tx, *(rule.condition for factor in factors for rule in factor.rules))
    return formula(factors, fields, now=tx.now, first=first), bands


@functools.lru_cache(maxsize=256)
def _settled(written: bytes, first: int) -> Formula:
    """The formula of rules that say the same at every moment, made once for the rules as they are written."""
    return formula(
        msgspec.json.decode(written, type=list[Factor]),
        lead_fields.LEAD_FIELDS,
        now=datetime(1970, 1, 1, tzinfo=UTC),
        first=first,
    )


def _differs(asked: Formula) -> str:
    return f"(c.score IS DISTINCT FROM {asked.score} OR {_LAST} IS DISTINCT FROM {asked.reasons})"


async def keep(
    tx: Tx, scores: Sequence[Score], cause: Cause, operation_ids: Sequence[UUID | None] | None = None
) -> None:
    """Write calculations as immutable, numbered rows of `lead_scores`. The leads must be locked or new.

    `operation_ids` are those of each calculation, where they are not the transaction's.
    """
    if not scores:
        return
    numbers = await tx.fetch(
        "SELECT lead_id, max(number) AS number FROM lead_scores WHERE org_id = $1 AND lead_id = ANY ($2) GROUP BY lead_id",
        tx.org_id, [score.lead_id for score in scores],
    ) if cause != "creation" else []  # fmt: skip
    last = {row["lead_id"]: row["number"] for row in numbers}
    rows = [
        (new_id(), s.lead_id, last.get(s.lead_id, 0) + 1, s.score, s.band, s.why.written.decode(), own or tx.operation_id)
        for s, own in zip(scores, operation_ids or [None] * len(scores), strict=True)
    ]  # fmt: skip
    await tx.execute(
        """INSERT INTO lead_scores (org_id, cause, created_at, id, lead_id, number, score, band, reasons, operation_id)
           SELECT $1, $2, $3, s.id, s.lead_id, s.number, s.score, s.band, s.reasons::jsonb, s.operation_id
             FROM unnest($4::uuid[], $5::uuid[], $6::int[], $7::smallint[], $8::text[], $9::text[], $10::uuid[])
               AS s (id, lead_id, number, score, band, reasons, operation_id)""",
        tx.org_id, cause, tx.now, *columns(rows, 7),
    )  # fmt: skip


def explained(score: Score) -> str:
    """A score in a sentence: "Score 88: director title, 420 people, complete profile"."""
    return f"Score {score.score}" + (f": {score.why.because}" if score.why.because else "")


def told(score: Score) -> dict[str, Any]:
    """A score's band and reasons, as the log keeps them."""
    return {"band": score.band, "reasons": msgspec.Raw(score.why.written)}
