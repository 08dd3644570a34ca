"""Completing a task. Spec A7, C5."""

import msgspec

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Reason, Version
from baton.kernel.values import Ref, clean
from baton.leads import lead as leads
from baton.tasks.dependencies import must_be_free
from baton.tasks.recur import make_next
from baton.tasks.task import Task, earliest_due, get


class CompleteTask(Input, kw_only=True):
    """The task that is done, and what came of it. With `withSteps` its open steps are done too."""

    task_id: Ref
    version: Version | None = None
    outcome: Reason | None = None
    with_steps: bool = False


@operation("crm.tasks.complete", role=Role.MEMBER, summary="Complete a task")
async def complete(tx: Tx, actor: Actor, input: CompleteTask) -> Task:
    """Mark a task as done; the lead's next action becomes the next open task's, and of what recurs the next one is made.

    Raises NotFound; Conflict where it is not open, or waits for others.
    """
    lead_id = (await get(tx, input.task_id)).lead_id
    lead = await leads.lock(tx, lead_id) if lead_id else None  # the lead before its task, as everywhere
    task = await get(tx, input.task_id, lock=True)
    if task.status != "open" or input.version not in (None, task.version):
        raise Conflict("The task is not open any more, or was changed since you read it.")
    if input.with_steps:
        await _finish_steps(tx, actor, task)
    await must_be_free(tx, task)
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
    await make_next(tx, actor, task)
    return msgspec.structs.replace(task, status="done", completed_at=tx.now, version=task.version + 1)


async def _finish_steps(tx: Tx, actor: Actor, task: Task) -> None:
    rows = await tx.fetch(
        """UPDATE tasks SET status = 'done', completed_at = $3, version = version + 1
            WHERE org_id = $1 AND parent_id = $2 AND status = 'open' RETURNING id, title""",
        tx.org_id, task.id, tx.now,
    )  # fmt: skip
    await append(
        tx, actor,
        *(
            Entry(kind=kinds.TASK_COMPLETED, subject_type="task", subject_id=row["id"], lead_id=task.lead_id,
                  payload={"title": row["title"]})
            for row in rows
        ),
    )  # fmt: skip
