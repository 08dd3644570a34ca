"""The job queue's place: PgQueuer's tables in a schema of their own, outside our rules for SQL."""

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.settings import DBSettings
from pgqueuer.ports.driver import Driver

from baton.kernel.settings import RELAY_ROLE

SCHEMA = "jobs"


def queries(driver: Driver) -> Queries:
    """PgQueuer's statements on our schema, whatever the environment says."""
    names = DBSettings(db_schema=SCHEMA)
    return Queries(
        driver,
        qbe=QueryBuilderEnvironment(names),
        qbq=QueryQueueBuilder(names),
        qbs=QuerySchedulerBuilder(names),
    )


async def install(owner: asyncpg.Connection) -> None:
    """Make the queue's tables or bring them to PgQueuer's installed version, and let the relay's role use them.

    The index of ours finds the errors of a held job.
    """
    jobs = queries(AsyncpgDriver(owner))
    if await jobs.schema_is_installed():
        await jobs.apply_upgrade()
    else:
        async with owner.transaction():
            await jobs.install()
    async with owner.transaction():
        await owner.execute(f"""
            create index if not exists pgqueuer_log_errors on {SCHEMA}.pgqueuer_log (job_id) where traceback is not null;
            grant usage on schema {SCHEMA} to {RELAY_ROLE};
            grant select, insert, update, delete, truncate on all tables in schema {SCHEMA} to {RELAY_ROLE};
            grant usage, select on all sequences in schema {SCHEMA} to {RELAY_ROLE};
            grant execute on all functions in schema {SCHEMA} to {RELAY_ROLE};
        """)
