"""Delivering: activities become deliveries, each tried with backoff for a day, side by side and bounded per endpoint. Spec C9."""

import asyncio
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from baton.automations.webhooks import deliveries, events
from baton.automations.webhooks.endpoint import Disable, place
from baton.automations.webhooks.signature import headers
from baton.kernel.actor import Role, system
from baton.kernel.addresses import Refused
from baton.kernel.db import Database, Row, Tx, columns
from baton.kernel.errors import Unavailable
from baton.kernel.fairness import fair
from baton.kernel.outbound import Answer, Unreachable
from baton.kernel.perform import perform
from baton.kernel.values import new_id, utc_now

log = structlog.get_logger()
DAY = timedelta(hours=24)
LONGEST = timedelta(hours=4)
LEASE = timedelta(minutes=2)
KEPT = timedelta(days=30)
AT_ONCE = 4  # messages to one endpoint
CLAIM = 20
PATIENCE = 15.0  # seconds for an answer
EXCERPT = 1_000
_random = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt. `final` says that trying again is useless, `after` how long the receiver asks to wait."""

    ok: bool
    status: int | None
    milliseconds: int
    response: str | None = None
    error: str | None = None
    final: bool = False
    gone: bool = False
    after: timedelta = timedelta()


async def queue(db: Database, org_id: UUID, kind: str, activity_ids: list[UUID], *, now: datetime | None = None) -> int:
    """Make a delivery for each activity and endpoint that listens to it; doing it again makes none. Answers how many."""
    event, moment = events.EVENTS[kind], now or utc_now()
    async with db.transaction(org_id) as conn:
        rows = await conn.fetch(
            "SELECT id, events FROM webhook_endpoints WHERE org_id = $1 AND status = 'active'", org_id
        )
        listening = [row["id"] for row in rows if events.listens(row["events"], event)]
        new = [(new_id(), id, activity_id) for id in listening for activity_id in activity_ids]
        if not new:
            return 0
        made = await conn.fetch(
            """INSERT INTO webhook_deliveries (org_id, id, endpoint_id, activity_id, event, began_at, next_at, created_at)
               SELECT $1, d.id, d.endpoint_id, d.activity_id, $2, $3, $3, $3
                 FROM unnest($4::uuid[], $5::uuid[], $6::uuid[]) AS d (id, endpoint_id, activity_id)
                   ON CONFLICT (endpoint_id, activity_id, org_id) DO NOTHING RETURNING id""",
            org_id, event, moment, *columns(new, 3),
        )  # fmt: skip
        return len(made)


async def due(db: Database, now: datetime, per_organization: int) -> list[tuple[UUID, UUID]]:
    """Endpoints with something due, by organization, whoever waits longest first, at most so many of an organization."""
    return await fair(
        db,
        """SELECT p.org_id, p.id, w.next_at FROM webhook_endpoints p CROSS JOIN LATERAL (
                  SELECT next_at FROM webhook_deliveries
                   WHERE org_id = p.org_id AND endpoint_id = p.id AND status = 'waiting' AND next_at <= $1 ORDER BY next_at LIMIT 1) w
            WHERE p.status = 'active'""",
        now, per_organization=per_organization,
    )  # fmt: skip


async def deliver(db: Database, org_id: UUID, endpoint_id: UUID, now: datetime | None = None) -> int:
    """Try what is due at one endpoint, a few at once; answers how many were tried."""
    moment = now or utc_now()
    async with db.transaction(org_id) as conn:
        tx = Tx(conn, org_id, moment, "crm.webhooks.deliver", installation=db.installation)
        target = await tx.fetchrow(
            """SELECT url, secret, previous_secret, previous_until FROM webhook_endpoints
                WHERE org_id = $1 AND id = $2 AND status = 'active'""",
            org_id, endpoint_id,
        )  # fmt: skip
        claimed = await _claim(tx, endpoint_id) if target is not None else []
        if target is None or not claimed:
            return 0
        bodies = await deliveries.messages(tx, [row["activity_id"] for row in claimed])
    try:
        keys = _keys(db, org_id, endpoint_id, target, moment)
    except Unavailable as error:
        unsigned = Outcome(False, None, 0, error=error.message)
        await asyncio.gather(*(_record(db, org_id, endpoint_id, row, unsigned, now) for row in claimed))
        return len(claimed)
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(row: Row) -> None:
        async with turns:
            outcome = await _send(db, target["url"], row["id"], bodies[row["activity_id"]], keys, now or utc_now())
            await _record(db, org_id, endpoint_id, row, outcome, now)

    await asyncio.gather(*(one(row) for row in claimed))
    return len(claimed)


async def _claim(tx: Tx, endpoint_id: UUID) -> list[Row]:
    """Take what is due for a while: where this worker dies, it is due again after the lease."""
    return await tx.fetch(
        """UPDATE webhook_deliveries SET attempts = attempts + 1, next_at = $3::timestamptz + $4::interval
            WHERE org_id = $1 AND id IN (
                  SELECT id FROM webhook_deliveries
                   WHERE org_id = $1 AND endpoint_id = $2 AND status = 'waiting' AND next_at <= $3
                   ORDER BY next_at LIMIT $5 FOR UPDATE SKIP LOCKED)
        RETURNING id, activity_id, attempts, began_at""",
        tx.org_id, endpoint_id, tx.now, LEASE, CLAIM,
    )  # fmt: skip


def _keys(db: Database, org_id: UUID, endpoint_id: UUID, target: Row, now: datetime) -> list[str]:
    sealed = [target["secret"]]
    if target["previous_secret"] is not None and now < target["previous_until"]:
        sealed.append(target["previous_secret"])
    return [db.installation.vault.open(each, place(org_id, endpoint_id)) for each in sealed]


async def _send(db: Database, url: str, id: UUID, body: bytes, keys: list[str], now: datetime) -> Outcome:
    signed = headers(f"msg_{id.hex}", now, body, keys) | {"content-type": "application/json"}
    try:
        answer = await db.installation.outbound.send(
            "POST", url, headers=signed, content=body, seconds=PATIENCE, limit=EXCERPT * 4
        )
    except Refused as error:
        return Outcome(False, None, 0, error=error.message, final=True)
    except Unreachable as error:
        return Outcome(False, None, round(PATIENCE * 1000) if "seconds" in str(error) else 0, error=str(error))
    return _judged(answer)


def _judged(answer: Answer) -> Outcome:
    text = answer.body.decode("utf-8", "replace").replace("\0", "")[:EXCERPT]
    asked = answer.headers.get("retry-after", "")
    after = timedelta(seconds=min(int(asked), 86_400)) if asked.isdigit() and len(asked) < 7 else timedelta()
    error = None if answer.ok else f"It answered {answer.status}."
    return Outcome(answer.ok, answer.status, answer.milliseconds, text, error, after=after, gone=answer.status == 410)


def backoff(attempts: int) -> timedelta:
    """How long to wait after so many attempts: 5 seconds, three times longer each time, at most 4 hours, ± 20 percent."""
    wait = min(timedelta(seconds=5 * 3 ** min(attempts - 1, 12)), LONGEST)
    return timedelta(seconds=wait.total_seconds() * _random.uniform(0.8, 1.2))


async def _record(
    db: Database, org_id: UUID, endpoint_id: UUID, row: Row, outcome: Outcome, now: datetime | None
) -> None:
    moment = now or utc_now()
    last = row["began_at"] + DAY
    gives_up = not outcome.ok and (outcome.final or outcome.gone or moment >= last)
    status = "delivered" if outcome.ok else "failed" if gives_up else "waiting"
    next_at = min(moment + max(backoff(row["attempts"]), outcome.after), last)
    async with db.transaction(org_id) as conn:
        await conn.execute(
            """INSERT INTO webhook_attempts (org_id, id, delivery_id, status, milliseconds, response, error, attempted_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
            org_id, new_id(), row["id"], outcome.status, outcome.milliseconds, outcome.response, outcome.error, moment,
        )  # fmt: skip
        await conn.execute(
            """UPDATE webhook_deliveries SET status = $3, next_at = $4, last_status = $5, last_error = $6, delivered_at = $7
                WHERE org_id = $1 AND id = $2 AND status = 'waiting'""",
            org_id, row["id"], status, next_at, outcome.status, outcome.error, moment if outcome.ok else None,
        )  # fmt: skip
        failing_since = await conn.fetchval(
            """UPDATE webhook_endpoints SET failing_since = CASE WHEN $3 THEN NULL ELSE coalesce(failing_since, $4) END
                WHERE org_id = $1 AND id = $2 AND (failing_since IS NULL) IS DISTINCT FROM $3 RETURNING failing_since""",
            org_id, endpoint_id, outcome.ok, moment,
        )  # fmt: skip
        if not outcome.ok and failing_since is None:
            failing_since = await conn.fetchval(
                "SELECT failing_since FROM webhook_endpoints WHERE org_id = $1 AND id = $2", org_id, endpoint_id
            )
    if outcome.gone:
        await _give_up(db, org_id, endpoint_id, "It answered 410 Gone: it wants no more messages.", now)
    elif gives_up and failing_since is not None and failing_since <= moment - DAY:
        why = f"Nothing was accepted since {failing_since:%Y-%m-%d %H:%M} UTC. Last: {outcome.error}"
        await _give_up(db, org_id, endpoint_id, why, now)


async def prune(db: Database, org_id: UUID, now: datetime) -> None:
    """Forget deliveries that were settled longer ago than `KEPT`, and their attempts."""
    async with db.transaction(org_id) as conn:
        await conn.execute("DELETE FROM webhook_attempts WHERE org_id = $1 AND attempted_at < $2", org_id, now - KEPT)
        await conn.execute(
            """DELETE FROM webhook_deliveries d
                WHERE d.org_id = $1 AND d.created_at < $2 AND d.status <> 'waiting'
                  AND NOT EXISTS (SELECT FROM webhook_attempts a WHERE a.org_id = d.org_id AND a.delivery_id = d.id)""",
            org_id, now - KEPT,
        )  # fmt: skip


async def _give_up(db: Database, org_id: UUID, endpoint_id: UUID, why: str, now: datetime | None) -> None:
    actor = system(org_id, "Baton", role=Role.ADMIN, via="agent")
    log.info("webhook disabled", org_id=str(org_id), webhook_id=str(endpoint_id), why=why)
    await perform(db, actor, "crm.webhooks.disable", Disable(webhook_id=endpoint_id, why=why), now=now)
