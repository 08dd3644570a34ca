"""The kill switch: an agent that is paused or removed does nothing more, from the moment on that a person said so. Spec A6."""

from typing import Any

from baton.kernel.actor import Actor
from baton.kernel.db import Tx
from baton.kernel.errors import Forbidden
from baton.kernel.operation import Operation, guards


async def must_be_active(tx: Tx, actor: Actor, op: Operation, input: Any) -> None:
    """Raise Forbidden for a change by an agent that is not active; the receipt of what it had begun is still written."""
    if actor.type != "agent" or op.kind == "query" or op.internal:
        return
    status = await tx.fetchval("SELECT status FROM members WHERE org_id = $1 AND id = $2", tx.org_id, actor.id)
    if status != "active":
        raise Forbidden(
            f"{actor.name} is {status or 'no member'} and does nothing more. A person decides when it goes on."
        )


guards.append(must_be_active)
