"""What a custom field is: its key, its type, and how its values are read from a lead's row. Spec A5."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from baton.kernel.conditions import Field, FieldType
from baton.kernel.db import Tx, struct_of
from baton.kernel.operation import Output

Type = Literal["shortText", "longText", "integer", "decimal", "date", "yesNo", "select", "multiSelect", "url"]
COLUMNS = "id, key, label, type, options, required, position, archived_at, version, created_at"


class Definition(Output, kw_only=True):
    """A field of the organization's own, kept under `key` in a lead's `fields`.

    Values: text for `shortText` (500 characters), `longText` (20,000), `select` and `url` (http, https); a whole number for
    `integer`; a number of at most 15 digits for `decimal`; `YYYY-MM-DD` for `date`; true or false for `yesNo`; a list for
    `multiSelect`. An archived field is no longer asked for; what leads hold stays, and can be filtered.
    """

    id: UUID
    key: str
    label: str
    type: Type
    options: list[str]
    required: bool
    position: int
    archived_at: datetime | None
    version: int
    created_at: datetime


async def read(tx: Tx) -> list[Definition]:
    """The organization's definitions in their order, the archived among them."""
    rows = await tx.fetch(f"SELECT {COLUMNS} FROM field_definitions WHERE org_id = $1 ORDER BY position, id", tx.org_id)
    return [struct_of(row, Definition) for row in rows]


def column(definition: Definition) -> Field:
    """A field's SQL over a rowset `l` with a lead's columns, typed; what a lead holds that does not fit counts as missing.

    The key has been checked to be letters, digits and underscores, here and by the database.
    """
    if not definition.key.replace("_", "a").isalnum() or not definition.key.isascii():
        raise ValueError(f"the key {definition.key!r} is no name")
    text = f"(l.fields ->> '{definition.key}')"
    array = f"CASE WHEN jsonb_typeof(l.fields -> '{definition.key}') = 'array' THEN l.fields -> '{definition.key}' ELSE '[]' END"
    types: dict[Type, tuple[str, FieldType]] = {
        "integer": (rf"(CASE WHEN {text} ~ '^-?\d{{1,18}}$' THEN {text}::bigint END)", "integer"),
        "decimal": (rf"(CASE WHEN {text} ~ '^-?\d{{1,40}}(\.\d{{1,40}})?$' THEN {text}::numeric END)", "number"),
        "date": (f"(CASE WHEN pg_input_is_valid({text}, 'date') THEN {text}::date END)", "date"),
        "yesNo": (f"(CASE {text} WHEN 'true' THEN true WHEN 'false' THEN false END)", "boolean"),
        "multiSelect": (f"ARRAY(SELECT jsonb_array_elements_text({array}))", "tags"),
    }
    sql, type = types.get(definition.type, (text, "text"))
    return Field(sql, type)
