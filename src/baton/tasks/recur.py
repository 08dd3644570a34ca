"""The next occurrence of a task that recurs: made when this one is done, or due, once. Spec C5."""

from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from baton.accounts.members import member
from baton.kernel.actor import Actor
from baton.kernel.db import Tx
from baton.kernel.errors import NotFound
from baton.kernel.recurrence import following
from baton.kernel.values import new_id
from baton.tasks.create import tell_created
from baton.tasks.dependencies import copy_steps
from baton.tasks.task import Task, insert

STEPS = 50


async def make_next(tx: Tx, actor: Actor, task: Task) -> Task | None:
    """Make the next occurrence of a locked task; None where it recurs no more, or has its next one already.

    Occurrences that were missed are left out: the next one lies ahead of now.
    """
    if task.recurrence is None or task.recurs_from is None or task.recurs_zone is None:
        return None
    first = await tx.fetchval(
        "UPDATE tasks SET repeated = true WHERE org_id = $1 AND id = $2 AND NOT repeated RETURNING true",
        tx.org_id,
        task.id,
    )
    if not first or not await _wanted(tx, task.lead_id):
        return None
    at = following(task.recurrence, task.recurs_from, max(task.due_at, tx.now), ZoneInfo(task.recurs_zone))
    if at is None:
        return None
    made = msgspec.structs.replace(
        task, id=new_id(), due_at=at, status="open", completed_at=None, external_id=None, version=1, created_at=tx.now,
        series_id=task.series_id or task.id, needs=[], blocked=False,
    )  # fmt: skip
    await insert(tx, made)
    await copy_steps(tx, task, made, [new_id() for _ in range(STEPS)])
    try:
        assignee = await member(tx, made.assignee_id) if made.assignee_id else None
    except NotFound:
        assignee = None
    await tell_created(tx, actor, made, assignee, reason=f"It recurs ({task.recurrence}).")
    return made


async def _wanted(tx: Tx, lead_id: UUID | None) -> bool:
    """Whether the record still wants anything done: a closed or deleted lead does not."""
    if lead_id is None:
        return True
    wanted: bool = await tx.fetchval(
        "SELECT closed_at IS NULL AND deleted_at IS NULL FROM leads WHERE org_id = $1 AND id = $2", tx.org_id, lead_id
    )
    return wanted
