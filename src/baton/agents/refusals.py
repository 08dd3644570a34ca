"""What follows when an agent is refused: what must be asked for waits for a person, what is forbidden leaves a trace. Spec A6."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from baton.accounts.members import member
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.agents.approval import Approval
from baton.agents.request_approval import RequestApproval
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Database, Tx, struct_of
from baton.kernel.errors import BatonError, Conflict, Forbidden, NeedsApproval, NotFound, TooMany
from baton.kernel.operation import Input, Output, operation
from baton.kernel.perform import Refusal, hearers, perform
from baton.kernel.values import new_id

_TRACED = (Forbidden, NotFound, TooMany)


class Refused(Output, kw_only=True):
    """What an agent tried and was refused on one day: the operation, the kind of refusal, and how often."""

    id: UUID
    agent_id: UUID
    operation: str
    code: str
    day: date
    message: str
    times: int
    first_at: datetime
    last_at: datetime


class ListRefusals(Input, kw_only=True):
    """The agent whose refused attempts to read; all agents' where none is named."""

    agent_id: UUID | None = None


class NoteRefusal(Input, kw_only=True):
    """What was refused, and in which words."""

    operation: str
    code: str
    message: str


@operation("crm.agents.refusals", kind="query", role=Role.VIEWER, summary="Read what agents were refused")
async def list_refusals(tx: Tx, actor: Actor, input: ListRefusals) -> list[Refused]:
    """Refused attempts, newest first, at most 200. Raises NotFound for an agent that is none of the organization's."""
    if input.agent_id is not None:
        await member(tx, str(input.agent_id))
    rows = await tx.fetch(
        """SELECT id, agent_id, operation, code, day, message, times, first_at, last_at FROM agent_refusals
            WHERE org_id = $1 AND ($2::uuid IS NULL OR agent_id = $2) ORDER BY last_at DESC, id DESC LIMIT 200""",
        tx.org_id, input.agent_id,
    )  # fmt: skip
    return [struct_of(row, Refused) for row in rows]


@operation("crm.agents.noteRefusal", role=Role.VIEWER, summary="Note what an agent was refused", internal=True)
async def note(tx: Tx, actor: Actor, input: NoteRefusal) -> Refused:
    """Count a refused attempt; the first of a day stands in the log, so that attempts cannot fill it."""
    row = await tx.fetchrow(
        """INSERT INTO agent_refusals AS r (org_id, id, agent_id, operation, code, day, message, first_at, last_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
           ON CONFLICT (agent_id, operation, code, day, org_id) DO UPDATE
              SET times = r.times + 1, message = excluded.message, last_at = excluded.last_at
           RETURNING id, agent_id, operation, code, day, message, times, first_at, last_at""",
        tx.org_id, new_id(), actor.id, input.operation[:200], input.code, tx.now.date(), input.message[:2000], tx.now,
    )  # fmt: skip
    assert row is not None
    noted = struct_of(row, Refused)
    if noted.times == 1:
        told = {"operation": noted.operation, "code": noted.code, "name": noted.operation}
        await append(
            tx, actor,
            Entry(kind=kinds.AGENT_REFUSED, subject_type="agent_refusal", subject_id=noted.id, payload=told, reason=noted.message),
        )  # fmt: skip
    return noted


async def hear(db: Database, refusal: Refusal, error: BatonError) -> BatonError | None:
    """Store what an agent must ask for and answer that it waits; leave a trace of what it was refused."""
    actor, op = refusal.actor, refusal.op
    if actor.type != "agent" or op.internal or refusal.consent is not None:
        return None
    if isinstance(error, NeedsApproval):
        given: dict[str, Any] = msgspec.to_builtins(error.asked)
        asked = RequestApproval(operation=op.name, input=given, why=error.message, key=refusal.key)
        held: Approval = await perform(db, actor, "crm.approvals.request", asked, now=refusal.now, cause=refusal.cause)
        return answered(held, error)
    if isinstance(error, _TRACED):
        told = NoteRefusal(operation=op.name, code=error.code, message=error.message)
        await perform(db, actor, "crm.agents.noteRefusal", told, now=refusal.now)
    return None


def answered(held: Approval, error: NeedsApproval) -> BatonError:
    """What the agent hears of its request, the first time and whenever it repeats it under its key."""
    if held.status in ("waiting", "approved"):
        return NeedsApproval(f"{error.message} Approval {held.id} is {held.status}.", approval_id=held.id)
    if held.status == "rejected":
        return Forbidden(f"This was rejected: {held.reason}")
    return Conflict(f"This is {held.status}: {held.reason or 'it was carried out.'}")


hearers.append(hear)
