"""What a task waits for: the tasks that it needs, and its own steps. It never waits for itself. Spec C5."""

from collections.abc import Sequence
from typing import Annotated, TypeAlias
from uuid import UUID

from msgspec import Meta

from baton.kernel.db import Tx, columns
from baton.kernel.errors import Conflict, Invalid
from baton.kernel.values import Ref
from baton.tasks.task import Task, get

MOST = 50
Needs: TypeAlias = Annotated[list[Ref], Meta(max_length=MOST)]
"""Tasks that must be done first."""


async def set_needs(tx: Tx, task_id: UUID, needs: Sequence[Ref]) -> list[UUID]:
    """Let a task need these and no others; answers their ids. Raises NotFound, Invalid for too many, Conflict for a cycle."""
    if len(needs) > MOST:
        raise Invalid(f"A task needs at most {MOST} others.", field="needs")
    ids = sorted({(await get(tx, ref)).id for ref in needs})
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"task_needs/{tx.org_id}")
    await tx.execute("DELETE FROM task_needs WHERE org_id = $1 AND task_id = $2", tx.org_id, task_id)
    if task_id in ids:
        raise Conflict("A task cannot wait for itself.")
    if ids:
        await tx.execute(
            "INSERT INTO task_needs (org_id, task_id, need_id) SELECT $1, $2, unnest($3::uuid[])",
            tx.org_id,
            task_id,
            ids,
        )
        await _must_end(tx, task_id)
    return ids


async def _must_end(tx: Tx, task_id: UUID) -> None:
    """Raise Conflict where a task waits, over whatever others, for itself: by what they need, or by their steps."""
    round_trip = await tx.fetchval(
        """WITH RECURSIVE edges (task, need) AS (
             SELECT task_id, need_id FROM task_needs WHERE org_id = $1
              UNION ALL SELECT parent_id, id FROM tasks WHERE org_id = $1 AND parent_id IS NOT NULL AND status = 'open'),
           waits (id) AS (
             SELECT e.need FROM edges e WHERE e.task = $2
              UNION SELECT e.need FROM edges e JOIN waits w ON e.task = w.id)
           SELECT true FROM waits WHERE id = $2""",
        tx.org_id, task_id,
    )  # fmt: skip
    if round_trip:
        raise Conflict("These tasks would wait for one another for ever. Leave one of them out.")


async def must_be_free(tx: Tx, task: Task) -> None:
    """Raise Conflict, naming them, while tasks that this one needs, or steps of it, are open."""
    rows = await tx.fetch(
        """SELECT title FROM tasks t WHERE t.org_id = $1 AND t.status = 'open' AND (t.parent_id = $2 OR t.id IN (
                  SELECT need_id FROM task_needs WHERE org_id = $1 AND task_id = $2)) ORDER BY due_at, id LIMIT 4""",
        tx.org_id, task.id,
    )  # fmt: skip
    if rows:
        first = ", ".join(f"“{row['title']}”" for row in rows[:3])
        more = " and more" if len(rows) > 3 else ""
        raise Conflict(f"“{task.title}” waits for {first}{more}. Complete that first, or take it off.")


async def copy_steps(tx: Tx, old: Task, new: Task, ids: Sequence[UUID]) -> list[Task]:
    """The steps of a task that recurs, made anew for its next occurrence, as far from its due time as they were."""
    rows = await tx.fetch(
        """SELECT id, kind, title, notes, due_at, assignee_id FROM tasks
            WHERE org_id = $1 AND parent_id = $2 AND status <> 'cancelled' ORDER BY due_at, id LIMIT $3""",
        tx.org_id, old.id, len(ids),
    )  # fmt: skip
    made = [
        Task(
            id=id, lead_id=new.lead_id, contact_id=new.contact_id, company_id=new.company_id, kind=row["kind"], title=row["title"],
            notes=row["notes"], due_at=new.due_at + (row["due_at"] - old.due_at), assignee_id=row["assignee_id"], status="open",
            completed_at=None, external_id=None, version=1, created_at=tx.now, parent_id=new.id,
        )
        for id, row in zip(ids, rows, strict=False)
    ]  # fmt: skip
    if made:
        names = ("id", "kind", "title", "notes", "due_at", "assignee_id")
        await tx.execute(
            """INSERT INTO tasks (org_id, lead_id, contact_id, company_id, parent_id, created_at,
                      id, kind, title, notes, due_at, assignee_id)
               SELECT $1, $2, $3, $4, $5, $6, s.*
                 FROM unnest($7::uuid[], $8::text[], $9::text[], $10::text[], $11::timestamptz[], $12::uuid[]) s""",
            tx.org_id, new.lead_id, new.contact_id, new.company_id, new.id, tx.now,
            *columns([[getattr(task, name) for name in names] for task in made], 6),
        )  # fmt: skip
    return made
