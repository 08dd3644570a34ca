"""Requests read without making an object of each of their parts."""

from starlette.requests import ClientDisconnect, Request
from starlette.types import Scope


def header(scope: Scope, name: bytes) -> str | None:
    """A header's value; the name in small letters."""
    for key, value in scope["headers"]:
        if key == name:
            told: str = value.decode("latin-1")
            return told
    return None


async def whole_body(request: Request) -> bytes:
    """The body of a request, which nobody has read yet. Raises ClientDisconnect."""
    parts: list[bytes] = []
    while True:
        message = await request.receive()
        if message["type"] != "http.request":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)
