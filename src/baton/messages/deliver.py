"""Carrying messages off: each is marked as being sent in a commit of its own, handed over, and its end recorded.

A process that dies in between leaves it marked: nobody knows whether it left, so it waits for a person and is never
repeated by itself.
"""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import aiosmtplib
import structlog

from baton.kernel.actor import Actor, Role, system
from baton.kernel.addresses import Refused
from baton.kernel.db import Database, Row, Tx
from baton.kernel.errors import BatonError, Unavailable
from baton.kernel.fairness import fair
from baton.kernel.perform import MAX_DEPTH, Cause, perform
from baton.kernel.values import utc_now
from baton.messages.carrier import RELAY, server_of
from baton.messages.connect import smtp
from baton.messages.hand_over import HandOver, Outcome, by_smtp, by_whatsapp, told
from baton.messages.outcome import Record
from baton.messages.suppression import key_of, reason_against
from baton.messages.whatsapp.line import line_of

log = structlog.get_logger()
LEASE = timedelta(minutes=5)
"""How long a message may be on its way before its process counts as dead; handing over takes less than three minutes."""
MOST = 20  # attempts, in a little more than two days
LONGEST = timedelta(hours=4)
AT_A_TIME = 25
_random = random.SystemRandom()


async def due(db: Database, now: datetime, per_organization: int) -> list[tuple[UUID, UUID]]:
    """Lanes (mailboxes, numbers, the relay) in which something is due or was left behind, at most so many of an organization."""
    lanes = await fair(
        db,
        """SELECT l.org_id, l.id, m.next_at
              FROM (SELECT org_id, id FROM mailboxes WHERE status = 'active'
                    UNION ALL SELECT org_id, id FROM whatsapp_accounts WHERE status = 'active'
                    UNION ALL SELECT org_id, '00000000-0000-0000-0000-000000000000'::uuid FROM organizations) l
             CROSS JOIN LATERAL (
                   (SELECT next_at FROM messages
                     WHERE org_id = l.org_id AND lane_id = l.id AND state = 'waiting' AND next_at <= $1 ORDER BY next_at LIMIT 1)
                    UNION ALL
                   (SELECT sending_since FROM messages
                     WHERE org_id = l.org_id AND lane_id = l.id AND state = 'sending' AND sending_since < $2
                     ORDER BY sending_since LIMIT 1)) m""",
        now, now - LEASE, per_organization=per_organization,
    )  # fmt: skip
    return list(dict.fromkeys(lanes))


async def walk(db: Database, org_id: UUID, lane_id: UUID, now: datetime | None = None) -> int:
    """Carry off what is due in one lane, one after the other; answers how many messages were looked at."""
    moment = now or utc_now()
    done = await _doubt(db, org_id, lane_id, moment, now)
    async with db.transaction(org_id) as conn:
        tx = Tx(conn, org_id, moment, "crm.messages.deliver", installation=db.installation)
        try:
            line = await line_of(tx, lane_id) if lane_id != RELAY else None
            server = await server_of(tx, lane_id) if line is None else None
        except Unavailable as error:
            return done + await _postpone(db, org_id, lane_id, moment, error.message)
    if line is not None:
        return done + await _each(db, org_id, lane_id, now, by_whatsapp(db, line), lambda: True)
    if server is None:
        return done + await _postpone(db, org_id, lane_id, moment, "Nothing carries mail here now.")
    try:
        async with smtp(db.installation, server) as client:
            return done + await _each(db, org_id, lane_id, now, by_smtp(client), lambda: client.is_connected)
    except (OSError, TimeoutError, aiosmtplib.SMTPException, Refused) as error:
        return done + await _postpone(
            db, org_id, lane_id, now or utc_now(), f"{server.host} cannot be used: {told(error)}"
        )


async def _each(
    db: Database, org_id: UUID, lane_id: UUID, now: datetime | None, hand_over: HandOver, usable: Callable[[], bool]
) -> int:
    done = 0
    while done < AT_A_TIME and usable():
        row, unwelcome = await _claim(db, org_id, lane_id, now or utc_now())
        if row is None:
            break
        done += 1
        if unwelcome is not None:
            await _record(db, org_id, row, Outcome("cancelled", unwelcome), now)
            continue
        await _record(db, org_id, row, await hand_over(row), now)
    return done


async def _claim(db: Database, org_id: UUID, lane_id: UUID, now: datetime) -> tuple[Row | None, str | None]:
    """The next message that is due, marked as being sent and committed so; with why not, where it may not leave any more."""
    async with db.transaction(org_id) as conn:
        tx = Tx(conn, org_id, now, "crm.messages.deliver", installation=db.installation)
        row = await tx.fetchrow(
            """SELECT id, lead_id, member_id, recipient, sender, raw, text, whatsapp, actor, activity_id, depth, attempts + 1 AS attempts
                 FROM messages WHERE org_id = $1 AND lane_id = $2 AND state = 'waiting' AND next_at <= $3
                ORDER BY next_at, id LIMIT 1 FOR UPDATE SKIP LOCKED""",
            org_id, lane_id, now,
        )  # fmt: skip
        if row is None:
            return None, None
        if row["member_id"] is None:
            why = await reason_against(tx, await key_of(tx, row["recipient"]))
            if why is not None:
                return row, f"{row['recipient']} {why}."
        if row["lead_id"] is not None and await tx.fetchval(
            "SELECT deleted_at FROM leads WHERE org_id = $1 AND id = $2", org_id, row["lead_id"]
        ):
            return row, "The lead was deleted."
        await tx.execute(
            """UPDATE messages SET state = 'sending', sending_since = $3, attempts = attempts + 1, version = version + 1
                WHERE org_id = $1 AND id = $2""",
            org_id, row["id"], now,
        )  # fmt: skip
        return row, None


async def _record(db: Database, org_id: UUID, row: Row, outcome: Outcome, now: datetime | None) -> None:
    """Record an end under the actor that caused the message, or the moment of the next attempt."""
    moment = now or utc_now()
    end = outcome.end
    if end is None and row["attempts"] < MOST:
        async with db.transaction(org_id) as conn:
            await conn.execute(
                """UPDATE messages SET state = 'waiting', next_at = $3, error = $4, sending_since = NULL, version = version + 1
                    WHERE org_id = $1 AND id = $2 AND state = 'sending'""",
                org_id, row["id"], moment + backoff(row["attempts"]), outcome.error,
            )  # fmt: skip
        return
    body = Record(
        message_id=row["id"], end=end or "failed", error=outcome.error, unknown_address=outcome.unknown_address,
        provider_id=outcome.provider_id,
    )  # fmt: skip
    cause = Cause(row["activity_id"], row["depth"]) if row["depth"] < MAX_DEPTH - 1 else None
    await perform(db, actor_of(org_id, row["actor"]), "crm.messages.record", body, now=now, cause=cause)


def actor_of(org_id: UUID, by: dict[str, Any]) -> Actor:
    """The actor that a message was caused by, for what becomes of it."""
    role = Role(by["role"]) if Role(by["role"]).admits(Role.MEMBER) else Role.MEMBER
    return Actor(
        type=by["type"], org_id=org_id, role=role, name=by["name"], id=by["id"] and UUID(by["id"]), via=by["via"]
    )


async def _doubt(db: Database, org_id: UUID, lane_id: UUID, moment: datetime, now: datetime | None) -> int:
    """What a process that died had under way: whether it left, nobody knows."""
    async with db.transaction(org_id, read_only=True) as conn:
        rows = await conn.fetch(
            """SELECT id FROM messages
                WHERE org_id = $1 AND lane_id = $2 AND state = 'sending' AND sending_since < $3 ORDER BY sending_since LIMIT 200""",
            org_id, lane_id, moment - LEASE,
        )  # fmt: skip
    actor = system(org_id, "Baton", role=Role.MEMBER, via="agent")
    why = "The process that was sending it died. Look whether it arrived, then decide."
    for row in rows:
        log.warning("a message is in doubt", org_id=str(org_id), message_id=str(row["id"]))
        await perform(
            db, actor, "crm.messages.record", Record(message_id=row["id"], end="in_doubt", error=why), now=now
        )
    return len(rows)


async def _postpone(db: Database, org_id: UUID, lane_id: UUID, now: datetime, why: str) -> int:
    """The whole lane waits, longer each time; what waited two days has failed."""
    async with db.transaction(org_id) as conn:
        rows = await conn.fetch(
            """UPDATE messages SET attempts = attempts + 1, error = $4,
                      next_at = $3::timestamptz + least(interval '30 seconds' * power(2, least(attempts, 10)), $5::interval)
                WHERE org_id = $1 AND lane_id = $2 AND state = 'waiting' AND next_at <= $3
            RETURNING id, actor, activity_id, depth, attempts""",
            org_id, lane_id, now, why[:500], LONGEST,
        )  # fmt: skip
    for row in rows:
        if row["attempts"] >= MOST:
            try:
                await _record(db, org_id, row, Outcome("failed", why[:500]), now)
            except BatonError as error:
                log.warning("an end could not be recorded", message_id=str(row["id"]), error=error.message)
    return len(rows)


def backoff(attempts: int) -> timedelta:
    """How long to wait after so many attempts: a minute, twice as long each time, at most 4 hours, ± 20 percent."""
    wait = min(timedelta(minutes=2 ** min(attempts - 1, 10)), LONGEST)
    return timedelta(seconds=wait.total_seconds() * _random.uniform(0.8, 1.2))
