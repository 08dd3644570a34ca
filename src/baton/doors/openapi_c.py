"""Document C's routes in the OpenAPI document: the same operations under their addresses and names. Spec C1."""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from baton.doors import document_c
from baton.doors.document_c import ROWS, Row
from baton.doors.openapi_parts import READING, REF, WRITING, Schema, answers, versioned
from baton.doors.openapi_query import plain
from baton.kernel.operation import Operation

Known = dict[str, tuple[Operation, list[Schema]]]
_PREFIX = "/api/crm"
_IN_ADDRESS = {"type": "string", "minLength": 1, "maxLength": 500, "description": "An id, or an external id."}
_IN_PATH = re.compile(r"\{(\w+)\}")


def paths(known: Known, schemas: dict[str, Schema]) -> dict[str, Schema]:
    """The path items of all rows, under `/api/crm`."""
    written: dict[str, Schema] = {}
    for row in ROWS:
        op, (input, output) = known[row.operation]
        item = written.setdefault(_PREFIX + row.path, {})
        item[row.method.lower()] = _operation(row, op, schemas[input["$ref"].removeprefix(REF)], output, schemas)
    return written


def _operation(row: Row, op: Operation, input: Schema, output: Schema, schemas: dict[str, Schema]) -> Schema:
    in_path = _IN_PATH.findall(row.path)
    parameters: list[Schema] = [
        {"name": name, "in": "path", "required": True, "schema": _IN_ADDRESS} for name in in_path
    ]
    parameters.append({"$ref": "#/components/parameters/orgid"})
    if op.kind == "mutation":
        parameters.append({"$ref": "#/components/parameters/idempotencyKey"})
        if "version" in op.input.__struct_fields__:
            parameters.append({"$ref": "#/components/parameters/ifMatch"})
    left = {name: schema for name, schema in input["properties"].items() if name not in in_path}
    written: Schema = {
        "operationId": f"c.{row.method.lower()}.{op.name}", "tags": ["document C"], "summary": op.summary,
        "description": f"As `{op.name}`, in document C's words. Unknown fields are ignored.",
    }  # fmt: skip
    if row.method in ("GET", "DELETE"):
        parameters += _asked(row, left, input.get("required", []), schemas)
    elif left:
        written["requestBody"] = _body(row, op, input, left)
    written["parameters"] = parameters
    wrong = READING if op.kind == "query" else (*READING, *WRITING, 408, 413)
    said = (*versioned(op), *(("Location",) if row.found_at else ()))
    written["responses"] = answers(
        _ANSWERS.get(row.answer, _as_it_is)(output), wrong, row.status, said=said, waits=op.kind == "mutation"
    )
    return written


def _asked(row: Row, left: dict[str, Schema], needed: list[str], schemas: dict[str, Schema]) -> list[Schema]:
    """Query parameters: what is plain enough to stand in an address, by document C's names where it has some."""
    names = {ours: theirs for theirs, ours in reversed(list(row.names.items()))}
    found = []
    for ours, schema in left.items():
        simple = plain(schema, schemas)
        if simple is None:
            continue
        if ours in row.values:
            simple = {"type": "string", "enum": list(row.values[ours])}
        found.append({"name": names.get(ours, ours), "in": "query", "required": ours in needed, "schema": simple})
    return found


def _body(row: Row, op: Operation, input: Schema, left: dict[str, Schema]) -> Schema:
    if row.array is not None:
        schema = left[row.array]
        return {"required": True, "content": {"application/json": {"schema": schema}}}
    names = {theirs: left[ours] for theirs, ours in row.names.items() if ours in left}
    needed = [name for name in input.get("required", []) if name in left and name not in row.names.values()]
    schema = {"type": "object", "properties": left | names} | ({"required": needed} if needed else {})
    wanted = any(field.required for field in msgspec.structs.fields(op.input) if field.encode_name in left)
    return {"required": wanted, "content": {"application/json": {"schema": schema}}}


def _as_it_is(given: Schema) -> Schema:
    return given


def _more(given: Schema, **fields: Schema) -> Schema:
    return {"allOf": [given, {"type": "object", "properties": fields, "required": list(fields)}]}


def _lead(given: Schema) -> Schema:
    owner = {"type": ["string", "null"], "format": "uuid"}
    return _more(given, value={"type": ["number", "null"], "description": "In whole units of `currency`."}, owner=owner)


def _leads(given: Schema) -> Schema:
    lead = _lead({"$ref": f"{REF}Lead"})
    count = {"type": "integer"}
    fields = {"leads": {"type": "array", "items": lead}, "total": count, "page": count, "pageSize": count}
    return {"type": "object", "properties": fields, "required": ["leads", "pageSize"]}


def _stage(given: Schema) -> Schema:
    return _more(given, terminal={"type": "boolean"})


def _pipeline(given: Schema) -> Schema:
    return _more(given, stages={"type": "array", "items": _stage({"$ref": f"{REF}Stage"})})


def _pipelines(given: Schema) -> Schema:
    return given | {"items": _pipeline(given["items"])}


def _activities(given: Schema) -> Schema:
    fields: dict[str, Schema] = {
        "activities": {"type": "array", "items": {"$ref": f"{REF}Activity"}}, "nextCursor": {"type": ["string", "null"]},
        "total": {"type": "integer"},
    }  # fmt: skip
    return {"type": "object", "properties": fields, "required": ["activities", "nextCursor"]}


def _converted(given: Schema) -> Schema:
    lead = {"$ref": f"{REF}Lead"}
    return _more(given, lead=_lead(lead), opportunity=_lead(lead))


_ANSWERS: dict[Callable[[Any], Any], Callable[[Schema], Schema]] = {
    document_c._lead: _lead,
    document_c._leads: _leads,
    document_c._stage: _stage,
    document_c._pipeline: _pipeline,
    document_c._pipelines: _pipelines,
    document_c._activities: _activities,
    document_c._converted: _converted,
}
