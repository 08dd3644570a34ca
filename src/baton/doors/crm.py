"""The door of document C's clients: its table of routes, performed. Unknown fields are ignored, as they expect. Spec C1."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from baton.doors.answers import Endpoint, answering, json
from baton.doors.auth import actor_of
from baton.doors.document_c import ROWS, Row
from baton.doors.rest import decoded, expected_version, idempotency_key
from baton.doors.web.shell.visit import database
from baton.kernel.errors import Invalid
from baton.kernel.operation import find
from baton.kernel.perform import perform

PREFIXES = ("/api/crm", "/crm")
_BODILESS = ("GET", "DELETE")


def routes() -> list[Route]:
    """Every row under both prefixes; a fixed part of an address wins over an id in its place."""
    paths: dict[str, dict[str, Row]] = {}
    for row in sorted(ROWS, key=lambda row: [part.startswith("{") for part in row.path.split("/")]):
        paths.setdefault(row.path, {})[row.method] = row
    return [
        Route(prefix + path, answering(_endpoint(rows)), methods=list(rows))
        for prefix in PREFIXES
        for path, rows in paths.items()
    ]


def _endpoint(rows: dict[str, Row]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        row = rows["GET" if request.method == "HEAD" else request.method]
        op = find(row.operation)
        actor = await actor_of(request)
        asked = dict(request.query_params) if row.method in _BODILESS else {}
        body = {} if row.method == "GET" else _body(row, await request.body())
        given = _named(row, asked) | _named(row, body) | request.path_params
        given |= expected_version(request, op, given)
        answer = await perform(
            database(request), actor, op.name, given,
            idempotency_key=idempotency_key(request), lenient=row.method in _BODILESS, ignore_unknown=True,
        )  # fmt: skip
        headers = {"location": _prefix(request) + row.found_at.format(id=answer.id)} if row.found_at else {}
        return json(row.answer(answer), row.status, headers)

    return endpoint


def _prefix(request: Request) -> str:
    """The one of the two prefixes that was used."""
    return next(prefix for prefix in PREFIXES if request.url.path.startswith(f"{prefix}/"))


def _body(row: Row, body: bytes) -> dict[str, Any]:
    """The fields of a body, whatever its content type says: document C's own example sends none."""
    given = decoded(body)
    if row.array is not None and isinstance(given, list):
        return {row.array: given}
    if not isinstance(given, dict):
        raise Invalid("The body is a JSON object." if row.array is None else "The body is a JSON array of ids.")
    return given


def _named(row: Row, given: dict[str, Any]) -> dict[str, Any]:
    """The fields by the operation's names; one that is given by its own name is not replaced by another."""
    renamed = {row.names[name]: value for name, value in given.items() if name in row.names}
    kept = {name: value for name, value in given.items() if name not in row.names}
    found = renamed | kept
    for name, words in row.values.items():
        if isinstance(said := found.get(name), str):
            found[name] = words.get(said.lower(), said)
    return found
