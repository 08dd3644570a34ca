"""The addresses of files in the OpenAPI document: bringing one for an import, and taking leads or refused rows away. Spec A11."""

from collections.abc import Mapping
from typing import Any

from baton.doors.downloads import TYPES
from baton.doors.files import IMPORTS
from baton.doors.openapi_parts import READING, REF, WRITING, Schema, answers
from baton.doors.openapi_query import parameters

_ORG = {"$ref": "#/components/parameters/orgid"}
_KEY = {"$ref": "#/components/parameters/idempotencyKey"}
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
_FORMAT = {"name": "format", "in": "path", "required": True, "schema": {"enum": list(TYPES)}}
_FILE = {"type": "string", "format": "binary", "description": "CSV, XLSX or JSON, in any encoding."}


def paths(known: Mapping[str, tuple[Any, list[Schema]]], schemas: Mapping[str, Schema]) -> dict[str, Schema]:
    """The path items of the five routes."""

    def takes(operation: str) -> Schema:
        return schemas[known[operation][1][0]["$ref"].removeprefix(REF)]

    def gives(operation: str) -> Schema:
        return known[operation][1][1]

    listing = _route(
        "listImports", "List imports", "Imports, newest first.", parameters(takes("crm.imports.list"), schemas)
    )
    reading = _route("readImport", "Read an import", "One import, and what was found in its file.", [_ID])
    return {
        IMPORTS: {
            "post": _bring(schemas["Options"], gives("crm.imports.get")),
            "get": listing | {"responses": answers(gives("crm.imports.list"), READING)},
        },
        IMPORTS + "/{id}": {"get": reading | {"responses": answers(gives("crm.imports.get"), READING, said=("ETag",))}},
        IMPORTS + "/{id}/refused.csv": {"get": _refused()},
        "/api/v1/exports/leads.{format}": {"get": _export(takes("crm.exports.leads"), schemas)},
    }  # fmt: skip


def _route(id: str, summary: str, description: str, asked: list[Schema]) -> Schema:
    return {
        "operationId": id,
        "tags": ["files"],
        "summary": summary,
        "description": description,
        "parameters": [_ORG, *asked],
    }


def _bring(options: Schema, found: Schema) -> Schema:
    """The form with the file."""
    fields = {name: _in_form(schema) for name, schema in options["properties"].items()}
    form = {
        "type": "object",
        "properties": {"file": _FILE} | fields,
        "required": ["file"],
        "additionalProperties": False,
    }
    body = {"schema": form, "encoding": {"mapping": {"contentType": "text/plain"}}}
    words = "The file is kept and read next; `state` says how far that is. No lead is written before the import is run."
    return _route("bringImport", "Bring a file of leads", words, [_KEY]) | {
        "requestBody": {"required": True, "content": {"multipart/form-data": body}},
        "responses": answers(found, (*READING, *WRITING, 408, 413, 415, 429), 201, said=("Location", "ETag")),
    }


def _in_form(schema: Schema) -> Schema:
    """The schema of a form's field: text, an object as its JSON."""
    options = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    if options[0].get("type") == "object":
        return {
            "type": "string",
            "contentMediaType": "application/json",
            "description": "A JSON object: header → field, keep or ignore.",
        }
    return {key: value for key, value in options[0].items() if key not in ("default", "minLength")}


def _refused() -> Schema:
    words = "The rows that are not in, each with its reason, for who brought them and for admins."
    route = _route("readRefusedRows", "Take the refused rows away", words, [_ID])
    return route | {"responses": _file({"csv": TYPES["csv"]}, READING)}


def _export(asked: Schema, schemas: Mapping[str, Schema]) -> Schema:
    fields = {name: schema for name, schema in asked["properties"].items() if name not in ("format", "columns")}
    columns = {
        "name": "columns", "in": "query", "required": False, "style": "form", "explode": False,
        "schema": {"type": "array", "items": {"type": "string", "maxLength": 106}},
    }  # fmt: skip
    words = "All leads that the filters find, as a stream of any length. What is exported can be imported again."
    route = _route(
        "exportLeads", "Export leads", words, [_FORMAT, *parameters({"properties": fields}, schemas), columns]
    )
    return route | {"responses": _file(TYPES, (*READING, 413, 429))}


def _file(types: Mapping[str, str], wrong: tuple[int, ...]) -> Schema:
    """The answers of a route whose answer is a file."""
    found = answers({}, wrong, said=("Content-Disposition",))
    found["200"]["content"] = {type: {"schema": {"type": "string", "format": "binary"}} for type in types.values()}
    return found
