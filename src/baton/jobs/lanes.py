"""Work that waits as rows until it is due and then calls the outside: side by side, so that a slow place holds up only itself.

A lane is one place that is called (a webhook's endpoint, a provider of facts); one worker walks a lane at a time, an
organization has a few lanes at once, and all together there are at most `AT_ONCE`.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from baton.accounts import reset_password
from baton.activities import seal
from baton.agents import carry_out
from baton.automations.rules import begin
from baton.automations.rules.walk import RUNS
from baton.automations.sequences.walk import ENROLMENTS
from baton.automations.webhooks import deliver
from baton.enrichment import look_up
from baton.kernel.db import Database
from baton.kernel.values import utc_now
from baton.leads import sla
from baton.messages import deliver as deliver_messages
from baton.messages import invite as mail_invitations
from baton.messages import poll as poll_mailboxes
from baton.messages import reset as mail_resets
from baton.messages.notices import mail as notice_mail
from baton.tasks import due as due_tasks

log = structlog.get_logger()
AT_ONCE = 128
PER_ORGANIZATION = 8
PAUSE = 0.5
PRUNE = timedelta(hours=6)
SEAL = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Work:
    """A kind of waiting work: `due` finds its lanes (organization, lane), at most so many of an organization; `walk` does
    some of what is due in one, and answers how much. `every` is how many seconds may pass until `due` is asked again."""

    name: str
    due: Callable[[Database, datetime, int], Awaitable[list[tuple[UUID, UUID]]]]
    walk: Callable[[Database, UUID, UUID, datetime | None], Awaitable[int]]
    every: float = 0.0


WORKS: tuple[Work, ...] = (
    Work("webhooks", deliver.due, deliver.deliver),
    Work("enrichment", look_up.due, look_up.walk),
    Work("notices", notice_mail.due, notice_mail.walk),
    Work("invitations", mail_invitations.due, mail_invitations.walk),
    Work("password links", mail_resets.due, mail_resets.walk, every=1),
    Work("password resets", reset_password.due, reset_password.walk, every=1),
    Work("approvals", carry_out.due, carry_out.walk),
    Work("messages", deliver_messages.due, deliver_messages.walk),
    Work("automation slots", begin.slots_due, begin.on_time),
    Work("automations", RUNS.due, RUNS.walk),
    Work("serviceLevels", sla.due, sla.walk, every=3),
    Work("tasks", due_tasks.due, due_tasks.walk, every=3),
    Work("sequences", ENROLMENTS.due, ENROLMENTS.walk),
    Work("mailboxes", poll_mailboxes.due, poll_mailboxes.walk),
)
Lane = tuple[str, UUID, UUID]


async def step(db: Database, *, now: datetime | None = None, only: UUID | None = None) -> int:
    """Do all that is due now, of all organizations or of `only` one, inline; answers how much was done."""
    moment, done = now or utc_now(), 0
    for work in WORKS:
        while lanes := [lane for lane in await work.due(db, moment, PER_ORGANIZATION) if only in (None, lane[0])]:
            done += sum(await asyncio.gather(*(work.walk(db, org_id, lane, now) for org_id, lane in lanes)))
    return done


async def run(db: Database, stop: asyncio.Event) -> None:
    """Start whatever is due, twice a second and whenever a lane is free again, until told to stop; then let the begun finish."""
    walking: dict[Lane, asyncio.Task[None]] = {}
    finished = asyncio.Event()
    asked: dict[str, float] = {}
    pruned, sealed = utc_now() - PRUNE, utc_now()
    while not stop.is_set():
        finished.clear()
        try:
            await _start_due(db, walking, asked, finished.set)
            if utc_now() - sealed >= SEAL:
                sealed = utc_now()
                while await seal.step(db) == seal.BATCH:
                    pass
            if utc_now() - pruned >= PRUNE:
                pruned = utc_now()
                await _prune(db, pruned)
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("what is due could not be read; it is tried again")
        await _any((stop, finished), PAUSE)
    if walking:
        await asyncio.wait(walking.values(), timeout=5)


async def _prune(db: Database, now: datetime) -> None:
    for row in await db.relay.fetch("SELECT DISTINCT org_id FROM webhook_endpoints"):
        await deliver.prune(db, row["org_id"], now)


async def _start_due(
    db: Database, walking: dict[Lane, asyncio.Task[None]], asked: dict[str, float], finished: Callable[[], None]
) -> None:
    for work in WORKS:
        now = time.monotonic()
        if now - asked.get(work.name, -work.every) < work.every:
            continue
        asked[work.name] = now
        for org_id, lane in await work.due(db, utc_now(), 2 * PER_ORGANIZATION):
            key = (work.name, org_id, lane)
            busy = Counter(organization for _, organization, _ in walking)
            if len(walking) >= AT_ONCE or key in walking or busy[org_id] >= PER_ORGANIZATION:
                continue
            task = asyncio.create_task(_walk(db, work, org_id, lane), name=f"{work.name} {lane}")
            walking[key] = task

            def forget(_: object, key: Lane = key) -> None:
                walking.pop(key, None)
                finished()

            task.add_done_callback(forget)


async def _walk(db: Database, work: Work, org_id: UUID, lane: UUID) -> None:
    try:
        await work.walk(db, org_id, lane, None)
    except asyncio.CancelledError:
        raise
    except Exception:
        log.exception("waiting work stumbled; it is tried again", work=work.name, lane=str(lane))


async def _any(events: tuple[asyncio.Event, ...], seconds: float) -> None:
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
