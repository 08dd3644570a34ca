"""Bodies taken apart: where their values are, and the same body with another value in one place."""

import copy
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec

from baton.kernel.operation import registry
from tests.operations import test_every_operation as test_every_operation  # imports all cases
from tests.operations.cases import cases
from tests.team import Team

OFFERED = sorted(name for name, op in registry.items() if not op.internal and name in cases)
Way = tuple[Any, ...]


async def case_of(team: Team, name: str) -> dict[str, Any]:
    """An operation's input for a team, as JSON has it."""
    found: dict[str, Any] = msgspec.to_builtins(await cases[name].make(team))
    return found


def places(value: Any, path: Way = ()) -> Iterator[Way]:
    """The way to every value within a body; of lists the first two."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def at(value: Any, path: Way) -> Any:
    """The value at a place, None where there is none."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def with_value(body: dict[str, Any], path: Way, value: Any) -> dict[str, Any]:
    """The body with another value in one place."""
    changed = copy.deepcopy(body)
    at(changed, path[:-1])[path[-1]] = value
    return changed


def is_id(value: Any) -> bool:
    """Whether a value is an id of ours."""
    try:
        return isinstance(value, str) and len(value) == 36 and bool(UUID(value))
    except ValueError:
        return False
