"""The same done to many tasks at once, as one operation: completed, put off, given to somebody, called off. Spec C5."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Invalid
from baton.kernel.operation import Input, Output, find, operation
from baton.kernel.perform import within
from baton.kernel.shapes import Moment, Reason
from baton.kernel.values import Ref
from baton.tasks.task import Task, get

Act = Literal["complete", "snooze", "reassign", "cancel"]


class DoToTasks(Input, kw_only=True):
    """The tasks and the act: `until` says until when they are put off, `assignTo` whose they become (null for nobody)."""

    task_ids: Annotated[list[Ref], Meta(min_length=1, max_length=200)]
    act: Act
    until: Moment | None = None
    assign_to: Ref | None = None
    reason: Reason | None = None


class Left(Output, kw_only=True):
    """A task that was left as it is, and why."""

    id: UUID
    title: str
    why: str


class DoneToTasks(Output, kw_only=True):
    """How many tasks the act was done to, and those that it could not be done to."""

    done: int
    left: list[Left]


@operation("crm.tasks.bulk", role=Role.MEMBER, summary="Do the same to many tasks")
async def bulk(tx: Tx, actor: Actor, input: DoToTasks) -> DoneToTasks:
    """Do one act to each task, under the act's own checks; it is undone as one.

    A task that it cannot be done to (done already, waiting for another) is left, and said. Raises Invalid for an act without
    what it needs, NotFound for a task or member of another organization.
    """
    if input.act == "snooze" and (input.until is None or input.until <= tx.now):
        raise Invalid("Say until when: a moment to come.", field="until")
    # one lead after the other, in the order in which everybody locks them
    tasks = sorted({task.id: task for task in [await get(tx, ref) for ref in input.task_ids]}.values(), key=_order)
    left = await _each(tx, actor, tasks, input)
    return DoneToTasks(done=len(tasks) - len(left), left=left)


async def _each(tx: Tx, actor: Actor, tasks: list[Task], input: DoToTasks) -> list[Left]:
    """Do the act to each, and again to those that waited for others of them; answers what is left."""
    op, more = find(f"crm.tasks.{input.act}"), _more(input)
    while tasks:
        left: list[Left] = []
        for task in tasks:
            try:
                await within(tx, actor, op.name, msgspec.convert({"taskId": str(task.id)} | more, op.input))
            except Conflict as error:
                left.append(Left(id=task.id, title=task.title, why=error.message))
        again = {each.id for each in left}
        if len(left) == len(tasks):
            return left
        tasks = [task for task in tasks if task.id in again]
    return []


def _order(task: Task) -> tuple[str, datetime, str]:
    return str(task.lead_id or ""), task.due_at, str(task.id)


def _more(input: DoToTasks) -> dict[str, Any]:
    said = {} if input.reason is None else {"outcome" if input.act == "complete" else "reason": input.reason}
    if input.act == "snooze":
        return said | {"until": input.until}
    return said | ({"assignTo": input.assign_to} if input.act == "reassign" else {})
