"""Changing a task: its words and time, putting it off, giving it to somebody else, calling it off. Spec C5."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from baton.accounts.members import Member, member
from baton.activities import kinds
from baton.activities.append import Changes, Entry, append
from baton.activities.replay import difference
from baton.kernel import recurrence
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Invalid
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Moment, Name, Prose, Reason, Recurrence, SpanOfTime, Version
from baton.kernel.values import Ref, clean
from baton.leads import lead as leads
from baton.tasks.dependencies import Needs, set_needs
from baton.tasks.follow_up import due
from baton.tasks.task import Task, TaskKind, earliest_due, get, zone_of


class EditTask(Input, kw_only=True):
    """What of a task to change; absent fields stay, null empties. A null `recurrence` ends the series with this task."""

    task_id: Ref
    version: Version | None = None
    title: Name | None = None
    notes: Prose | UnsetType | None = UNSET
    kind: TaskKind | None = None
    due_at: Moment | None = None
    assign_to: Ref | UnsetType | None = UNSET
    recurrence: Recurrence | UnsetType | None = UNSET
    needs: Needs | None = None
    reason: Reason | None = None


class Snooze(Input, kw_only=True):
    """The task, and until when: a moment, or working time from now such as 4h or 1d."""

    task_id: Ref
    until: Moment | None = None
    due_in: SpanOfTime | None = None
    version: Version | None = None
    reason: Reason | None = None


class Reassign(Input, kw_only=True):
    """The task, and who does it now; null for nobody."""

    task_id: Ref
    assign_to: Ref | None
    version: Version | None = None
    reason: Reason | None = None


class CancelTask(Input, kw_only=True):
    """The task to call off, with its open steps; a task that recurs does not come again."""

    task_id: Ref
    version: Version | None = None
    reason: Reason | None = None


@operation("crm.tasks.edit", role=Role.MEMBER, summary="Change a task")
async def edit(tx: Tx, actor: Actor, input: EditTask) -> Task:
    """Change an open task. Raises NotFound, Invalid, Conflict for one that is not open, a stale version, a circle."""
    before = await _open(tx, input.task_id, input.version)
    after = msgspec.structs.replace(before, **await _given(tx, before, input))
    if not after.title:
        raise Invalid("A task needs a title.", field="title")
    if input.needs is not None:
        after.needs = await set_needs(tx, before.id, input.needs)
    changes = difference(msgspec.to_builtins(before), msgspec.to_builtins(after))
    if not changes:
        return before
    await tx.execute(
        """UPDATE tasks SET title = $3, notes = $4, kind = $5, due_at = $6::timestamptz, assignee_id = $7, recurrence = $8,
                  recurs_from = $9, recurs_zone = $10, version = version + 1,
                  due_told_at = CASE WHEN $6::timestamptz > $11::timestamptz THEN NULL ELSE due_told_at END
            WHERE org_id = $1 AND id = $2""",
        tx.org_id, before.id, after.title, after.notes, after.kind, after.due_at, after.assignee_id, after.recurrence,
        after.recurs_from, after.recurs_zone, tx.now,
    )  # fmt: skip
    await _tell(tx, actor, after, changes, reason=input.reason)
    return await get(tx, before.id)


async def _open(tx: Tx, ref: Ref, version: int | None = None) -> Task:
    """An open task, locked, and its lead before it, as everywhere. Raises NotFound, Conflict."""
    lead_id = (await get(tx, ref)).lead_id
    if lead_id is not None:
        await leads.lock_even_deleted(tx, lead_id)
    found = await get(tx, ref, lock=True)
    if found.status != "open" or version not in (None, found.version):
        raise Conflict("The task is not open any more, or was changed since you read it.")
    return found


async def _given(tx: Tx, before: Task, input: EditTask) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if input.title is not None:
        given["title"] = " ".join(input.title.split())[:300]
    if input.notes is not UNSET:
        given["notes"] = clean(input.notes)
    if input.kind is not None:
        given["kind"] = input.kind
    whom = before.assignee_id
    if input.assign_to is not UNSET:
        whom = given["assignee_id"] = (await member(tx, input.assign_to)).id if input.assign_to else None
    at = due(tx, None, input.due_at, None) if input.due_at is not None else before.due_at
    rule = before.recurrence if input.recurrence is UNSET else clean(input.recurrence)
    rule = recurrence.check(rule, start=at) if rule else None
    again = rule is not None and (rule != before.recurrence or at != before.due_at)
    if rule is None:
        given |= {"recurrence": None, "recurs_from": None, "recurs_zone": None}
    elif again:
        given |= {"recurrence": rule, "recurs_from": at, "recurs_zone": str(await zone_of(tx, whom))}
    return given | {"due_at": at}


async def _tell(tx: Tx, actor: Actor, task: Task, changes: Changes, *, reason: str | None) -> None:
    whom: Member | None = await member(tx, task.assignee_id) if "assigneeId" in changes and task.assignee_id else None
    payload: dict[str, Any] = {"title": task.title, "changes": changes}
    payload |= {"dueAt": task.due_at.isoformat()} if "dueAt" in changes else {}
    payload |= {"assigneeId": str(whom.id), "assigneeName": whom.name, "assigneeKind": whom.kind} if whom else {}
    await say(tx, actor, task, kinds.TASK_UPDATED, payload, reason)


async def say(tx: Tx, actor: Actor, task: Task, kind: str, payload: dict[str, Any], reason: str | None) -> None:
    """Append what happened to a task, on its lead where it has one; the lead's next action follows."""
    if task.lead_id is None:
        await append(
            tx, actor, Entry(kind=kind, subject_type="task", subject_id=task.id, payload=payload, reason=reason)
        )
        return
    lead = await leads.lock_even_deleted(tx, task.lead_id)
    next_action = await earliest_due(tx, lead.id) if lead.closed_at is None else None
    await leads.change(
        tx, actor, lead, kind, payload=payload, subject=("task", task.id), reason=reason, next_action_at=next_action
    )


@operation("crm.tasks.snooze", role=Role.MEMBER, summary="Put a task off")
async def snooze(tx: Tx, actor: Actor, input: Snooze) -> Task:
    """Let a task be due later. Raises Invalid for a moment that is past, NotFound, Conflict where it is not open."""
    found = await get(tx, input.task_id)
    whom = await member(tx, found.assignee_id) if found.assignee_id else None
    at = due(tx, whom, input.until, input.due_in)
    if at <= tx.now:
        raise Invalid("A task is put off until a moment to come.", field="until")
    if found.recurrence is None:
        return await edit(
            tx, actor, EditTask(task_id=str(found.id), version=input.version, due_at=at, reason=input.reason)
        )
    await _open(tx, input.task_id, input.version)  # a series keeps its days: this occurrence alone is due later
    await tx.execute(
        "UPDATE tasks SET due_at = $3, due_told_at = NULL, version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id,
        found.id,
        at,
    )
    after = await get(tx, found.id)
    await _tell(tx, actor, after, {"dueAt": [found.due_at.isoformat(), at.isoformat()]}, reason=input.reason)
    return after


@operation("crm.tasks.reassign", role=Role.MEMBER, summary="Give a task to somebody else")
async def reassign(tx: Tx, actor: Actor, input: Reassign) -> Task:
    """Give an open task to another member, or to nobody. Raises NotFound, Conflict where it is not open."""
    return await edit(
        tx,
        actor,
        EditTask(task_id=input.task_id, version=input.version, assign_to=input.assign_to, reason=input.reason),
    )


@operation("crm.tasks.cancel", role=Role.MEMBER, summary="Call a task off")
async def cancel(tx: Tx, actor: Actor, input: CancelTask) -> Task:
    """Call off an open task and its open steps. Raises NotFound, Conflict where it is not open."""
    before = await _open(tx, input.task_id, input.version)
    rows = await tx.fetch(
        """UPDATE tasks SET status = 'cancelled', version = version + 1
            WHERE org_id = $1 AND status = 'open' AND (id = $2 OR parent_id = $2) RETURNING id, title""",
        tx.org_id, before.id,
    )  # fmt: skip
    for row in rows:
        step = msgspec.structs.replace(before, id=row["id"])
        await say(tx, actor, step, kinds.TASK_CANCELLED, {"title": row["title"]}, input.reason)
    return await get(tx, before.id)
