"""The page that shows what programs can do: the OpenAPI document, readable, without a script. Public, as the document is."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from baton.doors.openapi import document_for
from baton.doors.openapi_parts import JSON, REF
from baton.doors.web.shell.language import reading
from baton.doors.web.shell.languages import ENGLISH, offered
from baton.doors.web.shell.render import plain

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """A field: its name, what it holds, whether it must be given, and the schema that explains it, if it has one."""

    name: str
    kind: str
    required: bool
    see: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation as it is read."""

    id: str
    method: str
    path: str
    summary: str
    words: list[str]
    takes: list[Line]
    answers: str
    see: str | None


@dataclass(frozen=True, slots=True)
class Record:
    """One schema as it is read."""

    name: str
    words: str
    fields: list[Line]


async def show(request: Request) -> Response:
    """GET /api/docs."""
    document = await document_for(request)
    schemas: dict[str, Schema] = document["components"]["schemas"]
    groups: dict[str, list[Entry]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if operation["operationId"].startswith("get."):
                continue  # the same as its POST, in the address
            groups.setdefault(operation["tags"][0], []).append(_entry(path, method, operation, schemas))
    records = [Record(name, schema.get("description", ""), lines(schema)) for name, schema in sorted(schemas.items())]
    with reading(offered()[ENGLISH]):  # what operations say of themselves is English
        return plain(
        request, "api_docs.html", groups=sorted(groups.items()), records=records, events=list(document["webhooks"]),
        about=document["info"]["description"].split("\n\n"), version=document["info"]["version"],
    )  # fmt: skip


def _entry(path: str, method: str, operation: Schema, schemas: dict[str, Schema]) -> Entry:
    taken = [
        Line(f"{each['name']} ({each['in']})", kind(_held(each)), each["required"], _see(_held(each)))
        for each in operation.get("parameters", [])
        if "$ref" not in each
    ]
    if "requestBody" in operation:
        (sent,) = operation["requestBody"]["content"].values()
        body = sent["schema"]
        taken += lines(schemas[body["$ref"].removeprefix(REF)] if "$ref" in body else body)
    done = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
    answer = next((held["schema"] for held in done.get("content", {}).values()), {"type": "null"})
    words = operation.get("description", "").split("\n\n")
    return Entry(
        operation["operationId"], method.upper(), path, operation["summary"], words, taken, kind(answer), _see(answer)
    )


def _held(parameter: Schema) -> Schema:
    """What a parameter holds, as it is or as JSON."""
    held: Schema = parameter["schema"] if "schema" in parameter else parameter["content"][JSON]["schema"]
    return held


def lines(schema: Schema) -> list[Line]:
    """The fields of an object's schema."""
    needed = schema.get("required", [])
    return [Line(name, kind(each), name in needed, _see(each)) for name, each in schema.get("properties", {}).items()]


def kind(schema: Schema) -> str:
    """What a schema holds, in a few words: "text", "list of Lead", "whole number or nothing"."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(REF)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " or ".join(dict.fromkeys(kind(each) for each in schema[word]))
    if "allOf" in schema:
        return kind(schema["allOf"][0]) + " and more"
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join("nothing" if each is None else str(each) for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {kind(schema.get('items', {}))}"
    types: str | list[str] = schema.get("type", "anything")
    listed = [types] if isinstance(types, str) else types
    return " or ".join(_WORDS.get(each, each) for each in listed) + _form(schema)


_WORDS = {
    "string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "object": "object", "null": "nothing",
}  # fmt: skip


def _form(schema: Schema) -> str:
    return f" ({schema['format']})" if "format" in schema else ""


def _see(schema: Any) -> str | None:
    """The first schema that a schema refers to."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return str(schema["$ref"]).removeprefix(REF)
        return next((found for each in schema.values() if (found := _see(each))), None)
    if isinstance(schema, list):
        return next((found for each in schema if (found := _see(each))), None)
    return None
