"""The worker: relay, job engine, calls to the outside and the folding of counts, in one process or in many."""

import asyncio
import contextlib
from datetime import timedelta
from uuid import UUID

import asyncpg
import msgspec
import structlog
from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.core.executors import DatabaseRetryEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.models import Job as QueuedJob
from pgqueuer.models import Schedule

from baton.jobs import lanes, relay, retention, schedule
from baton.jobs.handlers import HANDLERS, handle
from baton.kernel.db import Database
from baton.kernel.queue import queries
from baton.kernel.values import utc_now
from baton.leads import settle

log = structlog.get_logger()
AT_ONCE = 8  # jobs that a worker has taken: what is taken has no turn any more, and more at once is slower for all
HEARTBEAT = timedelta(seconds=10)  # a worker that was silent for so long is dead: others take its jobs over


async def run(db: Database, stop: asyncio.Event) -> None:
    """Work until told to stop. What is begun is finished; what a killed worker left is taken over by another."""
    wake = asyncio.Event()
    moved: set[UUID] = set(await organizations(db))
    db.on_commit.append(wake.set)
    tasks = [
        asyncio.create_task(relay.run(db, wake, stop, moved.update), name="relay"),
        asyncio.create_task(_settle(db, moved, stop), name="settle"),
        asyncio.create_task(_engine(db, stop), name="jobs"),
        asyncio.create_task(lanes.run(db, stop), name="lanes"),
    ]
    try:
        await asyncio.gather(*tasks)
    finally:
        db.on_commit.remove(wake.set)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def organizations(db: Database) -> list[UUID]:
    """All organizations, for work that is done for one after the other."""
    return [row["org_id"] for row in await db.relay.fetch("SELECT org_id FROM organizations")]


async def _settle(db: Database, moved: set[UUID], stop: asyncio.Event) -> None:
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), timeout=1)
        for org_id in list(moved):
            moved.discard(org_id)
            try:
                await settle.settle_organization(db, org_id)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                moved.add(org_id)
                log.warning("counts are folded later", org_id=str(org_id))


def _retrying(parameters: EntrypointExecutorParameters) -> DatabaseRetryEntrypointExecutor:
    return DatabaseRetryEntrypointExecutor(parameters, max_attempts=8, initial_delay=timedelta(seconds=1))


async def _engine(db: Database, stop: asyncio.Event) -> None:
    """The job engine on its own connections; it begins again where the database was away."""
    while not stop.is_set():
        driver = AsyncpgPoolDriver(db.relay)
        engine = PgQueuer(driver, queries=queries(driver))

        async def work(queued: QueuedJob) -> None:
            await handle(db, queued.entrypoint, queued.payload or b"")

        for name in HANDLERS:
            engine.entrypoint(name, on_failure="hold", executor_factory=_retrying)(work)
        for daily in schedule.DAILY:
            _at_its_time(engine, db, daily)
        _each_night(engine, db)
        stopper = asyncio.create_task(_stop_with(engine, stop))
        try:
            await engine.run(
                dequeue_timeout=timedelta(seconds=5),
                heartbeat_timeout=HEARTBEAT,
                batch_size=4,
                max_concurrent_tasks=AT_ONCE,
            )
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("the job engine stumbled; it begins again")
            await asyncio.sleep(1)
        finally:
            stopper.cancel()


def _at_its_time(engine: PgQueuer, db: Database, daily: schedule.Daily) -> None:
    async def begin(_: Schedule) -> None:
        log.info("a slot begins", job=daily.name, organizations=await schedule.fan_out(db, daily))

    async def work(queued: QueuedJob) -> None:
        await daily.work(db, msgspec.json.decode(queued.payload or b"", type=relay.Job))

    engine.schedule(daily.name, daily.cron)(begin)
    engine.entrypoint(daily.entrypoint, on_failure="hold", executor_factory=_retrying)(work)


def _each_night(engine: PgQueuer, db: Database) -> None:
    async def forget(_: Schedule) -> None:
        await retention.forget(db, utc_now())

    engine.schedule(retention.RETENTION, retention.SLOT)(forget)


async def _stop_with(engine: PgQueuer, stop: asyncio.Event) -> None:
    await stop.wait()
    engine.shutdown.set()
