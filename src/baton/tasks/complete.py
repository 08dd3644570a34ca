"""Completing a task. Spec A7, C5."""

import msgspec

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict
from baton.kernel.operation import Input, operation
from baton.kernel.values import Ref, clean
from baton.leads import lead as leads
from baton.tasks.task import Task, earliest_due, get


class CompleteTask(Input, kw_only=True):
    """The task that is done, and what came of it."""

    task_id: Ref
    version: int | None = None
    outcome: str | None = None


@operation("crm.tasks.complete", role=Role.MEMBER, summary="Complete a task")
async def complete(tx: Tx, actor: Actor, input: CompleteTask) -> Task:
    """Mark a task as done; the lead's next action becomes the next open task's. Raises NotFound, Conflict where it is not open."""
    lead_id = (await get(tx, input.task_id)).lead_id
    lead = await leads.lock(tx, lead_id) if lead_id else None  # the lead before its task, as everywhere
    task = await get(tx, input.task_id, lock=True)
    if task.status != "open" or input.version not in (None, task.version):
        raise Conflict("The task is not open any more, or was changed since you read it.")
    await tx.execute(
        "UPDATE tasks SET status = 'done', completed_at = $3, version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id,
        task.id,
        tx.now,
    )
    payload = {"title": task.title} | (
        {"outcome": input.outcome.strip()} if clean(input.outcome) and input.outcome else {}
    )
    if lead is not None:
        await leads.change(
            tx, actor, lead, kinds.TASK_COMPLETED, payload=payload, subject=("task", task.id),
            next_action_at=await earliest_due(tx, lead.id, without=task.id),
        )  # fmt: skip
    else:
        await append(
            tx, actor, Entry(kind=kinds.TASK_COMPLETED, subject_type="task", subject_id=task.id, payload=payload)
        )
    return msgspec.structs.replace(task, status="done", completed_at=tx.now, version=task.version + 1)
