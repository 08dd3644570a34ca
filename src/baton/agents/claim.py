"""Taking an approval for the act that it is for: once, while those who gave it still may, and nothing was changed since. Spec A6."""

from typing import Any
from uuid import UUID

from baton.agents.approval import Approval, read
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.decode import canonical
from baton.kernel.errors import Conflict
from baton.kernel.operation import Operation, registry
from baton.leads import lead as leads

_AFTERTHOUGHTS = ["score", "nextActionAt"]  # what is calculated from other facts does not make an approval stale
_OWN = [
    *_AFTERTHOUGHTS,
    "tags",
    "ownerId",
    "assignedAt",
    "qualifiedAt",
    "stageId",
    "status",
    "stageEnteredAt",
    "fields",
]
# What the asking agent does meanwhile in the ordinary course of its work; who is written to and what it is worth is not that.


async def claim(tx: Tx, actor: Actor, op: Operation, input: Any) -> None:
    """Take an approval for the act that this transaction does: once, by its agent, for its bytes, under people who still may.

    Raises Conflict where it is another act, was done, or the lead was changed since.
    """
    assert tx.consent is not None
    found = await read(tx, tx.consent.approval_id, lock=True)
    bytes_of: bytes = await tx.fetchval(
        "SELECT input FROM approvals WHERE org_id = $1 AND id = $2", tx.org_id, found.id
    )
    if found.agent_id != actor.id or found.operation != op.name or bytes_of != canonical(input):
        raise Conflict("This is not what was approved.")
    if found.status != "approved" or len(found.given) < found.needed:
        raise Conflict(f"This approval is {found.status}: it is carried out once.")
    for giver in found.given:
        await must_be_entitled(tx, giver.id, found.operation)
    await must_be_fresh(tx, found)
    await tx.execute(
        """UPDATE approvals SET status = 'done', closed_at = $3, operation_id = $4, version = version + 1
            WHERE org_id = $1 AND id = $2""",
        tx.org_id, found.id, tx.now, tx.operation_id,
    )  # fmt: skip


async def must_be_entitled(tx: Tx, member_id: UUID, name: str) -> None:
    """Raise Conflict where a person may not (any more) do by themselves what is approved."""
    row = await tx.fetchrow(
        "SELECT name, kind, role, status FROM members WHERE org_id = $1 AND id = $2", tx.org_id, member_id
    )
    needed = registry[name].role or Role.MEMBER
    admitted = row is not None and row["status"] == "active" and Role(row["role"]).admits(needed)
    if row is None or row["kind"] != "person" or not admitted or not Role(row["role"]).admits(Role.MEMBER):
        raise Conflict(f"{row['name'] if row else 'Somebody'} may not approve this any more. Ask somebody else.")


async def must_be_fresh(tx: Tx, found: Approval) -> None:
    """Raise Conflict where the lead was changed since the agent asked, other than by what people approved."""
    if found.lead_id is None:
        return
    lead = await leads.lock_even_deleted(tx, found.lead_id)
    if lead.deleted_at is not None:
        raise Conflict(f"{lead.name} was deleted since. Nothing was done.")
    changed = await tx.fetchval(
        """SELECT actor_name FROM activities
            WHERE org_id = $1 AND lead_id = $2 AND lead_version > $3 AND NOT payload ? 'approvedBy'
              AND (changes - CASE WHEN actor_id = $6 THEN $5::text[] ELSE $4::text[] END) <> '{}'::jsonb
            ORDER BY lead_version LIMIT 1""",
        tx.org_id, lead.id, found.lead_version, _AFTERTHOUGHTS, _OWN, found.agent_id,
    )  # fmt: skip
    if changed:
        raise Conflict(f"{changed} changed {lead.name} since this was asked for. Read it again, and ask anew.")
