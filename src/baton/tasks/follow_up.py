"""Scheduling the next step with a lead. Spec A12, C5."""

import re
from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta

from baton.accounts.hours import add_working
from baton.accounts.members import Member, member
from baton.activities import kinds
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Invalid
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Line, Moment, Prose, Reason
from baton.kernel.values import Ref, clean, new_id
from baton.leads import lead as leads
from baton.tasks.task import Task, TaskKind, insert

_DURATION = re.compile(r"^(?:(\d{1,4})d)?\s*(?:(\d{1,4})h)?\s*(?:(\d{1,5})m)?$")


class FollowUp(Input, kw_only=True):
    """When, and by whom (the lead's owner where nobody is named).

    Either `dueAt`, or `dueIn`: working time of the one who does it, like "1h", "2d 4h" (a day is 8 working hours).
    """

    lead_id: Ref
    due_at: Moment | None = None
    due_in: Annotated[str, Meta(max_length=40, examples=["2d 4h"])] | None = None
    assign_to: Ref | None = None
    kind: TaskKind = "follow_up"
    title: Line | None = None
    notes: Prose | None = None
    reason: Reason | None = None


@operation("crm.leads.followUp", role=Role.MEMBER, summary="Schedule a follow-up")
async def follow_up(tx: Tx, actor: Actor, input: FollowUp) -> Task:
    """Schedule a task on a lead. Spec C5.

    Raises Invalid for a due time that cannot be read, NotFound for a lead or member, Conflict for a closed lead.
    """
    lead = await leads.lock(tx, input.lead_id)
    if lead.closed_at is not None:
        raise Conflict(f"{lead.name} is closed ({lead.status}): no further action is needed.")
    owner = input.assign_to or (
        str(lead.owner_id) if lead.owner_id else str(actor.id) if actor.type == "user" else None
    )
    assignee = await member(tx, owner) if owner else None
    task = Task(
        id=new_id(), lead_id=lead.id, contact_id=lead.contact_id, company_id=lead.company_id, kind=input.kind,
        title=(clean(input.title) or f"Follow up with {lead.name}")[:300], notes=clean(input.notes),
        due_at=due(tx, assignee, input.due_at, input.due_in),
        assignee_id=assignee.id if assignee else None, status="open", completed_at=None, external_id=None, version=1, created_at=tx.now,
    )  # fmt: skip
    await insert(tx, task)
    told = {"title": task.title, "dueAt": task.due_at.isoformat(), "taskKind": task.kind, "notes": task.notes}
    whom = {"assigneeName": assignee.name, "assigneeKind": assignee.kind} if assignee else {}
    await leads.change(
        tx, actor, lead, kinds.TASK_CREATED, reason=input.reason, payload={k: v for k, v in told.items() if v} | whom,
        subject=("task", task.id), next_action_at=min(task.due_at, lead.next_action_at or task.due_at),
    )  # fmt: skip
    return task


def due(tx: Tx, assignee: Member | None, at: datetime | None, within: str | None) -> datetime:
    """The moment that was named, or working time of whoever does it from now on. Raises Invalid for neither, or for both."""
    if (at is None) == (within is None):
        raise Invalid(
            "Say when: “dueAt” (a moment with its time zone) or “dueIn” (working time such as 1h or 2d).", field="dueAt"
        )
    if at is not None:
        if at.tzinfo is None:
            raise Invalid("“dueAt” needs its time zone, such as 2026-04-30T10:00:00Z.", field="dueAt")
        return at
    match = _DURATION.match((within or "").strip())
    if not match or not any(match.groups()):
        raise Invalid("“dueIn” is working time such as 30m, 1h or 2d 4h.", field="dueIn")
    days, hours, minutes = (int(group or 0) for group in match.groups())
    amount = timedelta(hours=days * 8 + hours, minutes=minutes)
    if assignee is None:
        return tx.now + amount
    try:
        return add_working(tx.now, amount, assignee.working_hours, assignee.time_zone)
    except OverflowError:
        raise Invalid("“dueIn” is more than ten years of working time.", field="dueIn") from None
