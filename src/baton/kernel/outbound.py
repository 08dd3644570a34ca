"""The one client for web addresses that others name (webhooks, enrichment): no private network, no surprise, no end.

A host is resolved once, every address it has is checked, and the connection goes to a checked address: what a name server
says a moment later (rebinding) changes nothing. Redirects are new calls under the same checks.
"""

import asyncio
import time
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore2
import httpx2

from baton.kernel.addresses import Network, Refused, Resolver, check_address, check_host, check_url, resolve

REDIRECTS = frozenset({301, 302, 303, 307, 308})
AGENT = "Baton/1 (+https://github.com/baton-crm/baton)"
_PERSONAL = frozenset({"authorization", "cookie", "x-api-key", "proxy-authorization"})


class Unreachable(Exception):
    """The place did not answer as a web server: `message` says how, without what it sent."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the last address asked, its status, headers, at most `limit` bytes, and the milliseconds it took."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: bool
    milliseconds: int

    @property
    def ok(self) -> bool:
        """Whether it is a success (2xx)."""
        return 200 <= self.status < 300


@dataclass(slots=True)
class Outbound:
    """Calls to the outside. `allowed` are private networks that this installation may call; `resolver` asks the name server."""

    allowed: tuple[Network, ...] = ()
    resolver: Resolver = resolve
    client: httpx2.AsyncClient | None = field(default=None, init=False)

    def check(self, url: str, *, plain_http: bool = False) -> str:
        """The address itself, if it may be called as far as can be told without a name server. Raises Refused."""
        return check_url(url, self.allowed, plain_http=plain_http)

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str] = {}, content: bytes | None = None, seconds: float = 15,
        limit: int = 65_536, redirects: int = 0, plain_http: bool = False,
    ) -> Answer:  # fmt: skip
        """Call an address within `seconds` in all, and read at most `limit` bytes of what it answers.

        Follows at most `redirects`; credentials do not leave the host that they were meant for. Raises Refused for a place
        that is not called, Unreachable where there is no answer.
        """
        began = time.monotonic()
        try:
            async with asyncio.timeout(seconds):
                for left in range(redirects, -1, -1):
                    answer = await self._once(
                        method, self.check(url, plain_http=plain_http), headers, content, limit, began
                    )
                    location = answer.headers.get("location")
                    if answer.status not in REDIRECTS or not location or left == 0:
                        return answer
                    following = urljoin(url, location)
                    if urlsplit(following)[:2] != urlsplit(url)[:2]:
                        headers = {name: value for name, value in headers.items() if name.lower() not in _PERSONAL}
                    if answer.status == 303 or (answer.status in (301, 302) and method == "POST"):
                        method, content = "GET", None
                    url = following
        except TimeoutError:
            raise Unreachable(f"No answer within {seconds:g} seconds.") from None
        except httpx2.TimeoutException:
            raise Unreachable("It took too long.") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, UnicodeError) as error:
            raise Unreachable(_told(error)) from error
        raise AssertionError("unreachable")

    def connected(self) -> httpx2.AsyncClient:
        """The client itself, for a library that speaks a protocol of its own: it connects to checked addresses only."""
        return self._client()

    async def _once(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None, limit: int, began: float
    ) -> Answer:
        said = {"user-agent": AGENT, "accept-encoding": "identity"} | dict(headers)
        request = self._client().build_request(method, url, headers=said, content=content)
        response = await self._client().send(request, stream=True, follow_redirects=False)
        unpack = _unpacking(response.headers.get("content-encoding", ""))
        body = bytearray()
        try:
            async for piece in response.aiter_raw(16_384):
                body += unpack.decompress(piece, limit + 1 - len(body)) if unpack else piece
                if len(body) > limit:
                    break
        except zlib.error:
            raise Unreachable("It answered with a body that cannot be unpacked.") from None
        finally:
            await response.aclose()
        took = round((time.monotonic() - began) * 1000)
        return Answer(url, response.status_code, response.headers, bytes(body[:limit]), len(body) > limit, took)

    def _client(self) -> httpx2.AsyncClient:
        if self.client is None:
            transport = httpx2.AsyncHTTPTransport(trust_env=False)
            transport._pool = httpcore2.AsyncConnectionPool(
                ssl_context=httpx2.create_ssl_context(trust_env=False), max_connections=1024, max_keepalive_connections=0,
                network_backend=_Checked(self.allowed, self.resolver),
            )  # fmt: skip
            self.client = httpx2.AsyncClient(transport=transport, trust_env=False, timeout=httpx2.Timeout(10))
        return self.client

    async def close(self) -> None:
        """Close what is open."""
        if self.client is not None:
            await self.client.aclose()
            self.client = None


class _Checked(httpcore2.AsyncNetworkBackend):
    """Connects to checked addresses only. TLS and the Host header still speak of the name."""

    def __init__(self, allowed: tuple[Network, ...], resolver: Resolver) -> None:
        self.allowed, self.resolver, self.under = allowed, resolver, httpcore2.AnyIOBackend()

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:  # fmt: skip
        """A connection to the first address of a host, once all of them are found to be allowed. Raises Refused."""
        check_host(host, self.allowed)
        found = await self.resolver(host, port)
        checked = [str(check_address(address, self.allowed)) for address in found]
        failed: Exception = httpcore2.ConnectError("this host has no address")
        for address in checked:
            try:
                return await self.under.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore2.ConnectError as error:
                failed = error
        raise failed

    async def connect_unix_socket(self, *args: Any, **options: Any) -> httpcore2.AsyncNetworkStream:
        """Never: a path is no place of the internet."""
        raise Refused("A socket of this machine is not called.", field="url")

    async def sleep(self, seconds: float) -> None:
        """Wait between attempts."""
        await asyncio.sleep(seconds)


def _unpacking(encoding: str) -> Any:
    """How to unpack what a server packed unasked, piece by piece and never beyond a limit: a bomb stays small."""
    return zlib.decompressobj(47) if encoding.strip().lower() in ("gzip", "x-gzip", "deflate") else None


def _told(error: Exception) -> str:
    """What went wrong in the words of the network, in one line."""
    words = " ".join(str(error).split()) or type(error).__name__
    return f"It could not be reached: {words[:200]}"
