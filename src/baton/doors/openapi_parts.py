"""The parts of the OpenAPI document that are the same wherever they stand: answers, parameters, what is sent to webhooks."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

Schema = dict[str, Any]
REF = "#/components/schemas/"
JSON = "application/json"


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
        if isinstance(node.get("enum"), list) and len(node["enum"]) == 1 and "type" not in node:
            return {"const": node["enum"][0]} | {key: value for key, value in node.items() if key != "enum"}
        return {key: walk(value) for key, value in node.items()}

    tidied = {names[name]: walk(schema) | {"title": names[name]} for name, schema in schemas.items()}
    return [walk(each) for each in said], tidied


def _name(name: str) -> str:
    """ "Page_Lead_" → "LeadPage"; "baton.leads.search.Found", where two are called so → "LeadsSearchFound"."""
    if name.startswith("Page_"):
        return _name(name[5:-1]) + "Page"
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[._]", name.removeprefix("baton.")))


def answers(schema: Schema, status: int = 200) -> Schema:
    """The answers of an operation: its own, and problem details for whatever goes wrong."""
    named = {
        "400": "Invalid",
        "401": "Unauthenticated",
        "403": "Forbidden",
        "404": "NotFound",
        "409": "Conflict",
        "default": "Problem",
    }
    wrong = {code: {"$ref": f"#/components/responses/{name}"} for code, name in named.items()}
    return {str(status): {"description": "Done.", "content": {JSON: {"schema": schema}}}} | wrong


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
        "type": text, "title": text, "status": {"type": "integer"}, "detail": text, "code": text, "requestId": text, "field": text,
    }  # fmt: skip
    return {
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
    "ifMatch": {"name": "If-Match", "in": "header", "required": False, "schema": {"type": "string", "pattern": '^("?[0-9]{1,18}"?|\\*)$'},
                "description": "The version that you read."},
}  # fmt: skip
SECURITY: dict[str, Schema] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token from /api/auth/token, an API key, or an agent's token."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
}  # fmt: skip
_WRONG = {
    "Invalid": "The input cannot be understood; `field` names the part.", "Unauthenticated": "Sign in first.",
    "Forbidden": "Your role does not admit this.", "NotFound": "It does not exist in your organization.",
    "Conflict": "It contradicts what is: a stale version, a taken name.", "Problem": "What else can go wrong.",
}  # fmt: skip
RESPONSES: dict[str, Schema] = {
    name: {"description": words, "content": {"application/problem+json": {"schema": {"$ref": f"{REF}Problem"}}}}
    for name, words in _WRONG.items()
}
