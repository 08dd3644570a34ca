"""The registry of what the product can do: each operation is named once, and typed."""

import dataclasses
import functools
import inspect
import typing
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar
from uuid import UUID

import msgspec

from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Forbidden, NotFound

Kind = Literal["query", "mutation"]
Verb = Callable[[Tx, Actor, Any], Awaitable[Any]]
I = TypeVar("I", bound=msgspec.Struct)  # noqa: E741
V = TypeVar("V", bound=Callable[..., Awaitable[Any]])
Grouped = Callable[[Tx, Sequence["Asked"]], Awaitable[list[Any]]]
Guard = Callable[[Tx, Actor, "Operation", Any], Awaitable[None]]
Settle = Callable[[Tx, Actor, Any], Awaitable[Any]]


class Input(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """What an operation takes. Unknown fields are refused."""


class Output(msgspec.Struct, rename="camel", kw_only=True):
    """What an operation answers."""


class Nothing(Input, kw_only=True):
    """The input of an operation that takes none."""


class Asked(msgspec.Struct, eq=False):
    """One of several calls that share a transaction: who asks, for what, and the operation's id that belongs to it alone."""

    actor: Actor
    input: Any
    operation_id: UUID


ALONE: Final = object()
"""The answer of a group to a call that is better done in a transaction of its own: it would wait, or has something special to be told."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that the product can do. `role` is the least role that may, None for everyone without signing in.

    An `internal` one is a step of the product's own work: no door offers it. The answer of a `secret` one is shown
    once and kept nowhere. An `outward` one reaches somebody outside the organization: agents ask before they do it.
    `grouped` does many calls of one organization in one transaction: an answer, a BatonError or ALONE for each. It waits for nobody
    for long: others wait behind it.
    `written` is the verb for doors that only pass the answer on: the same, its parts JSON that the database wrote (msgspec.Raw).
    """

    name: str
    kind: Kind
    role: Role | None
    summary: str
    input: type[msgspec.Struct]
    output: Any
    verb: Verb
    internal: bool = False
    secret: bool = False
    outward: bool = False
    grouped: Grouped | None = None
    written: Verb | None = None


registry: dict[str, Operation] = {}
guards: list[Guard] = []
"""What is asked before each operation, also before each step of one."""
checks: list[Guard] = []
"""What is asked when an operation is done as a whole, before it is committed."""
settlers: dict[str, Settle] = {}
"""By an operation's name, what fixes its input completely: what is shown to a person is then exactly what is done."""


def operation(
    name: str,
    *,
    kind: Kind = "mutation",
    role: Role | None,
    summary: str,
    internal: bool = False,
    secret: bool = False,
    outward: bool = False,
    grouped: Grouped | None = None,
    written: Verb | None = None,
) -> Callable[[V], V]:
    """Name a verb `async def verb(tx, actor, input: I) -> O` as an operation of the product."""

    def register(verb: V) -> V:
        hints = typing.get_type_hints(verb)
        parameter = list(inspect.signature(verb).parameters)[2]
        if name in registry:
            raise ValueError(f"operation {name} is registered twice")
        registry[name] = Operation(
            name,
            kind,
            role,
            summary,
            hints[parameter],
            hints["return"],
            verb,
            internal,
            secret,
            outward,
            grouped,
            written,
        )
        return verb

    return register


def as_written(op: Operation) -> Operation:
    """The operation whose answer is only passed on."""
    return _passed_on(op) if op.written else op


@functools.cache
def _passed_on(op: Operation) -> Operation:
    return dataclasses.replace(op, verb=op.written or op.verb)


def find(name: str, *, offered: bool = False) -> Operation:
    """The operation of that name; with `offered` only what doors offer. Raises NotFound."""
    found = registry.get(name)
    if found is None or (offered and found.internal):
        raise NotFound(f"There is no operation “{name[:80]}”.")
    return found


def check_role(op: Operation, actor: Actor) -> None:
    """Raise Forbidden where the actor's role or its token's scopes do not admit the operation."""
    if op.role is None:
        return
    if not actor.role.admits(op.role):
        raise Forbidden(
            f"{op.summary} needs the role {op.role}. You are {actor.role}; ask an admin of your organization."
        )
    if actor.scopes and op.name not in actor.scopes and f"{op.kind}:*" not in actor.scopes:
        raise Forbidden(f"This token's scopes do not include {op.name}.")
