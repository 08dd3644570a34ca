"""Pages go out compressed to whoever can read it (gzip, RFC 1952); streams, downloads and the API are left as they are."""

import secrets
import struct
import zlib
from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from baton.doors.heads import header

LEVEL = 4
LEAST = 1024
PADDING = 100
_HEAD = b"\x1f\x8b\x08\x08\0\0\0\0\0\xff"  # deflated, with a file's name, of no time and no system


class Compressed:
    """Compresses whole answers of text/html; what is sent in parts passes through."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not wanted(header(scope, b"accept-encoding") or ""):
            await self.app(scope, receive, send)
            return
        held: Message | None = None

        async def packing(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and _page(message):
                held = message
                return
            if held is not None:
                message = _packed_answer(held, message)
                await send(held)
                held = None
            await send(message)

        await self.app(scope, receive, packing)


def wanted(accepted: str) -> bool:
    """Whether an Accept-Encoding header admits gzip (RFC 9110, 12.5.3)."""
    for each in accepted.lower().split(","):
        coding, _, weight = each.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def packed(content: bytes, *, level: int = LEVEL, padded: bool = True) -> bytes:
    """Content as gzip. A name of random length, which nobody reads, keeps the length of an answer from telling what it holds:
    pages hold secrets beside what an address may put into them (BREACH, CVE-2013-3587)."""
    name = b"a" * secrets.randbelow(PADDING) if padded else b""
    deflated = zlib.compress(content, level, wbits=-15)
    return b"".join((_HEAD, name, b"\0", deflated, struct.pack("<LL", zlib.crc32(content), len(content) & 0xFFFFFFFF)))


def _page(start: MutableMapping[str, Any]) -> bool:
    headers = Headers(raw=start["headers"])
    return headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers


def _packed_answer(start: Message, message: Message) -> Message:
    headers = MutableHeaders(scope=start)
    headers.add_vary_header("Accept-Encoding")
    body = message.get("body", b"")
    if message["type"] != "http.response.body" or message.get("more_body") or len(body) < LEAST:
        return message
    small = packed(body)
    headers["content-encoding"], headers["content-length"] = "gzip", str(len(small))
    return {**message, "body": small}
