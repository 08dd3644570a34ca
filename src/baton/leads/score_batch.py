"""Scoring many leads at once: set by set, only what changed is written. Spec B6, B7, C7."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Annotated, NamedTuple
from uuid import UUID

from msgspec import Meta

from baton.activities.append import append
from baton.kernel.actor import Actor, Role, system
from baton.kernel.db import Database, Tx
from baton.kernel.errors import Invalid, NotFound
from baton.kernel.operation import Input, Output, operation
from baton.kernel.perform import perform
from baton.kernel.values import Ref, as_uuid, new_id
from baton.leads import totals
from baton.leads.insert import scored_entry
from baton.scoring import score as scoring
from baton.scoring.bands import Band

MOST = 10_000
CHUNK = 5_000
AT_ONCE = 2


class _Before(NamedTuple):
    """What of a lead is told and counted when its score changes."""

    id: UUID
    stage_id: UUID
    currency: str
    value_cents: int | None
    score: int | None
    deleted_at: datetime | None
    last_activity_at: datetime
    version: int


_COLUMNS = ", ".join(f"l.{name}" for name in _Before._fields)


class ScoreBatch(Input, kw_only=True):
    """The leads to score, by id or external id, 1 to 10,000 of them."""

    lead_ids: Annotated[list[Ref], Meta(min_length=1, max_length=10_000)]


class ScoredLead(Output, kw_only=True):
    """A lead's score now and before, and whether a calculation was kept: its score or its reasons differ."""

    lead_id: UUID
    score: int | None
    before: int | None
    band: Band | None
    changed: bool


class ScoredBatch(Output, kw_only=True):
    """How many leads were scored, for how many something changed, and each of them."""

    scored: int
    changed: int
    leads: list[ScoredLead]


class RefreshScores(Input, kw_only=True):
    """The open leads after an id, in the order of ids, at most `limit`, and none behind `through`."""

    after: UUID | None = None
    through: UUID | None = None
    limit: int = CHUNK


class Refreshed(Output, kw_only=True):
    """How many were scored and how many changed; `last` is the id to go on after, none at the end."""

    scored: int
    changed: int
    last: UUID | None


@operation("crm.leads.scoreBatch", role=Role.MEMBER, summary="Score many leads")
async def score_batch(tx: Tx, actor: Actor, input: ScoreBatch) -> ScoredBatch:
    """Score leads by the rules as they stand; what did not change leaves nothing. Raises NotFound, Invalid. Spec C7."""
    if not 1 <= len(input.lead_ids) <= MOST:
        raise Invalid(f"Name 1 to {MOST:,} leads.", field="leadIds")
    known = await _known(tx, input.lead_ids)
    written = await refresh(tx, actor, list(known))
    leads = [
        ScoredLead(lead_id=id, score=now.score, before=score, band=now.band, changed=True)
        if (now := written.get(id))
        else ScoredLead(lead_id=id, score=score, before=score, band=band, changed=False)
        for id, (score, band) in known.items()
    ]
    return ScoredBatch(scored=len(leads), changed=len(written), leads=leads)


@operation("crm.leads.refreshScores", role=Role.ADMIN, summary="Refresh a part of the scores", internal=True)
async def refresh_scores(tx: Tx, actor: Actor, input: RefreshScores) -> Refreshed:
    """Score some of the organization's open leads. Spec B7."""
    rows = await tx.fetch(
        """SELECT id FROM leads WHERE org_id = $1 AND id > $2 AND id <= $4 AND closed_at IS NULL AND deleted_at IS NULL
            ORDER BY id LIMIT $3""",
        tx.org_id, input.after or UUID(int=0), min(max(input.limit, 1), MOST), input.through or UUID(int=(1 << 128) - 1),
    )  # fmt: skip
    ids = [row["id"] for row in rows]
    written = await refresh(tx, actor, ids)
    return Refreshed(scored=len(ids), changed=len(written), last=ids[-1] if ids else None)


async def refresh_organization(db: Database, org_id: UUID) -> Refreshed:
    """Score all open leads of an organization, part by part, each in a transaction of its own, as one operation. Spec B7.

    Two parts are under way at a time: while the database writes one, the next is calculated. A part that was done stays done:
    beginning again writes nothing twice, because only changes are written.
    """
    actor, operation_id = system(org_id, "Baton", role=Role.ADMIN), new_id()
    parts = iter(await _parts(db, org_id))
    done = Refreshed(scored=0, changed=0, last=None)

    async def work() -> None:
        for part in parts:
            found: Refreshed = await perform(db, actor, "crm.leads.refreshScores", part, operation_id=operation_id)
            done.scored, done.changed = done.scored + found.scored, done.changed + found.changed

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(work())
    return done


async def _parts(db: Database, org_id: UUID) -> list[RefreshScores]:
    """The open leads of an organization in parts, by the ids between which they lie; what comes in later is in the last."""
    async with db.transaction(org_id, read_only=True, primary=True) as conn:
        rows = await conn.fetch(
            """SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM leads
                                WHERE org_id = $1 AND closed_at IS NULL AND deleted_at IS NULL) l WHERE place % $2 = 0 ORDER BY id""",
            org_id, CHUNK,
        )  # fmt: skip
    edges = [None, *(row["id"] for row in rows), None]
    return [RefreshScores(after=after, through=through, limit=MOST) for after, through in pairwise(edges)]


async def refresh(tx: Tx, actor: Actor, ids: Sequence[UUID]) -> dict[UUID, scoring.Score]:
    """Score leads and write what changed: score, history, activity, counts. Answers what was written, by lead.

    A dozen statements at most, however many leads there are.
    """
    suspects = await scoring.changed(tx, ids)
    if not suspects:
        return {}
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM leads l WHERE l.org_id = $1 AND l.id = ANY ($2) ORDER BY l.id FOR NO KEY UPDATE", tx.org_id, suspects
    )  # fmt: skip
    before = {row["id"]: _Before(*row) for row in rows}
    for lead in before.values():
        tx.follow(lead.last_activity_at)
    scores = {score.lead_id: score for score in await scoring.calculate(tx, suspects, changed=True)}
    await scoring.keep(tx, list(scores.values()), "batch")
    await _write(tx, actor, [(before[id], score) for id, score in scores.items()])
    return scores


async def _write(tx: Tx, actor: Actor, found: list[tuple[_Before, scoring.Score]]) -> None:
    await tx.execute(
        """UPDATE leads AS l SET score = s.score, version = l.version + s.step, last_activity_at = greatest(l.last_activity_at, $2)
             FROM unnest($3::uuid[], $4::smallint[], $5::int[]) AS s (id, score, step) WHERE l.org_id = $1 AND l.id = s.id""",
        tx.org_id, tx.now, [lead.id for lead, _ in found], [score.score for _, score in found],
        [int(lead.score != score.score) for lead, score in found],
    )  # fmt: skip
    await append(tx, actor, *(scored_entry(lead, score, version=lead.version + 1) for lead, score in found))
    await totals.record(
        tx, [(lead, lead._replace(score=score.score)) for lead, score in found if lead.score != score.score]
    )


async def _known(tx: Tx, refs: Sequence[Ref]) -> dict[UUID, tuple[int | None, Band | None]]:
    """The leads that are named, in the order of their ids, with their scores and bands. Raises NotFound."""
    ids = [id for ref in refs if (id := as_uuid(ref))]
    rows = await tx.fetch(
        """SELECT l.id, l.external_id, l.score, s.band
             FROM leads l LEFT JOIN LATERAL (SELECT band FROM lead_scores s WHERE s.org_id = l.org_id AND s.lead_id = l.id
                                              ORDER BY s.number DESC LIMIT 1) s ON true
            WHERE l.org_id = $1 AND l.deleted_at IS NULL AND (l.id = ANY ($2) OR l.external_id = ANY ($3)) ORDER BY l.id""",
        tx.org_id, ids, [ref for ref in refs if not as_uuid(ref)],
    )  # fmt: skip
    names = {str(row["id"]) for row in rows} | {row["external_id"] for row in rows}
    if any(str(as_uuid(ref) or ref) not in names for ref in refs):
        raise NotFound("One of these leads does not exist in your organization.", field="leadIds")
    return {row["id"]: (row["score"], row["band"]) for row in rows}
