"""The language of conditions in the OpenAPI document: which field is tested with what. Spec A10."""

from typing import Any

from baton.doors.openapi_parts import REF, Schema
from baton.fields.lead import LEAD_FIELDS
from baton.kernel.conditions import FieldType

_OWN = "^field\\..{1,100}$"
_VALUES: dict[FieldType, Schema] = {
    "text": {"type": "string", "maxLength": 10_000},
    "integer": {"type": "integer", "minimum": -(2**63) + 1, "maximum": 2**63 - 1},
    "number": {"type": "number"},
    "date": {"type": "string", "format": "date"},
    "time": {"type": "string", "format": "date-time"},
    "uuid": {"type": "string", "format": "uuid"},
    "tags": {"type": "string", "maxLength": 10_000},
    "boolean": {"type": "boolean"},
}
_ORDERED = ("integer", "number", "date", "time")


def schemas() -> dict[str, Schema]:
    """The schemas Condition and ConditionTest."""
    condition = {"$ref": f"{REF}Condition"}
    parts: Schema = {"type": "array", "items": condition, "maxItems": 500}
    nodes = [_only(all=parts), _only(any=parts), _only({"not": condition}), {"$ref": f"{REF}ConditionTest"}]
    kinds = [test for type in _VALUES for test in _tests(type)]
    return {
        "Condition": {"description": "A tree of at most 500 parts, 20 deep: `all`, `any`, `not`, or a test.", "anyOf": nodes},
        "ConditionTest": {"description": "A test of one field; an organization's own fields are `field.<key>`.", "anyOf": kinds},
    }  # fmt: skip


def _only(named: dict[str, Schema] | None = None, **more: Schema) -> Schema:
    properties = (named or {}) | more
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _tests(type: FieldType) -> list[Schema]:
    """What fields of a type are tested with."""
    names: list[Any] = [name for name, field in LEAD_FIELDS.items() if field.type == type]
    if not names:
        return []
    field: Schema = {"enum": names}
    if type == "text":
        field = {"anyOf": [field, {"type": "string", "pattern": _OWN}]}
    value = _VALUES[type]
    some: Schema = {"type": "array", "items": value, "maxItems": 1000}

    def test(ops: list[str], takes: Schema) -> Schema:
        return _only(field=field, op={"enum": ops}, value=takes)

    found = [_only(field=field, op={"enum": ["is_set", "is_not_set"]})]
    if type == "tags":
        return [*found, test(["has_any", "has_all", "has_none"], some)]
    ordered = [">", ">=", "<", "<="] if type in _ORDERED else []
    found += [test(["=", "!=", *ordered], value), test(["in", "not_in"], some)]
    if type == "text":
        word: Schema = value | {"pattern": "[A-Za-z0-9]"}
        words: Schema = {"type": "array", "items": word, "maxItems": 1000}
        found += [test(["contains", "starts_with"], value), test(["has_word"], {"anyOf": [word, words]})]
    if type in _ORDERED:
        found.append(test(["between"], some | {"minItems": 2, "maxItems": 2}))
    if type in ("date", "time"):
        days = _only(days={"type": "number", "minimum": 0, "maximum": 36_500})
        found.append(test(["within_last", "within_next", "older_than"], days))
    return found
