"""The public capture endpoint, as document B prints it and as attackers use it. Spec B4."""

import asyncio
import dataclasses
import json
import shutil
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from baton.doors.app import create_app
from baton.kernel.db import Database
from baton.kernel.settings import Settings
from tests.doors.conftest import client_of
from tests.team import Team

CAPTURE = "/api/trpc/crm.leads.capture"


def body(team: Team, **fields: Any) -> dict[str, Any]:
    """Document B's body."""
    printed = {"firstName": "Jane", "lastName": "Smith", "email": "jane@example.com", "source": "website"}
    return {"orgId": str(team.org_id)} | printed | fields


async def count(team: Team) -> int:
    async with team.db.transaction(team.org_id) as conn:
        found: int = await conn.fetchval("SELECT count(*) FROM leads WHERE org_id = $1", team.org_id)
        return found


async def test_the_printed_request(address: str, fresh: Team) -> None:
    """Spec B4: the request of document B, by curl, through a real server."""
    curl = shutil.which("curl")
    assert curl, "curl is needed"
    printed = f"""{{
  "orgId": "{fresh.org_id}",
  "firstName": "Jane",
  "lastName": "Smith",
  "email": "jane@example.com",
  "source": "website"
}}"""
    process = await asyncio.create_subprocess_exec(
        curl, "-sS", "-w", "\n%{http_code}", "-X", "POST", address + CAPTURE, "-H", "Content-Type: application/json", "-d", printed,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    answer, _, status = out.decode().rpartition("\n")
    assert status == "200"
    made = json.loads(answer)["result"]["data"]
    assert made["success"] is True
    lead = await fresh.do(fresh.ana, "crm.leads.get", leadId=made["id"])
    assert (lead.name, lead.email, lead.source, lead.via) == ("Jane Smith", "jane@example.com", "website", "form")
    pipelines = await fresh.do(fresh.ana, "crm.pipelines.list")
    intake = next(pipeline for pipeline in pipelines if pipeline.is_intake)
    assert (lead.pipeline_id, lead.stage_id) == (intake.id, intake.stages[0].id)
    assert lead.score is not None
    assert [activity.kind for activity in await fresh.log(lead.id)][:2] == ["lead_imported", "lead_scored"]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"orgId": str(uuid4())}, 404, "NOT_FOUND"),
        ({"orgId": "<your-org-id>"}, 404, "NOT_FOUND"),
        ({"orgId": "a\0b"}, 404, "NOT_FOUND"),
        ({"orgId": 5}, 400, "BAD_REQUEST"),
        ({"orgId": None}, 400, "BAD_REQUEST"),
        ({"email": "jane@"}, 400, "BAD_REQUEST"),
        ({"email": "jane@example.com\nBcc: x@y.z"}, 400, "BAD_REQUEST"),
        ({"email": ""}, 400, "BAD_REQUEST"),
        ({"firstName": "  "}, 400, "BAD_REQUEST"),
        ({"lastName": None}, 400, "BAD_REQUEST"),
        ({"firstName": "x" * 501}, 400, "BAD_REQUEST"),
        ({"firstName": "Ja\0ne"}, 400, "BAD_REQUEST"),
        ({"fields": {"a": {"b": "\0"}}}, 400, "BAD_REQUEST"),
        ({"source": "carrier_pigeon"}, 400, "BAD_REQUEST"),
        ({"estimatedValue": -1}, 400, "BAD_REQUEST"),
        ({"estimatedValue": 10**30}, 400, "BAD_REQUEST"),
        ({"companySize": 1e300}, 400, "BAD_REQUEST"),
        ({"fields": {str(n): n for n in range(10_000)}}, 400, "BAD_REQUEST"),
    ],
)
async def test_refuses_and_writes_nothing(
    http: httpx2.AsyncClient, team: Team, change: dict[str, Any], status: int, code: str
) -> None:
    """Spec B4: validation comes before anything is written."""
    before = await count(team)
    text = json.dumps(body(team, **change))
    response = await http.post(CAPTURE, content=text, headers={"content-type": "application/json"})
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert error["data"] == {"code": code, "httpStatus": status, "path": "crm.leads.capture"}
    assert isinstance(error["code"], int)
    assert await count(team) == before


@pytest.mark.parametrize(
    "text",
    [
        b"{", b'{"orgId": }', b"\xff\xfe", b'{"a": "\xed\xa0\x80"}', b'"text"', b"[]", b"5", b'{"orgId": "x", "orgId"}',
        b"[" * 100_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000, b'{"firstName": "\\ud800"}',
    ],
)  # fmt: skip
async def test_refuses_what_is_no_json_object(http: httpx2.AsyncClient, text: bytes) -> None:
    response = await http.post(CAPTURE, content=text, headers={"content-type": "application/json"})
    assert response.status_code == 400, response.text
    assert response.json()["error"]["data"]["code"] == "BAD_REQUEST"


async def test_refuses_a_lone_surrogate(http: httpx2.AsyncClient, team: Team) -> None:
    text = json.dumps(body(team)).replace("Jane", "Ja\\ud800ne")
    response = await http.post(CAPTURE, content=text, headers={"content-type": "application/json"})
    assert response.status_code == 400, response.text


async def test_a_suspended_organization_is_as_unknown(http: httpx2.AsyncClient, fresh: Team) -> None:
    """Spec B4: nothing tells which organizations exist."""
    unknown = await http.post(CAPTURE, json=body(fresh, orgId=str(uuid4())))
    async with fresh.db.transaction(fresh.org_id) as conn:
        await conn.execute("UPDATE organizations SET status = 'suspended' WHERE org_id = $1", fresh.org_id)
    suspended = await http.post(CAPTURE, json=body(fresh))
    assert (suspended.status_code, suspended.json()) == (404, unknown.json())


async def test_takes_nothing_that_a_visitor_may_not_set(http: httpx2.AsyncClient, team: Team) -> None:
    """ATTACKS, mass assignment: owner, score, stage, pipeline and status in a public body are ignored."""
    sent = body(
        team, ownerId=str(team.ben.id), owner_id=str(team.ben.id), score=100, status="won", stageId="x", id=str(uuid4())
    )
    response = await http.post(CAPTURE, json=sent | {"role": "admin", "qualifiedAt": "2026-01-01T00:00:00Z"})
    assert response.status_code == 200
    lead = await team.do(team.ana, "crm.leads.get", leadId=response.json()["result"]["data"]["id"])
    assert (lead.owner_id, lead.status, lead.qualified_at) == (None, "new", None)
    assert str(lead.id) != sent["id"]


async def test_a_body_of_3_mb(address: str, team: Team) -> None:
    """Through a real server: refused whether it says its length or not, and the answer arrives."""
    text = json.dumps(body(team, message="x" * 3_000_000)).encode()

    async def chunks() -> Any:
        for start in range(0, len(text), 50_000):
            yield text[start : start + 50_000]

    async with httpx2.AsyncClient(base_url=address) as http:
        for content in (text, chunks()):
            response = await http.post(CAPTURE, content=content, headers={"content-type": "application/json"})
            assert response.status_code == 413
            assert response.json()["error"]["data"]["code"] == "PAYLOAD_TOO_LARGE"
            assert response.json()["error"]["code"] == -32013


async def test_a_body_that_never_ends(address: str) -> None:
    """The answer comes while the sender still sends, and the connection ends."""
    host, _, port = address.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST {CAPTURE} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    writer.write(head.encode())
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"

    async def send() -> None:
        while True:
            writer.write(chunk)
            await writer.drain()

    sending = asyncio.create_task(send())
    async with asyncio.timeout(15):
        status = await reader.readline()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    writer.close()
    assert status.split()[1] == b"413"


async def test_says_when_it_is_too_much(settings: Settings, db: Database, fresh: Team) -> None:
    """A limit of three a minute: the fourth is told when to come again, and writes nothing."""
    app = create_app(dataclasses.replace(settings, capture_per_organization=3), db)
    async with client_of(app) as http:
        answers = [await http.post(CAPTURE, json=body(fresh)) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[3].json()["error"]["data"]["code"] == "TOO_MANY_REQUESTS"
    assert 1 <= int(answers[3].headers["retry-after"]) <= 120
    assert '"organization";q=3;w=60' in answers[0].headers["ratelimit-policy"]
    assert '"organization";r=2;' in answers[0].headers["ratelimit"]
    assert await count(fresh) == 3


async def test_pages_of_other_sites_may_post(http: httpx2.AsyncClient, team: Team) -> None:
    """CORS: any origin, only POST, never credentials; nothing else is open."""
    origin = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    asked = await http.options(CAPTURE, headers=origin)
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-origin"] == "*"
    assert "content-type" in asked.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in asked.headers
    posted = await http.post(CAPTURE, json=body(team), headers=origin)
    assert posted.headers["access-control-allow-origin"] == "*"
    for other in ("/api/trpc/crm.leads.list", "/api/crm/leads/detail", "/api/auth/token"):
        answer = await http.options(other, headers=origin)
        assert "access-control-allow-origin" not in answer.headers


async def test_a_repetition_with_its_key_makes_one_lead(http: httpx2.AsyncClient, fresh: Team) -> None:
    key = {"idempotency-key": "visit-1"}
    first = await http.post(CAPTURE, json=body(fresh), headers=key)
    again = await http.post(CAPTURE, json=body(fresh), headers=key)
    other = await http.post(CAPTURE, json=body(fresh, firstName="Joan"), headers=key)
    assert first.json() == again.json()
    assert other.status_code == 422
    assert await count(fresh) == 1
