"""Handing a lead over, between agent and person, with a packet: what was, what was promised, what comes next. Spec A6."""

from typing import Annotated, Any

from msgspec import Meta

from baton.accounts.members import Member, member
from baton.activities import kinds
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.decode import decode
from baton.kernel.errors import Conflict, Invalid
from baton.kernel.operation import Input, find, operation
from baton.kernel.perform import within
from baton.kernel.shapes import Reason, SpanOfTime, Version
from baton.kernel.values import Ref, clean
from baton.leads import lead as leads
from baton.leads.lead import Lead

MOST = 20


class HandOff(Input, kw_only=True):
    """The lead, who takes it (an agent's supervisor where nobody is named), and the packet.

    With `nextStep` and `dueIn` (working time, like 1h or 2d) the next step is scheduled with who takes it.
    """

    lead_id: Ref
    to_id: Ref | None = None
    summary: Annotated[str, Meta(max_length=2_000, pattern=r"\S")]
    promises: Annotated[list[Reason], Meta(max_length=20)] = []
    next_step: Reason | None = None
    due_in: SpanOfTime | None = None
    version: Version | None = None


@operation("crm.leads.handOff", role=Role.MEMBER, summary="Hand a lead over")
async def hand_off(tx: Tx, actor: Actor, input: HandOff) -> Lead:
    """Give a lead to somebody with what they need to know; its open tasks go with it. Spec A6.

    Raises NotFound for a lead or member, Conflict for a paused member, its owner or a stale version, Invalid for the packet.
    """
    before = await leads.lock(tx, input.lead_id, version=input.version)
    to = await _taker(tx, actor, input)
    if to.status != "active":
        raise Conflict(f"{to.name} is {to.status} and takes no leads. Choose somebody else.")
    if before.owner_id == to.id:
        raise Conflict(f"{before.name} is with {to.name} already.")
    summary, promises = clean(input.summary), [words for each in input.promises if (words := clean(each))]
    next_step = clean(input.next_step)
    if (
        not summary
        or len(promises) > MOST
        or any(len(words) > 2_000 for words in (summary, next_step or "", *promises))
    ):
        raise Invalid(
            f"A packet has a summary and at most {MOST} promises, each of at most 2,000 characters.", field="summary"
        )
    if input.due_in and not next_step:
        raise Invalid("Say what the next step is, or leave out when.", field="nextStep")
    told: dict[str, Any] = {"summary": summary, "promises": promises, "openTasks": await _open_tasks(tx, before)}
    told |= {"nextStep": next_step} if next_step else {}
    told |= {"toName": to.name, "toKind": to.kind, "packet": _packet(summary, promises, next_step)}
    after = await leads.change(tx, actor, before, kinds.HANDED_OFF, payload=told, owner_id=to.id, assigned_at=tx.now)
    if next_step and before.closed_at is None:
        wish = {
            "leadId": str(after.id),
            "assignTo": str(to.id),
            "title": next_step[:300],
            "dueIn": input.due_in or "1h",
        }
        await within(tx, actor, "crm.leads.followUp", decode(find("crm.leads.followUp"), wish))
        return await leads.get(tx, after.id)
    return after


async def _taker(tx: Tx, actor: Actor, input: HandOff) -> Member:
    if input.to_id is not None:
        return await member(tx, input.to_id)
    mine = await member(tx, actor.id) if actor.id else None
    if mine is None or mine.supervisor_id is None:
        raise Invalid("Say who takes the lead.", field="toId")
    return await member(tx, mine.supervisor_id)


async def _open_tasks(tx: Tx, lead: Lead) -> list[str]:
    rows = await tx.fetch(
        "SELECT title FROM tasks WHERE org_id = $1 AND lead_id = $2 AND status = 'open' ORDER BY due_at, id LIMIT 20",
        tx.org_id, lead.id,
    )  # fmt: skip
    return [row["title"] for row in rows]


def _packet(summary: str, promises: list[str], next_step: str | None) -> str:
    """The packet as people read it."""
    lines = [summary, *(f"Promised: {words}" for words in promises), *([f"Next: {next_step}"] if next_step else [])]
    return "\n".join(lines)
