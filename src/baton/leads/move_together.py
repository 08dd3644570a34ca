"""Moves of the same moment in one transaction: each lead is written once, each move has its own activity and answer. Spec B5."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor
from baton.kernel.db import Tx, columns
from baton.kernel.errors import Invalid
from baton.kernel.operation import ALONE, Asked
from baton.kernel.values import as_uuid
from baton.leads import lead as leads
from baton.leads import stay, totals
from baton.leads.lead import Lead
from baton.leads.moving import entering, payload
from baton.pipelines import pipeline as pipelines
from baton.pipelines.pipeline import Stage


class _Move(msgspec.Struct, eq=False):
    """A move that is to be written: the lead before and after it, the stage, and what the log is told."""

    actor: Actor
    before: Lead
    after: Lead
    stage: Stage
    entry: Entry


async def move_many(tx: Tx, calls: Sequence[Asked]) -> list[Any]:
    """Move leads as `move` would, one after the other; a call that is no plain move of a lead that is free is done alone.

    A lead or stage that somebody else has locked, or that is not there, keeps nobody else waiting.
    """
    ids = [(as_uuid(call.input.lead_id), as_uuid(call.input.stage_id)) for call in calls]
    free = await leads.lock_those(tx, list({lead for lead, _ in ids if lead}))
    stages = await pipelines.hold_those(tx, list({stage for _, stage in ids if stage})) if free else {}
    moves: list[_Move] = []
    answers: list[Any] = []
    movers: dict[UUID, Actor] = {}
    for call, (lead_id, stage_id) in zip(calls, ids, strict=True):
        before, stage = free.get(lead_id) if lead_id else None, stages.get(stage_id) if stage_id else None
        answer = _moved(tx, call, before, stage)
        if isinstance(answer, _Move) and movers.setdefault(answer.before.id, call.actor) != call.actor:
            answer = ALONE  # the log is written actor by actor: one lead's history keeps its order
        if isinstance(answer, _Move):
            moves.append(answer)
            free[answer.after.id] = answer.after
            answer = answer.after
        answers.append(answer)
    if moves:
        await _write(tx, moves)
    return answers


def _moved(tx: Tx, call: Asked, before: Lead | None, stage: Stage | None) -> Any:
    """The move, the lead where it is there already, or ALONE."""
    asked = call.input
    if before is None or stage is None or stage.pipeline_id != before.pipeline_id:
        return ALONE
    if asked.version is not None and asked.version != before.version:
        return ALONE
    try:
        new = entering(before, stage, asked.status, tx.now)
    except Invalid:
        return ALONE
    if new is None:
        return before
    if "stage_id" not in new:
        return ALONE
    after, changes = leads.changed(before, tx.now, new)
    entry = Entry(
        kind=kinds.STAGE_CHANGED, subject_type="lead", subject_id=before.id, lead_id=before.id, lead_version=after.version,
        changes=changes, payload=payload(stage), reason=asked.reason, operation_id=call.operation_id,
    )  # fmt: skip
    return _Move(call.actor, before, after, stage, entry)


async def _write(tx: Tx, moves: Sequence[_Move]) -> None:
    last: dict[UUID, _Move] = {move.after.id: move for move in moves}
    entered = [
        (move.after.stage_entered_at, None if move.after.closed_at else move.stage.sla_days) for move in last.values()
    ]
    stays = await stay.of_new(tx, entered)
    rows = [
        (a.id, a.status, a.stage_id, a.stage_entered_at, a.closed_at, a.next_action_at, due_at, next_at, a.version, a.last_activity_at)
        for a, (due_at, next_at) in zip((move.after for move in last.values()), stays, strict=True)
    ]  # fmt: skip
    await tx.execute(
        """UPDATE leads AS l
              SET status = m.status, stage_id = m.stage_id, stage_entered_at = m.stage_entered_at, closed_at = m.closed_at,
                  next_action_at = m.next_action_at, sla_due_at = m.due_at, sla_next_at = m.next_at, sla_told = NULL,
                  version = m.version, last_activity_at = m.last_activity_at
             FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[],
                         $8::timestamptz[], $9::timestamptz[], $10::bigint[], $11::timestamptz[])
               AS m (id, status, stage_id, stage_entered_at, closed_at, next_action_at, due_at, next_at, version, last_activity_at)
            WHERE l.org_id = $1 AND l.id = m.id""",
        tx.org_id, *columns(rows, 10),
    )  # fmt: skip
    by_actor: dict[Actor, list[Entry]] = {}
    for move in moves:
        by_actor.setdefault(move.actor, []).append(move.entry)
    for actor, entries in by_actor.items():
        await append(tx, actor, *entries)
    await totals.record(tx, [(move.before, move.after) for move in moves])
