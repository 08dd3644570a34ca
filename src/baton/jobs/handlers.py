"""What each job does, by its name. Spec A4, A12."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec

from baton.agents import carry_out
from baton.agents.perform_run import resume
from baton.automations import nurture
from baton.automations.escalate import Escalate
from baton.automations.rules import begin
from baton.automations.sequences import walk as sequences
from baton.automations.webhooks import deliver
from baton.enrichment import auto
from baton.jobs.relay import Job
from baton.jobs.wake_agents import wake_agents
from baton.jobs.work_imports import work_imports
from baton.kernel.actor import Role, system
from baton.kernel.db import Database
from baton.kernel.perform import Cause, perform
from baton.leads import sla
from baton.messages.notices.react import OfActivities
from baton.reactions import (
    CANCEL_TASKS,
    CARRY_OUT,
    ENRICH,
    ESCALATE,
    LEAVE_SEQUENCES,
    NURTURE,
    RECOUNT_STAYS,
    RUN_AUTOMATIONS,
    TELL_MEMBERS,
    TELL_WEBHOOKS,
    WAKE_AGENTS,
    WORK_IMPORTS,
)
from baton.tasks.cancel import CancelTasks


async def _wake_agents(db: Database, job: Job, now: datetime | None) -> None:
    await wake_agents(db, job, now=now)


async def _cancel_tasks(db: Database, job: Job, now: datetime | None) -> None:
    actor = system(job.org_id, "Baton", role=Role.MEMBER, via="agent")
    cause = Cause(job.activity_ids[0], job.depth)
    await perform(
        db, actor, "crm.tasks.cancelOfClosed", CancelTasks(activity_ids=job.activity_ids), now=now, cause=cause
    )


async def _tell_webhooks(db: Database, job: Job, now: datetime | None) -> None:
    await deliver.queue(db, job.org_id, job.kind, job.activity_ids, now=now)


async def _enrich(db: Database, job: Job, now: datetime | None) -> None:
    await auto.queue(db, job.org_id, job.activity_ids, now=now)


async def _tell_members(db: Database, job: Job, now: datetime | None) -> None:
    actor = system(job.org_id, "Baton", role=Role.MEMBER, via="agent")
    wish = OfActivities(activity_ids=job.activity_ids)
    await perform(db, actor, "crm.notifications.ofActivities", wish, now=now)


async def _carry_out(db: Database, job: Job, now: datetime | None) -> None:
    decided = await carry_out.carry_out(db, job.org_id, carry_out.Decided(activity_ids=job.activity_ids), now=now)
    await resume(db, job.org_id, [each.id for each in decided], now=now)


async def _run_automations(db: Database, job: Job, now: datetime | None) -> None:
    await begin.on_activities(db, job.org_id, job.kind, job.activity_ids, job.depth, now=now)


async def _escalate(db: Database, job: Job, now: datetime | None) -> None:
    actor = system(job.org_id, "Baton", role=Role.MEMBER, via="agent")
    for id in job.activity_ids:
        await perform(
            db, actor, "crm.sla.escalate", Escalate(activity_id=id), idempotency_key=f"escalate/{id}", now=now,
            cause=Cause(id, job.depth),
        )  # fmt: skip


async def _recount(db: Database, job: Job, now: datetime | None) -> None:
    await sla.recount_all(db, job.org_id, job.activity_ids, now=now)


async def _nurture(db: Database, job: Job, now: datetime | None) -> None:
    for id in job.activity_ids:
        await nurture.follow_up(db, job.org_id, id, job.depth, now=now)


async def _leave_sequences(db: Database, job: Job, now: datetime | None) -> None:
    await sequences.leave(db, job.org_id, job.activity_ids, job.depth, now=now)


HANDLERS: dict[str, Callable[[Database, Job, datetime | None], Awaitable[None]]] = {
    WAKE_AGENTS: _wake_agents,
    WORK_IMPORTS: work_imports,
    CARRY_OUT: _carry_out,
    CANCEL_TASKS: _cancel_tasks,
    TELL_WEBHOOKS: _tell_webhooks,
    ENRICH: _enrich,
    TELL_MEMBERS: _tell_members,
    RUN_AUTOMATIONS: _run_automations,
    ESCALATE: _escalate,
    RECOUNT_STAYS: _recount,
    NURTURE: _nurture,
    LEAVE_SEQUENCES: _leave_sequences,
}


async def handle(db: Database, name: str, payload: bytes, *, now: datetime | None = None) -> None:
    """Do a job. It is delivered at least once; doing it again changes nothing more."""
    await HANDLERS[name](db, msgspec.json.decode(payload, type=Job), now)
