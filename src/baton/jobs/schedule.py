"""Work at fixed times, in UTC: once for each slot however many workers run; a slot that nobody was awake for is made up. Spec B7."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver

from baton.automations import remind
from baton.jobs.relay import Job, turns
from baton.kernel.db import Database
from baton.kernel.queue import queries
from baton.kernel.values import utc_now
from baton.leads.score_batch import refresh_organization

SCORE_REFRESH = "leadScoreRefresh"
REMINDER, ORGANIZATION_FOLLOW_UPS = "leadFollowUpReminder", "leadNurtureOrgFollowUps"


@dataclass(frozen=True, slots=True)
class Daily:
    """A job for each organization at a time of day, as cron writes it; `job` is what each organization's is called."""

    name: str
    cron: str
    work: Callable[[Database, Job], Awaitable[object]]
    job: str = ""

    @property
    def entrypoint(self) -> str:
        """The name of an organization's job."""
        return self.job or self.name


async def _refresh_scores(db: Database, job: Job) -> object:
    return await refresh_organization(db, job.org_id)


async def _remind(db: Database, job: Job) -> object:
    return await remind.organization(db, job.org_id)


DAILY = (
    Daily(SCORE_REFRESH, "0 3 * * *", _refresh_scores),
    Daily(REMINDER, "0 8 * * *", _remind, ORGANIZATION_FOLLOW_UPS),
)


async def fan_out(db: Database, daily: Daily, *, now: datetime | None = None) -> int:
    """Enqueue the day's job of every active organization, each at its turn; answers for how many.

    A second call of the same day adds none that waits.
    """
    day = (now or utc_now()).date()
    async with db.relay.acquire() as conn, conn.transaction():
        rows = await conn.fetch("SELECT org_id FROM organizations WHERE status = 'active' ORDER BY org_id")
        jobs = [Job(row["org_id"], daily.entrypoint, [], 0) for row in rows]
        if not jobs:
            return 0
        made = await queries(AsyncpgDriver(conn)).enqueue(
            [daily.entrypoint] * len(jobs), [msgspec.json.encode(job) for job in jobs], await turns(conn, [job.org_id for job in jobs]),
            dedupe_key=[f"{daily.name}/{day}/{job.org_id}" for job in jobs], on_conflict="skip",
        )  # fmt: skip
    return sum(id is not None for id in made)
