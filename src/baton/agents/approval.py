"""An approval: an act that an agent asked for, with the exact bytes that a person sees and that are then performed. Spec A6."""

import hashlib
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.agents import limits
from baton.agents.stake import largest_value, lead_of
from baton.contacts import matching
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Row, Tx
from baton.kernel.decode import canonical, decode
from baton.kernel.errors import Conflict, NotFound, TooMany
from baton.kernel.operation import Input, Operation, Output, find, operation, registry, settlers
from baton.kernel.shapes import PageSize
from baton.kernel.values import Ref, new_id
from baton.leads import lead as leads
from baton.messages.draft import fixed
from baton.messages.whatsapp.send import SendWhatsapp

State = Literal["waiting", "approved", "done", "rejected", "expired", "stale", "failed"]
MOST_WAITING = 500
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


class Given(Output, kw_only=True):
    """Who approved, and when."""

    id: UUID
    name: str
    at: datetime


class Approval(Output, kw_only=True):
    """What waits for a person, or was decided. `input` is what is performed, byte for byte; `original` what was asked for,
    where a person changed it. `valueCents` is what is at stake, in the organization's currency."""

    id: UUID
    agent_id: UUID
    agent_name: str
    operation: str
    input: dict[str, Any]
    original: dict[str, Any] | None
    summary: str
    why: str
    lead_id: UUID | None
    lead_name: str | None
    lead_version: int | None
    value_cents: int | None
    status: State
    needed: int
    given: list[Given]
    reason: str | None
    operation_id: UUID | None
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    closed_at: datetime | None
    version: int


class ListApprovals(Input, kw_only=True):
    """Which approvals, newest first, at most 200: what waits, unless another status or a lead or an agent is named."""

    status: State | None = None
    lead_id: Ref | None = None
    agent_id: UUID | None = None
    limit: PageSize = 50


class GetApproval(Input, kw_only=True):
    """The approval to read."""

    approval_id: UUID


class RequestApproval(Input, kw_only=True):
    """The act to ask for, why it must be asked for, and the key that the agent knows it by."""

    operation: str
    input: dict[str, Any]
    why: str
    key: str | None = None


_COLUMNS = """a.id, a.agent_id, m.name AS agent_name, a.operation, a.input, a.original, a.summary, a.why, a.lead_id, l.name AS lead_name,
    a.lead_version, a.value_cents, a.status, a.needed, a.given, a.reason, a.operation_id, a.created_at, a.expires_at, a.decided_at,
    a.closed_at, a.version"""
_FROM = """approvals a JOIN members m ON m.org_id = a.org_id AND m.id = a.agent_id
    LEFT JOIN leads l ON l.org_id = a.org_id AND l.id = a.lead_id"""


def _from_row(row: Row) -> Approval:
    values = dict(row)
    values["input"] = msgspec.json.decode(row["input"])
    values["original"] = msgspec.json.decode(row["original"]) if row["original"] else None
    values["given"] = msgspec.convert(row["given"], list[Given])
    return Approval(**values)


@operation("crm.approvals.list", kind="query", role=Role.VIEWER, summary="List approvals")
async def list_approvals(tx: Tx, actor: Actor, input: ListApprovals) -> list[Approval]:
    """Approvals, newest first; an agent sees its own. Raises NotFound for a lead of another organization, Invalid."""
    lead_id = (await leads.get(tx, input.lead_id)).id if input.lead_id else None
    status = input.status or (None if input.lead_id or input.agent_id else "waiting")
    rows = await tx.fetch(
        f"""SELECT {_COLUMNS} FROM {_FROM}
             WHERE a.org_id = $1 AND ($2::text IS NULL OR a.status = $2) AND ($3::uuid IS NULL OR a.lead_id = $3)
               AND ($4::uuid IS NULL OR a.agent_id = $4) AND ($5::uuid IS NULL OR a.agent_id = $5)
             ORDER BY a.created_at DESC, a.id DESC LIMIT $6""",
        tx.org_id, status, lead_id, input.agent_id, actor.id if actor.type == "agent" else None, input.limit,
    )  # fmt: skip
    return [_from_row(row) for row in rows]


@operation("crm.approvals.get", kind="query", role=Role.VIEWER, summary="Read an approval")
async def get_approval(tx: Tx, actor: Actor, input: GetApproval) -> Approval:
    """One approval with its exact input, and the reason of who rejected it. Raises NotFound, also for another agent's."""
    found = await read(tx, input.approval_id)
    if actor.type == "agent" and found.agent_id != actor.id:
        raise NotFound("There is no such approval in your organization.")
    return found


async def read(tx: Tx, id: UUID, *, lock: bool = False) -> Approval:
    """An approval, locked if asked. Raises NotFound."""
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM {_FROM} WHERE a.org_id = $1 AND a.id = $2 {'FOR UPDATE OF a' if lock else ''}",
        tx.org_id,
        id,
    )
    if row is None:
        raise NotFound("There is no such approval in your organization.")
    return _from_row(row)


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


async def tell(
    tx: Tx, actor: Actor, kind: str, about: Approval, *, reason: str | None, decision: str | None = None
) -> None:
    """Say on the lead's timeline what became of an approval; without a lead in the log alone."""
    payload: dict[str, Any] = {"summary": about.summary, "operation": about.operation, "agentName": about.agent_name}
    payload |= {"decision": decision} if decision else {}
    if about.lead_id is None:
        entry = Entry(kind=kind, subject_type="approval", subject_id=about.id, payload=payload, reason=reason)
        await append(tx, actor, entry)
        return
    lead = await leads.lock_even_deleted(tx, about.lead_id)
    await leads.change(tx, actor, lead, kind, reason=reason, payload=payload, subject=("approval", about.id))


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


async def _numbered(tx: Tx, actor: Actor, input: SendWhatsapp) -> SendWhatsapp:
    """A WhatsApp message to the number that the lead has now: to another it is not sent."""
    lead = await leads.get(tx, input.lead_id)
    return msgspec.structs.replace(input, lead_id=str(lead.id), to=(await matching.read(tx)).phone(lead.phone))


settlers["crm.emails.send"] = fixed
settlers["crm.whatsapp.send"] = _numbered
