"""The native REST door: strict input, problem details, If-Match, Idempotency-Key."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from baton.kernel.operation import registry
from tests.doors.conftest import Caller
from tests.team import Team

V1 = "/api/v1"


async def test_every_offered_operation_has_an_address(ben: Caller) -> None:
    """None is unknown at the door; those that are internal are."""
    for name, op in registry.items():
        answer = await ben.call("POST", f"{V1}/{name}", {"no such field": 1})
        wrong = (404,) if op.internal else (400, 403)
        assert answer.status_code in wrong, (name, answer.text)


async def test_unknown_fields_are_refused(ben: Caller, team: Team) -> None:
    lead = await team.capture()
    refused = await ben.call("POST", f"{V1}/crm.leads.update", {"leadId": str(lead.id), "score": 100})
    assert refused.status_code == 400
    assert "score" in refused.json()["detail"]
    assert (await team.do(team.ana, "crm.leads.get", leadId=str(lead.id))).version == lead.version


async def test_problem_details(ben: Caller) -> None:
    """RFC 9457."""
    answer = await ben.call(
        "POST", f"{V1}/crm.leads.followUp", {"leadId": "x", "dueIn": 5}, headers={"x-request-id": "my-request-1"}
    )
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:baton:error:bad-request",
        "title": "Bad Request",
        "status": 400,
        "detail": "“dueIn” is text or null, not a whole number.",
        "code": "BAD_REQUEST",
        "requestId": "my-request-1",
        "field": "dueIn",
    }
    assert answer.headers["x-request-id"] == "my-request-1"
    odd = await ben.call("GET", f"{V1}/crm.leads.get", headers={"x-request-id": "<script>"})
    assert odd.headers["x-request-id"] != "<script>"


async def test_queries_by_address(ben: Caller, team: Team) -> None:
    """A parameter a field, numbers and booleans from text, JSON for what is no text; or `input` whole."""
    lead = await team.capture(lastName="Zweig")
    where = quote(json.dumps({"field": "lastName", "op": "=", "value": "Zweig"}))
    for asked in (
        f"where={where}&limit=5&descending=false&count=true",
        "input="
        + quote(json.dumps({"where": {"field": "lastName", "op": "=", "value": "Zweig"}, "limit": 5, "count": True})),
    ):
        page = await ben.ok("GET", f"{V1}/crm.leads.find?{asked}")
        assert ([one["id"] for one in page["items"]], page["total"]) == ([str(lead.id)], 1)
    for asked in ("limit=many", "nothing=1", "where=[", "input=[]", "limit=1&limit=2", "search=a%00b"):
        assert (await ben.call("GET", f"{V1}/crm.leads.find?{asked}")).status_code == 400, asked
    assert (await ben.call("GET", f"{V1}/crm.leads.qualify?leadId={lead.id}")).status_code == 405
    assert (await ben.call("HEAD", f"{V1}/crm.leads.get?leadId={lead.id}")).status_code == 200


async def test_if_match_and_etag(ben: Caller, team: Team) -> None:
    lead = await team.capture()
    read = await ben.call("GET", f"{V1}/crm.leads.get?leadId={lead.id}")
    tag = read.headers["etag"]
    body = {"leadId": str(lead.id), "title": "CFO"}
    assert (await ben.call("POST", f"{V1}/crm.leads.update", body, headers={"if-match": tag})).status_code == 200
    assert (await ben.call("POST", f"{V1}/crm.leads.update", body, headers={"if-match": tag})).status_code == 409
    assert (
        await ben.call("POST", f"{V1}/crm.leads.update", body | {"version": 1}, headers={"if-match": '"2"'})
    ).status_code == 400


async def test_idempotency_keys(ben: Caller, team: Team) -> None:
    key = {"idempotency-key": "note-77"}
    lead = await team.capture()
    body = {"leadId": str(lead.id), "type": "note", "notes": "Once"}
    first = await ben.ok("POST", f"{V1}/crm.leads.logActivity", body, headers=key)
    assert await ben.ok("POST", f"{V1}/crm.leads.logActivity", body, headers=key) == first
    other = await ben.call("POST", f"{V1}/crm.leads.logActivity", body | {"notes": "Twice"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "UNPROCESSABLE_CONTENT")
    assert [one.kind for one in await team.log(lead.id)].count("note_added") == 1
    assert (
        await ben.call("POST", f"{V1}/crm.leads.logActivity", body, headers={"idempotency-key": "k" * 256})
    ).status_code == 400


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
async def test_only_json_is_read(ben: Caller, kind: str) -> None:
    headers = ben.headers | ({"content-type": kind} if kind else {})
    answer = await ben.http.post(f"{V1}/crm.leads.list", content=b"{}", headers=headers)
    assert answer.status_code == 415


async def test_public_operations(ben: Caller, team: Team) -> None:
    """A form's address tells its organization; the same endpoint counts its visitors."""
    address = team.started.form_address
    form = await ben.http.get(f"{V1}/crm.forms.get?address={address}")
    assert form.json()["address"] == address
    values = {"firstName": "Ingrid", "lastName": "Solberg", "email": "ingrid@fjord.example"}
    made = await ben.http.post(f"{V1}/crm.forms.submit", json={"address": address, "values": values})
    assert made.status_code == 200, made.text
    assert "ratelimit" in made.headers
    for wrong in ("nothing-here", "a\0b", "x" * 200, "ä\u2028"):
        assert (await ben.http.post(f"{V1}/crm.forms.submit", json={"address": wrong, "values": {}})).status_code == 404
    assert (await ben.http.post(f"{V1}/crm.forms.submit", json={"values": {}})).status_code == 400


async def test_errors_of_addresses(ben: Caller) -> None:
    answers: list[tuple[str, str, int]] = [
        ("GET", "/api/nothing", 404), ("GET", f"{V1}/crm.nothing", 404), ("DELETE", f"{V1}/crm.leads.list", 405),
        ("GET", "/api/auth/token", 405),
    ]  # fmt: skip
    for method, path, status in answers:
        answer = await ben.call(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), path


async def test_a_limit_of_depth(ben: Caller) -> None:
    deep: Any = {"field": "score", "op": "is_set"}
    for _ in range(400):
        deep = {"not": deep}
    answer = await ben.call("POST", f"{V1}/crm.leads.find", {"where": deep})
    assert answer.status_code == 400
