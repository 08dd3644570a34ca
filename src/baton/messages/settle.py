"""Deciding about mail of unknown senders: it belongs to a lead, makes one, or is passed over."""

from typing import Literal
from uuid import UUID

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Invalid
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Version
from baton.kernel.values import Ref
from baton.leads import lead as leads
from baton.messages import inbound as received
from baton.messages.belongs import lead_of
from baton.messages.inbound import Received
from baton.messages.receive import tell


class Settle(Input, kw_only=True):
    """A waiting message, and what becomes of it: it belongs to `leadId`, makes a new lead, or is skipped."""

    received_id: UUID
    decision: Literal["match", "lead", "skip"]
    lead_id: Ref | None = None
    version: Version | None = None


@operation("crm.emails.settle", role=Role.MEMBER, summary="Decide about mail of an unknown sender")
async def settle(tx: Tx, actor: Actor, input: Settle) -> Received:
    """Say where a waiting message belongs. Raises NotFound, Invalid, Conflict where it waits no more."""
    before = await received.get(tx, input.received_id, locking=True)
    if before.state != "waiting" or (input.version is not None and input.version != before.version):
        raise Conflict(f"This message waits no more: it is {before.state}.")
    if (input.decision == "match") != (input.lead_id is not None):
        raise Invalid("Name the lead that a message is matched to, and only then.", field="leadId")
    lead = None
    if input.lead_id is not None:
        lead = await leads.get(tx, input.lead_id)
    elif input.decision == "lead":
        lead = await lead_of(tx, actor, before.sender, before.sender_name)
    state = "matched" if lead is not None else "skipped"
    await tx.execute(
        "UPDATE inbound_messages SET state = $3, lead_id = $4, reason = $5, version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id, before.id, state, lead.id if lead else None, f"{actor.name} decided so."[:200],
    )  # fmt: skip
    after = await received.get(tx, before.id)
    told = {"name": before.subject or before.sender, "from": before.sender, "decision": input.decision}
    await append(tx, actor, Entry(kind=kinds.EMAIL_SETTLED, subject_type="message", subject_id=before.id, payload=told))
    if lead is not None:
        await tell(tx, actor, after)
    return after
