"""An agent's policy: rows, the first that fits decides whether it may act, must ask, or never may. Spec A6."""

import types
import typing
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from baton.accounts.members import Member, member
from baton.accounts.sign_in import must_not_be_agent
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.fields import lead as lead_fields
from baton.kernel import conditions
from baton.kernel.actor import Actor, Role
from baton.kernel.conditions import Compiled, Condition, Field, everything
from baton.kernel.db import Tx, struct_of
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, Operation, Output, operation, registry
from baton.kernel.shapes import Kind
from baton.kernel.values import Ref, new_id

Decision = Literal["allow", "ask", "never"]
OUTWARD = "outward"
MOST = 100
EFFECTS: frozenset[str] = frozenset(
    {
        kinds.LEAD_IMPORTED, kinds.STAGE_CHANGED, kinds.PIPELINE_MOVED, kinds.ASSIGNMENT_CHANGED, kinds.FIELD_UPDATED, kinds.TASK_CREATED,
        kinds.TASK_COMPLETED, kinds.NOTE_ADDED, kinds.LEAD_QUALIFIED, kinds.LEAD_DISQUALIFIED, kinds.LEAD_CONVERTED,
        kinds.EMAIL_SENT, kinds.WHATSAPP_SENT, kinds.UNDONE,
    }
)  # fmt: skip
"""What a policy may name beside operations: what an act does to a lead, by whichever operation it is done."""


class NewPolicyRow(Input, kw_only=True):
    """A row to set. `operation` is an operation (crm.leads.moveStage), a group (crm.leads.*, outward, *) or an effect
    (stage_changed). The condition is over the lead as it is and as the act leaves it, and over `input.<field>`."""

    name: Annotated[str, Meta(max_length=200, pattern=r"\S")]
    operation: Kind
    condition: Condition = msgspec.field(default_factory=everything)
    decision: Decision


class PolicyRow(Output, kw_only=True):
    """A row of a policy: what it is about, for which leads, and what is decided."""

    id: UUID
    agent_id: UUID
    name: Annotated[str, Meta(max_length=200, pattern=r"\S")]
    operation: Kind
    condition: Condition
    decision: Decision


class ReadPolicy(Input, kw_only=True):
    """The agent whose policy to read."""

    agent_id: Ref


class SetPolicy(Input, kw_only=True):
    """All rows of an agent's policy, in order, replacing those before."""

    agent_id: Ref
    rows: Annotated[list[NewPolicyRow], Meta(max_length=100)]


@operation("crm.agents.policy", kind="query", role=Role.VIEWER, summary="Read an agent's policy")
async def read_policy(tx: Tx, actor: Actor, input: ReadPolicy) -> list[PolicyRow]:
    """An agent's rows, in order. Where none fits: what reaches somebody outside asks, other work on leads is allowed,
    administration is never an agent's. Raises NotFound."""
    return await rows_of(tx, (await agent(tx, input.agent_id)).id)


@operation("crm.agents.setPolicy", role=Role.ADMIN, summary="Change an agent's policy")
async def set_policy(tx: Tx, actor: Actor, input: SetPolicy) -> list[PolicyRow]:
    """Replace an agent's policy; its next act is under the new one. Raises Invalid, NotFound, Forbidden for agents."""
    must_not_be_agent(actor)
    found = await agent(tx, input.agent_id)
    if len(input.rows) > MOST:
        raise Invalid(f"A policy has at most {MOST} rows.", field="rows")
    before = await rows_of(tx, found.id)
    await tx.execute("DELETE FROM agent_policies WHERE org_id = $1 AND agent_id = $2", tx.org_id, found.id)
    for position, row in enumerate(input.rows):
        await _check(tx, row)
        await tx.execute(
            """INSERT INTO agent_policies (org_id, id, agent_id, name, operation, condition, decision, position)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
            tx.org_id, new_id(), found.id, row.name.strip(), row.operation, row.condition, row.decision, position,
        )  # fmt: skip
    after = await rows_of(tx, found.id)
    await append(
        tx, actor,
        Entry(kind=kinds.POLICY_CHANGED, subject_type="member", subject_id=found.id, payload={"name": found.name},
              changes={"policy": [_told(before), _told(after)]}),
    )  # fmt: skip
    return after


async def agent(tx: Tx, ref: Ref | UUID) -> Member:
    """An agent by id or external id. Raises NotFound; Invalid for a person."""
    found = await member(tx, ref)
    if found.kind != "agent":
        raise Invalid(f"{found.name} is a person; this is about agents.", field="agentId")
    return found


async def rows_of(tx: Tx, agent_id: UUID | None) -> list[PolicyRow]:
    """An agent's rows, in order."""
    rows = await tx.fetch(
        """SELECT id, agent_id, name, operation, condition, decision FROM agent_policies
            WHERE org_id = $1 AND agent_id = $2 ORDER BY position, id""",
        tx.org_id, agent_id,
    )  # fmt: skip
    return [struct_of(row, PolicyRow) for row in rows]


def fits(row: PolicyRow, op: Operation) -> bool:
    """Whether a row is about an operation."""
    if row.operation in ("*", op.name):
        return True
    if row.operation == OUTWARD:
        return op.outward
    return row.operation.endswith(".*") and op.name.startswith(row.operation[:-1])


async def compiled(tx: Tx, condition: Condition, *, first: int) -> Compiled:
    """SQL for a row's condition over leads `l`; the input is the JSON object `$3`. Raises Invalid."""
    known = dict(await lead_fields.of(tx, condition)) | input_fields()
    return conditions.compile(condition, known, now=tx.now, first=first)


def input_fields() -> dict[str, Field]:
    """What conditions may name of an act's input: the plain values of all operations that agents are offered."""
    found: dict[str, set[str]] = {}
    for op in registry.values():
        if op.kind == "mutation" and op.role is not None and not op.internal:
            for field in msgspec.structs.fields(op.input):
                found.setdefault(field.encode_name, set()).add(_type(field.type))
    return {
        f"input.{name}": Field(f"($3::jsonb ->> '{name}')::bigint", "integer")
        if types == {"integer"}
        else Field(f"($3::jsonb ->> '{name}')", "text")
        for name, types in found.items()
        if types <= {"integer", "text"} and name.isalnum()
    }


def _type(annotation: Any) -> str:
    parts = set(typing.get_args(annotation)) if isinstance(annotation, types.UnionType) else {annotation}
    if typing.get_origin(annotation) is typing.Union:
        parts = set(typing.get_args(annotation))
    parts -= {type(None), msgspec.UnsetType}
    if parts == {int}:
        return "integer"
    plain = all(part in (str, Ref, UUID) or typing.get_origin(part) is Literal for part in parts)
    return "text" if plain else "other"


async def _check(tx: Tx, row: NewPolicyRow) -> None:
    if not row.name.strip() or len(row.name) > 200:
        raise Invalid("A row has a name of at most 200 characters.", field="name")
    known = row.operation in (*EFFECTS, OUTWARD, "*") or row.operation in registry
    group = row.operation.endswith(".*") and any(name.startswith(row.operation[:-1]) for name in registry)
    if not known and not group:
        raise Invalid(
            f"“{row.operation[:80]}” is no operation, group (crm.leads.*, outward, *) or effect ({', '.join(sorted(EFFECTS))}).",
            field="operation",
        )
    await compiled(tx, row.condition, first=4)


def _told(rows: list[PolicyRow]) -> list[dict[str, Any]]:
    return [{name: getattr(row, name) for name in ("name", "operation", "condition", "decision")} for row in rows]
