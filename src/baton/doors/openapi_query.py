"""Input that stands in an address: parameters of GET in the OpenAPI document."""

from collections.abc import Mapping

from baton.doors.openapi_parts import JSON, REF, Schema


def parameters(input: Schema, schemas: Mapping[str, Schema]) -> list[Schema]:
    """One parameter a field; what is more than a plain value is JSON."""
    needed = input.get("required", [])
    return [
        _parameter(name, schema, schemas, required=name in needed)
        for name, schema in input.get("properties", {}).items()
    ]


def plain(schema: Schema, schemas: Mapping[str, Schema]) -> Schema | None:
    """The schema of a value that can stand in an address as it is, without null; None where it is more than that. `schemas` are
    those that are referred to by name."""
    options = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    if len(options) != 1:
        return None
    (only,) = options
    if "$ref" in only:
        return {"$ref": only["$ref"]} if "enum" in schemas.get(only["$ref"].removeprefix(REF), {}) else None
    if only.get("type") in ("array", "object", None) and "enum" not in only:
        return None
    return {key: value for key, value in only.items() if key != "default"}


def _parameter(name: str, schema: Schema, schemas: Mapping[str, Schema], *, required: bool) -> Schema:
    written: Schema = {"name": name, "in": "query", "required": required}
    simple = plain(schema, schemas)
    if simple is not None:
        return written | {"schema": simple}
    return written | {"content": {JSON: {"schema": {key: value for key, value in schema.items() if key != "default"}}}}
