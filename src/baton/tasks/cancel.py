"""Cancelling the open tasks of leads that are closed: no further action is needed on them. Spec A4."""

from uuid import UUID

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.operation import Input, Output, operation


class CancelTasks(Input, kw_only=True):
    """Activities that closed leads."""

    activity_ids: list[UUID]


class Cancelled(Output, kw_only=True):
    """How many tasks were cancelled."""

    tasks: int


@operation("crm.tasks.cancelOfClosed", role=Role.MEMBER, summary="Cancel tasks of closed leads", internal=True)
async def cancel_of_closed(tx: Tx, actor: Actor, input: CancelTasks) -> Cancelled:
    """Cancel the open tasks of leads that these activities closed and that are closed still."""
    rows = await tx.fetch(
        """UPDATE tasks t SET status = 'cancelled', version = t.version + 1
             FROM activities a JOIN leads l ON l.org_id = a.org_id AND l.id = a.lead_id
            WHERE a.org_id = $1 AND a.id = ANY ($2) AND l.closed_at IS NOT NULL
              AND t.org_id = $1 AND t.lead_id = l.id AND t.status = 'open'
        RETURNING t.id, t.lead_id, t.title, l.status""",
        tx.org_id, input.activity_ids,
    )  # fmt: skip
    await append(
        tx, actor,
        *(
            Entry(kind=kinds.TASK_CANCELLED, subject_type="task", subject_id=row["id"], lead_id=row["lead_id"],
                  payload={"title": row["title"]}, reason=f"The lead is {row['status']}.")
            for row in rows
        ),
    )  # fmt: skip
    return Cancelled(tasks=len(rows))
