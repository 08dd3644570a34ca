"""What a custom field is: its key, its type, and how its values are read from a lead's row. Spec A5."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from baton.kernel.condition_values import FieldType
from baton.kernel.conditions import Field
from baton.kernel.db import Row, Tx
from baton.kernel.operation import Output

Type = Literal["shortText", "longText", "integer", "decimal", "date", "yesNo", "select", "multiSelect", "url"]
COLUMNS = "id, key, label, type, options, required, position, archived_at, version, created_at, slot, slot_filled"
SLOTS: dict[Type, tuple[str, ...]] = {
    "shortText": ("hot_text_1", "hot_text_2"), "select": ("hot_text_1", "hot_text_2"), "integer": ("hot_integer_1", "hot_integer_2"),
    "decimal": ("hot_decimal_1",), "date": ("hot_date_1", "hot_date_2"),
}  # fmt: skip
"""The columns of a lead that a field's values may be copied into, to be indexed."""


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
    indexed: bool = False


class Stored(Definition, kw_only=True):
    """A definition, and the column that its values are copied into, which answers once it is filled."""

    slot: str | None


async def read(tx: Tx) -> list[Stored]:
    """The organization's definitions in their order, the archived among them."""
    rows = await tx.fetch(f"SELECT {COLUMNS} FROM field_definitions WHERE org_id = $1 ORDER BY position, id", tx.org_id)
    return [stored(row) for row in rows]


def stored(row: Row) -> Stored:
    """The definition of a row that holds `COLUMNS`."""
    values = dict(row)
    return Stored(indexed=values.pop("slot_filled"), **values)


def told(definition: Stored) -> Definition:
    """A definition as it is answered."""
    return Definition(**{name: getattr(definition, name) for name in Definition.__struct_fields__})


def indexed_column(definition: Stored) -> Field:
    """As `column`, over the table of leads itself: the plain column where the values are copied into one."""
    found = column(definition)
    if not definition.indexed or definition.slot not in SLOTS.get(definition.type, ()):
        return found
    return Field(f"l.{definition.slot}", found.type)


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
    bounded = f" AND length({text}) <= 500" if definition.type in SLOTS else ""
    words = f"(CASE WHEN jsonb_typeof(l.fields -> '{definition.key}') = 'string'{bounded} THEN {text} END)"
    sql, type = types.get(definition.type, (words, "text"))
    return Field(sql, type)
