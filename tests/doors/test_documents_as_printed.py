"""Documents B and C, line by line as they are printed: every name, type, status code and permission, by their own doors.

Their longer stories stand in test_capture.py, test_trpc.py and test_document_c_*.py. Spec B2, B3, B4, B5, B6, B8, B9, B10, C1.
"""

import json
import re
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from baton.doors.document_c import ROWS
from tests.doors.conftest import Caller, caller
from tests.doors.document_c import DETAIL, PIPELINES, PRINTED_PIPELINE
from tests.doors.test_trpc import query
from tests.team import Team

STATUSES = ["new", "contacted", "qualified", "proposal", "negotiating", "won", "lost", "disqualified"]
SOURCES = [
    "website",
    "referral",
    "paid_ads",
    "organic_search",
    "social_media",
    "cold_outreach",
    "event",
    "partner",
    "other",
]
SUMMARY = {
    "total": int, "active": int, "won": int, "lost": int, "totalPipelineValue": int, "conversionRate": float | int,
    "avgScore": float | int, "byStage": list,
}  # fmt: skip
STAGE = {"name": str, "probability": int, "colour": str, "autoNurture": bool, "slaDays": int | None}
PRINTED_ROUTES = """
POST /crm/leads/pipelines
GET /crm/leads/pipelines
GET /crm/leads/pipelines/:id
PUT /crm/leads/pipelines/:id
DELETE /crm/leads/pipelines/:id
POST /crm/leads/pipelines/stages/:id
PUT /crm/leads/pipelines/stages/:id/:stageId
DELETE /crm/leads/pipelines/stages/:id/:stageId
PUT /crm/leads/pipelines/stages/reorder/:id
POST /crm/leads/pipelines/:id/route-unassigned
POST /crm/leads/detail
GET /crm/leads/detail
GET /crm/leads/detail/:id
PUT /crm/leads/detail/:id
DELETE /crm/leads/detail/:id
POST /crm/leads/qualify/:id
POST /crm/leads/disqualify/:id
POST /crm/leads/convert/:id
POST /crm/leads/assign/:id
POST /crm/leads/follow-up/:id
POST /crm/leads/activities/:id
GET /crm/leads/activities/:id
POST /crm/leads/score/:id
POST /crm/leads/score/batch
GET /crm/leads/analytics
POST /crm/leads/enrich/:id
POST /crm/leads/enrich/batch
POST /crm/leads/enrich/auto
GET /crm/leads/enrichment/status/:id
"""


async def mutate(who: Caller, name: str, input: dict[str, Any]) -> httpx2.Response:
    """A mutation as document B's client sends it."""
    return await who.call("POST", f"/api/trpc/{name}", input)


async def posted(http: httpx2.AsyncClient, team: Team, **more: Any) -> str:
    """Document B's capture, without any credential; answers the lead's id."""
    body = {
        "orgId": str(team.org_id),
        "firstName": "Jane",
        "lastName": "Smith",
        "email": "jane@example.com",
        "source": "website",
    }
    made = await http.post("/api/trpc/crm.leads.capture", json=body | more)
    assert made.status_code == 200, made.text
    assert made.headers["content-type"] == "application/json"
    data = made.json()["result"]["data"]
    assert set(data) == {"id", "success"}
    id: str = data["id"]
    return id


async def test_bs_capture_is_checked_and_stored(http: httpx2.AsyncClient, fresh: Team) -> None:
    """Spec B4: what was sent is what is read; the organization is checked before anything is written."""
    ana = await caller(http, fresh, "ana")
    id = await posted(http, fresh)
    lead = await query(ana, "crm.leads.get", {"leadId": id})
    told = {name: lead[name] for name in ("firstName", "lastName", "email", "source", "status")}
    assert told == {
        "firstName": "Jane",
        "lastName": "Smith",
        "email": "jane@example.com",
        "source": "website",
        "status": "new",
    }
    assert (lead["score"], 0 <= lead["score"] <= 100) == (
        (await query(ana, "crm.leads.scoreHistory", {"leadId": id}))["history"][0]["score"],
        True,
    )
    for org in ("01900000-0000-7000-8000-000000000000", "<your-org-id>"):
        body = {"orgId": org, "firstName": "Jane", "lastName": "Smith", "email": "jane@example.com"}
        refused = await http.post("/api/trpc/crm.leads.capture", json=body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, -32004)


async def test_bs_stages_statuses_and_sources(http: httpx2.AsyncClient, fresh: Team) -> None:
    """Spec B2, B3, B10: the fields of a stage, every status, every source, and no other."""
    ana = await caller(http, fresh, "ana")
    inbound = (await query(ana, "crm.pipelines.list"))[0]
    for stage in inbound["stages"]:
        assert all(isinstance(stage[name], kind) for name, kind in STAGE.items()), stage
        assert re.fullmatch("#[0-9a-f]{6}", stage["colour"])
    for source in SOURCES:
        id = await posted(http, fresh, source=source, email=f"{source}@example.com")
        found = await query(ana, "crm.leads.list", {"source": source})
        assert [lead["id"] for lead in found["leads"]] == [id]
    wrong = await http.post(
        "/api/trpc/crm.leads.capture",
        json={"orgId": str(fresh.org_id), "firstName": "J", "lastName": "S", "email": "j@example.com", "source": "fax"},
    )
    assert wrong.status_code == 400
    lead = await posted(http, fresh, email="one@example.com")
    for status in STATUSES[1:]:
        set_ = await mutate(ana, "crm.leads.setStatus", {"leadId": lead, "status": status})
        assert (set_.status_code, set_.json()["result"]["data"]["status"]) == (200, status), set_.text
        assert lead in [one["id"] for one in (await query(ana, "crm.leads.list", {"status": status}))["leads"]]
    assert (await mutate(ana, "crm.leads.setStatus", {"leadId": lead, "status": "hot"})).status_code == 400


async def test_bs_list_and_summary_as_printed(http: httpx2.AsyncClient, fresh: Team) -> None:
    """Spec B8: each filter by its name, the fields of the answer by name and type."""
    ben = await caller(http, fresh, "ben")
    ids = [await posted(http, fresh, email=f"{n}@example.com", estimatedValue=1000) for n in range(3)]
    stage = (await query(ben, "crm.pipelines.list"))[0]["stages"][0]["id"]
    for given in (
        {"status": "new"}, {"source": "website"}, {"stageId": stage}, {"dateFrom": "2020-01-01"}, {"dateTo": "2999-01-01"},
        {"page": 1, "limit": 3},
    ):  # fmt: skip
        found = await query(ben, "crm.leads.list", given)
        assert {lead["id"] for lead in found["leads"]} == set(ids), given
        assert {name: type(found[name]) for name in ("total", "page", "limit", "pages")} == dict.fromkeys(
            ("total", "page", "limit", "pages"), int
        )
    assert (await query(ben, "crm.leads.list", {"page": 2, "limit": 2}))["leads"][0]["id"] in ids
    told = await query(ben, "crm.leads.pipelineSummary")
    assert all(isinstance(told[name], kind) for name, kind in SUMMARY.items()), told
    assert (told["total"], told["active"], told["totalPipelineValue"]) == (3, 3, 3000)
    (first,) = [part for part in told["byStage"] if part["stageId"] == stage]
    assert first == {"stageId": stage, "stageName": first["stageName"], "count": 3, "value": 3000}
    assert isinstance(first["stageName"], str)


async def test_bs_moves_and_activities(http: httpx2.AsyncClient, fresh: Team) -> None:
    """Spec B5, B6: moveStage logs by itself; call, email, meeting, note are logged; scores are numbered rows."""
    ben = await caller(http, fresh, "ben")
    id = await posted(http, fresh)
    stages = (await query(ben, "crm.pipelines.list"))[0]["stages"]
    moved = await mutate(ben, "crm.leads.moveStage", {"leadId": id, "stageId": stages[1]["id"]})
    assert (moved.status_code, moved.json()["result"]["data"]["stageId"]) == (200, stages[1]["id"])
    for type in ("call", "email", "meeting", "note"):
        logged = await mutate(ben, "crm.leads.logActivity", {"leadId": id, "type": type, "notes": f"A {type}."})
        assert logged.status_code == 200, logged.text
    kinds = [one["kind"] for one in (await query(ben, "crm.leads.timeline", {"leadId": id, "limit": 200}))["items"]]
    assert kinds[:5] == ["note_added", "meeting_logged", "email_sent", "call_logged", "stage_changed"]
    await mutate(ben, "crm.leads.score", {"leadId": id})
    scores = (await query(ben, "crm.leads.scoreHistory", {"leadId": id}))["history"]
    assert [score["number"] for score in scores] == list(range(len(scores), 0, -1))
    assert all(0 <= score["score"] <= 100 and score["reasons"] is not None for score in scores)


@pytest.mark.parametrize(
    ("name", "input", "least"),
    [
        ("crm.leads.list", None, "viewer"), ("crm.leads.get", {"leadId": "{lead}"}, "viewer"),
        ("crm.leads.create", {"lastName": "L"}, "member"), ("crm.leads.update", {"leadId": "{lead}", "title": "CEO"}, "member"),
        ("crm.leads.moveStage", {"leadId": "{lead}", "stageId": "{stage}"}, "member"),
        ("crm.leads.logActivity", {"leadId": "{lead}", "type": "note", "notes": "n"}, "member"),
        ("crm.leads.delete", {"leadId": "{lead}"}, "admin"), ("crm.pipelines.updateStage", {"stageId": "{stage}", "slaDays": 3}, "admin"),
        ("crm.pipelines.addStage", {"pipelineId": "{pipeline}", "name": "More"}, "admin"),
    ],
)  # fmt: skip
async def test_bs_permissions(
    http: httpx2.AsyncClient, team: Team, ana: Caller, ben: Caller, vera: Caller, name: str, input: Any, least: str
) -> None:
    """Spec B9: the table of document B; who is not signed in may do none of it."""
    lead = await team.capture()
    pipeline = (await query(ana, "crm.pipelines.list"))[0]
    text = json.dumps(input).replace("{lead}", str(lead.id)).replace("{stage}", pipeline["stages"][1]["id"])
    text = text.replace("{pipeline}", pipeline["id"])
    reading = name in ("crm.leads.list", "crm.leads.get")

    async def asked(who: Caller) -> int:
        if reading:
            return (await who.call("GET", f"/api/trpc/{name}?input={quote(text)}")).status_code
        return (await mutate(who, name, json.loads(text))).status_code

    order = ["viewer", "member", "admin"]
    expected = [200 if order.index(role) >= order.index(least) else 403 for role in order]
    assert [await asked(who) for who in (vera, ben, ana)] == expected
    assert await asked(Caller(http, team)) == 401


def test_cs_routes_are_all_there() -> None:
    """Spec C1: the routes that document C prints, under its names."""
    printed = {tuple(line.split()) for line in PRINTED_ROUTES.split("\n") if line}
    ours = {(row.method, re.sub(r"\{stageId\}", ":stageId", f"/crm{row.path}")) for row in ROWS}
    ours = {(method, re.sub(r"\{\w+\}", ":id", path)) for method, path in ours}
    assert printed <= ours
    assert ours - printed == {("GET", "/crm/activity")}, "named in document C's text"


@pytest.mark.parametrize("prefix", ["/api", ""])
async def test_cs_routes_want_the_token_and_answer(http: httpx2.AsyncClient, boss: Caller, prefix: str) -> None:
    """Spec C1: each as printed, with `orgid` and a JWT; 401 without, and never an address that nobody answers."""
    pipeline = await boss.ok("POST", PIPELINES, PRINTED_PIPELINE)
    ids = {"stages/:id": f"stages/{pipeline['id']}", "pipelines/:id": f"pipelines/{pipeline['id']}"}
    ids |= {":stageId": pipeline["stages"][1]["id"], "reorder/:id": f"reorder/{pipeline['id']}"}
    lead = await boss.ok("POST", DETAIL, {"contactId": "contact-abc", "pipelineId": pipeline["id"]})
    lines = [line.split() for line in PRINTED_ROUTES.split("\n") if line]
    for method, path in sorted(lines, key=lambda line: line[0] == "DELETE"):
        for name, value in ids.items():
            path = path.replace(name, value)
        path = prefix + path.replace(":id", lead["id"])
        assert (await http.request(method, path)).status_code == 401, path
        answer = await boss.call(method, path, {} if method in ("POST", "PUT") else None)
        assert answer.status_code in (200, 201, 202, 400, 404, 409), (method, path, answer.text)
        assert "nothing at this address" not in answer.text, (method, path)
        kind = "application/json" if answer.is_success else "application/problem+json"
        assert answer.headers["content-type"] == kind, path
        assert answer.headers["x-request-id"]


async def test_cs_bodies_come_back_field_by_field(boss: Caller) -> None:
    """Spec C1, C2, C4: the printed pipeline and lead, by name, value and type; made things say where they are read."""
    made = await boss.call("POST", PIPELINES, PRINTED_PIPELINE)
    assert (made.status_code, made.headers["location"]) == (201, f"{PIPELINES}/{made.json()['id']}")
    pipeline = made.json()
    assert (pipeline["name"], pipeline["type"]) == (PRINTED_PIPELINE["name"], "opportunity")
    for sent, stage in zip(PRINTED_PIPELINE["stages"], pipeline["stages"], strict=True):
        assert sent | {"terminal": sent.get("terminal", False)} == {
            name: stage[name] for name in ("name", "probability", "terminal")
        }
    assert [
        {name: rule[name] for name in ("stage", "assignTo")} for rule in pipeline["routingRules"]
    ] == PRINTED_PIPELINE["routingRules"]
    body = {"contactId": "contact-abc", "pipelineId": pipeline["id"], "stageId": pipeline["stages"][0]["id"], "value": 25000,
            "currency": "USD", "expectedCloseDate": "2026-07-15", "owner": "user-rep-east"}  # fmt: skip
    answer = await boss.call("POST", DETAIL, body)
    assert (answer.status_code, answer.headers["location"]) == (201, f"{DETAIL}/{answer.json()['id']}")
    lead = await boss.ok("GET", answer.headers["location"])
    members = {member["externalId"]: member["id"] for member in await query(boss, "crm.members.list")}
    contact = (await query(boss, "crm.contacts.get", {"contactId": "contact-abc"}))["id"]
    expected = body | {"owner": members["user-rep-east"], "contactId": contact}
    assert {name: lead[name] for name in body} == expected
    assert type(lead["value"]) in (int, float)
