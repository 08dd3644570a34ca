"""An approval: an act that an agent asked for, with the exact bytes that a person sees and that are then performed. Spec A6."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Row, Tx
from baton.kernel.errors import NotFound
from baton.kernel.operation import Input, Output, operation
from baton.kernel.shapes import PageSize
from baton.kernel.values import Ref
from baton.leads import lead as leads

State = Literal["waiting", "approved", "done", "rejected", "expired", "stale", "failed"]


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
