"""Values of custom fields that are asked often, copied into plain columns of the lead: those an index answers. Spec A5.

Under row-level security an index on an expression over JSON is never used; one on a plain column is.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from baton.fields import definition as definitions
from baton.fields.definition import SLOTS, Definition, Stored
from baton.kernel.db import Tx, columns

_TYPES = {"shortText": "text", "select": "text", "integer": "bigint", "decimal": "float8", "date": "date"}


def value(definition: Definition, held: Any) -> Any:
    """What stands in the column for what a lead holds, None where it does not fit: the same that a condition reads from JSON."""
    text = held if isinstance(held, str) else None
    match definition.type:
        case "integer" if isinstance(held, int) and not isinstance(held, bool):
            return held if abs(held) < 10**18 else None
        case "integer" if text and re.fullmatch(r"-?[0-9]{1,18}", text):
            return int(text)
        case "decimal" if isinstance(held, (int, float)) and not isinstance(held, bool):
            return float(held)
        case "decimal" if text and re.fullmatch(r"-?[0-9]{1,40}(\.[0-9]{1,40})?", text):
            return float(text)
        case "date" if text and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            try:
                return date.fromisoformat(text)
            except ValueError:
                return None
        case "shortText" | "select":
            return text if text is not None and len(text) <= 500 else None
        case _:
            return None


class Slot(NamedTuple):
    """A column that is written with the lead: its name, its type, and a value for each lead."""

    name: str
    type: str
    values: list[Any]


async def of(tx: Tx, leads: Sequence[Mapping[str, Any]]) -> list[Slot]:
    """The columns that stand beside the fields of leads which are about to be written; none where no lead has fields, two
    statements otherwise. Waits while a field is being given its column.
    """
    if not any(leads):
        return []
    await tx.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 2))", f"{tx.org_id}/fields")
    indexed = [each for each in await definitions.read(tx) if each.slot is not None]
    return [
        Slot(_slot(each), _TYPES[each.type], [value(each, fields.get(each.key)) for fields in leads])
        for each in indexed
    ]


async def write(tx: Tx, indexed: Sequence[Stored], leads: Sequence[tuple[UUID, Mapping[str, Any]]]) -> None:
    """Set the columns of leads, in one statement."""
    rows = [[id, *(value(each, fields.get(each.key)) for each in indexed)] for id, fields in leads]
    slots = [_slot(each) for each in indexed]
    types = ", ".join(f"${place}::{_TYPES[each.type]}[]" for place, each in enumerate(indexed, start=3))
    await tx.execute(
        f"""UPDATE leads AS l SET {", ".join(f"{slot} = v.{slot}" for slot in slots)}
              FROM unnest($2::uuid[], {types}) AS v (id, {", ".join(slots)}) WHERE l.org_id = $1 AND l.id = v.id""",
        tx.org_id, *columns(rows, len(slots) + 1),
    )  # fmt: skip


def _slot(definition: Stored) -> str:
    if definition.slot not in SLOTS.get(definition.type, ()):
        raise ValueError(f"{definition.slot!r} is no column for {definition.type}")
    return definition.slot
