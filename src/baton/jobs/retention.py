"""What has served its time is forgotten each night: idempotency keys, sessions that ended, the log of finished jobs, old notices,
what models were told and said, invitations and links for forgotten passwords that are over.

Nothing of it is a lead's or the log's: those are kept for ever. How long each is kept, the operator says.
"""

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from baton.agents.turns import FORGOTTEN
from baton.kernel.db import Database
from baton.kernel.queue import SCHEMA

log = structlog.get_logger()
RETENTION = "retention"
SLOT = "30 1 * * *"
PART = 10_000


@dataclass(slots=True)
class Forgotten:
    """How many rows were removed."""

    keys: int = 0
    sessions: int = 0
    jobs: int = 0
    notices: int = 0
    captures: int = 0
    thoughts: int = 0
    invitations: int = 0
    resets: int = 0


# What is still to be mailed stays, and what waits for a person.
_NOTICES = """DELETE FROM notices WHERE org_id = $1 AND id IN (
                 SELECT id FROM notices WHERE org_id = $1 AND created_at < $2 AND email <> 'waiting' ORDER BY created_at LIMIT $3)"""
_CAPTURES = """DELETE FROM held_captures WHERE org_id = $1 AND id IN (
                  SELECT id FROM held_captures
                   WHERE org_id = $1 AND created_at < $2 AND status <> 'waiting' ORDER BY created_at LIMIT $3)"""
# Which rules ran, what was done and what it cost stays: the run's receipt, the log, and these rows without their words.
_THOUGHTS = f"""UPDATE agent_turns SET message = '{FORGOTTEN}' WHERE org_id = $1 AND id IN (
                   SELECT id FROM agent_turns WHERE org_id = $1 AND created_at < $2 AND message <> '{FORGOTTEN}' LIMIT $3)"""


async def forget(db: Database, now: datetime, *, only: UUID | None = None) -> Forgotten:
    """Remove what is older than the installation keeps it, part by part; the keys of `only` one organization, where one is named.

    A key that is forgotten no longer recognises a repetition: it is kept longer than any client or job tries again.
    """
    kept, done = db.installation.kept, Forgotten()
    organizations = (
        [only] if only else [row["org_id"] for row in await db.relay.fetch("SELECT org_id FROM organizations")]
    )
    for org_id in organizations:
        done.keys += await _keys(db, org_id, now - kept.keys)
        done.notices += await _older(db, org_id, _NOTICES, now - kept.notices)
        done.captures += await _older(db, org_id, _CAPTURES, now - kept.notices)
        done.thoughts += await _older(db, org_id, _THOUGHTS, now - kept.notices)
        done.invitations += await _invitations(db, org_id, now - kept.notices)
    done.resets = await db.relay.fetchval("SELECT directory_forget_resets($1)", now - kept.notices)
    done.sessions = await db.relay.fetchval("SELECT directory_forget_ended($1)", now)
    while removed := await _jobs(db, now - kept.jobs):
        done.jobs += removed
    log.info("forgotten", **dataclasses.asdict(done))
    return done


async def _keys(db: Database, org_id: UUID, before: datetime) -> int:
    done: int = 0
    while True:
        async with db.transaction(org_id) as conn:
            removed: int = await conn.fetchval(
                """WITH old AS (SELECT actor, key FROM idempotency_keys WHERE org_id = $1 AND created_at < $2 ORDER BY created_at LIMIT $3),
                        gone AS (DELETE FROM idempotency_keys k USING old WHERE k.org_id = $1 AND k.actor = old.actor AND k.key = old.key
                                 RETURNING 1)
                   SELECT count(*) FROM gone""",
                org_id, before, PART,
            )  # fmt: skip
        done += removed
        if removed < PART:
            return done


async def _older(db: Database, org_id: UUID, sql: str, before: datetime) -> int:
    done = 0
    while True:
        async with db.transaction(org_id) as conn:
            removed = int((await conn.execute(sql, org_id, before, PART)).rpartition(" ")[2])
        done += removed
        if removed < PART:
            return done


async def _invitations(db: Database, org_id: UUID, before: datetime) -> int:
    """Those that were settled or expired, and with each its links in the directory; the log tells of them for ever."""
    done = 0
    while True:
        async with db.transaction(org_id) as conn:
            rows = await conn.fetch(
                """DELETE FROM invitations WHERE org_id = $1 AND id IN (
                      SELECT id FROM invitations WHERE org_id = $1 AND coalesce(settled_at, expires_at) < $2
                       ORDER BY coalesce(settled_at, expires_at) LIMIT $3)
                   RETURNING id""",
                org_id, before, PART,
            )  # fmt: skip
            await conn.execute(
                "SELECT directory_remove_addresses('invitation', id) FROM unnest($1::uuid[]) AS id",
                [row["id"] for row in rows],
            )
        done += len(rows)
        if len(rows) < PART:
            return done


async def _jobs(db: Database, before: datetime) -> int:
    removed = await db.relay.fetchval(
        f"""WITH gone AS (DELETE FROM {SCHEMA}.pgqueuer_log WHERE id IN (SELECT id FROM {SCHEMA}.pgqueuer_log WHERE created < $1 LIMIT $2)
                          RETURNING 1)
            SELECT count(*) FROM gone""",
        before, PART,
    )  # fmt: skip
    return int(removed)
