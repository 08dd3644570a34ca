"""tRPC on the wire: calls, batches, the stream link, errors. Spec B8, B11."""

import json
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest

from baton.kernel.operation import registry
from tests.doors.conftest import Caller
from tests.team import Team


async def query(caller: Caller, name: str, input: Any = None) -> Any:
    """What a query answers."""
    asked = "" if input is None else f"?input={quote(json.dumps(input))}"
    return (await caller.ok("GET", f"/api/trpc/{name}{asked}"))["result"]["data"]


async def test_queries_are_read_and_mutations_posted(ben: Caller, team: Team) -> None:
    lead = await team.capture()
    moved = await ben.ok(
        "POST", "/api/trpc/crm.leads.logActivity", {"leadId": str(lead.id), "type": "call", "notes": "Hello"}
    )
    assert moved["result"]["data"]["kind"] == "call_logged"
    found = await query(ben, "crm.leads.get", {"leadId": str(lead.id)})
    assert found["name"] == "Jane Smith"
    wrong = await ben.call("POST", "/api/trpc/crm.leads.get", {"leadId": str(lead.id)})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, -32005)
    for method, name in (("GET", "crm.leads.qualify"), ("PUT", "crm.leads.qualify"), ("DELETE", "crm.leads.get")):
        wrong = await ben.call(method, f"/api/trpc/{name}")
        assert wrong.status_code == 405
        assert wrong.json()["error"]["data"] == {"code": "METHOD_NOT_SUPPORTED", "httpStatus": 405, "path": name}


async def test_head_and_unknown_procedures(ben: Caller) -> None:
    assert (await ben.call("HEAD", "/api/trpc/crm.leads.list")).status_code == 204
    unknown = await ben.call("GET", "/api/trpc/crm.leads.explode")
    assert unknown.status_code == 404
    assert unknown.json()["error"] == {
        "message": 'No procedure found on path "crm.leads.explode"',
        "code": -32004,
        "data": {"code": "NOT_FOUND", "httpStatus": 404, "path": "crm.leads.explode"},
    }
    hidden = next(name for name, op in registry.items() if op.internal)
    assert (await ben.call("POST", f"/api/trpc/{hidden}", {})).status_code == 404


async def test_headers_and_content_type(ben: Caller) -> None:
    answer = await ben.call("GET", "/api/trpc/crm.leads.list")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["vary"] == "trpc-accept, accept"
    for kind in ({}, {"content-type": "text/plain"}, {"content-type": "application/x-www-form-urlencoded"}):
        refused = await ben.http.post("/api/trpc/crm.leads.qualify", content=b"{}", headers=ben.headers | kind)
        assert (refused.status_code, refused.json()["error"]["code"]) == (415, -32015)
        assert "path" not in refused.json()["error"]["data"]


async def test_an_empty_body_is_no_input(ben: Caller) -> None:
    refused = await ben.http.post(
        "/api/trpc/crm.leads.qualify", content=b"", headers=ben.headers | {"content-type": "application/json"}
    )
    assert refused.status_code == 400
    assert "leadId" in refused.json()["error"]["message"]


async def test_batches_answer_in_the_order_of_calls(ben: Caller, team: Team) -> None:
    """The common status where all agree, else 207; calls without input are left out of it."""
    lead = await team.capture()
    inputs = quote(json.dumps({"0": {"leadId": str(lead.id)}, "2": {"leadId": "no-such-lead"}}))
    mixed = await ben.call("GET", f"/api/trpc/crm.leads.get,crm.organization.get,crm.leads.get?batch=1&input={inputs}")
    assert mixed.status_code == 207
    first, second, third = mixed.json()
    assert first["result"]["data"]["id"] == str(lead.id)
    assert second["result"]["data"]["orgId"] == str(team.org_id)
    assert third["error"]["data"] == {"code": "NOT_FOUND", "httpStatus": 404, "path": "crm.leads.get"}
    one = await ben.call("POST", "/api/trpc/crm.leads.qualify?batch=1", {"0": {"leadId": str(lead.id)}})
    assert (one.status_code, one.json()[0]["result"]["data"]["status"]) == (200, "qualified")
    both = await ben.call("POST", "/api/trpc/crm.leads.qualify,crm.leads.qualify?batch=1", {"0": {}, "1": {}})
    assert (both.status_code, len(both.json())) == (400, 2)


async def test_the_stream_link(ben: Caller, team: Team) -> None:
    lead = await team.capture()
    inputs = quote(json.dumps({"0": {"leadId": str(lead.id)}}))
    path = f"/api/trpc/crm.leads.get,crm.leads.get?batch=1&input={inputs}"
    answer = await ben.call("GET", path, headers={"trpc-accept": "application/jsonl"})
    assert answer.status_code == 200
    assert answer.text.endswith("\n")
    (line,) = answer.text.splitlines()
    told = json.loads(line)
    assert told["0"][0][0]["result"]["data"]["id"] == str(lead.id)
    assert told["1"][0][0]["error"]["data"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("crm.leads.get,crm.leads.qualify?batch=1", "mixed"),
        (",".join(["crm.leads.list"] * 101) + "?batch=1", "100"),
        ("crm.leads.list,crm.leads.list?batch=1&input=[]", "object"),
        ("crm.leads.list?input={", "JSON"),
    ],
)
async def test_errors_of_the_whole_request(ben: Caller, path: str, message: str) -> None:
    """A single error object, also for a batch."""
    answer = await ben.call("GET", f"/api/trpc/{path}")
    assert answer.status_code == 400
    assert answer.json()["error"]["data"] == {"code": "BAD_REQUEST", "httpStatus": 400}
    assert message in answer.json()["error"]["message"]


async def test_who_asks(ben: Caller, vera: Caller, stranger: Caller, team: Team) -> None:
    """Spec B9: without a token 401, by role 403, in another organization 404."""
    lead = await team.capture()
    body = {"leadId": str(lead.id)}
    nobody = await ben.http.post("/api/trpc/crm.leads.qualify", json=body)
    assert (nobody.status_code, nobody.json()["error"]["code"]) == (401, -32001)
    viewer = await vera.call("POST", "/api/trpc/crm.leads.qualify", body)
    assert (viewer.status_code, viewer.json()["error"]["code"]) == (403, -32003)
    member = await ben.call("POST", "/api/trpc/crm.leads.delete", body)
    assert member.status_code == 403
    other = await stranger.call("POST", "/api/trpc/crm.leads.qualify", body)
    missing = await stranger.call("POST", "/api/trpc/crm.leads.qualify", {"leadId": str(team.org_id)})
    assert (other.status_code, other.json()) == (404, missing.json())


async def test_unknown_fields_are_ignored(ben: Caller) -> None:
    found = await query(ben, "crm.leads.list", {"page": 1, "limit": 1, "includeArchived": True})
    assert len(found["leads"]) == 1


async def test_the_text_of_an_unhandled_exception_is_not_told(ben: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    async def explode(*_: Any) -> None:
        raise RuntimeError("the secret is 42")

    op = registry["crm.organization.get"]
    monkeypatch.setitem(
        registry, op.name, op.__class__(op.name, op.kind, op.role, op.summary, op.input, op.output, explode)
    )
    for path in ("/api/trpc/crm.organization.get", "/api/v1/crm.organization.get"):
        answer = await ben.call("GET", path)
        assert answer.status_code == 500
        assert "secret" not in answer.text
    assert (await ben.call("GET", "/api/trpc/crm.organization.get")).json()["error"]["code"] == -32603


async def test_document_bs_list(ben: Caller, ana: Caller, team: Team) -> None:
    """Spec B8: status, source, stageId, dateFrom, dateTo, page, limit."""
    lead = await team.capture(source="event")
    await team.do(team.ben, "crm.leads.qualify", leadId=str(lead.id))
    found = await query(ben, "crm.leads.list", {"status": "qualified", "source": "event", "page": 1, "limit": 200})
    assert str(lead.id) in [one["id"] for one in found["leads"]]
    assert {(one["status"], one["source"]) for one in found["leads"]} == {("qualified", "event")}
    assert (found["page"], found["limit"], found["total"]) == (1, 200, len(found["leads"]))
    zone = ZoneInfo((await team.do(team.ana, "crm.organization.get")).time_zone)
    today = lead.created_at.astimezone(zone).date().isoformat()
    assert (await query(ben, "crm.leads.list", {"dateFrom": today, "dateTo": today, "limit": 1}))["total"] >= 1
    assert (await query(ben, "crm.leads.list", {"dateTo": "2000-01-01"}))["total"] == 0
    assert await query(ben, "crm.leads.list", {"dateFrom": lead.created_at.isoformat(), "stageId": str(lead.stage_id)})
    whole = await query(ben, "crm.leads.list", {"limit": 3})
    second = await query(ben, "crm.leads.list", {"limit": 3, "page": 2})
    assert not {one["id"] for one in whole["leads"]} & {one["id"] for one in second["leads"]}
    assert whole["pages"] == -(-whole["total"] // 3)
    for wrong in (
        {"limit": 0},
        {"limit": 201},
        {"page": 0},
        {"page": 51, "limit": 200},
        {"status": "hot"},
        {"dateFrom": "soon"},
    ):
        refused = await ben.call("GET", f"/api/trpc/crm.leads.list?input={quote(json.dumps(wrong))}")
        assert refused.status_code == 400, wrong


async def test_document_bs_summary(http: Any, fresh: Team) -> None:
    """Spec B8: the fields as printed, money in cents of the organization's currency, others beside it."""
    from tests.doors.conftest import caller

    ana = await caller(http, fresh, "ana")
    empty = await query(ana, "crm.leads.pipelineSummary")
    assert (empty["total"], empty["conversionRate"], empty["avgScore"]) == (0, 0, 0)
    for number, (status, currency) in enumerate(
        [("new", "USD"), ("proposal", "USD"), ("won", "USD"), ("lost", "USD"), ("new", "JPY")]
    ):
        lead = {"firstName": f"N{number}", "status": status, "valueCents": 1000, "currency": currency}
        await fresh.do(fresh.ana, "crm.leads.create", lead)
    told = await query(ana, "crm.leads.pipelineSummary")
    assert (told["total"], told["active"], told["won"], told["lost"]) == (5, 3, 1, 1)
    assert (told["totalPipelineValue"], told["conversionRate"], told["currency"]) == (2000, 20, "USD")
    assert sum(stage["count"] for stage in told["byStage"]) == 5
    assert set(told["byStage"][0]) == {"stageId", "stageName", "count", "value"}
    japan = [part for part in told["byCurrency"] if part["currency"] == "JPY"]
    assert [(part["active"], part["totalPipelineValue"]) for part in japan] == [(1, 1000)]
    leads = (await query(ana, "crm.leads.list"))["leads"]
    assert told["avgScore"] == round(sum(lead["score"] for lead in leads) / 5, 2)
    deals = (await query(ana, "crm.pipelines.list"))[-1]
    assert (await query(ana, "crm.leads.pipelineSummary", {"pipelineId": deals["id"]}))["total"] == 0
