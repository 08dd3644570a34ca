"""Walking runs: what is due goes on step by step; what fails is tried again with growing patience, then held for a person."""

import asyncio
import random
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog

from baton.automations.rules.automation import acting
from baton.automations.rules.outcome import HoldRun
from baton.automations.rules.program import program
from baton.automations.rules.rule import CallWebhook
from baton.automations.rules.run import Run, find_run
from baton.automations.rules.step import LEASE, Taken, TakeStep, filled_in, rule_of
from baton.kernel.actor import Actor
from baton.kernel.addresses import Refused
from baton.kernel.db import Database, Tx
from baton.kernel.errors import BatonError, Conflict, TooMany, Unavailable
from baton.kernel.fairness import fair
from baton.kernel.outbound import Unreachable
from baton.kernel.perform import Cause, perform
from baton.kernel.values import utc_now
from baton.leads import lead as leads

log = structlog.get_logger()
CLAIM = 20
AT_ONCE = 4
ATTEMPTS = 5
LONGEST = timedelta(days=3)  # for what asks to be tried later, such as a limit of messages
_TIMES = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))
_random = random.SystemRandom()


async def due(db: Database, now: datetime, per_organization: int) -> list[tuple[UUID, UUID]]:
    """Automations with runs that are due, by organization, whoever waits longest first, at most so many of an organization."""
    return await fair(
        db,
        """SELECT p.org_id, p.id, w.next_at FROM automations p CROSS JOIN LATERAL (
                  SELECT next_at FROM automation_runs
                   WHERE org_id = p.org_id AND automation_id = p.id AND status = 'waiting' AND next_at <= $1 ORDER BY next_at LIMIT 1) w
            WHERE p.state = 'on'""",
        now, per_organization=per_organization,
    )  # fmt: skip


async def walk(db: Database, org_id: UUID, automation_id: UUID, now: datetime | None = None) -> int:
    """Let some of an automation's due runs go on, a few side by side; answers how many."""
    moment = now or utc_now()
    async with db.transaction(org_id) as conn:
        tx = Tx(conn, org_id, moment, "crm.automations.walk", installation=db.installation)
        claimed = await tx.fetch(
            """UPDATE automation_runs SET attempts = attempts + 1, next_at = $3::timestamptz + $4::interval
                WHERE org_id = $1 AND id IN (
                      SELECT r.id FROM automation_runs r JOIN automations a ON a.org_id = r.org_id AND a.id = r.automation_id
                       WHERE r.org_id = $1 AND r.automation_id = $2 AND r.status = 'waiting' AND r.next_at <= $3 AND a.state = 'on'
                       ORDER BY r.next_at LIMIT $5 FOR NO KEY UPDATE OF r SKIP LOCKED)
            RETURNING id""",
            org_id, automation_id, moment, LEASE, CLAIM,
        )  # fmt: skip
        runs = [await find_run(tx, row["id"]) for row in claimed]
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(run: Run) -> None:
        async with turns:
            await go_on(db, org_id, run, now)

    await asyncio.gather(*(one(run) for run in runs))
    return len(runs)


async def go_on(db: Database, org_id: UUID, run: Run, now: datetime | None) -> None:
    """Do a run's steps until it waits, ends or fails."""
    actor = acting(org_id, run.automation)
    cause = Cause(run.activity_id, run.depth) if run.activity_id else None
    while True:
        try:
            if run.attempts > ATTEMPTS:
                raise Conflict("It was begun several times and never came to an end.")
            called = await _call(db, org_id, run, now)
            step = TakeStep(run_id=run.id, position=run.position, called=called)
            taken: Taken = await perform(
                db, actor, "crm.automations.step", step, operation_id=run.id, now=now, cause=cause
            )
        except BatonError as error:
            await _failed(db, run, error, actor, cause, now)
            return
        except Exception:
            log.exception("a step of an automation stumbled", org_id=str(org_id), run_id=str(run.id))
            stumbled = Unavailable("Something went wrong on our side. It is written down.")
            await _failed(db, run, stumbled, actor, cause, now)
            return
        if taken.waits or taken.run.status != "waiting" or not await _still_on(db, org_id, run, now or utc_now()):
            return
        run = taken.run


async def _still_on(db: Database, org_id: UUID, run: Run, now: datetime) -> bool:
    """Whether the rule is on still; a run of a paused one waits where it stands."""
    async with db.transaction(org_id) as conn:
        state = await conn.fetchval(
            "SELECT state FROM automations WHERE org_id = $1 AND id = $2", org_id, run.automation_id
        )
        if state != "on":
            await conn.execute(
                "UPDATE automation_runs SET next_at = $3 WHERE org_id = $1 AND id = $2", org_id, run.id, now
            )
        return bool(state == "on")


async def _call(db: Database, org_id: UUID, run: Run, now: datetime | None) -> str | None:
    """Call the other system where the step at hand does; what it answered, in words. Raises Unavailable where it did not take it."""
    async with db.transaction(org_id, read_only=True) as conn:
        tx = Tx(conn, org_id, now or utc_now(), "crm.automations.walk", installation=db.installation)
        line = program((await rule_of(tx, run)).steps)
        step = line[run.position].step if run.position < len(line) else None
        if not isinstance(step, CallWebhook):
            return None
        lead = await leads.get(tx, run.lead_id) if run.lead_id else None
        filled = await filled_in(tx, run, lead, step)
    assert isinstance(filled, CallWebhook)
    said = filled.body or {
        "automation": run.automation,
        "leadId": run.lead_id,
        "activityId": run.activity_id,
        "lead": lead,
    }
    headers = {"content-type": "application/json", "idempotency-key": f"{run.id}-{run.position}"}
    try:
        answer = await db.installation.outbound.send(
            "POST", filled.url, headers=headers, content=msgspec.json.encode(said)
        )
    except Refused:
        raise
    except Unreachable as error:
        raise Unavailable(str(error)) from error
    if not answer.ok:
        raise Conflict(f"It answered {answer.status}.")
    return f"It answered {answer.status}."


async def _failed(
    db: Database, run: Run, error: BatonError, actor: Actor, cause: Cause | None, now: datetime | None
) -> None:
    """Try again later what may succeed later; hold what a person has to look at."""
    moment, org_id = now or utc_now(), actor.org_id
    later = isinstance(error, (Conflict, TooMany, Unavailable))
    deferred = later and error.retry_after is not None
    if deferred or (later and run.attempts <= len(_TIMES)):
        wait = timedelta(seconds=error.retry_after or 0) if deferred else _TIMES[max(run.attempts, 1) - 1]
        wait = min(wait * _random.uniform(1, 1.2), LONGEST)
        async with db.transaction(org_id) as conn:
            await conn.execute(
                """UPDATE automation_runs SET next_at = $4, error = $5, attempts = CASE WHEN $6 THEN 0 ELSE greatest(attempts, 1) END
                    WHERE org_id = $1 AND id = $2 AND position = $3 AND status = 'waiting'""",
                org_id, run.id, run.position, moment + wait, error.message[:2000], deferred,
            )  # fmt: skip
        return
    log.info("a run is held", org_id=str(org_id), run_id=str(run.id), error=error.message)
    held = HoldRun(run_id=run.id, position=run.position, error=error.message)
    await perform(db, actor, "crm.automations.hold", held, now=now, operation_id=run.id, cause=cause)
