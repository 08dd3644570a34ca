"""Giving a lead an owner: a person, an agent, or nobody. Spec A6, C1."""

from typing import Any

from baton.accounts.members import Member, member
from baton.activities import kinds
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Reason, Version
from baton.kernel.values import Ref
from baton.leads import lead as leads
from baton.leads.lead import Lead


class Assign(Input, kw_only=True):
    """The lead and its new owner, null for nobody."""

    lead_id: Ref
    owner_id: Ref | None
    version: Version | None = None
    reason: Reason | None = None


@operation("crm.leads.assign", role=Role.MEMBER, summary="Assign a lead")
async def assign(tx: Tx, actor: Actor, input: Assign) -> Lead:
    """Give a lead an owner. Raises NotFound for a lead or member, Conflict for a paused member or a stale version."""
    before = await leads.lock(tx, input.lead_id, version=input.version)
    owner = await member(tx, input.owner_id) if input.owner_id else None
    return await give(tx, actor, before, owner, reason=input.reason)


async def give(
    tx: Tx,
    actor: Actor,
    before: Lead,
    owner: Member | None,
    *,
    reason: str | None = None,
    payload: dict[str, Any] | None = None,
) -> Lead:
    """Give a locked lead to a member, or to nobody. Giving it to its owner changes nothing."""
    if before.owner_id == (owner.id if owner else None):
        return before
    if owner is not None and owner.status != "active":
        raise Conflict(f"{owner.name} is paused and takes no leads. Choose another owner.")
    told = {"ownerName": owner.name, "ownerKind": owner.kind} if owner else {}
    return await leads.change(
        tx, actor, before, kinds.ASSIGNMENT_CHANGED, reason=reason, payload=told | (payload or {}),
        owner_id=owner.id if owner else None, assigned_at=tx.now if owner else None,
    )  # fmt: skip
