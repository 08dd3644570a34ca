"""What an agent may do, asked before each of its acts and again of what the act did: policy, limits, approval. Spec A6.

The first row of its policy that fits decides, of the lead as it was and of the lead as the act leaves it; the stricter of
both holds. So "move to Proposal: ask above 50,000" cannot be passed by another operation that moves, nor by a value that is
lowered first.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from baton.agents import limits
from baton.agents.claim import claim
from baton.agents.policy import EFFECTS, Decision, PolicyRow, compiled, fits, rows_of
from baton.agents.stake import largest_value, lead_of
from baton.kernel.actor import Actor, Role
from baton.kernel.conditions import EVERYTHING
from baton.kernel.db import Tx
from baton.kernel.errors import Forbidden, NeedsApproval
from baton.kernel.operation import Operation, checks, guards
from baton.kernel.values import as_uuid

_TABLES = {
    "stageId": "stages",
    "pipelineId": "pipelines",
    "ownerId": "members",
    "assignTo": "members",
    "leadId": "leads",
}


class _Kept(msgspec.Struct):
    """What is remembered of an agent's act until it ends: its policy, the operations it was made of, why it must ask."""

    policy: list[PolicyRow]
    ops: list[Operation] = []
    asks: list[str] = []


_NEVER = (
    "crm.agents.", "crm.approvals.", "crm.members.", "crm.automations.", "crm.sequences.create", "crm.sequences.edit", "crm.mailboxes.",
    "crm.templates.", "crm.profile.",
)  # fmt: skip
"""Administration, whoever else may do it: what an agent set up here would send by itself, past every approval; and what is a
person's own."""


def ever(op: Operation, rows: Sequence[PolicyRow]) -> bool:
    """Whether an agent may at times do an operation: not administration, nor what its policy never lets it do to any lead."""
    if op.kind == "query":
        return True
    if op.role in (Role.ADMIN, Role.OWNER) or op.name.startswith(_NEVER):
        return False
    first = next((row for row in rows if fits(row, op)), None)
    return first is None or first.decision != "never" or first.condition != EVERYTHING


async def must_be_allowed(tx: Tx, actor: Actor, op: Operation, input: Any) -> None:
    """Raise Forbidden for what an agent never may; note what it must ask for."""
    if actor.type != "agent" or op.kind == "query" or op.internal:
        return
    if op.role in (Role.ADMIN, Role.OWNER) or op.name.startswith(_NEVER):
        raise Forbidden(f"{op.summary}: this is never an agent's, whatever its policy says. Ask a person.")
    kept: _Kept | None = tx.guarded.get("agent")
    if kept is None:
        kept = tx.guarded["agent"] = _Kept(await rows_of(tx, actor.id))
        if tx.consent is not None:
            await claim(tx, actor, op, input)
    kept.ops.append(op)
    rows = [row for row in kept.policy if fits(row, op)]
    lead_id = await lead_of(tx, input)
    decided = await _decide(tx, rows, [lead_id] if lead_id else [], input)
    if actor.swayed and op.outward:
        kept.asks.append(f"{op.summary} reaches somebody outside, after reading words from outside")
    _heed(actor, op, kept, decided or ([("ask", f"{op.summary} reaches somebody outside")] if op.outward else []))


async def must_have_been_allowed(tx: Tx, actor: Actor, op: Operation, input: Any) -> None:
    """Raise Forbidden, TooMany or NeedsApproval for what an agent's act as a whole did; then it is as if it had not been."""
    kept: _Kept | None = tx.guarded.get("agent")
    if kept is None:
        return
    rows = await tx.fetch(
        """SELECT lead_id, kind FROM activities
            WHERE org_id = $1 AND operation_id = $2 AND lead_id IS NOT NULL AND txid = pg_current_xact_id()""",
        tx.org_id, tx.operation_id,
    )  # fmt: skip
    touched = sorted({row["lead_id"] for row in rows})
    effects = {row["kind"] for row in rows}
    about = [row for row in kept.policy if _about(row, kept.ops, effects)]
    if touched and about:
        _heed(actor, op, kept, await _decide(tx, about, touched, input))
    await _within_limits(tx, actor, kept.ops, touched)
    if kept.asks and tx.consent is None:
        raise NeedsApproval(
            f"{'; '.join(dict.fromkeys(kept.asks))}. This waits for a person: nothing has happened yet.", asked=input
        )


def _about(row: PolicyRow, ops: Iterable[Operation], effects: set[str]) -> bool:
    return row.operation in effects if row.operation in EFFECTS else any(fits(row, op) for op in ops)


async def _decide(tx: Tx, rows: Sequence[PolicyRow], lead_ids: list[UUID], input: Any) -> list[tuple[Decision, str]]:
    """What the first row that fits decides, for each lead; an act on no lead is decided by rows without a condition."""
    given: dict[str, Any] | None = None
    left, decided = set(lead_ids), []
    for row in rows:
        if not lead_ids:
            if row.condition == EVERYTHING:
                return [(row.decision, row.name)]
            continue
        given = given if given is not None else await _named(tx, input)
        sql = await compiled(tx, row.condition, first=4)
        held = await tx.fetch(
            f"SELECT l.id FROM leads l WHERE l.org_id = $1 AND l.id = ANY ($2) AND $3::jsonb IS NOT NULL AND {sql.sql}",
            tx.org_id, list(left), given, *sql.args,
        )  # fmt: skip
        if held:
            decided.append((row.decision, row.name))
            left -= {each["id"] for each in held}
        if not left:
            break
    return decided + ([("allow", "")] if decided and left else [])


async def _named(tx: Tx, input: Any) -> dict[str, Any]:
    """An input's plain values, what is named by an external id by its id: a rule about a stage holds however it is named."""
    given = {
        k: v for k, v in msgspec.to_builtins(input).items() if isinstance(v, (str, int)) and not isinstance(v, bool)
    }
    for name, table in _TABLES.items():
        if isinstance(ref := given.get(name), str):
            id = as_uuid(ref) or await tx.fetchval(
                f"SELECT id FROM {table} WHERE org_id = $1 AND external_id = $2", tx.org_id, ref
            )
            given[name] = str(id) if id else ref
    return given


def _heed(actor: Actor, op: Operation, kept: _Kept, decided: Iterable[tuple[Decision, str]]) -> None:
    for decision, why in decided:
        if decision == "never":
            raise Forbidden(f"{actor.name}'s policy says never: “{why}”. Ask a person.")
        if decision == "ask":
            kept.asks.append(why)


async def _within_limits(tx: Tx, actor: Actor, ops: Sequence[Operation], touched: Sequence[UUID]) -> None:
    most = await limits.of(tx, actor.id)
    if most.largest_value_cents is not None and touched:
        worth = await largest_value(tx, touched)
        if worth is None or worth > most.largest_value_cents:
            raise Forbidden(f"{actor.name} may not touch a lead of this value. Ask a person.")
    await limits.use(tx, actor, "actions", max(len(touched), 1), most.actions_per_day)
    sends = sum(op.outward for op in ops)
    if sends:
        await limits.use(tx, actor, "sends", sends, most.sends_per_day)


guards.append(must_be_allowed)
checks.append(must_have_been_allowed)
