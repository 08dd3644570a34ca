"""The server itself: addresses that climb, bodies that are too much, and senders that never end. ATTACKS: server."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette

from baton.doors.connection import Connection
from baton.doors.web.shell.assets import asset
from baton.kernel.settings import Settings
from tests.doors.conftest import Caller
from tests.security.pages import Reader
from tests.team import Team

CLIMBS = [
    "../../pyproject.toml",
    "..%2f..%2fpyproject.toml",
    "%2e%2e/%2e%2e/pyproject.toml",
    "..%252f..%252fetc%252fpasswd",
    "....//....//etc/passwd",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "css/../../templates/layout.html",
    "templates/layout.html",
    "css/..%5c..%5cx",
    "vendor/../../__init__.py",
    "css/%00",
    "css/base.css%00.png",
    "css/",
    ".",
    "",
    "css/../css/tokens.css",
    "vendor.lock",
    "../doors/app.py",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("climb", CLIMBS)
async def test_no_file_but_the_interfaces(address: str, climb: str) -> None:
    """Path traversal on the only route that serves files, raw and encoded, byte by byte as sent. Defence: names are looked up, no
    path is built."""
    base = asset("css/baton.css").rpartition("/css/")[0]
    for start in (base, "/ui/x", "/ui/..", "/ui/%2e%2e"):
        head = f"GET {start}/{climb} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answer = await answered(address, head.encode())
        assert int(answer.split()[1]) in (303, 307, 400, 404), climb


async def test_files_answer_only_to_reading(http: httpx2.AsyncClient) -> None:
    """Nothing is uploaded to where files are served from."""
    for method in ("PUT", "POST", "DELETE", "PATCH", "MKCOL", "TRACE", "CONNECT"):
        answer = await http.request(method, asset("css/baton.css"), content=b"<?php")
        assert answer.status_code == 405, method
    assert (await http.get("/ui/x/css/baton.css")).headers["x-content-type-options"] == "nosniff"


def deep(levels: int, kind: str) -> bytes:
    return b"[" * levels + b"]" * levels if kind == "list" else b'{"a":' * levels + b"1" + b"}" * levels


BODIES: list[bytes] = [
    deep(100_000, "list"),
    deep(100_000, "object"),
    deep(900, "list"),
    b'{"firstName": "' + b"a" * 900_000 + b'"}',
    json.dumps({f"field{n}": n for n in range(10_000)}).encode(),
    json.dumps({"fields": {f"field{n}": n for n in range(10_000)}}).encode(),
    json.dumps({"tags": ["t"] * 100_000}).encode(),
    b'{"firstName": "\xff\xfe"}',
    b'{"firstName": "\\ud800"}',
    b'{"firstName": "a\\u0000b"}',
    b'{"a\\u0000": 1}',
    b"\xef\xbb\xbf{}",
    b"\x00" * 1000,
    b"NaN",
    b'{"estimatedValue": 1' + b"0" * 5_000 + b"}",
    b'{"estimatedValue": 1e999}',
    b'{"lastName": "x", "lastName": "y"',
    b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>",
    b"(" * 100_000,
]
DOORS = [
    "/api/trpc/crm.leads.capture",
    "/api/v1/crm.leads.capture",
    "/api/v1/crm.leads.find",
    "/api/crm/leads/detail",
    "/api/auth/token",
    "/api/trpc/crm.leads.create?batch=1",
    "/api/v1/crm.forms.submit",
    "/crm/leads/pipelines",
]


@pytest.mark.parametrize("door", DOORS)
async def test_odd_bodies_are_refused_at_once(admin: Caller, door: str) -> None:
    """Deep, huge, broken, hostile JSON at every kind of door: a clear refusal, quickly, and nothing written."""
    for body in BODIES:
        began = time.perf_counter()
        headers = admin.headers | {"content-type": "application/json"}
        answer = await admin.http.post(door, content=body, headers=headers)
        assert answer.status_code in (400, 401, 404, 413, 422), (body[:30], answer.status_code, answer.text[:200])
        assert time.perf_counter() - began < 2, body[:30]
        assert len(answer.content) < 5_000
    assert (await admin.ok("POST", "/api/v1/crm.leads.find", {"count": True}))["total"] == 0


async def test_a_request_that_is_too_large(address: str, settings: Settings, admin: Caller) -> None:
    """3 MB in one field: 413, told or chunked, at every door, on a real connection."""
    whole = b'{"firstName": "' + b"a" * 3_000_000 + b'"}'

    async def chunks() -> Any:
        for start in range(0, len(whole), 65_536):
            yield whole[start : start + 65_536]

    async with httpx2.AsyncClient(base_url=address, timeout=10) as http:
        for path in (
            "/api/trpc/crm.leads.capture",
            "/api/v1/crm.leads.create",
            "/api/crm/leads/detail",
            "/sign-in",
            f"/f/{admin.team.started.form_address}",
        ):
            kind = "application/json" if path.startswith("/api") else "application/x-www-form-urlencoded"
            for content in (whole, chunks()):
                answer = await http.post(path, content=content, headers=admin.headers | {"content-type": kind})
                assert answer.status_code == 413, path
    assert settings.body_limit < 3_000_000


async def test_forms_with_too_much(page: Reader, fresh: Team) -> None:
    """10,000 fields, files, NUL, broken encodings, a boundary that never comes: refused, at the page and at the public form."""
    many = "&".join(f"f{n}=x" for n in range(10_000))
    form = "application/x-www-form-urlencoded"
    sent: list[tuple[bytes, str]] = [
        (many.encode(), form),
        (b"a=%00", form),
        (b"lastName=%ed%a0%80&email=x", form),
        (b"lastName=%ff&email=%", form),
        (b"=" * 100_000, form),
        (b"&" * 200_000, form),
        (
            b'--b\r\nContent-Disposition: form-data; name="f"; filename="x.svg"\r\n\r\n<svg/>\r\n--b--',
            "multipart/form-data; boundary=b",
        ),
        (b"--b\r\n" * 20_000, "multipart/form-data; boundary=b"),
        (b"x", "multipart/form-data"),
        (b"x" * 500_000, "multipart/form-data; boundary=" + "b" * 70),
        (b"{}", "application/json"),
        (b"x", "text/html; charset=" + "x" * 5_000),
        (b"x=1", form + "; charset=utf-7"),
    ]
    for content, kind in sent:
        for path in (f"/f/{fresh.started.form_address}", "/sign-in", "/leads/new", "/theme"):
            began = time.perf_counter()
            answer = await page.http.post(path, content=content, headers=page.cookie | {"content-type": kind})
            assert answer.status_code in (400, 401, 403, 413, 422), (path, content[:20], kind[:40], answer.status_code)
            assert time.perf_counter() - began < 2, (path, content[:20])
    assert (await fresh.do(fresh.ana, "crm.leads.find")).items == []


ODD_PATHS = [
    "/leads/%00",
    "/leads/%ff",
    "/leads/" + "x" * 8_000,
    "/board/'; DROP TABLE leads",
    "/f/%00",
    "/f/" + "é" * 200,
    "/tasks/x/complete",
    "/leads?q=%00",
    "/leads?q=" + "x" * 8_000,
    "/leads?status=%00&owner=1'--&page=99999999999999999999999",
    "/board?pipeline=%F0%9F%92%A9",
    "/live?after=" + "9" * 4_000,
    "/leads?cursor=AAAA",
    "/leads/x?edit=__class__",
    "//evil.example/%2f..",
    "/leads?after=%ed%a0%80",
]


@pytest.mark.parametrize("path", ODD_PATHS)
async def test_odd_addresses_of_pages(page: Reader, path: str) -> None:
    """No page breaks on what an address may hold."""
    if path.startswith("/live"):
        return
    answer = await page.get(path)
    assert answer.status_code < 500, answer.text[:300]


async def test_headers_that_lie(admin: Caller) -> None:
    """Odd values in every header that is read: a refusal or no effect, never a fault."""
    lead = await admin.team.capture()
    for name in (
        "orgid",
        "idempotency-key",
        "if-match",
        "x-api-key",
        "x-request-id",
        "x-forwarded-for",
        "accept",
        "content-type",
        "x-csrf-token",
        "last-event-id",
        "origin",
        "sec-fetch-site",
        "range",
        "cookie",
    ):
        for value in (
            "\xff\xfe",
            "a" * 6_000,
            "'; DROP TABLE leads; --",
            "../../x",
            "{{7*7}}",
            ",",
            '"',
            "0",
            "-1",
            "99999999999999999999",
            "\x01",
        ):
            headers = [(k.encode(), v.encode("latin-1")) for k, v in (admin.headers | {name: value}).items()]
            for method, path, body in (
                ("GET", f"/api/crm/leads/detail/{lead.id}", None),
                ("POST", "/api/v1/crm.leads.score", {"leadId": str(lead.id)}),
            ):
                answer = await admin.http.request(
                    method, path, headers=headers, content=json.dumps(body).encode() if body else None
                )
                assert answer.status_code < 500, (name, value[:20], answer.text)
                assert "\n" not in answer.headers["x-request-id"]


async def opened(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(address)
    return await asyncio.open_connection(parts.hostname, parts.port)


async def answered(address: str, raw: bytes) -> bytes:
    """All that the server says to these bytes, within a second of silence."""
    reader, writer = await opened(address)
    with suppress(OSError, TimeoutError):
        writer.write(raw)
        await asyncio.wait_for(writer.drain(), 5)
    answer = b""
    with suppress(TimeoutError, OSError):
        while len(answer) < 1_000_000 and (part := await asyncio.wait_for(reader.read(65_536), 1)):
            answer += part
    writer.close()
    return answer


class Hasty(Connection):
    """The connection of the product, in less time."""

    head_seconds = 0.4


@pytest.mark.parametrize(
    "half", [b"", b"G", b"GET / HTTP/1.1\r\nHost: x\r\nX-Half: ", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /"]
)
async def test_half_a_head_is_not_waited_for(app: Starlette, half: bytes) -> None:
    """Slowloris: who does not say what they want is let go, also after a whole request. Defence: doors/connection.py."""
    async with serving(app, Hasty) as address:
        reader, writer = await opened(address)
        began = time.monotonic()
        with suppress(OSError):
            writer.write(half)
            for _ in range(10):
                await asyncio.sleep(0.1)
                if half:
                    writer.write(b"x")  # a drop now and then prolongs nothing
            await asyncio.wait_for(reader.read(), 5)
        assert 0.3 < time.monotonic() - began < 5
        writer.close()
        slow = await answered(address, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert slow.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("head", [b"X-a: y\r\n" * 60_000, b"X: " + b"y" * 600_000])
async def test_a_head_has_an_end(app: Starlette, head: bytes) -> None:
    """60,000 headers, or one of 600 kB: refused, not kept in memory."""
    async with serving(app, Connection) as address:
        answer = await answered(address, b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n")
        assert answer.split()[1:2] in ([], [b"400"])


@contextlib.asynccontextmanager
async def serving(app: Starlette, connection: type[Connection]) -> AsyncIterator[str]:
    """The application behind a real server with these connections."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=connection, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[taken]))
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it by no event
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{taken.getsockname()[1]}"
    server.should_exit = True
    await running


async def test_senders_that_never_end_hold_nobody_up(address: str, admin: Caller) -> None:
    """200 connections that send half a header, half a body, or nothing more: everybody else is answered as before."""
    form = admin.team.started.form_address
    beginnings = [
        b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Le",
        f"POST /f/{form} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\na=".encode(),
        b"G",
        b"POST /api/trpc/crm.leads.capture HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
    ]
    held = []
    for n in range(200):
        reader, writer = await opened(address)
        writer.write(beginnings[n % 4])
        held.append((reader, writer))
    await asyncio.sleep(0.2)
    async with httpx2.AsyncClient(base_url=address, timeout=5) as http:
        began = time.perf_counter()
        for _ in range(20):
            assert (await http.get("/healthz")).status_code == 200
            assert (await http.get("/api/v1/crm.organization.get", headers=admin.headers)).status_code == 200
        assert time.perf_counter() - began < 5
    for _, writer in held:
        writer.close()
    for _, writer in held:
        with suppress(OSError):
            await writer.wait_closed()


SMUGGLED = [
    b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n",
    b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 40\r\n\r\nx",
    b"GET /board HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(200_000)) + b"\r\n",
]


@pytest.mark.parametrize("raw", SMUGGLED, ids=range(len(SMUGGLED)))
async def test_requests_that_are_two_or_none(address: str, raw: bytes) -> None:
    """Smuggling, broken lines, endless headers: refused and closed; never a second answer."""
    answer = await answered(address, raw)
    assert answer.count(b"HTTP/1.1 ") <= 1, answer
    assert b"HTTP/1.1 5" not in answer
