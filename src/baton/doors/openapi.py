"""The OpenAPI 3.1 document of the product, written from the registry: every operation, document C's routes, the webhooks."""

import copy
import inspect
import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

import baton
from baton.automations.webhooks.events import EVENTS
from baton.doors import openapi_condition
from baton.doors import operations as operations  # fills the registry
from baton.doors.answers import json
from baton.doors.auth import Credentials, Token, actor_of, settings_of
from baton.doors.document_c import ROWS
from baton.doors.openapi_c import paths as document_c_paths
from baton.doors.openapi_files import paths as file_paths
from baton.doors.openapi_parts import (
    HEADER,
    HEADERS,
    JSON,
    PARAMETERS,
    PUBLIC,
    READING,
    REF,
    RESPONSES,
    SECURITY,
    SENDING,
    WRITING,
    Schema,
    answers,
    own_schemas,
    problems,
    tidy,
    versioned,
)  # fmt: skip
from baton.doors.openapi_query import parameters as query_parameters
from baton.doors.web.shell.visit import SESSION, database
from baton.fields.definition import Definition
from baton.imports.options import Options
from baton.kernel.operation import Operation, registry
from baton.kernel.perform import perform
from baton.leads.lead import Lead

_PUBLIC_ABOUT = "This is the document of every organization. With a token (or signed in) it also says the organization's own fields."
_ABOUT = """What Baton can do, as REST: each operation is `POST /api/v1/<name>` with a JSON object; operations that only read
answer `GET` too, their fields as parameters. Document C's routes stand under `/api/crm`.

Send `Authorization: Bearer <token>` (from `/api/auth/token`, or an API key), and `orgid` where the token opens several
organizations. Every write takes an `Idempotency-Key`. A record with a `version` is answered with it as its `ETag`; `If-Match`
refuses a stale one (409). Errors are problem details (RFC 9457). Times are UTC (RFC 3339), money is in minor units."""


async def serve(request: Request) -> Response:
    """GET /api/openapi.json: with a credential the organization's own document, else what all have in common."""
    return json(await document_for(request), headers={"cache-control": "no-store", "vary": "Authorization, Cookie"})


async def document_for(request: Request) -> Schema:
    """The document for who asks. Raises Unauthenticated for a wrong credential, but not for none."""
    definitions: Sequence[Definition] = ()
    named = any(name in request.headers for name in ("authorization", "x-api-key")) or SESSION in request.cookies
    if named:
        actor = await actor_of(request)
        definitions = await perform(database(request), actor, "crm.fields.list")
    return document(definitions, own=named, server=settings_of(request).public_url)


def document(definitions: Iterable[Definition] = (), *, own: bool = False, server: str = "/") -> Schema:
    """The document, with an organization's own fields where it has some."""
    written = copy.deepcopy(_common())
    written["servers"] = [{"url": server}]
    if not own:
        written["info"]["description"] += f"\n\n{_PUBLIC_ABOUT}"
    fields = {each.key: _field(each) for each in definitions if each.archived_at is None}
    schemas = written["components"]["schemas"]
    schemas["CustomFields"]["properties"] = fields
    for name, schema in list(schemas.items()):
        held = schema.get("properties", {}).get("fields", {})
        if name != "CustomFields" and held.get("type") == "object" and "properties" not in held:
            schema["properties"]["fields"] = {"$ref": f"{REF}CustomFields"}
    return written


def _field(definition: Definition) -> Schema:
    """What a custom field holds, as JSON; null clears it."""
    kinds: dict[str, Schema] = {
        "shortText": {"type": ["string", "null"], "maxLength": 500},
        "longText": {"type": ["string", "null"], "maxLength": 20_000},
        "integer": {"type": ["integer", "null"]},
        "decimal": {"type": ["number", "null"]},
        "date": {"type": ["string", "null"], "format": "date"},
        "yesNo": {"type": ["boolean", "null"]},
        "select": {"enum": [*definition.options, None]},
        "multiSelect": {"type": ["array", "null"], "items": {"enum": definition.options}},
        "url": {"type": ["string", "null"], "format": "uri"},
    }
    return {"title": definition.label} | kinds[definition.type]


def offered() -> list[Operation]:
    """The operations that doors offer, by name."""
    return sorted((op for op in registry.values() if not op.internal), key=lambda op: op.name)


@cache
def _common() -> Schema:
    """What the documents of all organizations have in common. It is copied before anything is added."""
    routed = {row.operation for row in ROWS} | {"crm.exports.leads"}
    ops = sorted((op for op in registry.values() if not op.internal or op.name in routed), key=lambda op: op.name)
    types = [op.input for op in ops] + [op.output for op in ops] + [Credentials, Token, Lead, Options]
    said, schemas = tidy(*msgspec.json.schema_components(types, ref_template=REF + "{name}"))
    inputs, outputs = said[: len(ops)], said[len(ops) : 2 * len(ops)]
    taken = _reached(schemas, [*inputs, {"$ref": f"{REF}Options"}, {"$ref": f"{REF}Credentials"}])
    for name, schema in schemas.items():
        if name not in taken and "properties" in schema:
            schema["required"] = list(schema["properties"])  # what is answered is always whole
    paths = {
        f"/api/v1/{op.name}": _item(op, i, o, schemas)
        for op, i, o in zip(ops, inputs, outputs, strict=True)
        if not op.internal
    }
    paths["/api/auth/token"] = {"post": _sign_in(), "delete": _sign_out()}
    own = own_schemas() | openapi_condition.schemas()
    assert not schemas.keys() & own.keys(), "two schemas have one name"
    by_name = {op.name: (op, schemas_of) for op, *schemas_of in zip(ops, inputs, outputs, strict=True)}
    paths |= file_paths(by_name, schemas) | document_c_paths(by_name, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Baton", "version": baton.__version__, "description": _ABOUT, "license": {"name": "MIT", "identifier": "MIT"}},
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"apiKey": []}],
        "tags": [{"name": name} for name in sorted({tag_of(op.name) for op in ops} | {"document C", "files", "sign-in"})],
        "paths": paths,
        "webhooks": _webhooks(),
        "components": {
            "schemas": schemas | own, "parameters": PARAMETERS, "responses": RESPONSES,
            "headers": HEADERS, "securitySchemes": SECURITY,
        },
    }  # fmt: skip


def tag_of(name: str) -> str:
    """The noun of an operation: "crm.leads.move" is about leads."""
    return name.split(".")[1]


def _item(op: Operation, input: Schema, output: Schema, schemas: dict[str, Schema]) -> Schema:
    """POST of an operation; of one that only reads, GET too."""
    parameters = [{"$ref": "#/components/parameters/orgid"}] if op.role else []
    if op.kind == "mutation":
        parameters.append({"$ref": "#/components/parameters/idempotencyKey"})
        if "version" in op.input.__struct_fields__:
            parameters.append({"$ref": "#/components/parameters/ifMatch"})
    body: Schema = {"content": {JSON: {"schema": input}}, "required": _needs_body(op)}
    common: Schema = {
        "tags": [tag_of(op.name)], "summary": op.summary, "description": _description(op),
        "x-role": op.role.value if op.role else None, **({"security": []} if op.role is None else {}),
    }  # fmt: skip
    limited = ("RateLimit", "RateLimit-Policy") if op.role is None and op.kind == "mutation" else ()
    said = (*limited, *versioned(op))
    post = {
        "operationId": op.name,
        "parameters": parameters,
        "requestBody": body,
        "responses": answers(
            output, _wrong(op) + SENDING, said=said, waits=op.kind == "mutation" and op.role is not None
        ),
    }
    if op.kind == "mutation":
        return {"post": common | post}
    asked = parameters + query_parameters(schemas[input["$ref"].removeprefix(REF)], schemas)
    get = {"operationId": f"get.{op.name}", "parameters": asked, "responses": answers(output, _wrong(op), said=said)}
    return {"get": common | get, "post": common | post}


def _wrong(op: Operation) -> tuple[int, ...]:
    """What can go wrong with an operation, whatever its door."""
    wrong: tuple[int, ...] = READING if op.role else PUBLIC
    if op.kind == "mutation":
        wrong += WRITING if op.role else (*WRITING, 403, 429)
    return wrong


def _needs_body(op: Operation) -> bool:
    return any(field.required for field in msgspec.structs.fields(op.input))


def _description(op: Operation) -> str:
    doc = inspect.getdoc(op.verb) or op.summary
    role = f"Needs the role {op.role}." if op.role else "Needs no sign-in."
    return f"{re.sub(r' ?Spec [A-C][0-9][^.]*[.]', '', doc)}\n\n{role}"


def _sign_in() -> Schema:
    body = {"required": True, "content": {JSON: {"schema": {"$ref": f"{REF}Credentials"}}}}
    return {
        "operationId": "signIn", "tags": ["sign-in"], "summary": "Sign in", "description": "A person's bearer token.", "security": [],
        "requestBody": body, "responses": answers({"$ref": f"{REF}Token"}, (400, 401, 403, 404, 429, *SENDING)),
    }  # fmt: skip


def _sign_out() -> Schema:
    done = {"204": {"description": "Signed out.", "headers": {"X-Request-Id": {"$ref": f"{HEADER}X-Request-Id"}}}}
    return {
        "operationId": "signOut", "tags": ["sign-in"], "summary": "Sign out", "security": [{"bearer": []}], "parameters": [],
        "description": "End the bearer token of this request. An API key is revoked by `crm.credentials.revoke`.",
        "responses": done | problems((401,)),
    }  # fmt: skip


def _reached(schemas: dict[str, Schema], roots: Sequence[Schema]) -> set[str]:
    """The names of the schemas that something refers to, at any depth."""
    found: set[str] = set()
    waiting: list[Any] = list(roots)
    while waiting:
        match waiting.pop():
            case dict() as node:
                if isinstance(ref := node.get("$ref"), str) and (name := ref.removeprefix(REF)) not in found:
                    found.add(name)
                    waiting.append(schemas.get(name))
                waiting.extend(value for key, value in node.items() if key != "$ref")
            case list() as nodes:
                waiting.extend(nodes)
    return found


def _webhooks() -> Schema:
    body = {"required": True, "content": {JSON: {"schema": {"$ref": f"{REF}WebhookMessage"}}}}
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    headers = [{"name": name, "in": "header", "required": True, "schema": {"type": "string"}} for name in names]
    return {
        event: {"post": {"summary": event, "parameters": headers, "requestBody": body, "security": [],
                         "responses": {"2XX": {"description": "Taken. Anything else is tried again for a day."}}}}
        for event in sorted(set(EVENTS.values()))
    }  # fmt: skip
