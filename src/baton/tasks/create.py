"""Making a task about a lead, a contact or a company: with steps, what it waits for, and how it recurs. Spec C5."""

from typing import Any
from uuid import UUID

import msgspec

from baton.accounts.members import Member, member
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.contacts import company as companies
from baton.contacts import contact as contacts
from baton.contacts.company import GetCompany
from baton.kernel import recurrence
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Invalid
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import ExternalId, Moment, Name, Prose, Reason, Recurrence, SpanOfTime
from baton.kernel.values import Ref, clean, new_id
from baton.leads import lead as leads
from baton.tasks.dependencies import Needs, set_needs
from baton.tasks.follow_up import due
from baton.tasks.task import Task, TaskKind, earliest_due, get, insert, zone_of


class CreateTask(Input, kw_only=True):
    """What is to be done about which record, by whom and when (`dueAt`, or `dueIn` of working time such as 2d).

    A step of another task (`parentId`) is about its record. `recurrence` is a rule such as FREQ=WEEKLY;BYDAY=MO (RFC 5545),
    counted in the time zone of whoever does it. `needs` are tasks that must be done first.
    """

    title: Name
    lead_id: Ref | None = None
    contact_id: Ref | None = None
    company_id: Ref | None = None
    parent_id: Ref | None = None
    kind: TaskKind = "todo"
    notes: Prose | None = None
    due_at: Moment | None = None
    due_in: SpanOfTime | None = None
    assign_to: Ref | None = None
    recurrence: Recurrence | None = None
    needs: Needs = []
    external_id: ExternalId | None = None
    reason: Reason | None = None


class Place(msgspec.Struct):
    """The records that a task is about."""

    lead_id: UUID | None = None
    contact_id: UUID | None = None
    company_id: UUID | None = None


@operation("crm.tasks.create", role=Role.MEMBER, summary="Create a task")
async def create(tx: Tx, actor: Actor, input: CreateTask) -> Task:
    """Make a task. Raises Invalid, NotFound for a record or member, Conflict for a closed lead, a step of a step, a circle."""
    title = " ".join(input.title.split())[:300]
    if not title:
        raise Invalid("A task needs a title.", field="title")
    place = await _place(tx, actor, input)
    lead = await leads.lock(tx, place.lead_id) if place.lead_id else None
    if lead is not None and lead.closed_at is not None:
        raise Conflict(f"{lead.name} is closed ({lead.status}): no further action is needed.")
    whom = input.assign_to or (
        str(lead.owner_id) if lead and lead.owner_id else str(actor.id) if actor.type == "user" else None
    )
    assignee = await member(tx, whom) if whom else None
    at = due(tx, assignee, input.due_at, input.due_in)
    rule = recurrence.check(input.recurrence, start=at) if clean(input.recurrence) and input.recurrence else None
    zone = (assignee.time_zone if assignee else str(await zone_of(tx, None))) if rule else None
    task = Task(
        id=new_id(), lead_id=place.lead_id, contact_id=place.contact_id, company_id=place.company_id, kind=input.kind, title=title,
        notes=clean(input.notes), due_at=at, assignee_id=assignee.id if assignee else None, status="open", completed_at=None,
        external_id=clean(input.external_id), version=1, created_at=tx.now, recurrence=rule, recurs_from=at if rule else None,
        recurs_zone=zone, parent_id=(await get(tx, input.parent_id)).id if input.parent_id else None,
    )  # fmt: skip
    await insert(tx, task)
    task.needs = await set_needs(tx, task.id, input.needs) if input.needs else []
    await tell_created(tx, actor, task, assignee, reason=input.reason)
    return await get(tx, task.id)


async def _place(tx: Tx, actor: Actor, input: CreateTask) -> Place:
    parent = await get(tx, input.parent_id, lock=True) if input.parent_id else None
    if parent is not None and (parent.parent_id is not None or parent.status != "open"):
        raise Conflict("A step belongs to an open task that is no step itself.")
    if parent is not None and not (input.lead_id or input.contact_id or input.company_id):
        return Place(parent.lead_id, parent.contact_id, parent.company_id)
    lead = await leads.get(tx, input.lead_id) if input.lead_id else None
    contact = await contacts.get(tx, input.contact_id) if input.contact_id else None
    company = await companies.read(tx, actor, GetCompany(company_id=input.company_id)) if input.company_id else None
    if lead is None and contact is None and company is None:
        raise Invalid("A task is about a lead, a contact or a company: name it.", field="leadId")
    return Place(
        lead.id if lead else None,
        contact.id if contact else lead.contact_id if lead else None,
        company.id if company else lead.company_id if lead else contact.company_id if contact else None,
    )


async def tell_created(tx: Tx, actor: Actor, task: Task, assignee: Member | None, *, reason: str | None) -> None:
    """Say on the lead's timeline, or in the log, that a task was made; the lead's next action follows."""
    told: dict[str, Any] = {
        "title": task.title,
        "dueAt": task.due_at.isoformat(),
        "taskKind": task.kind,
        "notes": task.notes,
    }
    told |= {"assigneeName": assignee.name, "assigneeKind": assignee.kind} if assignee else {}
    payload = {name: value for name, value in told.items() if value}
    if task.lead_id is None:
        entry = Entry(kind=kinds.TASK_CREATED, subject_type="task", subject_id=task.id, payload=payload, reason=reason)
        await append(tx, actor, entry)
        return
    lead = await leads.lock(tx, task.lead_id)
    await leads.change(
        tx, actor, lead, kinds.TASK_CREATED, reason=reason, payload=payload, subject=("task", task.id),
        next_action_at=await earliest_due(tx, lead.id),
    )  # fmt: skip
