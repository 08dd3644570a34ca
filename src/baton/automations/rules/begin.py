"""Beginning runs: what happened, and what time it is, answered once by each rule that is on and whose condition holds."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from baton.accounts.organization import organization
from baton.automations.rules import times
from baton.automations.rules.automation import SELECT, Automation, acting
from baton.automations.rules.check import date_field
from baton.automations.rules.outcome import StopChain
from baton.automations.rules.rule import OnActivity, OnDate, OnQuiet, time_of_day
from baton.fields import lead as fields
from baton.kernel.db import Database, Row, Tx, columns, struct_of
from baton.kernel.errors import BatonError
from baton.kernel.fairness import fair
from baton.kernel.perform import MAX_DEPTH, perform
from baton.kernel.values import new_id, utc_now

log = structlog.get_logger()
AT_ONCE = 1000
LATE = timedelta(days=7)  # how long after its day a date still counts: for edits that come late, and for outages


async def on_activities(
    db: Database, org_id: UUID, kind: str, activity_ids: list[UUID], depth: int, *, now: datetime | None = None
) -> int:
    """Begin a run of each rule for each activity that it answers; done again, none. Answers how many were begun.

    A rule does not begin again in a chain that it is part of already, nor anything at the end of a long one: the chain is
    stopped, and told.
    """
    begun = 0
    async with db.transaction(org_id) as conn:
        tx = Tx(conn, org_id, now or utc_now(), "crm.automations.begin", installation=db.installation)
        rows = await tx.fetch(
            f"{SELECT} WHERE a.org_id = $1 AND a.listens = $2 AND a.state = 'on' ORDER BY a.id", org_id, kind
        )
        rules = [struct_of(row, Automation) for row in rows]
        stopped = []
        for rule in rules:
            met, error = await _met(tx, rule, activity_ids)
            again = (
                {row["id"] for row in met} if depth >= MAX_DEPTH else await _its_own(tx, rule, met) if depth else set()
            )
            stopped += [(rule, row) for row in met if row["id"] in again]
            met = [row for row in met if row["id"] not in again]
            begun += await _insert(tx, rule, [(f"{row['id']}", row["lead_id"], row["id"]) for row in met], depth, error)
    for rule, row in stopped:
        chain = StopChain(automation_id=rule.id, activity_id=row["id"])
        await perform(db, acting(org_id, rule.name), "crm.automations.stop", chain, now=now)
    return begun


async def _met(tx: Tx, rule: Automation, activity_ids: list[UUID]) -> tuple[list[Row], str | None]:
    """The activities that a rule answers; where its condition cannot be asked all of them, and why."""
    assert isinstance(rule.trigger, OnActivity)
    changed = rule.trigger.changed or None
    without_lead = "a.lead_id IS NULL" if rule.condition in ({"all": []}, {}) else "false"
    try:
        compiled = await fields.compiled(tx, rule.condition, first=4)
        held, args, error = compiled.sql, compiled.args, None
    except BatonError as refusal:
        held, args, error = "true", [], f"The condition cannot be asked: {refusal.message}"
    rows = await tx.fetch(
        f"""SELECT a.id, a.lead_id FROM activities a LEFT JOIN leads l ON l.org_id = a.org_id AND l.id = a.lead_id
             WHERE a.org_id = $1 AND a.id = ANY ($2) AND ($3::text[] IS NULL OR a.changes ?| $3)
               AND ({without_lead} OR (l.id IS NOT NULL AND l.deleted_at IS NULL AND {held}))
             ORDER BY a.occurred_at, a.id""",
        tx.org_id, activity_ids, changed, *args,
    )  # fmt: skip
    return rows, error


async def _its_own(tx: Tx, rule: Automation, met: list[Row]) -> set[UUID]:
    """Those activities that followed, over however many steps, from something that this rule did."""
    rows = await tx.fetch(
        """WITH RECURSIVE chain AS (
             SELECT a.id AS first, a.operation_id, a.caused_by FROM activities a WHERE a.org_id = $1 AND a.id = ANY ($3)
             UNION ALL
             SELECT c.first, a.operation_id, a.caused_by FROM chain c JOIN activities a ON a.org_id = $1 AND a.id = c.caused_by)
           SELECT DISTINCT c.first FROM chain c
             JOIN automation_runs r ON r.org_id = $1 AND r.id = c.operation_id AND r.automation_id = $2""",
        tx.org_id, rule.id, [row["id"] for row in met],
    )  # fmt: skip
    return {row["first"] for row in rows}


async def _insert(
    tx: Tx, rule: Automation, met: list[tuple[str, UUID | None, UUID | None]], depth: int, error: str | None = None
) -> int:
    if not met:
        return 0
    rows = [(new_id(), *each) for each in met]
    made = await tx.fetch(
        """INSERT INTO automation_runs (org_id, id, automation_id, number, key, lead_id, activity_id, depth, status, error,
                                       next_at, created_at)
           SELECT $1, r.id, $2, $3, r.key, r.lead_id, r.activity_id, $4, $5, $6, $7, $7
             FROM unnest($8::uuid[], $9::text[], $10::uuid[], $11::uuid[]) AS r (id, key, lead_id, activity_id)
               ON CONFLICT (automation_id, key, org_id) DO NOTHING RETURNING id""",
        tx.org_id, rule.id, rule.number, depth, "held" if error else "waiting", error, tx.now, *columns(rows, 4),
    )  # fmt: skip
    if made:
        await tx.execute(
            "UPDATE automations SET last_run_at = $3 WHERE org_id = $1 AND id = $2", tx.org_id, rule.id, tx.now
        )
    return len(made)


async def slots_due(db: Database, now: datetime, per_organization: int) -> list[tuple[UUID, UUID]]:
    """Rules whose time has come, by organization, whoever waits longest first, at most so many of an organization."""
    return await fair(
        db,
        "SELECT org_id, id, next_at FROM automations WHERE state = 'on' AND next_at <= $1",
        now, per_organization=per_organization,
    )  # fmt: skip


async def on_time(db: Database, org_id: UUID, automation_id: UUID, now: datetime | None = None) -> int:
    """Begin the runs of a rule's slot, some at a time; with the last of them the next slot is set. Answers how many, at least 1."""
    moment = now or utc_now()
    async with db.transaction(org_id) as conn:
        tx = Tx(conn, org_id, moment, "crm.automations.begin", installation=db.installation)
        row = await tx.fetchrow(
            f"{SELECT} WHERE a.org_id = $1 AND a.id = $2 AND a.state = 'on' AND a.next_at <= $3 FOR NO KEY UPDATE OF a SKIP LOCKED",
            org_id, automation_id, moment,
        )  # fmt: skip
        if row is None:
            return 0
        rule = struct_of(row, Automation)
        zone = (await organization(tx)).time_zone
        try:
            met = await _on_time(tx, rule, zone)
        except BatonError as refusal:
            log.warning("a rule cannot look", automation=str(rule.id), error=refusal.message)
            met = []
        begun = await _insert(tx, rule, [(each["key"], each["id"], None) for each in met], 0)
        if len(met) < AT_ONCE:
            await tx.execute(
                "UPDATE automations SET next_at = $3, looked_at = $4 WHERE org_id = $1 AND id = $2",
                org_id, rule.id, times.next_slot(rule.trigger, moment, zone), moment,
            )  # fmt: skip
    return max(begun, 1)


async def _on_time(tx: Tx, rule: Automation, zone: str) -> list[Row]:
    """The leads that a slot is for and that it has not begun with yet, each with the key of what is answered."""
    key, which, args = await _answered(tx, rule, zone)
    compiled = await fields.compiled(tx, rule.condition, first=3 + len(args), in_table=True)
    return await tx.fetch(
        f"""SELECT l.id, {key} AS key FROM leads l
             WHERE l.org_id = $1 AND l.deleted_at IS NULL AND {which} AND {compiled.sql}
               AND NOT EXISTS (SELECT FROM automation_runs r WHERE r.org_id = $1 AND r.automation_id = $2 AND r.key = {key})
             ORDER BY l.id LIMIT {AT_ONCE}""",
        tx.org_id, rule.id, *args, *compiled.args,
    )  # fmt: skip


async def _answered(tx: Tx, rule: Automation, zone: str) -> tuple[str, str, list[Any]]:
    """The SQL of the key, the SQL of which leads, and its arguments from $3 on."""
    on = await tx.fetchval("SELECT switched_on_at FROM automations WHERE org_id = $1 AND id = $2", tx.org_id, rule.id)
    trigger = rule.trigger
    if isinstance(trigger, OnDate):
        field = await date_field(tx, trigger)
        at = f"({field.sql} AT TIME ZONE $5)::date" if field.type == "time" else f"({field.sql})"
        due = f"({at} + $6::integer)"
        local = tx.now.astimezone(ZoneInfo(zone))
        today = local.date() - timedelta(days=local.time() < time_of_day(trigger.at))
        first = max(on.astimezone(ZoneInfo(zone)).date(), today - LATE)
        known = f"coalesce({due} BETWEEN $3::date AND $4::date, false) AND $5::text IS NOT NULL"
        return f"'date ' || {at}::text || ' ' || l.id", known, [first, today, zone, trigger.offset_days]
    if isinstance(trigger, OnQuiet):
        edge = tx.now - timedelta(days=trigger.days)
        floor = datetime.min.replace(tzinfo=tx.now.tzinfo) if trigger.backlog else on - timedelta(days=trigger.days)
        quiet = "l.closed_at IS NULL AND l.last_activity_at <= $3 AND l.last_activity_at > $4"
        return "'quiet ' || extract(epoch FROM l.last_activity_at)::text || ' ' || l.id", quiet, [edge, floor]
    assert rule.next_at is not None
    return "'slot ' || $3::text || ' ' || l.id", "true", [rule.next_at.isoformat()]
