"""Answers of the doors for programs: JSON, and RFC 9457 problem details; never the text of an unhandled exception."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

import asyncpg
import msgspec
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from baton.doors.limits import OverLimit
from baton.kernel.errors import (
    BatonError,
    Invalid,
    MethodNotSupported,
    NeedsApproval,
    Unauthenticated,
    Unavailable,
)

log = structlog.get_logger()
T = TypeVar("T")
Endpoint = Callable[[Request], Awaitable[Response]]
RETRY_SECONDS = 5
UNHANDLED = "Something went wrong on our side. It is written down; try again later."


def json(value: Any, status: int = 200, headers: Mapping[str, str] = {}) -> Response:
    """A JSON answer; a record with a version also says it as its ETag (RFC 9110)."""
    version = value.get("version") if isinstance(value, dict) else getattr(value, "version", None)
    tag = {"etag": f'"{version}"'} if isinstance(version, int) else {}
    return Response(msgspec.json.encode(value), status, {**tag, **headers}, media_type="application/json")


def problem(request: Request, error: BatonError) -> Response:
    """Problem details (RFC 9457): `type` is stable and meant for programs, `detail` for people."""
    body: dict[str, Any] = {
        "type": f"urn:baton:error:{error.code.lower().replace('_', '-')}",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.message,
        "code": error.code,
        "requestId": request.scope.get("state", {}).get("request_id", ""),
    }
    if error.field:
        body["field"] = error.field
    if isinstance(error, NeedsApproval):
        return json(waits(error), error.status)
    return Response(msgspec.json.encode(body), error.status, told(error), media_type="application/problem+json")


def waits(error: NeedsApproval) -> dict[str, Any]:
    """What an agent is told whose act waits for a person: 202, and where to look (crm.approvals.get)."""
    return {"status": "waiting", "approvalId": str(error.approval_id), "code": error.code, "message": error.message}


def told(error: BatonError) -> dict[str, str]:
    """The headers that belong to an error."""
    headers = dict(error.headers) if isinstance(error, OverLimit) else {}
    retry_after = RETRY_SECONDS if error.retry_after is None and isinstance(error, Unavailable) else error.retry_after
    if retry_after is not None:
        headers["retry-after"] = str(retry_after)
    if isinstance(error, MethodNotSupported) and error.allowed:
        headers["allow"] = ", ".join(error.allowed)
    if isinstance(error, Unauthenticated):
        headers["www-authenticate"] = "Bearer"
    return headers


async def typed(work: Awaitable[T]) -> T:
    """The answer of some work. Whatever goes wrong is raised as a typed error; what is no answer of ours is logged."""
    try:
        return await work
    except (BatonError, ClientDisconnect):
        raise
    except (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError) as error:
        log.warning("the database cannot be reached", error=repr(error))
        raise Unavailable("The database cannot be reached just now. Nothing was changed; try again.") from error
    except RecursionError as error:
        raise Invalid("The body is nested too deeply.") from error
    except Exception as error:
        log.exception("unhandled")
        raise BatonError(UNHANDLED) from error


def answering(handler: Endpoint) -> Endpoint:
    """A handler whose errors are answered as problem details."""

    async def endpoint(request: Request) -> Response:
        try:
            return await typed(handler(request))
        except BatonError as error:
            return problem(request, error)

    return endpoint
