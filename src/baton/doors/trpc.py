"""tRPC 11 on the wire: queries by GET, mutations by POST, batches, the stream link. Spec B11."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from baton.doors.answers import told, typed
from baton.doors.auth import actor_of
from baton.doors.heads import header, whole_body
from baton.doors.public import visitor
from baton.doors.web.shell.visit import database
from baton.kernel.actor import Actor
from baton.kernel.errors import BatonError, Invalid, MethodNotSupported, NeedsApproval, NotFound, UnsupportedMedia
from baton.kernel.operation import Operation, registry
from baton.kernel.perform import perform

MAX_BATCH = 100
NUMBERS = {
    "PARSE_ERROR": -32700,
    "BAD_REQUEST": -32600,
    "UNAUTHORIZED": -32001,
    "FORBIDDEN": -32003,
    "NOT_FOUND": -32004,
    "METHOD_NOT_SUPPORTED": -32005,
    "TIMEOUT": -32008,
    "NEEDS_APPROVAL": -32012,
    "CONFLICT": -32009,
    "PRECONDITION_FAILED": -32012,
    "PAYLOAD_TOO_LARGE": -32013,
    "UNSUPPORTED_MEDIA_TYPE": -32015,
    "UNPROCESSABLE_CONTENT": -32022,
    "TOO_MANY_REQUESTS": -32029,
}
INTERNAL = -32603
_HEADERS = {"content-type": "application/json", "vary": "trpc-accept, accept"}


@dataclass(slots=True)
class Call:
    """One call of a request: its procedure's name and its input, undefined (None) where there was none."""

    path: str
    input: Any
    key: str | None


@dataclass(slots=True)
class Outcome:
    """What one call answered: the body of its answer, the HTTP status and headers that belong to it."""

    body: dict[str, Any]
    status: int
    headers: Mapping[str, str]


async def trpc(request: Request) -> Response:
    """/api/trpc/{path}: one call, or several with `batch=1`."""
    if request.method == "HEAD":
        return Response(status_code=204)
    batch = bool(request.scope["query_string"]) and request.query_params.get("batch") == "1"
    try:
        calls = await typed(_calls(request, batch))
    except BatonError as error:
        return _answer(failure(error, None).body, error.status, told(error))
    doors = _Doors(request)
    outcomes = [await doors.perform(call) for call in calls]
    if not batch:
        (only,) = outcomes
        return _answer(only.body, only.status, only.headers)
    headers = {name: value for outcome in outcomes for name, value in outcome.headers.items()}
    if _wants_lines(request):
        line = {str(index): [[outcome.body]] for index, outcome in enumerate(outcomes)}
        return Response(msgspec.json.encode(line) + b"\n", 200, {**headers, **_HEADERS})
    statuses = {outcome.status for outcome in outcomes}
    return _answer([outcome.body for outcome in outcomes], statuses.pop() if len(statuses) == 1 else 207, headers)


def failure(error: BatonError, path: str | None) -> Outcome:
    """An error as tRPC shapes it; `path` is the procedure's, none for an error of the whole request."""
    data: dict[str, Any] = {"code": error.code, "httpStatus": error.status} | (
        {"path": path} if path is not None else {}
    )
    if isinstance(error, NeedsApproval):
        data["approvalId"] = str(error.approval_id)
    shape = {"message": error.message, "code": NUMBERS.get(error.code, INTERNAL), "data": data}
    return Outcome({"error": shape}, error.status, told(error))


def _answer(body: Any, status: int, headers: Mapping[str, str]) -> Response:
    return Response(msgspec.json.encode(body), status, {**headers, **_HEADERS})


def _wants_lines(request: Request) -> bool:
    return "application/jsonl" in (request.headers.get("trpc-accept", ""), request.headers.get("accept", ""))


async def _calls(request: Request, batch: bool) -> list[Call]:
    """The calls of a request. Raises what is wrong with the request as a whole."""
    posted = request.method == "POST"
    if posted and not (header(request.scope, b"content-type") or "").lower().startswith("application/json"):
        raise UnsupportedMedia("Send the input as application/json.")
    paths = request.path_params["path"].split(",") if batch else [request.path_params["path"]]
    if len(paths) > MAX_BATCH:
        raise Invalid(f"A batch has at most {MAX_BATCH} calls.")
    if len({op.kind for path in paths if (op := _offered(path))}) > 1:
        raise Invalid("Queries and mutations cannot be mixed in one request.")
    text = (
        await whole_body(request) if posted else request.query_params.get("input", "").encode("utf-8", "surrogatepass")
    )
    given = _decoded(text)
    if batch and not isinstance(given, dict | None):
        raise Invalid('The input of a batch is an object: {"0": …, "1": …}.')
    key = header(request.scope, b"idempotency-key")
    if not batch:
        return [Call(paths[0], given, key)]
    inputs = given or {}
    return [Call(path, inputs.get(str(index)), f"{key}:{index}" if key else None) for index, path in enumerate(paths)]


def _decoded(text: bytes) -> Any:
    if not text.strip():
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Invalid("The input is not valid JSON.") from None


def _offered(path: str) -> Operation | None:
    op = registry.get(path)
    return op if op is not None and not op.internal else None


class _Doors:
    """The calls of one request, whose caller is asked for once."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self._actor: Actor | None = None

    async def perform(self, call: Call) -> Outcome:
        """Perform a call, and shape what it answers or what went wrong."""
        try:
            return await typed(self._perform(call))
        except BatonError as error:
            return failure(error, call.path)

    async def _perform(self, call: Call) -> Outcome:
        op = _offered(call.path)
        if op is None:
            raise NotFound(f'No procedure found on path "{call.path[:200]}"')
        right = "GET" if op.kind == "query" else "POST"
        if self.request.method != right:
            raise MethodNotSupported(
                f'Unsupported {self.request.method}-request to {op.kind} procedure at path "{op.name}": use {right}.',
                allowed=(right,),
            )
        headers: Mapping[str, str] = {}
        if op.role is None:
            actor, headers = await visitor(self.request, op, call.input)
        else:
            actor = self._actor = self._actor or await actor_of(self.request)
        result = await perform(
            database(self.request),
            actor,
            op.name,
            call.input,
            idempotency_key=call.key,
            ignore_unknown=True,
            written=True,
        )
        return Outcome({"result": {} if result is None else {"data": result}}, 200, headers)
