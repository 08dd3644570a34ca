"""Deciding on what an agent asked for: approve, edit and approve, reject; and closing what cannot be done any more. Spec A6."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from baton.accounts.sign_in import must_not_be_agent
from baton.activities import kinds
from baton.agents.approval import Approval, Given, read, tell
from baton.agents.claim import must_be_entitled, must_be_fresh
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.decode import canonical, decode
from baton.kernel.errors import Conflict, Forbidden, Invalid
from baton.kernel.operation import Input, find, operation, settlers
from baton.kernel.shapes import Reason, Values, Version
from baton.kernel.values import clean


class Approve(Input, kw_only=True):
    """What to approve. `version` refuses where it was changed since it was read."""

    approval_id: UUID
    version: Version | None = None


class EditApproval(Input, kw_only=True):
    """What to approve with other words: `input` replaces fields of what was asked for."""

    approval_id: UUID
    input: Values
    version: Version | None = None


class Reject(Input, kw_only=True):
    """What to reject, and why: the agent reads the reason."""

    approval_id: UUID
    reason: Annotated[Reason, Meta(pattern=r"\S")]
    version: Version | None = None


class CloseApproval(Input, kw_only=True):
    """What cannot be done any more, and why."""

    approval_id: UUID
    status: Literal["expired", "stale", "failed"]
    why: str


@operation("crm.approvals.approve", role=Role.MEMBER, summary="Approve what an agent asked for")
async def approve(tx: Tx, actor: Actor, input: Approve) -> Approval:
    """Approve an act as it was asked for; it is then done once, under the agent's name. Where a second person is needed, it waits
    for them. Raises Conflict for what does not wait any more or was changed since, Forbidden for who may not decide, NotFound.
    """
    return await _approve(tx, actor, await _deciding(tx, actor, input.approval_id, input.version))


@operation("crm.approvals.edit", role=Role.MEMBER, summary="Edit and approve what an agent asked for")
async def edit(tx: Tx, actor: Actor, input: EditApproval) -> Approval:
    """Approve an act with other words than it was asked for. Raises as approving does, and Invalid for another record."""
    found = await _deciding(tx, actor, input.approval_id, input.version)
    op = find(found.operation, offered=True)
    for name in ("leadId", "taskId", "contactId"):
        if name in input.input and input.input[name] != found.input.get(name):
            raise Invalid("An approval stays with the record that it was asked for.", field=name)
    decoded = decode(op, found.input | input.input)
    agent = Actor(
        type="agent", org_id=tx.org_id, role=Role.MEMBER, name=found.agent_name, id=found.agent_id, via="agent"
    )
    settled = await settlers[op.name](tx, agent, decoded) if op.name in settlers else decoded
    body = canonical(settled)
    if body != canonical(decode(op, found.input)):
        await tx.execute(
            """UPDATE approvals SET input = $3, original = coalesce(original, input), given = '[]', version = version + 1
                WHERE org_id = $1 AND id = $2""",
            tx.org_id, found.id, body,
        )  # fmt: skip
    return await _approve(tx, actor, await read(tx, found.id, lock=True))


@operation("crm.approvals.reject", role=Role.MEMBER, summary="Reject what an agent asked for")
async def reject(tx: Tx, actor: Actor, input: Reject) -> Approval:
    """Refuse an act, with a reason that the agent reads. Raises as approving does, Invalid without a reason."""
    reason = clean(input.reason)
    if not reason or len(reason) > 2000:
        raise Invalid("Say why, in at most 2,000 characters: the agent reads it.", field="reason")
    found = await _deciding(tx, actor, input.approval_id, input.version)
    await tx.execute(
        """UPDATE approvals SET status = 'rejected', reason = $3, decided_at = $4, closed_at = $4, version = version + 1
            WHERE org_id = $1 AND id = $2""",
        tx.org_id, found.id, reason, tx.now,
    )  # fmt: skip
    await tell(tx, actor, kinds.APPROVAL_DECIDED, found, reason=reason, decision="rejected")
    return await read(tx, found.id)


@operation("crm.approvals.close", role=Role.MEMBER, summary="Close an approval", internal=True)
async def close(tx: Tx, actor: Actor, input: CloseApproval) -> Approval:
    """Close what expired, went stale or failed when it was done; what was decided otherwise stays as it is. Raises NotFound."""
    found = await read(tx, input.approval_id, lock=True)
    if found.status not in ("waiting", "approved"):
        return found
    await tx.execute(
        """UPDATE approvals SET status = $3, reason = $4, closed_at = $5, version = version + 1
            WHERE org_id = $1 AND id = $2""",
        tx.org_id, found.id, input.status, input.why[:2000], tx.now,
    )  # fmt: skip
    await tell(tx, actor, kinds.APPROVAL_CLOSED, found, reason=input.why, decision=input.status)
    return await read(tx, found.id)


async def _deciding(tx: Tx, actor: Actor, id: UUID, version: int | None) -> Approval:
    """An approval that this person may decide now, locked."""
    must_not_be_agent(actor)
    if actor.type != "user" or actor.id is None:
        raise Forbidden("A person decides; the system does not.")
    found = await read(tx, id, lock=True)
    if found.status != "waiting":
        raise Conflict(f"This is {found.status} already: it was decided once, and is not decided again.")
    if found.expires_at <= tx.now:
        raise Conflict("This expired: nobody decided in time. The agent has to ask anew.")
    if version is not None and version != found.version:
        raise Conflict("This was changed since you read it. Read it again.")
    op = find(found.operation, offered=True)
    if op.role is not None and not actor.role.admits(op.role):
        raise Forbidden(
            f"You may not do this yourself, so you cannot approve it: {op.summary} needs the role {op.role}."
        )
    await must_be_entitled(tx, actor.id, found.operation)
    return found


async def _approve(tx: Tx, actor: Actor, found: Approval) -> Approval:
    assert actor.id is not None
    await must_be_fresh(tx, found)
    if any(giver.id == actor.id for giver in found.given):
        raise Conflict("You approved this already: above this value a second person decides too.")
    given = [*found.given, Given(id=actor.id, name=actor.name, at=tx.now)]
    enough = len(given) >= found.needed
    await tx.execute(
        """UPDATE approvals SET given = $3, status = $4, decided_at = $5, version = version + 1 WHERE org_id = $1 AND id = $2""",
        tx.org_id, found.id, msgspec.to_builtins(given), "approved" if enough else "waiting", tx.now if enough else None,
    )  # fmt: skip
    told = await read(tx, found.id)
    edited = "edited" if told.original is not None else "approved"
    await tell(tx, actor, kinds.APPROVAL_DECIDED, told, reason=None, decision=edited if enough else "first")
    return told
