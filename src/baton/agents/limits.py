"""An agent's limits, and what it used of them: counted in the transaction of the act, so that no number of small acts slips by. Spec A6."""

from datetime import date, timedelta
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from baton.accounts.sign_in import must_not_be_agent
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.activities.replay import difference
from baton.agents.policy import agent
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx, struct_of
from baton.kernel.errors import Invalid, TooMany
from baton.kernel.operation import Input, Output, operation
from baton.kernel.shapes import Count
from baton.kernel.values import Ref, new_id

What = Literal["actions", "sends", "tokens", "money"]
_SAID: dict[What, str] = {
    "actions": "acts a day", "sends": "messages a day", "tokens": "tokens a month", "money": "millionths of its currency a month",
}  # fmt: skip
MOST = 2**53
Most: TypeAlias = Annotated[int, Meta(ge=0, le=MOST)]


class LimitFacts(Output, kw_only=True):
    """What an agent may use: none is no limit. Values in minor units of the organization's currency, money in millionths of it.

    Above `secondPersonAboveCents` two people approve. What waits for approval ends after `approvalHours`.
    """

    actions_per_day: int | None = None
    sends_per_day: int | None = None
    tokens_per_month: int | None = None
    money_micros_per_month: int | None = None
    largest_value_cents: int | None = None
    second_person_above_cents: int | None = None
    approval_hours: int = 72


class Limits(LimitFacts, kw_only=True):
    """An agent's limits, and what it used today and this month."""

    agent_id: UUID
    used: dict[str, int]


class ReadLimits(Input, kw_only=True):
    """The agent whose limits to read."""

    agent_id: Ref


class SetLimits(Input, kw_only=True):
    """All limits of an agent; what is left out has none."""

    agent_id: Ref
    actions_per_day: Count | None = None
    sends_per_day: Count | None = None
    tokens_per_month: Most | None = None
    money_micros_per_month: Most | None = None
    largest_value_cents: Most | None = None
    second_person_above_cents: Most | None = None
    approval_hours: Annotated[int, Meta(ge=1, le=2160)] = 72


_NAMES = LimitFacts.__struct_fields__


@operation("crm.agents.limits", kind="query", role=Role.VIEWER, summary="Read an agent's limits")
async def read_limits(tx: Tx, actor: Actor, input: ReadLimits) -> Limits:
    """What an agent may use, and what it used. Raises NotFound."""
    found = await agent(tx, input.agent_id)
    return await _with_use(tx, found.id, found.time_zone)


@operation("crm.agents.setLimits", role=Role.ADMIN, summary="Change an agent's limits")
async def set_limits(tx: Tx, actor: Actor, input: SetLimits) -> Limits:
    """Set what an agent may use; its next act is under it. Raises Invalid, NotFound, Forbidden for agents."""
    must_not_be_agent(actor)
    found = await agent(tx, input.agent_id)
    values = {name: getattr(input, name) for name in _NAMES}
    if any(value is not None and not 0 <= value <= MOST for value in values.values()):
        raise Invalid("A limit is a whole number from 0 on.", field="limits")
    if not 1 <= input.approval_hours <= 2160:
        raise Invalid("An approval waits from 1 to 2,160 hours.", field="approvalHours")
    before = await of(tx, found.id)
    assignments = ", ".join(f"{name} = excluded.{name}" for name in _NAMES)
    await tx.execute(
        f"""INSERT INTO agent_limits AS a (org_id, agent_id, {", ".join(_NAMES)}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT (org_id, agent_id) DO UPDATE SET {assignments}, version = a.version + 1""",
        tx.org_id, found.id, *values.values(),
    )  # fmt: skip
    changes = difference(msgspec.to_builtins(before), msgspec.to_builtins(LimitFacts(**values)))
    await append(
        tx, actor,
        Entry(kind=kinds.LIMITS_CHANGED, subject_type="member", subject_id=found.id, changes=changes, payload={"name": found.name}),
    )  # fmt: skip
    return await _with_use(tx, found.id, found.time_zone)


async def of(tx: Tx, agent_id: UUID | None) -> LimitFacts:
    """An agent's limits."""
    row = await tx.fetchrow(
        f"SELECT {', '.join(_NAMES)} FROM agent_limits WHERE org_id = $1 AND agent_id = $2", tx.org_id, agent_id
    )
    return struct_of(row, LimitFacts) if row else LimitFacts()


async def _with_use(tx: Tx, agent_id: UUID, zone: str) -> Limits:
    rows = await tx.fetch(
        """SELECT what, used FROM agent_usage WHERE org_id = $1 AND agent_id = $2
              AND ((what IN ('actions', 'sends') AND period = $3) OR (what IN ('tokens', 'money') AND period = $4))""",
        tx.org_id, agent_id, _period(tx, zone, "actions"), _period(tx, zone, "tokens"),
    )  # fmt: skip
    used: dict[str, int] = dict.fromkeys(_SAID, 0) | {row["what"]: row["used"] for row in rows}
    facts = await of(tx, agent_id)
    return Limits(agent_id=agent_id, used=used, **{name: getattr(facts, name) for name in _NAMES})


async def used_this_month(tx: Tx, actor: Actor) -> dict[str, int]:
    """The tokens and the money that an agent used this month."""
    assert actor.id is not None
    return (await _with_use(tx, actor.id, await zone_of(tx, actor.id))).used


async def zone_of(tx: Tx, agent_id: UUID | None) -> str:
    """An agent's time zone: its days and months begin there."""
    zone: str = await tx.fetchval("SELECT time_zone FROM members WHERE org_id = $1 AND id = $2", tx.org_id, agent_id)
    return zone


def _period(tx: Tx, zone: str, what: What) -> date:
    today = tx.now.astimezone(ZoneInfo(zone)).date()
    return today if what in ("actions", "sends") else today.replace(day=1)


async def use(tx: Tx, actor: Actor, what: What, amount: int, most: int | None) -> None:
    """Count what an agent uses. Raises TooMany where that is beyond its limit; concurrent uses wait for each other."""
    zone = await zone_of(tx, actor.id)
    period = _period(tx, zone, what)
    kept: Any = None
    if most is None or amount <= most:
        kept = await tx.fetchval(
            """INSERT INTO agent_usage AS u (org_id, id, agent_id, what, period, used) VALUES ($1, $2, $3, $4, $5, $6)
               ON CONFLICT (agent_id, what, period, org_id) DO UPDATE SET used = u.used + excluded.used
                  WHERE $7::bigint IS NULL OR u.used + excluded.used <= $7 RETURNING u.used""",
            tx.org_id, new_id(), actor.id, what, period, amount, most,
        )  # fmt: skip
    if kept is None:
        raise TooMany(
            f"{actor.name} has reached its limit of {most:,} {_SAID[what]}. A person can raise it.",
            retry_after=_until(tx, zone, period, what),
        )


def _until(tx: Tx, zone: str, period: date, what: What) -> int:
    """Seconds until the next day or month of an agent begins."""
    days = 1 if what in ("actions", "sends") else 32
    end = period + timedelta(days=days)
    end = end if days == 1 else end.replace(day=1)
    local = tx.now.astimezone(ZoneInfo(zone))
    begins = local.replace(year=end.year, month=end.month, day=end.day, hour=0, minute=0, second=0, microsecond=0)
    return max(1, int((begins - local).total_seconds()))
