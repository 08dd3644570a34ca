"""Carrying out what people approved: once, under the agent's name; what cannot be done any more is closed and said. Spec A6."""

from datetime import datetime, timedelta
from uuid import UUID

import structlog

from baton.accounts.members import Member
from baton.agents import approval
from baton.agents.approval import Approval
from baton.agents.perform_run import acting
from baton.kernel.actor import Actor, Role, system
from baton.kernel.db import Consent, Database, Tx
from baton.kernel.errors import BatonError, Conflict, Unavailable
from baton.kernel.fairness import fair
from baton.kernel.operation import Input, operation
from baton.kernel.perform import Cause, perform
from baton.kernel.values import utc_now

log = structlog.get_logger()
PATIENCE = timedelta(seconds=30)  # how long the job that follows from a decision is waited for


class Decided(Input, kw_only=True):
    """The decisions whose approvals to read, or the approval itself."""

    activity_ids: list[UUID] = []
    approval_id: UUID | None = None


class ToDo(approval.Approval, kw_only=True):
    """An approval, the exact bytes of its act, the key that its agent knows it by, and what it follows from."""

    body: str
    key: str
    cause_id: UUID | None
    depth: int


@operation("crm.approvals.toDo", kind="query", role=Role.MEMBER, summary="Read what was approved", internal=True)
async def to_do(tx: Tx, actor: Actor, input: Decided) -> list[ToDo]:
    """Approvals with what it takes to carry them out."""
    rows = await tx.fetch(
        """SELECT p.id, p.input, coalesce(p.request_key, 'approval/' || p.id) AS key, a.id AS cause_id, coalesce(a.depth, p.depth) AS depth
             FROM approvals p LEFT JOIN activities a ON a.org_id = p.org_id AND a.id = ANY ($2) AND a.subject_id = p.id
            WHERE p.org_id = $1 AND (a.id IS NOT NULL OR p.id = $3)""",
        tx.org_id, input.activity_ids, input.approval_id,
    )  # fmt: skip
    found = []
    for row in rows:
        about = await approval.read(tx, row["id"])
        facts = {name: getattr(about, name) for name in Approval.__struct_fields__}
        found.append(
            ToDo(body=row["input"].decode(), key=row["key"], cause_id=row["cause_id"], depth=row["depth"], **facts)
        )
    return found


async def carry_out(db: Database, org_id: UUID, asked: Decided, *, now: datetime | None = None) -> list[ToDo]:
    """Do what was approved and not done yet; answers what was decided. Raises Unavailable, after which the same call goes on."""
    scheduler = system(org_id, "Baton", role=Role.MEMBER, via="agent")
    decided: list[ToDo] = await perform(db, scheduler, "crm.approvals.toDo", asked, now=now)
    for each in decided:
        if each.status == "approved":
            await _do(db, scheduler, each, now)
        elif each.status == "waiting" and each.expires_at <= (now or utc_now()):
            await _close(db, scheduler, each, "expired", "Nobody decided in time.", now)
    return decided


async def _do(db: Database, scheduler: Actor, each: ToDo, now: datetime | None) -> None:
    members: list[Member] = await perform(db, scheduler, "crm.members.list", now=now)
    agent = next((member for member in members if member.id == each.agent_id), None)
    by = " and ".join(giver.name for giver in each.given)
    if agent is None:
        await _close(db, scheduler, each, "failed", f"{each.agent_name} is no member any more.", now)
        return
    try:
        await perform(
            db, acting(agent, scheduler.org_id), each.operation, each.body.encode(), idempotency_key=each.key, now=now,
            cause=Cause(each.cause_id, each.depth) if each.cause_id else None, consent=Consent(each.id, by),
        )  # fmt: skip
    except Unavailable:
        raise
    except Conflict as error:
        await _close(db, scheduler, each, "stale", error.message, now)
    except BatonError as error:
        log.warning("what was approved could not be done", approval=str(each.id), error=error.message)
        await _close(db, scheduler, each, "failed", error.message, now)


async def _close(db: Database, scheduler: Actor, each: ToDo, status: str, why: str, now: datetime | None) -> None:
    cause = Cause(each.cause_id, each.depth) if each.cause_id else None
    told = {"approvalId": str(each.id), "status": status, "why": why}
    await perform(db, scheduler, "crm.approvals.close", told, now=now, cause=cause)


async def due(db: Database, now: datetime, most: int) -> list[tuple[UUID, UUID]]:
    """Approvals that ended undecided, and those that were given but whose job did not come, at most `most` an organization."""
    return await fair(
        db,
        """SELECT org_id, id, expires_at AS next_at FROM approvals
            WHERE (status = 'waiting' AND expires_at <= $1) OR (status = 'approved' AND decided_at <= $2)""",
        now, now - PATIENCE, per_organization=most,
    )  # fmt: skip


async def walk(db: Database, org_id: UUID, approval_id: UUID, now: datetime | None) -> int:
    """Close or carry out one approval that is due."""
    return len(await carry_out(db, org_id, Decided(approval_id=approval_id), now=now))
