"""The parts of the OpenAPI document that are the same wherever they stand: answers, parameters, what is sent to webhooks."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from baton.kernel.operation import Operation

Schema = dict[str, Any]
REF = "#/components/schemas/"
JSON = "application/json"
HEADER = "#/components/headers/"


def tidy(said: Iterable[Schema], schemas: Mapping[str, Schema]) -> tuple[list[Schema], dict[str, Schema]]:
    """Schemas as generators of clients like them: names of letters alone, each title the name, a lone value as `const`."""
    names = {name: _name(name) for name in schemas}

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return {"$ref": REF + names[node["$ref"].removeprefix(REF)]}
        if node.get("title") == "Condition":
            return {"$ref": f"{REF}Condition"} | {key: value for key, value in node.items() if key == "default"}
        if isinstance(node.get("enum"), list) and len(node["enum"]) == 1 and "type" not in node:
            return {"const": node["enum"][0]} | {key: value for key, value in node.items() if key != "enum"}
        if "mapping" in node and "propertyName" in node:
            return node | {"mapping": {tag: REF + names[to.removeprefix(REF)] for tag, to in node["mapping"].items()}}
        return {key: walk(value) for key, value in node.items()}

    tidied = {names[name]: walk(schema) | {"title": names[name]} for name, schema in schemas.items()}
    return [walk(each) for each in said], tidied


def _name(name: str) -> str:
    """ "Page_Lead_" → "LeadPage"; "baton.leads.search.Found", where two are called so → "LeadsSearchFound"."""
    if name.startswith("Page_"):
        return _name(name[5:-1]) + "Page"
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[._]", name.removeprefix("baton.")))


def answers(
    schema: Schema, wrong: Iterable[int], status: int = 200, *, said: Iterable[str] = (), waits: bool = False
) -> Schema:
    """The answers of an operation: its own, with the headers that it says, and problem details for what can go wrong.

    `waits` adds what an agent is told whose act waits for a person (202).
    """
    if waits and status == 202:
        schema = {"anyOf": [schema, {"$ref": f"{REF}Waiting"}]}
    headers = {name: {"$ref": f"{HEADER}{name}"} for name in ("X-Request-Id", *said)}
    done: Schema = {"description": "Done.", "headers": headers, "content": {JSON: {"schema": schema}}}
    waiting = {"202": {"$ref": "#/components/responses/Waiting"}} if waits and status != 202 else {}
    return {str(status): done} | waiting | problems(wrong)


def problems(wrong: Iterable[int]) -> Schema:
    """The answers to what goes wrong."""
    return {
        str(status): {"$ref": f"#/components/responses/{_WRONG[status][0]}"} for status in sorted({*wrong, *_ALWAYS})
    }


def versioned(op: Operation) -> tuple[str, ...]:
    """ETag, where an operation answers a record with a version."""
    record = isinstance(op.output, type) and issubclass(op.output, msgspec.Struct)
    return ("ETag",) if record and "version" in op.output.__struct_fields__ else ()


def own_schemas() -> dict[str, Schema]:
    """Schemas beside those of operations: custom fields, what a webhook gets, problem details."""
    text, nullable = {"type": "string"}, {"type": ["string", "null"]}
    id, no_id = {"type": "string", "format": "uuid"}, {"type": ["string", "null"], "format": "uuid"}
    change = {"type": "object", "properties": {"old": {}, "new": {}}, "required": ["old", "new"]}
    actor = {"type": "object", "properties": {"type": {"enum": ["user", "agent", "system"]}, "id": no_id, "name": text}}
    data = {
        "id": id, "orgId": id, "kind": text, "actor": actor, "via": text, "leadId": no_id, "subjectType": text, "subjectId": id,
        "changes": {"type": "object", "additionalProperties": change}, "details": {"type": "object"}, "reason": nullable,
        "operation": text, "operationId": id, "causedBy": no_id, "lead": {"anyOf": [{"$ref": f"{REF}Lead"}, {"type": "null"}]},
    }  # fmt: skip
    message = {
        "type": text,
        "timestamp": text | {"format": "date-time"},
        "data": {"type": "object", "properties": data, "required": list(data)},
    }
    problem = {
        "type": text | {"format": "uri"}, "title": text, "status": {"type": "integer", "minimum": 400, "maximum": 599}, "detail": text,
        "code": text, "requestId": text, "field": text | {"description": "The part of the input at fault, if one is."},
    }  # fmt: skip
    waiting = {"status": {"const": "waiting"}, "approvalId": id, "code": {"const": "NEEDS_APPROVAL"}, "message": text}
    return {
        "Waiting": {
            "type": "object", "description": "An agent's act that a person decides first: nothing of it has happened.",
            "properties": waiting, "required": list(waiting),
        },
        "CustomFields": {
            "type": "object", "description": "The organization's own fields, by key.", "properties": {}, "additionalProperties": True,
        },
        "WebhookMessage": {"type": "object", "properties": message, "required": list(message)},
        "Problem": {"type": "object", "description": "Problem details (RFC 9457).", "properties": problem, "required": list(problem)[:-1]},
    }  # fmt: skip


PARAMETERS: dict[str, Schema] = {
    "orgid": {"name": "orgid", "in": "header", "required": False, "schema": {"type": "string", "format": "uuid"},
              "description": "The organization, where the token opens several."},
    "idempotencyKey": {"name": "Idempotency-Key", "in": "header", "required": False,
                       "schema": {"type": "string", "minLength": 1, "maxLength": 255},
                       "description": "The same key does the same write once."},
    "ifMatch": {"name": "If-Match", "in": "header", "required": False,
                "schema": {"type": "string", "pattern": '^("?[1-9][0-9]{0,17}"?|\\*)$'},
                "description": "The version that you read."},
}  # fmt: skip
SECURITY: dict[str, Schema] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token from /api/auth/token, an API key, or an agent's token."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
}  # fmt: skip
_WRONG: dict[int, tuple[str, str]] = {
    400: ("Invalid", "The input cannot be understood; `field` names the part."),
    401: ("Unauthenticated", "Sign in first."),
    403: ("Forbidden", "Your role, or your token's scopes, do not admit this."),
    404: ("NotFound", "It does not exist in your organization."),
    408: ("TimedOut", "The body did not arrive in time."),
    409: ("Conflict", "It contradicts what is: a stale version, a taken name, the same key still in flight."),
    413: ("TooLarge", "The body, or what is asked for, is too large."),
    415: ("UnsupportedMedia", "The body is of a kind that is not read here."),
    422: ("Unprocessable", "The Idempotency-Key was used with another request."),
    429: ("TooMany", "That was too many at once; `Retry-After` says when there is room."),
    500: ("Fault", "A fault on our side; it is written down."),
    503: ("Unavailable", "The database cannot be reached just now; nothing was changed."),
}
_ALWAYS = (500, 503)
PUBLIC = (400, 404)
"""What can go wrong with a call that needs no sign-in."""
READING = (400, 401, 403, 404, 409)
"""What can go wrong with a question."""
SENDING = (408, 413, 415)
"""What can go wrong with a body."""
WRITING = (409, 422)
"""What can go wrong with a change."""
_OF_ERRORS = {
    401: ("WWW-Authenticate",), 429: ("Retry-After", "RateLimit", "RateLimit-Policy"), 503: ("Retry-After",),
}  # fmt: skip
RESPONSES: dict[str, Schema] = {
    name: {
        "description": words,
        "headers": {header: {"$ref": f"{HEADER}{header}"} for header in ("X-Request-Id", *_OF_ERRORS.get(status, ()))},
        "content": {"application/problem+json": {"schema": {"$ref": f"{REF}Problem"}}},
    }
    for status, (name, words) in _WRONG.items()
}


RESPONSES["Waiting"] = {
    "description": "An agent asked for what a person decides first: `approvalId` names what waits (`crm.approvals.get`).",
    "headers": {"X-Request-Id": {"$ref": f"{HEADER}X-Request-Id"}},
    "content": {JSON: {"schema": {"$ref": f"{REF}Waiting"}}},
}


def _header(words: str, *, required: bool = True, **schema: Any) -> Schema:
    return {"description": words, "required": required, "schema": {"type": "string"} | schema}


HEADERS: dict[str, Schema] = {
    "X-Request-Id": _header("The id of this request, as our log has it; one that you send is kept.", pattern="^[A-Za-z0-9_-]{8,64}$"),
    "ETag": _header("The record's version, for `If-Match`.", pattern='^"[0-9]+"$'),
    "Content-Disposition": _header("The name of the file."),
    "Location": _header("Where what was made is read."),
    "WWW-Authenticate": _header("How to sign in.", const="Bearer"),
    "Retry-After": _header("In how many seconds to try again.", pattern="^[0-9]+$"),
    "RateLimit": _header("What remains, and in how many seconds there is more (draft-ietf-httpapi-ratelimit-headers).", required=False),
    "RateLimit-Policy": _header("The limits that hold: their quota and window in seconds.", required=False),
}  # fmt: skip
