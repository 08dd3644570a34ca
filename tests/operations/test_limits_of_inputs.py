"""Every input that doors offer says its limits in its schema, and is held to them: how long, how many, how large."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from baton.doors import operations  # noqa: F401 - registers what is asked about
from baton.kernel.operation import registry

OFFERED = sorted(name for name, op in registry.items() if not op.internal)
_TEXT = ("maxLength", "enum", "const", "format", "pattern", "contentEncoding")
_NUMBER = ("maximum", "exclusiveMaximum", "enum", "const")


@pytest.mark.parametrize("name", OFFERED)
def test_every_field_has_its_limit(name: str) -> None:
    """SPEC, "Unknown fields" and C1: a program reads from the schema what is refused."""
    (schema,), parts = msgspec.json.schema_components([registry[name].input])
    assert list(_unbounded(schema, parts, "", ())) == []


def _unbounded(schema: dict[str, Any], parts: dict[str, Any], path: str, seen: tuple[str, ...]) -> Iterator[str]:
    if "$ref" in schema:
        part = schema["$ref"].rpartition("/")[2]
        if part not in seen:
            yield from _unbounded(parts[part], parts, path, (*seen, part))
        return
    for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _unbounded(each, parts, path, seen)
    match schema.get("type"):
        case "string" if not any(key in schema for key in _TEXT):
            yield f"{path}: a text of any length"
        case "integer" | "number" if not any(key in schema for key in _NUMBER):
            yield f"{path}: a number of any size"
        case "array":
            if "maxItems" not in schema:
                yield f"{path}: a list of any length"
            if isinstance(schema.get("items"), dict):
                yield from _unbounded(schema["items"], parts, f"{path}[]", seen)
        case "object":
            for field, of in schema.get("properties", {}).items():
                yield from _unbounded(of, parts, f"{path}.{field}", seen)
            if isinstance(rest := schema.get("additionalProperties"), dict):
                if "maxProperties" not in schema:
                    yield f"{path}: an object of any size"
                yield from _unbounded(rest, parts, f"{path}{{}}", seen)
