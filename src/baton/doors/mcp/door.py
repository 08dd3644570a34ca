"""`/mcp`: the protocol over HTTP, without sessions of its own, so that any process answers any request."""

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from baton.doors.answers import problem
from baton.doors.auth import actor_of
from baton.doors.web.shell.visit import database
from baton.kernel.actor import Actor
from baton.kernel.db import Database
from baton.kernel.errors import BatonError, Unauthenticated

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager


class McpDoor:
    """The door as an ASGI application. The protocol's library is loaded when the first agent knocks, and ends with `close`."""

    def __init__(self) -> None:
        self._manager: StreamableHTTPSessionManager | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._end = asyncio.Event()
        self._opening = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of an agent or a person with a token; a cookie alone opens nothing here."""
        request = Request(scope, receive)
        try:
            if "authorization" not in request.headers and "x-api-key" not in request.headers:
                raise Unauthenticated("Send your token: “Authorization: Bearer bat_agent_…”.")
            scope.setdefault("state", {})["actor"] = await actor_of(request)
        except BatonError as error:
            await problem(request, error)(scope, receive, send)
            return
        manager = await self._opened()
        await manager.handle_request(scope, receive, send)

    async def _opened(self) -> "StreamableHTTPSessionManager":
        async with self._opening:
            if self._manager is None:
                manager = await asyncio.to_thread(_made)
                ready = asyncio.Event()
                self._keeper = asyncio.create_task(self._keep(manager, ready), name="mcp")
                await ready.wait()
                self._manager = manager
            return self._manager

    async def _keep(self, manager: "StreamableHTTPSessionManager", ready: asyncio.Event) -> None:
        async with manager.run():
            ready.set()
            await self._end.wait()

    async def close(self) -> None:
        """End what was opened."""
        self._end.set()
        if self._keeper is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper


def _made() -> "StreamableHTTPSessionManager":
    """The protocol's server. Loading it takes half a second and ten megabytes: at the first call, and beside other requests."""
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    from baton.doors.mcp.server import server_for

    return StreamableHTTPSessionManager(server_for(_asking), stateless=True, json_response=True)


async def _asking(ctx: Any) -> tuple[Database, Actor]:
    request: Request = ctx.request
    actor: Actor = request.state.actor
    return database(request), actor
