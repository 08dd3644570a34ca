"""Scoring a lead again, and its history of scores. Spec B6, C7."""

from datetime import datetime
from uuid import UUID

from baton.activities import kinds
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx, struct_of
from baton.kernel.operation import Input, Output, operation
from baton.kernel.values import Ref
from baton.leads import lead as leads
from baton.leads.lead import Lead
from baton.scoring import score as scoring
from baton.scoring.score import Cause, Reason


class ScoreLead(Input, kw_only=True):
    """The lead to score."""

    lead_id: Ref


class KeptScore(Output, kw_only=True):
    """One calculation, numbered from 1: immutable, with its reasons."""

    number: int
    score: int
    band: str
    reasons: list[Reason]
    cause: Cause
    created_at: datetime


class ScoreHistory(Output, kw_only=True):
    """A lead's score now, and the calculations that led there, newest first."""

    lead_id: UUID
    score: int | None
    history: list[KeptScore]


@operation("crm.leads.score", role=Role.MEMBER, summary="Score a lead")
async def score(tx: Tx, actor: Actor, input: ScoreLead) -> ScoreHistory:
    """Calculate a lead's score by the rules as they stand, and keep it. Spec B6, C7."""
    before = await leads.lock(tx, input.lead_id)
    after = await rescore(tx, actor, before, "request")
    return await _history(tx, after)


@operation("crm.leads.scoreHistory", kind="query", role=Role.VIEWER, summary="Read a lead's scores")
async def history(tx: Tx, actor: Actor, input: ScoreLead) -> ScoreHistory:
    """A lead's scores with their reasons, newest first, at most 100."""
    return await _history(tx, await leads.get(tx, input.lead_id))


async def _history(tx: Tx, lead: Lead) -> ScoreHistory:
    rows = await tx.fetch(
        """SELECT number, score, band, reasons, cause, created_at FROM lead_scores
            WHERE org_id = $1 AND lead_id = $2 ORDER BY number DESC LIMIT 100""",
        tx.org_id, lead.id,
    )  # fmt: skip
    return ScoreHistory(lead_id=lead.id, score=lead.score, history=[struct_of(row, KeptScore) for row in rows])


async def rescore(tx: Tx, actor: Actor, before: Lead, cause: Cause) -> Lead:
    """Calculate and keep a locked lead's score; the activity says why it is what it is."""
    (found,) = await scoring.calculate(tx, [before.id])
    await scoring.keep(tx, [found], cause)
    return await leads.change(
        tx, actor, before, kinds.LEAD_SCORED, reason=scoring.explained(found),
        payload=scoring.told(found), score=found.score,
    )  # fmt: skip
