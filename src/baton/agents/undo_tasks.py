"""Taking back what an operation did to tasks: made ones are called off, done ones are open again, changed ones as they were. Spec C5."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.agents.undo_records import Effect, Outcome
from baton.kernel.actor import Actor
from baton.kernel.db import Row, Tx
from baton.kernel.errors import Conflict, NotFound
from baton.tasks.dependencies import set_needs
from baton.tasks.task import Task, get

_STATES = {
    kinds.TASK_CREATED: ("open", "cancelled"),
    kinds.TASK_COMPLETED: ("done", "open"),
    kinds.TASK_CANCELLED: ("cancelled", "open"),
}
_ONE_BY_ONE = (
    ("dueAt",),
    ("title",),
    ("notes",),
    ("kind",),
    ("assigneeId",),
    ("needs",),
    ("recurrence", "recursFrom", "recursZone"),
)
_NAMES = dict(zip(Task.__struct_encode_fields__, Task.__struct_fields__, strict=True))


async def of_no_lead(tx: Tx, operation_id: UUID) -> list[Row]:
    """What an operation did to tasks of contacts and companies."""
    return await tx.fetch(
        """SELECT id, kind, lead_id, subject_type, subject_id, changes, payload FROM activities
            WHERE org_id = $1 AND operation_id = $2 AND lead_id IS NULL AND subject_type = 'task' AND kind = ANY ($3) ORDER BY id""",
        tx.org_id, operation_id, [*_STATES, kinds.TASK_UPDATED],
    )  # fmt: skip


async def undo_tasks(tx: Tx, actor: Actor, rows: list[Row]) -> list[Effect]:
    """Take back what these activities did to tasks; what was changed since is kept, and said."""
    effects: list[Effect] = []
    for row in rows:
        if row["kind"] in _STATES:
            effects.append(await _turned(tx, actor, row))
        elif row["kind"] == kinds.TASK_UPDATED and row["payload"].get("changes"):
            effects.append(await _as_it_was(tx, actor, row))
    return effects


async def _turned(tx: Tx, actor: Actor, row: Row) -> Effect:
    was, becomes = _STATES[row["kind"]]
    changed = await tx.fetchval(
        """UPDATE tasks SET status = $4, completed_at = NULL, version = version + 1
            WHERE org_id = $1 AND id = $2 AND status = $3 RETURNING true""",
        tx.org_id, row["subject_id"], was, becomes,
    )  # fmt: skip
    if not changed:
        return _kept(row)
    kind = kinds.TASK_CANCELLED if becomes == "cancelled" else kinds.TASK_UPDATED
    await _tell(tx, actor, row, kind, {"title": row["payload"].get("title"), "status": becomes})
    return _effect(row, None)


async def _as_it_was(tx: Tx, actor: Actor, row: Row) -> Effect:
    """Every fact that is still what it was made goes back; where none is, all is kept."""
    try:
        task = await get(tx, row["subject_id"], lock=True)
    except NotFound:
        return _kept(row)
    changes, old = row["payload"]["changes"], dict[str, Any]()
    for group in _ONE_BY_ONE:
        names = [name for name in group if name in changes]
        if names and all(getattr(task, _NAMES[name]) == _read(name, changes[name][1]) for name in names):
            old |= {name: changes[name][0] for name in names}
    if task.status != "open" or not old:
        return _kept(row)
    after = msgspec.structs.replace(task, **{_NAMES[name]: _read(name, value) for name, value in old.items()})
    try:
        await _write(tx, after, needs="needs" in old)
    except Conflict as error:
        return _effect(row, error.message)
    told = {"title": after.title, "changes": {name: [changes[name][1], value] for name, value in old.items()}}
    await _tell(tx, actor, row, kinds.TASK_UPDATED, told)
    return _effect(row, None)


def _read(name: str, value: Any) -> Any:
    """A fact of a task as the log wrote it."""
    if value is None:
        return None
    if name in ("dueAt", "recursFrom"):
        return datetime.fromisoformat(value)
    return UUID(value) if name == "assigneeId" else [UUID(id) for id in value] if name == "needs" else value


async def _write(tx: Tx, after: Task, *, needs: bool) -> None:
    if needs:
        await set_needs(tx, after.id, [str(id) for id in after.needs])
    await tx.execute(
        """UPDATE tasks SET title = $3, notes = $4, kind = $5, due_at = $6, assignee_id = $7, recurrence = $8, recurs_from = $9,
                  recurs_zone = $10, version = version + 1
            WHERE org_id = $1 AND id = $2""",
        tx.org_id, after.id, after.title, after.notes, after.kind, after.due_at, after.assignee_id, after.recurrence,
        after.recurs_from, after.recurs_zone,
    )  # fmt: skip


async def _tell(tx: Tx, actor: Actor, row: Row, kind: str, told: dict[str, Any]) -> None:
    entry = Entry(
        kind=kind, subject_type="task", subject_id=row["subject_id"], lead_id=row["lead_id"], payload=told, reason="Undone."
    )  # fmt: skip
    await append(tx, actor, entry)


def _effect(row: Row, kept: str | None) -> Effect:
    outcome: Outcome = "kept" if kept else "reversed"
    return Effect(
        subject_type=row["subject_type"], subject_id=row["subject_id"], what="task", outcome=outcome, why=kept
    )


def _kept(row: Row) -> Effect:
    return _effect(row, "It was changed since.")
