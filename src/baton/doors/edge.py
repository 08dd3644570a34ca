"""The edge of the application: what every request passes, whatever it asks for. Plain ASGI, nothing is buffered."""

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from secrets import token_hex

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from baton.doors import metrics
from baton.doors.answers import UNHANDLED
from baton.doors.heads import header
from baton.doors.log import told_request
from baton.kernel.errors import BatonError, TimedOut, TooLarge

log = structlog.get_logger()
Render = Callable[[Request, BatonError], Awaitable[Response]]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; "
)
BODY_SECONDS = 60.0
UPLOAD_SECONDS = 1800.0
LINGER_SECONDS = 2.0
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_QUIET = ("/healthz", "/ui/")
_SECRET = ("/join/", "/reset/")


class AccessLog:
    """A request id for every request, a line in the log for its end, and an answer where a handler failed."""

    def __init__(self, app: ASGIApp, render: Render) -> None:
        self.app, self.render = app, render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = header(scope, b"x-request-id")
        request_id = given if given and _REQUEST_ID.fullmatch(given) else token_hex(16)
        scope.setdefault("state", {})["request_id"] = request_id
        began, status = time.perf_counter(), 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        structlog.contextvars.bind_contextvars(
            request_id=request_id
        )  # a request has a task, and so a context, of its own
        try:
            await self.app(scope, receive, noting)
        except ClientDisconnect:
            status = status or 499
        except Exception:
            log.exception("unhandled", path=_told(scope["path"]))
            if status:
                raise
            answer = await self.render(Request(scope), BatonError(UNHANDLED))
            await answer(scope, receive, noting)
        finally:
            path, method, seconds = scope["path"], scope["method"], time.perf_counter() - began
            metrics.count(path, method, status, seconds)
            level = "debug" if path.startswith(_QUIET) else "info"
            took = round(1000 * seconds, 1)
            told_request(level, method=method, path=_told(path), status=status, ms=took, request_id=request_id)


def _told(path: str) -> str:
    """A path as the log says it: what lets somebody in is not written down."""
    return f"{path[: path.index('/', 1)]}/…" if path.startswith(_SECRET) else path


class SecurityHeaders:
    """A strict policy on every answer that does not state its own; forms under /f/ may stand in other sites' frames."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self.app = app
        kinds = [(framed, programs) for framed in (False, True) for programs in (False, True)]
        self._headers = {kind: _stated(*kind, https=https) for kind in kinds}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        ours = self._headers[path.startswith("/f/"), path.startswith(("/api/", "/crm/"))]

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                theirs = [*message.get("headers", ())]
                stated = {name.lower() for name, _ in theirs}
                message["headers"] = theirs + [pair for pair in ours if pair[0] not in stated]
            await send(message)

        await self.app(scope, receive, guarded)


def _stated(framed: bool, programs: bool, *, https: bool) -> tuple[tuple[bytes, bytes], ...]:
    headers = {
        "content-security-policy": POLICY + ("frame-ancestors *" if framed else "frame-ancestors 'none'"),
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }
    if not framed:
        headers |= {
            "x-frame-options": "DENY",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
        }
    if programs:
        headers["cache-control"] = "no-store"
    if https:
        headers["strict-transport-security"] = "max-age=31536000"
    return tuple((name.encode(), value.encode()) for name, value in headers.items())


class PublicCors:
    """Other sites' pages may post to the public endpoints, and read the answer; never with anybody's cookies."""

    def __init__(self, app: ASGIApp, public: Callable[[str], bool]) -> None:
        self.app, self.public = app, public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["type"] == "http" and self.public(scope["path"])
        if not asked or header(scope, b"origin") is None:
            await self.app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS":
            allowed = {
                "access-control-allow-origin": "*",
                "access-control-allow-methods": "POST",
                "access-control-allow-headers": "content-type, idempotency-key, trpc-accept",
                "access-control-max-age": "86400",
            }
            await Response(status_code=204, headers=allowed)(scope, receive, send)
            return

        async def open_to_all(message: Message) -> None:
            if message["type"] == "http.response.start" and scope["method"] == "POST":
                headers = MutableHeaders(scope=message)
                headers["access-control-allow-origin"] = "*"
                headers["access-control-expose-headers"] = "retry-after, ratelimit, ratelimit-policy, x-request-id"
            await send(message)

        await self.app(scope, receive, open_to_all)


class BodyLimit:
    """A body has a size and a time: beyond either, reading it raises a typed error, however it is sent.

    A sender who still sends then gets the answer at once, and is listened to a little longer, so that it can read it
    before the connection ends.
    """

    def __init__(
        self, app: ASGIApp, limit: int, *, seconds: float = BODY_SECONDS, uploads: Mapping[str, int] = {}
    ) -> None:
        self.app, self.limit, self.seconds, self.uploads = app, limit, seconds, uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        place = _upload(scope, self.uploads) if scope["method"] == "POST" else None
        limit = self.uploads[place] if place else self.limit
        body = _Body(scope, receive, limit, UPLOAD_SECONDS if place else self.seconds)

        async def closing(message: Message) -> None:
            if not body.refused or body.complete:
                await send(message)
            elif message["type"] == "http.response.start":
                MutableHeaders(scope=message)["connection"] = "close"
                await send(message)
            else:
                last = not message.get("more_body", False)
                await send({**message, "more_body": True})
                if last:
                    await body.throw_away()
                    await send({"type": "http.response.body"})

        await self.app(scope, body.receive, closing)


def _upload(scope: Scope, places: Mapping[str, int]) -> str | None:
    """The place of uploads that a path is, or lies under where the place ends with a slash."""
    path: str = scope["path"]
    return next((place for place in places if path == place or (place.endswith("/") and path.startswith(place))), None)


class _Body:
    def __init__(self, scope: Scope, receive: Receive, limit: int, seconds: float) -> None:
        told = header(scope, b"content-length") or "0"
        self._told = int(told) if told.isascii() and told.isdigit() else 0
        self._receive, self._limit, self._size = receive, limit, 0
        self._ends = time.monotonic() + seconds
        self.complete = self.refused = False

    async def receive(self) -> Message:
        """The next part of the body, or what comes after it. Raises TooLarge, TimedOut."""
        if self.complete:
            return await self._receive()
        message: Message | None = None
        if self._told <= self._limit:
            message = await self._next(self._ends)
        if message is None or self._size > self._limit:
            self.refused = True
            raise TooLarge(f"The request is larger than {self._limit:,} bytes.")
        return message

    async def throw_away(self) -> None:
        """Read on for a while, and forget it."""
        ends, most = time.monotonic() + LINGER_SECONDS, self._size + 32 * self._limit
        with contextlib.suppress(TimedOut):
            while not self.complete and self._size < most:
                await self._next(ends)

    async def _next(self, ends: float) -> Message:
        try:
            async with asyncio.timeout(max(0.0, ends - time.monotonic())):
                message = await self._receive()
        except TimeoutError:
            self.refused = True
            raise TimedOut("The request did not arrive in time. Send it again.") from None
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
            self.complete = not message.get("more_body", False)
        else:
            self.complete = True
        return message
