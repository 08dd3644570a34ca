"""Retiring an agent: its leads and tasks are handed over, its tokens end, and all of it can be taken back. Spec A6."""

from typing import Any
from uuid import UUID

from baton.accounts.members import Member, member
from baton.accounts.remove_member import RemoveMember
from baton.accounts.sign_in import must_not_be_agent
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.agents.decide import CloseApproval, close
from baton.agents.policy import agent
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Invalid, TooLarge, must_be_current
from baton.kernel.operation import Input, Output, operation
from baton.kernel.perform import within
from baton.kernel.shapes import Reason, Version
from baton.kernel.values import Ref, clean
from baton.leads.assign import Assign
from baton.routing.route import Route

MOST = 5_000


class Retire(Input, kw_only=True):
    """The agent, and who takes its open leads and tasks: a member, or with `route` whom the routing rules choose."""

    agent_id: Ref
    to_id: Ref | None = None
    route: bool = False
    version: Version | None = None
    reason: Reason | None = None


class Retired(Output, kw_only=True):
    """How many leads and tasks went to others. `crm.operations.undo` with `operationId` takes it back."""

    agent_id: UUID
    operation_id: UUID
    leads: int
    unrouted: int
    tasks: int


@operation("crm.agents.retire", role=Role.ADMIN, summary="Retire an agent")
async def retire(tx: Tx, actor: Actor, input: Retire) -> Retired:
    """Retire an agent and hand its work over, as one operation. Its history stays under its name.

    Raises NotFound, Invalid where nobody takes the leads, Conflict for a paused taker, TooLarge, Forbidden for agents.
    """
    must_not_be_agent(actor)
    found = await agent(tx, input.agent_id)
    must_be_current(found.name, found.version, input.version)
    if (input.to_id is None) != input.route:
        raise Invalid("Say who takes its leads: a member, or the routing rules.", field="toId")
    to = await member(tx, input.to_id) if input.to_id else None
    if to is not None and (to.id == found.id or to.status != "active"):
        raise Conflict(f"{to.name} cannot take these leads. Choose somebody who is active.")
    rows = await tx.fetch(
        """SELECT id FROM leads WHERE org_id = $1 AND owner_id = $2 AND closed_at IS NULL AND deleted_at IS NULL
            ORDER BY id LIMIT $3""",
        tx.org_id, found.id, MOST + 1,
    )  # fmt: skip
    if len(rows) > MOST:
        raise TooLarge(f"It owns more than {MOST:,} leads. Hand some over first (crm.leads.bulkUpdate).")
    reason = clean(input.reason) or f"{found.name} retires."
    await tx.execute("UPDATE members SET status = 'paused' WHERE org_id = $1 AND id = $2", tx.org_id, found.id)
    unrouted = 0
    for row in rows:
        unrouted += not await _give(tx, actor, row["id"], to, reason)
    tasks = await _tasks(tx, actor, found, to)
    await _approvals(tx, actor, found)
    await within(tx, actor, "crm.members.remove", RemoveMember(member_id=str(found.id)))
    await append(
        tx, actor,
        Entry(kind=kinds.AGENT_RETIRED, subject_type="member", subject_id=found.id, reason=clean(input.reason),
              payload={"name": found.name, "leads": len(rows), "tasks": tasks, "toName": to.name if to else None}),
    )  # fmt: skip
    return Retired(
        agent_id=found.id, operation_id=tx.operation_id, leads=len(rows) - unrouted, unrouted=unrouted, tasks=tasks
    )


async def _give(tx: Tx, actor: Actor, lead_id: UUID, to: Member | None, reason: str) -> bool:
    wish = Assign(lead_id=str(lead_id), owner_id=str(to.id) if to else None, reason=reason)
    await within(tx, actor, "crm.leads.assign", wish)
    if to is not None:
        return True
    routed: Any = await within(tx, actor, "crm.leads.route", Route(lead_id=str(lead_id)))
    return routed.owner_id is not None


async def _tasks(tx: Tx, actor: Actor, found: Member, to: Member | None) -> int:
    """Its open tasks go to who takes the leads: the new owner of the lead where the rules chose one."""
    rows = await tx.fetch(
        """UPDATE tasks t SET version = t.version + 1,
                  assignee_id = coalesce($3, (SELECT l.owner_id FROM leads l WHERE l.org_id = $1 AND l.id = t.lead_id))
            WHERE t.org_id = $1 AND t.assignee_id = $2 AND t.status = 'open' RETURNING t.id, t.title, t.lead_id, t.assignee_id""",
        tx.org_id, found.id, to.id if to else None,
    )  # fmt: skip
    entries = [
        Entry(kind=kinds.TASK_UPDATED, subject_type="task", subject_id=row["id"], lead_id=row["lead_id"],
              payload={"title": row["title"], "assigneeId": str(row["assignee_id"]) if row["assignee_id"] else None,
                       "fromId": str(found.id)})
        for row in rows
    ]  # fmt: skip
    await append(tx, actor, *entries)
    return len(rows)


async def _approvals(tx: Tx, actor: Actor, found: Member) -> None:
    rows = await tx.fetch(
        "SELECT id FROM approvals WHERE org_id = $1 AND agent_id = $2 AND status IN ('waiting', 'approved')",
        tx.org_id, found.id,
    )  # fmt: skip
    for row in rows:
        await close(tx, actor, CloseApproval(approval_id=row["id"], status="failed", why=f"{found.name} retired."))


async def take_back(tx: Tx, actor: Actor, operation_id: UUID) -> bool:
    """Bring an agent back that an operation retired: paused and without tokens, its tasks with it; a person decides when it goes on."""
    row = await tx.fetchrow(
        """SELECT a.subject_id, m.name FROM activities a JOIN members m ON m.org_id = a.org_id AND m.id = a.subject_id
            WHERE a.org_id = $1 AND a.operation_id = $2 AND a.kind = $3 AND m.status = 'removed'""",
        tx.org_id, operation_id, kinds.AGENT_RETIRED,
    )  # fmt: skip
    if row is None:
        return False
    await tx.execute(
        "UPDATE members SET status = 'paused', version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id,
        row["subject_id"],
    )
    await tx.execute(
        """UPDATE tasks t SET assignee_id = $3, version = t.version + 1 FROM activities a
            WHERE t.org_id = $1 AND t.status = 'open' AND a.org_id = $1 AND a.operation_id = $2 AND a.kind = $4 AND a.subject_id = t.id
              AND t.assignee_id IS NOT DISTINCT FROM (a.payload ->> 'assigneeId')::uuid""",
        tx.org_id, operation_id, row["subject_id"], kinds.TASK_UPDATED,
    )  # fmt: skip
    await append(
        tx, actor,
        Entry(kind=kinds.MEMBER_CHANGED, subject_type="member", subject_id=row["subject_id"], changes={"status": ["removed", "paused"]},
              payload={"name": row["name"]}, reason="Its retirement was taken back."),
    )  # fmt: skip
    return True
