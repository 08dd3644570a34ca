"""From the log to jobs: reads activities in commit order and enqueues what follows from them, in the cursor's transaction."""

import asyncio
from collections.abc import Callable, Set
from typing import Any
from uuid import UUID

import msgspec
import structlog
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver

from baton.activities import stream
from baton.activities.stream import Cursor, Event
from baton.kernel.db import Database
from baton.kernel.errors import Conflict
from baton.kernel.queue import SCHEMA, queries
from baton.reactions import AUTOMATION, ENRICHMENT, NURTURED, REACTIONS, SEQUENCES, WEBHOOKS

log = structlog.get_logger()
NAME = "relay"
BATCH = 2000
CHUNK = 50
_ORG_BEGINS = len('{"orgId":"') + 1


class Job(msgspec.Struct, rename="camel"):
    """Activities of one kind, organization and depth that something follows from. The organization stands first: `turns`."""

    org_id: UUID
    kind: str
    activity_ids: list[UUID]
    depth: int


class Relayed(msgspec.Struct):
    """What one step of the relay did: how many activities it read, how many jobs it made, whose log it was."""

    read: int
    jobs: int
    organizations: set[UUID]


async def step(db: Database, *, limit: int = BATCH) -> Relayed:
    """Read the next activities and enqueue their jobs, all or nothing. One relay works at a time; others answer zero.

    Raises Conflict where the cursor was taken in another database cluster, whose transaction numbers mean nothing here.
    """
    async with db.relay.acquire() as conn, conn.transaction():
        cluster = await stream.cluster(conn)
        await conn.execute(
            "INSERT INTO log_cursors (name, cluster, txid, id) VALUES ($1, $2, '0', $3) ON CONFLICT DO NOTHING",
            NAME,
            cluster,
            stream.ZERO,
        )
        row = await conn.fetchrow(
            "SELECT cluster, txid::text AS txid, id FROM log_cursors WHERE name = $1 FOR UPDATE SKIP LOCKED", NAME
        )
        if row is None:
            return Relayed(0, 0, set())
        if row["cluster"] != cluster:
            raise Conflict(
                "This database was restored from another cluster, whose transaction numbers do not fit. Advance this cluster's "
                "counter beyond them (pg_resetwal --next-transaction-id), and set log_cursors.cluster to its system_identifier."
            )
        events, cursor = await stream.read(conn, Cursor(int(row["txid"]), row["id"]), limit)
        if not events:
            return Relayed(0, 0, set())
        jobs = _jobs(events, await _listening(conn))
        if jobs:
            places = await turns(conn, [org_id for _, org_id, _ in jobs])
            names, _, payloads = zip(*jobs, strict=True)
            await queries(AsyncpgDriver(conn)).enqueue(list(names), list(payloads), places)
        await conn.execute(
            "UPDATE log_cursors SET txid = $2::text::xid8, id = $3, moved_at = now() WHERE name = $1",
            NAME,
            str(cursor.txid),
            cursor.id,
        )
    return Relayed(len(events), len(jobs), {event.org_id for event in events})


async def _listening(conn: Any) -> dict[UUID, set[str]]:
    """What each organization listens to: the kinds of activity that its playbooks and automations name, webhooks, and so on."""
    rows = await conn.fetch(
        """SELECT DISTINCT org_id, trigger AS heard FROM playbook_rules WHERE enabled
           UNION ALL SELECT DISTINCT org_id, $1 FROM webhook_endpoints WHERE status = 'active'
           UNION ALL SELECT DISTINCT org_id, $2 FROM enrichment_rules WHERE enabled
           UNION ALL SELECT DISTINCT org_id, $3::text || listens FROM automations WHERE state = 'on'
           UNION ALL SELECT org_id, $4::text || id FROM stages WHERE auto_nurture AND archived_at IS NULL
           UNION ALL SELECT DISTINCT org_id, $5 FROM sequences WHERE state IN ('on', 'paused')""",
        WEBHOOKS, ENRICHMENT, AUTOMATION, NURTURED, SEQUENCES,
    )  # fmt: skip
    listening: dict[UUID, set[str]] = {}
    for row in rows:
        listening.setdefault(row["org_id"], set()).add(row["heard"])
    return listening


async def turns(conn: Any, organizations: list[UUID]) -> list[int]:
    """The priorities of new jobs: each organization's jobs stand in line, and the lines take turns (start-time fair queueing).

    An organization's next job comes one place behind its last; where none waits, one behind whatever is next of all. So
    a thousand jobs of one delay another's first by one job, and nobody waits for ever.
    """
    rows = await conn.fetch(
        f"""SELECT substring(payload FROM {_ORG_BEGINS} FOR 36) AS org, min(priority) AS last, max(priority) AS first
              FROM {SCHEMA}.pgqueuer WHERE status = 'queued' GROUP BY 1"""
    )
    next_of_all = max((row["first"] for row in rows), default=0)
    last = {row["org"]: row["last"] for row in rows}
    places = []
    for org_id in organizations:
        key = str(org_id).encode()
        last[key] = last.get(key, next_of_all) - 1
        places.append(last[key])
    return places


def _jobs(events: list[Event], listening: dict[UUID, set[str]]) -> list[tuple[str, UUID, bytes]]:
    """What follows from events, gathered by reaction, organization, kind and depth, at most `CHUNK` activities a job."""
    gathered: dict[tuple[str, UUID, str, int], list[Event]] = {}
    for event in events:
        heard: Set[str] = listening.get(event.org_id, frozenset())
        for reaction in REACTIONS.get(event.kind, ()):
            if reaction.when(event, heard):
                gathered.setdefault((reaction.job, event.org_id, event.kind, event.depth), []).append(event)
    jobs = []
    for (name, org_id, kind, depth), members in gathered.items():
        for start in range(0, len(members), CHUNK):
            part = members[start : start + CHUNK]
            job = Job(org_id, kind, [event.id for event in part], depth)
            jobs.append((name, org_id, msgspec.json.encode(job)))
    return jobs


async def run(
    db: Database, wake: asyncio.Event, stop: asyncio.Event, told: Callable[[set[UUID]], None], *, pause: float = 0.15
) -> None:
    """Step until told to stop: at once when woken, else every `pause` seconds. `told` hears whose log has moved."""
    while not stop.is_set():
        wake.clear()
        try:
            relayed = await step(db)
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("the relay stumbled; it tries again")
            await asyncio.sleep(1)
            continue
        if relayed.organizations:
            told(relayed.organizations)
        if relayed.read < BATCH:
            await _either(wake, stop, pause)


async def _either(wake: asyncio.Event, stop: asyncio.Event, pause: float) -> None:
    waiting = [asyncio.ensure_future(event.wait()) for event in (wake, stop)]
    try:
        await asyncio.wait(waiting, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
