"""Jobs that could not be done: seen with their error, tried again or dropped by a person."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import NotFound
from baton.kernel.operation import Input, Output, operation
from baton.kernel.shapes import PageSize, Reason


class HeldJob(Output, kw_only=True):
    """A job of this organization that failed so often that it is not tried any more, and why."""

    id: int
    name: str
    attempts: int
    created_at: datetime
    failed_at: datetime
    error: str | None


class ListHeldJobs(Input, kw_only=True):
    """The newest first, 1 to 200."""

    limit: PageSize = 50


class OneJob(Input, kw_only=True):
    """The job, and why a person decides so."""

    job_id: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    reason: Reason | None = None


class Decided(Output, kw_only=True):
    """The job and its name."""

    job_id: int
    name: str


@operation("crm.jobs.held", kind="query", role=Role.ADMIN, summary="List the jobs that could not be done")
async def held(tx: Tx, actor: Actor, input: ListHeldJobs) -> list[HeldJob]:
    """The organization's held jobs with their last error. Raises Invalid."""
    rows = await tx.fetch("SELECT id, entrypoint, attempts, created, updated, error FROM jobs_held($1)", input.limit)
    return [
        HeldJob(
            id=row["id"], name=row["entrypoint"], attempts=row["attempts"], created_at=row["created"], failed_at=row["updated"],
            error=(row["error"] or "")[:1_000] or None,
        )
        for row in rows
    ]  # fmt: skip


@operation("crm.jobs.retry", role=Role.ADMIN, summary="Try a held job again")
async def retry(tx: Tx, actor: Actor, input: OneJob) -> Decided:
    """Let a held job be tried again, from its first attempt on; what it did already it does not do twice. Raises NotFound."""
    return await _decide(tx, actor, input, "SELECT job_retry($1)", kinds.JOB_RETRIED)


@operation("crm.jobs.drop", role=Role.ADMIN, summary="Drop a held job")
async def drop(tx: Tx, actor: Actor, input: OneJob) -> Decided:
    """Give a held job up: what it was to do is not done. Raises NotFound."""
    return await _decide(tx, actor, input, "SELECT job_drop($1)", kinds.JOB_DROPPED)


async def _decide(tx: Tx, actor: Actor, input: OneJob, sql: str, kind: str) -> Decided:
    name = await tx.fetchval(sql, input.job_id)
    if name is None:
        raise NotFound("There is no such held job in your organization.", field="jobId")
    await append(
        tx, actor,
        Entry(kind=kind, subject_type="organization", subject_id=tx.org_id, payload={"name": name, "jobId": input.job_id},
              reason=input.reason),
    )  # fmt: skip
    return Decided(job_id=input.job_id, name=name)
