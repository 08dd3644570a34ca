"""Walking what waits: what is due is claimed, goes on step by step, is tried again with growing patience, then held for a person.

Runs of automations and enrolments in sequences are walked alike; each says where it waits, what a step is, and who holds it.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

import structlog

from baton.kernel.actor import Actor
from baton.kernel.db import Database, Tx
from baton.kernel.errors import BatonError, Conflict, TooMany, Unavailable
from baton.kernel.fairness import fair
from baton.kernel.operation import Input
from baton.kernel.perform import Cause, perform
from baton.kernel.values import utc_now

log = structlog.get_logger()
CLAIM = 20
AT_ONCE = 4
ATTEMPTS = 5
LEASE = timedelta(minutes=2)
LONGEST = timedelta(days=3)  # for what asks to be tried later, such as a limit of messages
_TIMES = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))
_random = random.SystemRandom()


class Waits(Protocol):
    """What is walked: it stands at a place, and was begun there so often."""

    @property
    def id(self) -> UUID: ...
    @property
    def position(self) -> int: ...
    @property
    def attempts(self) -> int: ...


T = TypeVar("T", bound=Waits)


@dataclass(frozen=True, slots=True)
class Under:
    """Under whom a step is taken: the organization, the actor, what it follows from, and the clock where it is given."""

    db: Database
    actor: Actor
    cause: Cause | None
    now: datetime | None

    async def perform(self, waiting: Waits, name: str, input: Input) -> Any:
        """Perform a step's operation as part of what is walked."""
        return await perform(self.db, self.actor, name, input, operation_id=waiting.id, cause=self.cause, now=self.now)


@dataclass(frozen=True)
class Walk(Generic[T]):
    """How rows of a table go on. `of` and `table` are its rules and what waits under them, `rule` names the rule in a row, `state`
    and `said` are the columns of its state and of what is in the way.

    `step` takes the step that a row stands at and answers the row after it, and whether it waits there; `hold` gives it to a person.
    """

    of: str
    table: str
    rule: str
    state: str
    said: str
    find: Callable[[Tx, UUID], Awaitable[T]]
    acting: Callable[[UUID, T], Actor]
    step: Callable[[Under, T], Awaitable[tuple[T, bool]]]
    hold: Callable[[Under, T, str], Awaitable[Any]]

    async def due(self, db: Database, now: datetime, per_organization: int) -> list[tuple[UUID, UUID]]:
        """Rules under which something is due, by organization, whoever waits longest first, at most so many of an organization."""
        return await fair(
            db,
            f"""SELECT p.org_id, p.id, w.next_at FROM {self.of} p CROSS JOIN LATERAL (
                  SELECT next_at FROM {self.table}
                   WHERE org_id = p.org_id AND {self.rule} = p.id AND {self.state} = 'waiting' AND next_at <= $1
                   ORDER BY next_at LIMIT 1) w
                WHERE p.state = 'on'""",
            now, per_organization=per_organization,
        )  # fmt: skip

    async def walk(self, db: Database, org_id: UUID, rule_id: UUID, now: datetime | None = None) -> int:
        """Let some of what is due under a rule go on, a few side by side; answers how many."""
        begun = await self._claim(db, org_id, rule_id, now)
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(waiting: T, cause: Cause | None) -> None:
            async with turns:
                await self.go_on(Under(db, self.acting(org_id, waiting), cause, now), rule_id, waiting)

        await asyncio.gather(*(one(*each) for each in begun))
        return len(begun)

    async def _claim(
        self, db: Database, org_id: UUID, rule_id: UUID, now: datetime | None
    ) -> list[tuple[T, Cause | None]]:
        moment = now or utc_now()
        async with db.transaction(org_id) as conn:
            tx = Tx(conn, org_id, moment, f"crm.{self.of}.walk", installation=db.installation)
            rows = await tx.fetch(
                f"""UPDATE {self.table} SET attempts = attempts + 1, next_at = $3::timestamptz + $4::interval
                     WHERE org_id = $1 AND id IN (
                           SELECT r.id FROM {self.table} r JOIN {self.of} p ON p.org_id = r.org_id AND p.id = r.{self.rule}
                            WHERE r.org_id = $1 AND r.{self.rule} = $2 AND r.{self.state} = 'waiting' AND r.next_at <= $3 AND p.state = 'on'
                            ORDER BY r.next_at LIMIT $5 FOR NO KEY UPDATE OF r SKIP LOCKED)
                 RETURNING id, activity_id, depth""",
                org_id, rule_id, moment, LEASE, CLAIM,
            )  # fmt: skip
            causes = [Cause(row["activity_id"], row["depth"]) if row["activity_id"] else None for row in rows]
            return [(await self.find(tx, row["id"]), cause) for row, cause in zip(rows, causes, strict=True)]

    async def go_on(self, under: Under, rule_id: UUID, waiting: T) -> None:
        """Take steps until it waits, ends or fails."""
        while True:
            try:
                if waiting.attempts > ATTEMPTS:
                    raise Conflict("It was begun several times and never came to an end.")
                after, waits = await self.step(under, waiting)
            except BatonError as error:
                await self._failed(under, waiting, error)
                return
            except Exception:
                log.exception(
                    "a step stumbled", table=self.table, org_id=str(under.actor.org_id), waiting_id=str(waiting.id)
                )
                await self._failed(under, waiting, Unavailable("Something went wrong on our side. It is written down."))
                return
            if waits or not await self._still_on(under, rule_id, waiting):
                return
            waiting = after

    async def _still_on(self, under: Under, rule_id: UUID, waiting: T) -> bool:
        """Whether the rule is on still; what stands under a paused one waits where it stands."""
        org_id = under.actor.org_id
        async with under.db.transaction(org_id) as conn:
            state = await conn.fetchval(f"SELECT state FROM {self.of} WHERE org_id = $1 AND id = $2", org_id, rule_id)
            if state != "on":
                await conn.execute(
                    f"UPDATE {self.table} SET next_at = $3 WHERE org_id = $1 AND id = $2 AND {self.state} = 'waiting'",
                    org_id, waiting.id, under.now or utc_now(),
                )  # fmt: skip
            return bool(state == "on")

    async def _failed(self, under: Under, waiting: T, error: BatonError) -> None:
        """Try again later what may succeed later; hold what a person has to look at."""
        later = isinstance(error, (Conflict, TooMany, Unavailable))
        deferred = later and error.retry_after is not None
        if not deferred and not (later and waiting.attempts <= len(_TIMES)):
            log.info("held", table=self.table, org_id=str(under.actor.org_id), id=str(waiting.id), error=error.message)
            await self.hold(under, waiting, error.message)
            return
        wait = timedelta(seconds=error.retry_after or 0) if deferred else _TIMES[max(waiting.attempts, 1) - 1]
        wait = min(wait * _random.uniform(1, 1.2), LONGEST)
        async with under.db.transaction(under.actor.org_id) as conn:
            await conn.execute(
                f"""UPDATE {self.table} SET next_at = $4, {self.said} = $5,
                           attempts = CASE WHEN $6 THEN 0 ELSE greatest(attempts, 1) END
                     WHERE org_id = $1 AND id = $2 AND position = $3 AND {self.state} = 'waiting'""",
                under.actor.org_id, waiting.id, waiting.position, (under.now or utc_now()) + wait, error.message[:2000], deferred,
            )  # fmt: skip
