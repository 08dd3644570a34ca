"""The native REST door: every operation at `/api/v1/<name>`, unknown fields refused, errors as problem details."""

import functools
import re
import types
import typing
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from baton.doors.answers import json
from baton.doors.auth import actor_of
from baton.doors.public import visitor
from baton.doors.web.shell.visit import database
from baton.kernel.errors import Invalid, MethodNotSupported, UnsupportedMedia
from baton.kernel.operation import Operation, find
from baton.kernel.perform import perform

_TAG = re.compile(r'(?:W/)?"?(\d{1,18})"?')


async def rest(request: Request) -> Response:
    """POST /api/v1/<operation> with a JSON object; GET too for queries, with parameters or with `input` as JSON."""
    op = find(f"crm.{request.path_params['operation']}", offered=True)
    reading = request.method in ("GET", "HEAD")
    allowed = ("GET", "HEAD", "POST") if op.kind == "query" else ("POST",)
    if request.method not in allowed:
        why = f"{op.name} changes something: POST it." if reading else "This address does not answer this method."
        raise MethodNotSupported(why, allowed=allowed)
    given = _asked(request, op) if reading else await _sent(request)
    if not isinstance(given, dict):
        raise Invalid("The body is a JSON object.")
    given |= expected_version(request, op, given)
    headers: dict[str, str] = {}
    if op.role is None:
        actor, headers = await visitor(request, op, given)
    else:
        actor = await actor_of(request)
    answer = await perform(
        database(request),
        actor,
        op.name,
        given,
        idempotency_key=idempotency_key(request),
        lenient=reading,
        written=True,
    )
    return json(answer, headers=headers)


def decoded(body: bytes) -> Any:
    """The JSON of a body, an empty object where there is none. Raises Invalid."""
    if not body.strip():
        return {}
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Invalid("The body is not valid JSON.") from None


def idempotency_key(request: Request) -> str | None:
    """What the caller knows this write by (draft-ietf-httpapi-idempotency-key-header)."""
    return request.headers.get("idempotency-key")


def expected_version(request: Request, op: Operation, given: dict[str, Any]) -> dict[str, int]:
    """The version that If-Match names, for operations that take one (RFC 9110). Raises Invalid."""
    tag = request.headers.get("if-match", "*").strip()
    if tag == "*" or op.kind == "query" or "version" not in op.input.__struct_fields__:
        return {}
    match = _TAG.fullmatch(tag)
    if match is None:
        raise Invalid('If-Match is the version that you read, such as "7".')
    version = int(match[1])
    if given.get("version") not in (None, version):
        raise Invalid("If-Match and “version” name different versions.", field="version")
    return {"version": version}


async def _sent(request: Request) -> Any:
    body = await request.body()
    if body and not request.headers.get("content-type", "").lower().startswith("application/json"):
        raise UnsupportedMedia("Send the input as application/json.")
    return decoded(body)


def _asked(request: Request, op: Operation) -> Any:
    """The input of a query from its address: `input` as JSON, or one parameter a field; what is no text may be JSON."""
    asked = request.query_params
    if "input" in asked and "input" not in op.input.__struct_fields__:
        return decoded(asked["input"].encode("utf-8", "surrogatepass"))
    texts = _texts(op.input)
    return {name: _value(values, name in texts) for name in asked if (values := asked.getlist(name))}


@functools.cache
def _texts(type: type[msgspec.Struct]) -> frozenset[str]:
    """The names of an input's fields that are text."""
    return frozenset(field.encode_name for field in msgspec.structs.fields(type) if _is_text(field.type))


def _value(values: list[str], text: bool) -> Any:
    if text or len(values) > 1:
        return values[0] if len(values) == 1 else values
    return decoded(values[0].encode("utf-8", "surrogatepass")) if values[0][:1] in ("{", "[") else values[0]


def _is_text(annotation: Any) -> bool:
    if typing.get_origin(annotation) is typing.Annotated:
        annotation = annotation.__origin__
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return any(_is_text(part) for part in typing.get_args(annotation))
    return annotation is str
