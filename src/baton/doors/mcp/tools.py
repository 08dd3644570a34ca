"""Operations as tools: what an actor may do, with the schemas of its input and answer."""

from functools import cache
from typing import Any

import msgspec

from baton.agents.authority import ever
from baton.agents.policy import PolicyRow, ReadPolicy
from baton.kernel.actor import Actor
from baton.kernel.db import Database
from baton.kernel.errors import BatonError, NotFound
from baton.kernel.operation import Operation, check_role, registry
from baton.kernel.perform import perform
from baton.kernel.schema import Schema, object_schema

KEY = "idempotencyKey"
_KEY_SCHEMA = {
    "type": "string",
    "description": "Name this act, so that repeating the call after a lost answer does not do it twice.",
}


def tool_name(op: Operation) -> str:
    """An operation's name as tools are named: crm_leads_moveStage."""
    return op.name.replace(".", "_")


async def tools_of(db: Database, actor: Actor) -> list[Operation]:
    """The operations that an actor may perform, in the order of their names; an agent's as its policy lets it at times."""
    offered = [op for name, op in sorted(registry.items()) if _offered(op, actor)]
    if actor.type != "agent":
        return offered
    itself = msgspec.structs.replace(actor, scopes=())  # a token's scopes do not say whether its policy may be asked
    rows: list[PolicyRow] = await perform(db, itself, "crm.agents.policy", ReadPolicy(agent_id=str(actor.id)))
    return [op for op in offered if ever(op, rows)]


async def tool(db: Database, actor: Actor, name: str) -> Operation:
    """The operation behind a tool. Raises NotFound for one that the actor is not offered, as for one that does not exist."""
    for op in await tools_of(db, actor):
        if tool_name(op) == name:
            return op
    raise NotFound(f"There is no tool “{name[:80]}” for you.")


def _offered(op: Operation, actor: Actor) -> bool:
    if op.internal or op.role is None:
        return False
    try:
        check_role(op, actor)
    except BatonError:
        return False
    return True


def described(op: Operation) -> str:
    """What a tool does, in the words of its verb."""
    return f"{op.summary}. {(op.verb.__doc__ or '').strip()}"


@cache
def input_schema(name: str) -> Schema:
    """The JSON Schema of a tool's arguments: an object, with a place for an idempotency key where it writes."""
    op = registry[name]
    schema = object_schema(msgspec.json.schema(op.input))
    schema["additionalProperties"] = False
    if op.kind == "mutation":
        schema["properties"] = schema.get("properties", {}) | {KEY: _KEY_SCHEMA}
    return schema


@cache
def output_schema(name: str) -> Schema:
    """The JSON Schema of a tool's structured answer: an object, or `result` where the operation answers something else."""
    schema = msgspec.json.schema(registry[name].output)
    found = object_schema(schema)
    if found.get("type") == "object":
        return found
    definitions = schema.pop("$defs", {})
    return {"type": "object", "properties": {"result": schema}, "required": ["result"], "$defs": definitions}


def structured(answer: Any) -> dict[str, Any]:
    """An operation's answer as the object that its output schema describes."""
    built = msgspec.to_builtins(answer)
    return built if isinstance(built, dict) else {"result": built}
