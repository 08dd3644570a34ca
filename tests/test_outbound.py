"""The client for addresses that others name: every way into a private network is refused, and nothing it answers is endless.

Attacks "Server": SSRF through webhook, enrichment: decimal, octal, hex, IPv6-mapped, redirect, rebinding.
"""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from baton.kernel.addresses import Refused, check_url, networks
from baton.kernel.outbound import Outbound, Unreachable

LOOPBACK = networks("127.0.0.1/32")
Handle = Callable[[str, dict[str, str]], Awaitable[bytes]]


class Server:
    """A web server of the test's own on loopback, that answers raw bytes and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.answers: dict[str, bytes] = {}
        self.port = 0

    def say(self, path: str, status: str = "200 OK", body: bytes = b"", **headers: str) -> None:
        lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", "connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.answers[path] = "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        path = head[0].split(" ")[1]
        self.asked.append((path, dict(line.lower().split(": ", 1) for line in head[1:] if line)))
        if path == "/never":
            await asyncio.sleep(30)
        writer.write(self.answers.get(path, b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"))
        writer.close()


@pytest_asyncio.fixture
async def place() -> AsyncIterator[Server]:
    server = Server()
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    yield server
    listening.close()


def resolving(*answers: list[str]) -> Callable[[str, int], Awaitable[list[str]]]:
    """A name server that answers one list after the other."""
    left = list(answers)

    async def resolver(host: str, port: int) -> list[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolver


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://localhost:8443/", "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/",
        "https://0177.0.0.1/", "https://017700000001/", "https://127.1/", "https://127.0.0.1./", "https://①②⑦.⓪.⓪.①/",
        "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[::127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/", "https://[64:ff9b:1::7f00:1]/", "https://[2002:7f00:1::]/", "https://[2001:0:1::]/",
        "https://[fe80::1]/", "https://[fd00::1]/", "https://[ff02::1]/", "https://[2001:db8::1]/", "https://[2a00::5efe:7f00:1]/",
        "https://10.0.0.1/", "https://172.16.9.9/", "https://192.168.1.1/", "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/", "https://224.0.0.1/", "https://0.0.0.0/", "https://255.255.255.255/", "https://198.18.0.1/",
        "https://[fec0::1]/", "https://[::ffff:169.254.169.254]/",
    ],
)  # fmt: skip
async def test_private_addresses_are_refused_in_every_spelling(url: str) -> None:
    """Each form is refused, whether by its looks or by what this machine's resolver makes of it."""
    with pytest.raises(Refused):
        await Outbound().send("POST", url, content=b"{}", seconds=5)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "ftp://example.com/", "file:///etc/passwd", "https://user:pw@example.com/", "https://example.com:25/",
        "https://example.com:5432/", "https:///nowhere", "https://exa mple.com/", "https://example.com\\@127.0.0.1/",
        "https://example.com/\r\nHost: x", "gopher://example.com/", "https://" + "a" * 2100, "https://[::1", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_what_is_no_plain_web_address_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        check_url(url, ())


@pytest.mark.parametrize(
    "url", ["https://example.com/hook?a=b", "https://8.8.8.8/", "https://[2606:4700::1111]:8443/x"]
)
def test_addresses_of_the_open_internet_are_fine(url: str) -> None:
    assert check_url(url, ()) == url


async def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    """A name that has both is not tried at the public one."""
    with pytest.raises(Refused):
        await Outbound(resolver=resolving(["93.184.215.14", "10.0.0.7"])).send("GET", "https://mixed.example/")


async def test_rebinding_changes_nothing(place: Server) -> None:
    """The name is resolved once a connection, and the connection goes to the address that was checked."""
    place.say("/hook", body=b"hello")
    asked: list[str] = []

    async def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    client = Outbound(LOOPBACK, resolver)
    url = f"http://rebinds.example:{place.port}/hook"
    answer = await client.send("GET", url)
    assert (answer.status, answer.body, asked) == (200, b"hello", ["rebinds.example"])
    assert place.asked[0][1]["host"] == f"rebinds.example:{place.port}"
    with pytest.raises(Refused):
        await client.send("GET", url)
    assert len(place.asked) == 1


async def test_redirects_are_checked_like_first_calls(place: Server) -> None:
    """A public place cannot lead into a private one; without leave to follow, a redirect is an answer."""
    place.say("/away", "302 Found", location="http://169.254.169.254/latest/meta-data")
    place.say("/scheme", "302 Found", location="file:///etc/passwd")
    place.say("/round", "302 Found", location="/round")
    place.say("/near", "307 Temporary Redirect", location="/there")
    place.say("/there", body=b"found")
    base, client = f"http://127.0.0.1:{place.port}", Outbound(LOOPBACK)
    for path in ("/away", "/scheme"):
        with pytest.raises(Refused):
            await client.send("GET", base + path, redirects=3)
    assert (await client.send("GET", base + "/away")).status == 302
    assert (await client.send("GET", base + "/round", redirects=3)).status == 302
    assert len([path for path, _ in place.asked if path == "/round"]) == 4
    there = await client.send("GET", base + "/near", redirects=1)
    assert (there.body, there.url) == (b"found", base + "/there")


async def test_credentials_stay_with_their_host(place: Server) -> None:
    """A redirect to another host gets no key."""
    place.say("/a", "302 Found", location=f"http://other.example:{place.port}/b")
    place.say("/b", body=b"ok")
    client = Outbound(LOOPBACK, resolving(["127.0.0.1"]))
    key = {"Authorization": "Bearer secret", "x-api-key": "secret"}
    await client.send("GET", f"http://first.example:{place.port}/a", headers=key, redirects=2)
    assert place.asked[0][1]["authorization"] == "bearer secret"
    assert not {"authorization", "x-api-key"} & place.asked[1][1].keys()


async def test_nothing_is_endless(place: Server) -> None:
    """Size and time are limited, also for what is packed."""
    place.say("/large", body=b"x" * 300_000)
    place.say("/bomb", body=gzip.compress(b"0" * 50_000_000), content_encoding="gzip")
    base, client = f"http://127.0.0.1:{place.port}", Outbound(LOOPBACK)
    for path in ("/large", "/bomb"):
        answer = await client.send("GET", base + path, limit=1000)
        assert (len(answer.body), answer.cut) == (1000, True)
    with pytest.raises(Unreachable, match=r"0\.2 seconds"):
        await client.send("GET", base + "/never", seconds=0.2)
    with pytest.raises(Unreachable):
        await client.send("GET", "http://127.0.0.1:1/")


async def test_the_environment_names_no_proxy(place: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP_PROXY and its like would let the checks look at the wrong address."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    place.say("/", body=b"direct")
    assert (await Outbound(LOOPBACK).send("GET", f"http://127.0.0.1:{place.port}/")).body == b"direct"
