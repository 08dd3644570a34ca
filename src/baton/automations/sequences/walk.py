"""Walking enrolments: what is due goes on step by step, bounded per organization; what fails is tried again, then held."""

import asyncio
import random
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from baton.automations.sequences.enrolment import Enrolment, find_enrolment
from baton.automations.sequences.exits import Leave
from baton.automations.sequences.sequence import acting
from baton.automations.sequences.step import LEASE, HoldEnrolment, Stepped, TakeSequenceStep
from baton.kernel.actor import Actor, Role, system
from baton.kernel.db import Database, Tx
from baton.kernel.errors import BatonError, Conflict, TooMany, Unavailable
from baton.kernel.fairness import fair
from baton.kernel.perform import Cause, perform
from baton.kernel.values import utc_now

log = structlog.get_logger()
CLAIM = 20
AT_ONCE = 4
ATTEMPTS = 5
_TIMES = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))
_random = random.SystemRandom()


async def due(db: Database, now: datetime, per_organization: int) -> list[tuple[UUID, UUID]]:
    """Sequences with leads that are due, by organization, whoever waits longest first, at most so many of an organization."""
    return await fair(
        db,
        """SELECT p.org_id, p.id, w.next_at FROM sequences p CROSS JOIN LATERAL (
                  SELECT next_at FROM enrolments
                   WHERE org_id = p.org_id AND sequence_id = p.id AND state = 'waiting' AND next_at <= $1 ORDER BY next_at LIMIT 1) w
            WHERE p.state = 'on'""",
        now, per_organization=per_organization,
    )  # fmt: skip


async def walk(db: Database, org_id: UUID, sequence_id: UUID, now: datetime | None = None) -> int:
    """Let some of a sequence's due leads go on, a few side by side; answers how many."""
    moment = now or utc_now()
    async with db.transaction(org_id) as conn:
        tx = Tx(conn, org_id, moment, "crm.sequences.walk", installation=db.installation)
        claimed = await tx.fetch(
            """UPDATE enrolments SET attempts = attempts + 1, next_at = $3::timestamptz + $4::interval
                WHERE org_id = $1 AND id IN (
                      SELECT e.id FROM enrolments e JOIN sequences s ON s.org_id = e.org_id AND s.id = e.sequence_id
                       WHERE e.org_id = $1 AND e.sequence_id = $2 AND e.state = 'waiting' AND e.next_at <= $3 AND s.state = 'on'
                       ORDER BY e.next_at LIMIT $5 FOR NO KEY UPDATE OF e SKIP LOCKED)
            RETURNING id, activity_id, depth""",
            org_id, sequence_id, moment, LEASE, CLAIM,
        )  # fmt: skip
        begun = [(await find_enrolment(tx, row["id"]), Cause(row["activity_id"], row["depth"])) for row in claimed]
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(enrolment: Enrolment, cause: Cause) -> None:
        async with turns:
            await go_on(db, acting(org_id, enrolment.sequence), enrolment, cause, now)

    await asyncio.gather(*(one(*each) for each in begun))
    return len(begun)


async def go_on(db: Database, actor: Actor, enrolment: Enrolment, cause: Cause, now: datetime | None) -> None:
    """Take an enrolment's steps until it waits, ends or fails."""
    while True:
        try:
            if enrolment.attempts > ATTEMPTS:
                raise Conflict("It was begun several times and never came to an end.")
            step = TakeSequenceStep(enrolment_id=enrolment.id, position=enrolment.position)
            stepped: Stepped = await perform(
                db, actor, "crm.sequences.step", step, operation_id=enrolment.id, cause=cause, now=now
            )
        except BatonError as error:
            await _failed(db, actor, enrolment, cause, error, now)
            return
        except Exception:
            log.exception("a step of a sequence stumbled", org_id=str(actor.org_id), enrolment_id=str(enrolment.id))
            stumbled = Unavailable("Something went wrong on our side. It is written down.")
            await _failed(db, actor, enrolment, cause, stumbled, now)
            return
        if stepped.waits or not await _still_on(db, actor.org_id, enrolment, now or utc_now()):
            return
        enrolment = stepped.enrolment


async def leave(
    db: Database, org_id: UUID, activity_ids: list[UUID], depth: int, *, now: datetime | None = None
) -> None:
    """Take out of their sequences the leads that these activities give a reason to leave."""
    actor = system(org_id, "Sequences", role=Role.MEMBER, via="agent")
    cause = Cause(activity_ids[0], min(depth, 15))
    await perform(db, actor, "crm.sequences.leave", Leave(activity_ids=activity_ids), now=now, cause=cause)


async def _still_on(db: Database, org_id: UUID, enrolment: Enrolment, now: datetime) -> bool:
    async with db.transaction(org_id) as conn:
        state = await conn.fetchval(
            "SELECT state FROM sequences WHERE org_id = $1 AND id = $2", org_id, enrolment.sequence_id
        )
        if state != "on":
            await conn.execute(
                "UPDATE enrolments SET next_at = $3 WHERE org_id = $1 AND id = $2 AND state = 'waiting'",
                org_id, enrolment.id, now,
            )  # fmt: skip
        return bool(state == "on")


async def _failed(
    db: Database, actor: Actor, enrolment: Enrolment, cause: Cause, error: BatonError, now: datetime | None
) -> None:
    """Try again later what may succeed later; hold what a person has to look at."""
    if isinstance(error, (Conflict, TooMany, Unavailable)) and enrolment.attempts <= len(_TIMES):
        wait = timedelta(seconds=error.retry_after) if error.retry_after else _TIMES[max(enrolment.attempts, 1) - 1]
        async with db.transaction(actor.org_id) as conn:
            await conn.execute(
                """UPDATE enrolments SET next_at = $4, detail = $5, attempts = greatest(attempts, 1)
                    WHERE org_id = $1 AND id = $2 AND position = $3 AND state = 'waiting'""",
                actor.org_id, enrolment.id, enrolment.position, (now or utc_now()) + wait * _random.uniform(1, 1.2), error.message[:2000],
            )  # fmt: skip
        return
    log.info("an enrolment is held", org_id=str(actor.org_id), enrolment_id=str(enrolment.id), error=error.message)
    held = HoldEnrolment(enrolment_id=enrolment.id, position=enrolment.position, error=error.message)
    await perform(db, actor, "crm.sequences.hold", held, now=now, operation_id=enrolment.id, cause=cause)
