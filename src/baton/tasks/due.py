"""What falls due: told once, and the next occurrence made of what recurs. Spec A6, C5."""

from datetime import datetime, timedelta
from uuid import UUID

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role, system
from baton.kernel.db import Database, Tx
from baton.kernel.operation import Nothing, Output, operation
from baton.kernel.perform import perform
from baton.tasks.recur import make_next
from baton.tasks.task import COLUMNS, from_row

AT_ONCE = 200
ROUNDS = 25
LATE = timedelta(days=2)


class FellDue(Output, kw_only=True):
    """How many tasks fell due, and how many next occurrences were made."""

    due: int
    repeated: int


@operation("crm.tasks.tellDue", role=Role.MEMBER, summary="Tell which tasks are due", internal=True)
async def tell_due(tx: Tx, actor: Actor, input: Nothing) -> FellDue:
    """Tell of at most 200 tasks that fell due, the longest due first, each once; of what recurs the next one is made.

    What has been due for days is overdue, which the morning's reminder says: it is not told as if it fell due now.
    """
    rows = await tx.fetch(
        f"""SELECT {COLUMNS} FROM tasks WHERE org_id = $1 AND status = 'open' AND due_told_at IS NULL AND due_at <= $2
             ORDER BY due_at, id LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED""",
        tx.org_id, tx.now, AT_ONCE,
    )  # fmt: skip
    tasks = [from_row(row) for row in rows]
    await tx.execute(
        "UPDATE tasks SET due_told_at = $3 WHERE org_id = $1 AND id = ANY ($2)",
        tx.org_id,
        [task.id for task in tasks],
        tx.now,
    )
    gone = await tx.fetch(
        "SELECT id FROM leads WHERE org_id = $1 AND id = ANY ($2) AND deleted_at IS NOT NULL",
        tx.org_id, [task.lead_id for task in tasks if task.lead_id],
    )  # fmt: skip
    deleted = {row["id"] for row in gone}
    await append(
        tx, actor,
        *(
            Entry(kind=kinds.TASK_DUE, subject_type="task", subject_id=task.id, lead_id=task.lead_id,
                  payload={"name": task.title, "title": task.title, "dueAt": task.due_at.isoformat()})
            for task in tasks if task.lead_id not in deleted and task.due_at > tx.now - LATE
        ),
    )  # fmt: skip
    made = [await make_next(tx, actor, task) for task in tasks if task.recurrence]
    return FellDue(due=len(tasks), repeated=sum(next is not None for next in made))


async def due(db: Database, now: datetime, per_organization: int) -> list[tuple[UUID, UUID]]:
    """Organizations with tasks that fell due, whoever waits longest first."""
    rows = await db.relay.fetch(
        """SELECT o.org_id, t.due_at FROM organizations o CROSS JOIN LATERAL (
                  SELECT due_at FROM tasks WHERE org_id = o.org_id AND status = 'open' AND due_told_at IS NULL AND due_at <= $1
                   ORDER BY due_at LIMIT 1) t
            ORDER BY 2 LIMIT 1000""",
        now,
    )  # fmt: skip
    return [(row["org_id"], row["org_id"]) for row in rows]


async def walk(db: Database, org_id: UUID, lane: UUID, now: datetime | None) -> int:
    """Tell of some of what fell due in an organization; answers of how many tasks."""
    actor, told = system(org_id, "Baton", role=Role.MEMBER, via="agent"), 0
    for _ in range(ROUNDS):
        done: FellDue = await perform(db, actor, "crm.tasks.tellDue", now=now)
        told += done.due
        if done.due < AT_ONCE:
            break
    return told
