"""What a rule would have done: asked of the log over a period, each lead as it stood at the moment. Spec A8, C9."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from baton.accounts.organization import organization
from baton.automations.rules import times
from baton.automations.rules.automation import find
from baton.automations.rules.check import check, date_field
from baton.automations.rules.rule import OnActivity, OnDate, OnQuiet, OnSchedule, Rule
from baton.fields import lead as fields
from baton.kernel.actor import Actor, Role
from baton.kernel.conditions import Condition
from baton.kernel.db import Row, Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, Output, operation
from baton.kernel.shapes import Moment
from baton.leads.as_of_rowset import rowset

NAMED: Final = 200
ASKED: Final = 5_000
SLOTS: Final = 31
LONGEST: Final = timedelta(days=366)
_RELATIVE = ("within_last", "within_next", "older_than")


class DryRun(Input, kw_only=True):
    """An automation, or a rule that is not kept yet, and the period to ask about: the last 30 days unless said otherwise."""

    automation_id: UUID | None = None
    rule: Rule | None = None
    since: Moment | None = None
    until: Moment | None = None


class Firing(Output, kw_only=True):
    """One lead for which the rule would have begun, when, and on which activity (none where it waits for time)."""

    lead_id: UUID
    lead: str
    at: datetime
    activity_id: UUID | None


class Firings(Output, kw_only=True):
    """How often the rule would have begun and for how many leads, the newest of them (at most 200), and how this was found out."""

    since: datetime
    until: datetime
    times: int
    leads: int
    firings: list[Firing]
    words: list[str]


@operation("crm.automations.dryRun", kind="query", role=Role.VIEWER, summary="See what an automation would have done")
async def dry_run(tx: Tx, actor: Actor, input: DryRun) -> Firings:
    """Ask the log what a rule would have begun with; nothing is done. Raises NotFound, Invalid for a rule or a period."""
    if (input.automation_id is None) == (input.rule is None):
        raise Invalid("Name an automation, or give a rule to try.", field="automationId")
    if input.rule is not None:
        rule = input.rule
        await check(tx, rule)
    else:
        assert input.automation_id is not None
        found = await find(tx, input.automation_id)
        rule = Rule(trigger=found.trigger, condition=found.condition, steps=found.steps)
    since, until = _period(tx, input)
    words: list[str] = []
    match rule.trigger:
        case OnActivity():
            rows = await _on_activities(tx, rule.trigger, rule.condition, since, until, words)
        case OnSchedule():
            rows = await _on_schedule(tx, rule.trigger, rule.condition, since, until, words)
        case OnDate():
            rows = await _on_date(tx, rule.trigger, rule.condition, since, until, words)
        case OnQuiet():
            rows = await _on_silence(tx, rule.trigger, rule.condition, since, until, words)
    words += _caveats(rule.condition)
    firings = [
        Firing(lead_id=row["id"], lead=row["name"], at=row["at"], activity_id=row["activity_id"]) for row in rows
    ]
    firings.sort(key=lambda each: each.at, reverse=True)
    leads = len({each.lead_id for each in firings})
    return Firings(since=since, until=until, times=len(firings), leads=leads, firings=firings[:NAMED], words=words)


def _period(tx: Tx, input: DryRun) -> tuple[datetime, datetime]:
    given = [each for each in (input.since, input.until) if each is not None]
    known = all(each.tzinfo is not None and 2000 <= each.year < 9999 for each in given)
    until = min(input.until or tx.now, tx.now) if known else tx.now
    since = (input.since or until - timedelta(days=30)) if known else tx.now
    if not timedelta() < until - since <= LONGEST:
        raise Invalid("The period is of past moments with their time zone, at most a year.", field="since")
    return since, until


async def _on_activities(
    tx: Tx, trigger: OnActivity, condition: Condition, since: datetime, until: datetime, words: list[str]
) -> list[Row]:
    compiled = await fields.compiled(tx, condition, first=6)
    rows = await tx.fetch(
        f"""WITH happened AS MATERIALIZED (
              SELECT a.id, a.lead_id, a.occurred_at FROM activities a
               WHERE a.org_id = $1 AND a.occurred_at >= $2 AND a.occurred_at < $3 AND a.kind = $4 AND a.lead_id IS NOT NULL
                 AND ($5::text[] IS NULL OR a.changes ?| $5)
               ORDER BY a.occurred_at DESC, a.id DESC LIMIT {ASKED + 1})
            SELECT l.id, l.name, h.occurred_at AS at, h.id AS activity_id
              FROM happened h CROSS JOIN LATERAL {rowset("h.occurred_at")} l
             WHERE l.id = h.lead_id AND l.deleted_at IS NULL AND {compiled.sql}""",
        tx.org_id, since, until, trigger.kind, trigger.changed or None, *compiled.args,
    )  # fmt: skip
    words.append("Each lead was asked as it stood at the moment of the activity.")
    if len(rows) > ASKED:
        words.append(f"Only the newest {ASKED:,} activities were asked about.")
    return rows[:ASKED]


async def _on_schedule(
    tx: Tx, trigger: OnSchedule, condition: Condition, since: datetime, until: datetime, words: list[str]
) -> list[Row]:
    zone = (await organization(tx)).time_zone
    slots: list[datetime] = []
    at = times.next_slot(trigger, since.astimezone(UTC), zone)
    while at is not None and at < until:
        slots.append(at)
        at = times.next_slot(trigger, at, zone)
    words.append(f"{len(slots)} times fell into the period. Each lead was asked as it stood then.")
    return await _at_each(tx, slots, condition, "true", [], words)


async def _on_date(
    tx: Tx, trigger: OnDate, condition: Condition, since: datetime, until: datetime, words: list[str]
) -> list[Row]:
    zone = (await organization(tx)).time_zone
    field = await date_field(tx, trigger)
    at = f"({field.sql} AT TIME ZONE $4::text)::date" if field.type == "time" else f"({field.sql})"
    slots = []
    slot = times.next_slot(trigger, since.astimezone(UTC), zone)
    while slot is not None and slot < until:
        slots.append(slot)
        slot = times.next_slot(trigger, slot, zone)
    day = "($2::timestamptz AT TIME ZONE $4::text)::date"
    words.append("Each lead was asked on the day itself, as it stood then.")
    which = f"coalesce({at} + $3::integer = {day}, false)"
    return await _at_each(tx, slots, condition, which, [trigger.offset_days, zone], words, most=366)


async def _on_silence(
    tx: Tx, trigger: OnQuiet, condition: Condition, since: datetime, until: datetime, words: list[str]
) -> list[Row]:
    days = [since + timedelta(days=n) for n in range(1, (until - since).days + 1)]
    words.append("Each lead was asked once a day, as it stood then.")
    which = """l.closed_at IS NULL AND l.last_activity_at <= $2::timestamptz - $3::integer * interval '1 day'
        AND l.last_activity_at > $2::timestamptz - ($3::integer + 1) * interval '1 day'"""
    return await _at_each(tx, days, condition, which, [trigger.days], words, most=366)


async def _at_each(
    tx: Tx,
    moments: list[datetime],
    condition: Condition,
    which: str,
    args: list[Any],
    words: list[str],
    *,
    most: int = SLOTS,
) -> list[Row]:
    """The leads of each moment, as they stood at it."""
    if len(moments) > most:
        words.append(f"Only the last {most} of {len(moments)} times were asked about.")
        moments = moments[-most:]
    compiled = await fields.compiled(tx, condition, first=3 + len(args))
    rows: list[Row] = []
    for moment in moments:
        rows += await tx.fetch(
            f"""SELECT l.id, l.name, $2::timestamptz AS at, NULL::uuid AS activity_id FROM {rowset("$2")} l
                 WHERE l.deleted_at IS NULL AND {which} AND {compiled.sql} ORDER BY l.id LIMIT {ASKED + 1}""",
            tx.org_id, moment, *args, *compiled.args,
        )  # fmt: skip
        if len(rows) > ASKED:
            words.append(f"There are more than {ASKED:,}; the counting ended there.")
            return rows[:ASKED]
    return rows


def _caveats(condition: Condition) -> list[str]:
    """Where the present state is used, said plainly."""
    said = msgspec.json.encode(condition).decode()
    words = []
    if any(f'"{op}"' in said for op in _RELATIVE):
        words.append("Tests such as “within the last 7 days” count from today, not from then.")
    if '"ownerKind"' in said:
        words.append("Whether an owner is a person or an agent is taken from the present.")
    return words
