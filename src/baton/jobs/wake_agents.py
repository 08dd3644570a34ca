"""The job that wakes agents: plans their runs on activities and carries them out. Spec A6, A12."""

import asyncio
from datetime import datetime
from uuid import UUID

import structlog

from baton.accounts.members import Member
from baton.agents.perform_run import acting, perform_run
from baton.agents.run import PlanRuns, Run
from baton.jobs.relay import Job
from baton.kernel.actor import Role, system
from baton.kernel.db import Database
from baton.kernel.perform import MAX_DEPTH, perform

log = structlog.get_logger()
AT_ONCE = 4


async def wake_agents(db: Database, job: Job, *, now: datetime | None = None) -> int:
    """Plan and carry out the runs that follow from a job's activities; answers how many runs were carried out.

    One run that stumbles does not stop the others; then the first error is raised at the end, and the job, tried
    again, goes on with what is not finished.
    """
    if job.depth >= MAX_DEPTH:
        log.warning("a chain of rules that trigger each other was stopped", org_id=str(job.org_id), steps=job.depth)
        return 0
    scheduler = system(job.org_id, "Baton", role=Role.MEMBER, via="agent")
    runs: list[Run] = await perform(
        db, scheduler, "crm.agents.planRuns", PlanRuns(kind=job.kind, activity_ids=job.activity_ids), now=now
    )
    if not runs:
        return 0
    members: list[Member] = await perform(db, scheduler, "crm.members.list", now=now)
    agents = {
        member.id: acting(member, job.org_id)
        for member in members
        if member.kind == "agent" and member.status == "active"
    }
    turns = asyncio.Semaphore(AT_ONCE)

    async def carry_out(agent_id: UUID, mine: list[Run]) -> None:
        async with turns:
            for run in mine:
                await perform_run(db, agents[agent_id], run, depth=job.depth, now=now)

    # One after the other on a lead, so that a second agent finds what the first one did.
    by_lead: dict[tuple[UUID, UUID | None], list[Run]] = {}
    for run in runs:
        if run.agent_id in agents:
            by_lead.setdefault((run.agent_id, run.lead_id), []).append(run)
    results = await asyncio.gather(*(carry_out(key[0], mine) for key, mine in by_lead.items()), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return len(runs)
