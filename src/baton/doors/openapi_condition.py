"""The language of conditions in the OpenAPI document: which field is tested with what. Spec A10."""

from typing import Any

from baton.doors.openapi_parts import REF, Schema
from baton.fields.lead import LEAD_FIELDS
from baton.kernel.condition_values import FieldType

_OWN = "field\\..{1,100}"
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
    """The schemas Condition and ConditionTest, and those of their parts, each by a name of its own."""
    condition = {"$ref": f"{REF}Condition"}
    parts: Schema = {"type": "array", "items": condition, "maxItems": 500}
    nodes = {
        "ConditionAll": _only({"all": parts}), "ConditionAny": _only({"any": parts}), "ConditionNot": _only({"not": condition}),
    }  # fmt: skip
    tests = {f"{type.title()}{name}": test for type in _VALUES for name, test in _tests(type).items()}
    return nodes | tests | {
        "Days": _only({"days": {"type": "number", "minimum": 0, "maximum": 36_500}}),
        "Condition": {
            "description": "A tree of at most 500 parts, 20 deep: `all`, `any`, `not`, or a test.",
            "anyOf": [*_refs(nodes), {"$ref": f"{REF}ConditionTest"}],
        },
        "ConditionTest": {
            "description": "A test of one field; an organization's own fields are `field.<key>`.", "anyOf": _refs(tests),
        },
    }  # fmt: skip


def _refs(named: dict[str, Schema]) -> list[Schema]:
    return [{"$ref": f"{REF}{name}"} for name in named]


def _only(properties: dict[str, Schema]) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _tests(type: FieldType) -> dict[str, Schema]:
    """What fields of a type are tested with."""
    names: list[Any] = [name for name, field in LEAD_FIELDS.items() if field.type == type]
    if not names:
        return {}
    field: Schema = {"type": "string", "enum": names}
    if type == "text":
        field = {"type": "string", "pattern": f"^({'|'.join(names)}|{_OWN})$"}
    value = _VALUES[type]
    some: Schema = {"type": "array", "items": value, "maxItems": 1000}

    def test(ops: list[str], takes: Schema) -> Schema:
        return _only({"field": field, "op": {"type": "string", "enum": ops}, "value": takes})

    found = {"IsSet": _only({"field": field, "op": {"type": "string", "enum": ["is_set", "is_not_set"]}})}
    if type == "tags":
        return found | {"Held": test(["has_any", "has_all", "has_none"], some)}
    ordered = [">", ">=", "<", "<="] if type in _ORDERED else []
    found |= {"Compared": test(["=", "!=", *ordered], value), "Listed": test(["in", "not_in"], some)}
    if type == "text":
        word: Schema = value | {"pattern": "[A-Za-z0-9]"}
        words: Schema = {"type": "array", "items": word, "maxItems": 1000}
        found |= {
            "Contains": test(["contains", "starts_with"], value),
            "HasWord": test(["has_word"], {"anyOf": [word, words]}),
        }
    if type in _ORDERED:
        found["Between"] = test(["between"], some | {"minItems": 2, "maxItems": 2})
    if type in ("date", "time"):
        found["Relative"] = test(["within_last", "within_next", "older_than"], {"$ref": f"{REF}Days"})
    return found
