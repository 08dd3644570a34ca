"""`baton mcp`: a desktop client's lines on stdin and stdout, carried to a server's /mcp and back, with an agent's token."""

from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
import mcp_types as types
from mcp.client.streamable_http import streamable_http_client
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage

from baton.kernel.data_dir import Misconfigured

_TIMEOUT = httpx2.Timeout(60, connect=10)


def run(url: str, token: str) -> None:
    """Carry messages until the client hangs up. Raises Misconfigured for an address that is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise Misconfigured("The server's address looks like https://crm.example.com.")
    address = url.rstrip("/") if parts.path.rstrip("/").endswith("/mcp") else f"{url.rstrip('/')}/mcp"
    anyio.run(_carry, address, token)


async def _carry(address: str, token: str) -> None:
    async with (
        httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=_TIMEOUT) as http,
        stdio_server() as (near_in, near_out),
        streamable_http_client(address, http_client=http) as (far_in, far_out, *_),
        anyio.create_task_group() as both,
    ):

        async def there() -> None:
            async for message in near_in:
                if isinstance(message, SessionMessage):
                    await far_out.send(message)
            both.cancel_scope.cancel()

        async def back() -> None:
            async for message in far_in:
                await near_out.send(message if isinstance(message, SessionMessage) else _failed(message))

        both.start_soon(there)
        both.start_soon(back)


def _failed(error: Exception) -> SessionMessage:
    """What went wrong on the way, as the protocol tells it to the client."""
    told: Any = types.JSONRPCNotification(
        jsonrpc="2.0", method="notifications/message", params={"level": "error", "data": str(error)[:500]}
    )
    return SessionMessage(told)
