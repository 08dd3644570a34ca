"""Telling that leads stay too long: near the end of the time, and behind it, once each a stay. Spec A6, B7."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from baton.accounts import calendar as calendars
from baton.accounts.calendar import OnMissed
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role, system
from baton.kernel.db import Database, Row, Tx, columns
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.perform import perform
from baton.leads.stay import Stay, keep

AT_ONCE = 200
CHUNK = 1_000
ROUNDS = 25


class Checked(Output, kw_only=True):
    """How many leads were said to be near the end of their time, and how many late."""

    near: int
    missed: int


class Recount(Input, kw_only=True):
    """The stage whose leads are counted anew, all stages where none is named; `after` is the last lead that was."""

    stage_id: UUID | None = None
    after: UUID | None = None


class Recounted(Output, kw_only=True):
    """How many leads were counted anew; `next` is where to go on, none at the end."""

    leads: int
    next: UUID | None


@operation("crm.sla.check", role=Role.MEMBER, summary="Tell which leads stay too long", internal=True)
async def check(tx: Tx, actor: Actor, input: Nothing) -> Checked:
    """Tell of at most 200 leads whose time is near its end or over, whoever waits longest first. Nothing is told twice."""
    rows = await tx.fetch(
        """SELECT l.id, l.name, l.stage_entered_at, l.sla_due_at, s.name AS stage, s.sla_days,
                  coalesce(e.on_missed, c.on_missed, '{}') AS on_missed
             FROM leads l JOIN stages s ON s.org_id = l.org_id AND s.id = l.stage_id
             LEFT JOIN stage_escalations e ON e.org_id = l.org_id AND e.stage_id = l.stage_id
             LEFT JOIN calendars c ON c.org_id = l.org_id
            WHERE l.org_id = $1 AND l.sla_next_at <= $2 AND l.deleted_at IS NULL
            ORDER BY l.sla_next_at, l.id LIMIT $3 FOR NO KEY UPDATE OF l SKIP LOCKED""",
        tx.org_id, tx.now, AT_ONCE,
    )  # fmt: skip
    missed = {row["id"] for row in rows if row["sla_due_at"] <= tx.now}
    told = [
        (row["id"], "missed" if row["id"] in missed else "near", None if row["id"] in missed else row["sla_due_at"])
        for row in rows
    ]
    await tx.execute(
        """UPDATE leads AS l SET sla_told = t.told, sla_next_at = t.next_at
             FROM unnest($2::uuid[], $3::text[], $4::timestamptz[]) AS t (id, told, next_at) WHERE l.org_id = $1 AND l.id = t.id""",
        tx.org_id, *columns(told, 3),
    )  # fmt: skip
    await append(tx, actor, *(_entry(row, late=row["id"] in missed) for row in rows))
    return Checked(near=len(rows) - len(missed), missed=len(missed))


def _entry(row: Row, *, late: bool) -> Entry:
    days = f"{row['sla_days']} working day{'' if row['sla_days'] == 1 else 's'}"
    payload: dict[str, Any] = {
        "stageName": row["stage"],
        "dueAt": row["sla_due_at"].isoformat(),
        "slaDays": row["sla_days"],
    }
    payload["tell"] = msgspec.convert(row["on_missed"], OnMissed).tell if late else ["owner"]
    return Entry(
        kind=kinds.SLA_MISSED if late else kinds.SLA_NEAR, subject_type="lead", subject_id=row["id"], lead_id=row["id"], payload=payload,
        reason=f"Leads leave {row['stage']} within {days}; this one is there since {row['stage_entered_at']:%d %b %Y}.",
    )  # fmt: skip


@operation("crm.sla.recount", role=Role.MEMBER, summary="Count anew how long leads may stay", internal=True)
async def recount(tx: Tx, actor: Actor, input: Recount) -> Recounted:
    """Count the stays of 1,000 open leads anew, after their stage or the calendar was changed; what was told stays told."""
    rows = await tx.fetch(
        """SELECT l.id, l.stage_entered_at, l.sla_told, s.sla_days FROM leads l JOIN stages s ON s.org_id = l.org_id AND s.id = l.stage_id
            WHERE l.org_id = $1 AND l.closed_at IS NULL AND ($2::uuid IS NULL OR l.stage_id = $2) AND ($3::uuid IS NULL OR l.id > $3)
              AND (s.sla_days IS NOT NULL OR l.sla_due_at IS NOT NULL)
            ORDER BY l.id LIMIT $4 FOR NO KEY UPDATE OF l""",
        tx.org_id, input.stage_id, input.after, CHUNK,
    )  # fmt: skip
    calendar = await calendars.read(tx)
    await keep(
        tx, [Stay(row["id"], row["stage_entered_at"], row["sla_days"], row["sla_told"]) for row in rows], calendar
    )
    subject = ("stage", input.stage_id) if input.stage_id else ("organization", tx.org_id)
    await append(
        tx,
        actor,
        Entry(kind=kinds.SLA_RECOUNTED, subject_type=subject[0], subject_id=subject[1], payload={"leads": len(rows)}),
    )
    return Recounted(leads=len(rows), next=rows[-1]["id"] if len(rows) == CHUNK else None)


async def recount_all(db: Database, org_id: UUID, activity_ids: list[UUID], *, now: datetime | None = None) -> None:
    """Count anew what these activities changed: the stays in a stage, or in all of them."""
    async with db.transaction(org_id, read_only=True) as conn:
        rows = await conn.fetch(
            """SELECT DISTINCT CASE WHEN kind = $3 THEN subject_id END AS stage_id FROM activities
                WHERE org_id = $1 AND id = ANY ($2) AND (kind <> $3 OR changes ? 'slaDays')
                  AND (kind <> $4 OR changes ? 'timeZone')""",
            org_id, activity_ids, kinds.STAGE_UPDATED, kinds.ORGANIZATION_CHANGED,
        )  # fmt: skip
    actor = system(org_id, "Baton", role=Role.MEMBER, via="agent")
    for row in rows:
        after: UUID | None = None
        while True:
            done: Recounted = await perform(
                db, actor, "crm.sla.recount", Recount(stage_id=row["stage_id"], after=after), now=now
            )
            after = done.next
            if after is None:
                break


async def due(db: Database, now: datetime, per_organization: int) -> list[tuple[UUID, UUID]]:
    """Organizations with leads of which something is to be told, whoever waits longest first."""
    rows = await db.relay.fetch(
        """SELECT o.org_id, l.sla_next_at FROM organizations o CROSS JOIN LATERAL (
                  SELECT sla_next_at FROM leads WHERE org_id = o.org_id AND sla_next_at <= $1 AND deleted_at IS NULL
                   ORDER BY sla_next_at LIMIT 1) l
            ORDER BY 2 LIMIT 1000""",
        now,
    )  # fmt: skip
    return [(row["org_id"], row["org_id"]) for row in rows]


async def walk(db: Database, org_id: UUID, lane: UUID, now: datetime | None) -> int:
    """Tell of some of what is due in an organization; answers of how many leads."""
    actor, told = system(org_id, "Baton", role=Role.MEMBER, via="agent"), 0
    for _ in range(ROUNDS):
        done: Checked = await perform(db, actor, "crm.sla.check", now=now)
        told += done.near + done.missed
        if done.near + done.missed < AT_ONCE:
            break
    return told
