"""A raw HTTP/1.1 client, one request after the other on a kept connection: it costs next to nothing beside what it measures."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

IDLE = 3.0
"""Seconds after which a connection is not used again: the server may have hung up on it."""


class Failed(Exception):
    """An answer that is no success."""


class Client:
    """A connection to the server."""

    def __init__(self, port: int, headers: dict[str, str]) -> None:
        self._port = port
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._used = 0.0

    async def send(self, method: str, path: str, body: bytes = b"", more: str = "") -> bytes:
        """The body of the answer. Raises Failed for a status of 400 and above."""
        if self._streams and time.monotonic() - self._used > IDLE:
            await self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 20)
        reader, writer = self._streams
        head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{self._port}\r\n{self._headers}{more}"
        if body:
            head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        writer.write(head.encode() + b"\r\n" + body)
        told = await reader.readuntil(b"\r\n\r\n")
        length = _length(told)
        answer = await reader.readexactly(length) if length is not None else await _chunks(reader)
        self._used = time.monotonic()
        if int(told[9:12]) >= 400:
            raise Failed(f"{method} {path}: {told[:300]!r} {answer[:500]!r}")
        return answer

    async def query(self, name: str, **input: Any) -> Any:
        """Ask an operation by tRPC, as document B's clients do; answers its data."""
        answer = msgspec.json.decode(await self.send("GET", path(name, input)))
        return answer["result"]["data"]

    async def close(self) -> None:
        """Hang up."""
        if self._streams:
            self._streams[1].close()
            self._streams = None


def path(name: str, input: dict[str, Any]) -> str:
    """The address of a tRPC query."""
    return f"/api/trpc/{name}?input={quote(msgspec.json.encode(input).decode(), safe='')}"


def _length(head: bytes) -> int | None:
    lower = head.lower()
    at = lower.find(b"content-length:")
    return int(lower[at + 15 : lower.index(b"\r\n", at)]) if at >= 0 else None


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        parts.append((await reader.readexactly(size + 2))[:-2])
    await reader.readuntil(b"\r\n")
    return b"".join(parts)


async def times(port: int, headers: dict[str, str], paths: Sequence[str], count: int) -> list[float]:
    """Seconds of `count` GET requests, one after the other, over these addresses in turn; a few before them are not counted."""
    client = Client(port, headers)
    for address in paths[:8]:
        await client.send("GET", address)
    taken = []
    for number in range(count):
        began = time.perf_counter()
        await client.send("GET", paths[number % len(paths)])
        taken.append(time.perf_counter() - began)
    await client.close()
    return taken


def quantile(taken: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed."""
    ordered = sorted(taken)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return quantile(values, 0.5)


def rounds(number: int, *sides: Callable[[], Any]) -> list[list[Any]]:
    """Do each side once a round, alternating; answers the results of each side."""
    results: list[list[Any]] = [[] for _ in sides]
    for _ in range(number):
        for side, found in zip(sides, results, strict=True):
            found.append(side())
    return results
