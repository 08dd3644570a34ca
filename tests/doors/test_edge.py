"""What every answer carries, whether the product is well, and what becomes of failures."""

import asyncio
import subprocess
import sys
from base64 import b64encode
from typing import Any

import httpx2
import pytest
from starlette.requests import Request
from starlette.routing import Route

from baton.doors.app import create_app
from baton.doors.edge import BodyLimit
from baton.kernel.db import Database
from baton.kernel.errors import TimedOut
from baton.kernel.settings import Settings
from baton.messages.files import MAX_FILE
from tests.doors.conftest import Caller, client_of
from tests.team import Team


async def test_health(http: httpx2.AsyncClient, settings: Settings) -> None:
    answer = await http.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    async with client_of(create_app(settings)) as closed:
        assert (await closed.get("/healthz")).status_code == 503


async def test_the_application_opens_its_own_database(settings: Settings) -> None:
    app = create_app(settings)
    async with app.router.lifespan_context(app), client_of(app) as http:
        assert (await http.get("/healthz")).status_code == 200
    assert not app.state.db.opened


@pytest.mark.parametrize("path", ["/sign-in", "/healthz", "/api/nothing", "/nothing", "/api/trpc/crm.leads.list"])
async def test_security_headers(http: httpx2.AsyncClient, path: str) -> None:
    headers = (await http.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"


async def test_forms_may_stand_in_frames(http: httpx2.AsyncClient, team: Team) -> None:
    for path in (f"/f/{team.started.form_address}", "/f/nothing"):
        headers = (await http.get(path)).headers
        assert "frame-ancestors *" in headers["content-security-policy"]
        assert "x-frame-options" not in headers


async def test_answers_for_programs_are_not_kept(http: httpx2.AsyncClient) -> None:
    for path in ("/api/trpc/crm.leads.list", "/crm/leads/detail", "/api/v1/crm.leads.list"):
        assert (await http.get(path)).headers["cache-control"] == "no-store"


async def test_a_failure_is_answered_by_the_door_that_was_knocked_at(settings: Settings, db: Database) -> None:
    app = create_app(settings, db)

    async def explode(request: Request) -> Any:
        raise RuntimeError("the secret is 42")

    for path in ("/broken", "/api/broken", "/api/trpc/broken/x"):
        app.router.routes.insert(0, Route(path, explode))
    async with client_of(app) as http:
        answers = [await http.get(path) for path in ("/broken", "/api/broken", "/api/trpc/broken/x")]
    assert [answer.status_code for answer in answers] == [500, 500, 500]
    assert [answer.headers["content-type"].split(";")[0] for answer in answers] == [
        "text/html",
        "application/problem+json",
        "application/json",
    ]
    assert all("secret" not in answer.text and answer.headers["x-request-id"] for answer in answers)
    assert all("content-security-policy" in answer.headers for answer in answers)


async def test_a_body_that_comes_too_slowly() -> None:
    """A sender of one byte now and then does not hold a request for ever."""

    async def reading(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass

    async def drip() -> dict[str, Any]:
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def nowhere(message: Any) -> None:
        return None

    limited = BodyLimit(reading, 1000, seconds=0.2)
    with pytest.raises(TimedOut):
        await limited({"type": "http", "method": "POST", "path": "/", "headers": []}, drip, nowhere)


async def test_the_time_of_a_body_does_not_end_a_stream() -> None:
    """Waiting for a reader to leave, after the body, has no limit."""
    messages = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Any:
        for message in messages:
            return message
        await asyncio.sleep(0.3)
        return {"type": "http.disconnect"}

    seen = []

    async def streaming(scope: Any, receive: Any, send: Any) -> None:
        seen.append((await receive())["type"])
        seen.append((await receive())["type"])

    async def nowhere(message: Any) -> None:
        return None

    await BodyLimit(streaming, 1000, seconds=0.1)(
        {"type": "http", "method": "POST", "path": "/", "headers": []}, receive, nowhere
    )
    assert seen == ["http.request", "http.disconnect"]


async def test_a_file_for_a_message_may_be_as_large_as_mail_takes(ben: Caller) -> None:
    """Ten megabytes pass as JSON where other requests end at one; a larger file is refused with a sentence."""
    path = "/api/v1/crm.emails.attach"
    made = await ben.ok("POST", path, {"name": "plan.pdf", "content": b64encode(bytes(MAX_FILE)).decode()})
    assert made["size"] == MAX_FILE
    answer = await ben.call("POST", path, {"name": "plan.pdf", "content": b64encode(bytes(MAX_FILE + 1)).decode()})
    assert (answer.status_code, answer.json()["detail"]) == (413, "A file has at most 10 MB.")
    assert (await ben.call("POST", path, {"name": "x", "content": "A" * 15_000_000})).status_code == 413


def test_the_line_of_a_request_is_as_any_other_line() -> None:
    """What is put together for requests alone reads as what the log writes of other events."""
    said = """
import structlog
from baton.doors import log
log.begin()
structlog.contextvars.bind_contextvars(request_id="abcdef0123")
for path in ("/api/trpc/crm.leads.find", "/a b=c"):
    log.told_request("info", method="GET", path=path, status=200, ms=1.5, request_id="abcdef0123")
    structlog.get_logger().info("request", method="GET", path=path, status=200, ms=1.5)
log.told_request("debug", method="GET", path="/healthz", status=200, ms=1.5, request_id="abcdef0123")
"""
    done = subprocess.run([sys.executable, "-c", said], check=True, capture_output=True, text=True)
    lines = [line[line.index("[") :] for line in done.stderr.splitlines()]
    assert len(lines) == 4
    assert lines[0] == lines[1]
    assert lines[2] == lines[3]
