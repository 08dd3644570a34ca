"""Asking for approval: what an agent asks for is settled, written down byte for byte, and told. Spec A6."""

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from baton.activities import kinds
from baton.agents import limits
from baton.agents.approval import Approval, read, tell
from baton.agents.stake import largest_value, lead_of
from baton.contacts import matching
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.decode import canonical, decode
from baton.kernel.errors import TooMany
from baton.kernel.operation import Input, Operation, find, operation, settlers
from baton.kernel.values import new_id
from baton.leads import lead as leads
from baton.messages.draft import fixed
from baton.messages.whatsapp.send import SendWhatsapp

MOST_WAITING = 500


class RequestApproval(Input, kw_only=True):
    """The act to ask for, why it must be asked for, and the key that the agent knows it by."""

    operation: str
    input: dict[str, Any]
    why: str
    key: str | None = None


@operation("crm.approvals.request", role=Role.MEMBER, summary="Ask for approval", internal=True)
async def request(tx: Tx, actor: Actor, input: RequestApproval) -> Approval:
    """Write down what an agent asks for, its input settled. Asking again for the same answers what waits already.

    Raises Invalid and what settling raises, TooMany where too much waits.
    """
    op = find(input.operation, offered=True)
    asked = decode(op, input.input)
    mark = fingerprint(op.name, canonical(asked))
    known = await tx.fetchval(
        """SELECT id FROM approvals WHERE org_id = $1 AND agent_id = $2 AND asked = $3
              AND (request_key = $4 OR (request_key IS NULL AND $4::text IS NULL AND status = 'waiting'))""",
        tx.org_id, actor.id, mark, input.key,
    )  # fmt: skip
    if known:
        return await read(tx, known)
    waiting = await tx.fetchval(
        "SELECT count(*) FROM approvals WHERE org_id = $1 AND agent_id = $2 AND status = 'waiting'", tx.org_id, actor.id
    )
    if waiting >= MOST_WAITING:
        raise TooMany(f"{waiting} acts of {actor.name} wait for approval. Decide some first.", retry_after=3600)
    settled = await settlers[op.name](tx, actor, asked) if op.name in settlers else asked
    id = await _insert(tx, actor, op, input, mark, settled)
    await tell(tx, actor, kinds.APPROVAL_REQUESTED, await read(tx, id), reason=input.why)
    return await read(tx, id)


async def _insert(tx: Tx, actor: Actor, op: Operation, input: RequestApproval, mark: bytes, settled: Any) -> UUID:
    lead_id = getattr(settled, "lead_id", None) or await lead_of(tx, settled)
    lead = await leads.get(tx, lead_id) if lead_id else None
    lead_id = lead.id if lead else None
    value = await largest_value(tx, [lead.id]) if lead else None
    most = await limits.of(tx, actor.id)
    above = most.second_person_above_cents
    second = above is not None and lead is not None and (value is None or value > above)
    id = new_id()
    await tx.execute(
        """INSERT INTO approvals (org_id, id, agent_id, operation, input, summary, why, lead_id, lead_version, value_cents, request_key,
                  asked, needed, cause_id, depth, created_at, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)""",
        tx.org_id, id, actor.id, op.name, canonical(settled), summary(op, settled), input.why[:2000], lead_id,
        lead.version if lead else None, value, input.key, mark, 2 if second else 1, tx.caused_by, tx.depth, tx.now,
        tx.now + timedelta(hours=most.approval_hours),
    )  # fmt: skip
    return id


def fingerprint(name: str, body: bytes) -> bytes:
    """What tells one act from another: its operation and the bytes of its input."""
    return hashlib.sha256(name.encode() + b"\0" + body).digest()


def summary(op: Operation, input: Any) -> str:
    """An act in a line: what the operation does, and the subject of a message."""
    subject = getattr(input, "subject", None) or getattr(input, "title", None)
    return f"{op.summary}: {subject}"[:300] if subject else op.summary


async def _numbered(tx: Tx, actor: Actor, input: SendWhatsapp) -> SendWhatsapp:
    """A WhatsApp message to the number that the lead has now: to another it is not sent."""
    lead = await leads.get(tx, input.lead_id)
    return msgspec.structs.replace(input, lead_id=str(lead.id), to=(await matching.read(tx)).phone(lead.phone))


settlers["crm.emails.send"] = fixed
settlers["crm.whatsapp.send"] = _numbered
