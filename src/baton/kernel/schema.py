"""JSON Schemas of operations, as tools of models want them: an object with its properties at the root."""

from typing import Any

Schema = dict[str, Any]


def object_schema(schema: Schema) -> Schema:
    """A schema with its own properties at the root, as clients expect, its definitions beside them."""
    reference = schema.get("$ref", "")
    definitions: dict[str, Schema] = dict(schema.get("$defs", {}))
    if not reference:
        return schema
    root = definitions.pop(reference.rsplit("/", 1)[-1])
    if reference in str(definitions) + str(root):
        return schema  # it holds itself
    return root | ({"$defs": definitions} if definitions else {})
