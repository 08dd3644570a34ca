"""Every route of document C that this version answers, under both prefixes, with bodies as printed. Spec C1–C6."""

import json
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from baton.kernel.operation import registry
from tests.doors.conftest import Caller, caller
from tests.doors.test_trpc import query
from tests.team import Team

PRINTED_PIPELINE: dict[str, Any] = {
    "name": "Enterprise Deals",
    "type": "opportunity",
    "stages": [
        {"name": "Discovery", "probability": 10},
        {"name": "Demo", "probability": 30},
        {"name": "Proposal", "probability": 60},
        {"name": "Negotiation", "probability": 80},
        {"name": "Closed Won", "probability": 100, "terminal": True},
        {"name": "Closed Lost", "probability": 0, "terminal": True},
    ],
    "routingRules": [{"stage": "Demo", "assignTo": "user-rep-east"}],
}
PIPELINES, STAGES, DETAIL = "/api/crm/leads/pipelines", "/api/crm/leads/pipelines/stages", "/api/crm/leads/detail"


@pytest_asyncio.fixture
async def boss(http: httpx2.AsyncClient, fresh: Team) -> Caller:
    """The admin of an organization with the people and contacts that document C names."""
    person = {"name": "Rosa East", "email": f"rosa@{fresh.org_id}.example", "externalId": "user-rep-east"}
    await fresh.do(fresh.ana, "crm.members.addPerson", person)
    contact = {
        "firstName": "Priya",
        "lastName": "Nair",
        "email": "priya@acme.example",
        "companyName": "Acme",
        "externalId": "contact-abc",
    }
    await fresh.do(fresh.ana, "crm.contacts.create", contact)
    return await caller(http, fresh, "ana")


async def kinds_of(boss: Caller, lead_id: str) -> list[str]:
    timeline = await query(boss, "crm.leads.timeline", {"leadId": lead_id, "limit": 200})
    return [activity["kind"] for activity in reversed(timeline["items"])]


@pytest.mark.parametrize("prefix", ["/api/crm", "/crm"])
async def test_pipelines(boss: Caller, prefix: str) -> None:
    """Spec C1, C4: as printed; read, changed and removed through both prefixes."""
    made = await boss.call("POST", f"{prefix}/leads/pipelines", PRINTED_PIPELINE)
    assert made.status_code == 201, made.text
    pipeline = made.json()
    assert [stage["status"] for stage in pipeline["stages"]] == [
        "new",
        "qualified",
        "proposal",
        "negotiating",
        "won",
        "lost",
    ]
    assert [stage["terminal"] for stage in pipeline["stages"]] == [False] * 4 + [True] * 2
    assert [(rule["stage"], rule["assignTo"]) for rule in pipeline["routingRules"]] == [("Demo", "user-rep-east")]
    listed = await boss.ok("GET", f"{prefix}/leads/pipelines")
    assert pipeline in listed
    path = f"{prefix}/leads/pipelines/{pipeline['id']}"
    assert await boss.ok("GET", path) == pipeline
    renamed = await boss.ok("PUT", path, {"name": "Big Deals", "routingRules": []})
    assert (renamed["name"], renamed["routingRules"], len(renamed["stages"])) == ("Big Deals", [], 6)
    stale = await boss.call("PUT", path, {"name": "Old", "version": pipeline["version"]})
    assert stale.status_code == 409
    assert (await boss.ok("DELETE", path))["id"] == pipeline["id"]
    assert pipeline["id"] not in [one["id"] for one in await boss.ok("GET", f"{prefix}/leads/pipelines")]


async def test_a_pipeline_may_be_put_back_as_it_was_read(boss: Caller) -> None:
    """GET, change, PUT: known stages are changed, new ones added, absent ones removed, in the order given."""
    pipeline = await boss.ok("POST", PIPELINES, PRINTED_PIPELINE)
    path = f"{PIPELINES}/{pipeline['id']}"
    same = await boss.ok("PUT", path, pipeline)
    assert same == pipeline
    discovery, demo, proposal, negotiation, won, lost = same["stages"]
    wanted = [
        discovery,
        {"name": "Trial", "probability": 50},
        demo | {"name": "Live demo", "probability": 35},
        negotiation,
        won,
        lost,
    ]
    changed = await boss.ok("PUT", path, {"stages": wanted, "version": same["version"]})
    assert [stage["name"] for stage in changed["stages"]] == [
        "Discovery",
        "Trial",
        "Live demo",
        "Negotiation",
        "Closed Won",
        "Closed Lost",
    ]
    assert changed["stages"][2]["id"] == demo["id"]
    assert proposal["id"] not in [stage["id"] for stage in changed["stages"]]
    refused = await boss.call("PUT", path, {"stages": [{"name": "X", "id": won["id"]}, {"name": "Y", "id": won["id"]}]})
    assert refused.status_code == 400


async def test_stages(boss: Caller) -> None:
    """Spec C1, A3, B2: added, changed, reordered by one array, removed."""
    pipeline = await boss.ok("POST", PIPELINES, PRINTED_PIPELINE)
    path = f"{STAGES}/{pipeline['id']}"
    added = await boss.call(
        "POST",
        path,
        {"name": "Legal review", "probability": 90, "colour": "#AA00ff", "autoNurture": True, "slaDays": 5},
    )
    assert added.status_code == 201, added.text
    stage = added.json()
    assert (stage["colour"], stage["autoNurture"], stage["slaDays"], stage["terminal"]) == ("#aa00ff", True, 5, False)
    names = [one["name"] for one in (await boss.ok("GET", f"{PIPELINES}/{pipeline['id']}"))["stages"]]
    assert names == ["Discovery", "Demo", "Proposal", "Negotiation", "Legal review", "Closed Won", "Closed Lost"]
    changed = await boss.ok("PUT", f"{path}/{stage['id']}", {"name": "Contract", "probability": 95, "slaDays": None})
    assert (changed["name"], changed["probability"], changed["slaDays"]) == ("Contract", 95, None)
    ids = [one["id"] for one in (await boss.ok("GET", f"{PIPELINES}/{pipeline['id']}"))["stages"]]
    turned = await boss.ok("PUT", f"{STAGES}/reorder/{pipeline['id']}", [ids[1], ids[0], *ids[2:]])
    assert [one["id"] for one in turned["stages"]] == [ids[1], ids[0], *ids[2:]]
    for wrong, status in (
        (ids[:-1], 400),
        ([*ids, ids[0]], 400),
        ([*ids[:-1], "stage-x"], 404),
        ([*ids[:-1], ids[0]], 400),
        ("x", 400),
    ):
        assert (await boss.call("PUT", f"{STAGES}/reorder/{pipeline['id']}", wrong)).status_code == status, wrong
    left = await boss.ok("DELETE", f"{path}/{stage['id']}")
    assert stage["id"] not in [one["id"] for one in left["stages"]]
    assert (await boss.call("DELETE", f"{path}/{stage['id']}")).status_code == 409
    for bad in (
        {"name": ""},
        {"probability": 101},
        {"colour": "red"},
        {"slaDays": 0},
        {"name": "Half", "terminal": True, "probability": 50},
    ):
        assert (await boss.call("PUT", f"{path}/{ids[0]}", bad)).status_code == 400, bad


async def test_what_holds_leads_goes_only_where_the_call_says(boss: Caller) -> None:
    """Spec A3, C1: 409, then with `moveTo` the leads move, each with its activity, and the numbers stay right."""
    pipeline = await boss.ok("POST", PIPELINES, PRINTED_PIPELINE)
    discovery, demo = pipeline["stages"][:2]
    lead = await boss.ok("POST", DETAIL, {"contactId": "contact-abc", "pipelineId": pipeline["id"], "value": 5})
    stage = f"{STAGES}/{pipeline['id']}/{discovery['id']}"
    assert (await boss.call("DELETE", stage)).status_code == 409
    assert (await boss.call("DELETE", f"{PIPELINES}/{pipeline['id']}")).status_code == 409
    foreign = (await boss.ok("GET", PIPELINES))[0]["stages"][0]["id"]
    assert (await boss.call("DELETE", f"{stage}?moveTo={foreign}")).status_code == 404
    assert (await boss.call("DELETE", f"{stage}?moveTo={discovery['id']}")).status_code == 400
    await boss.ok("DELETE", f"{stage}?moveTo={demo['id']}")
    moved = await boss.ok("GET", f"{DETAIL}/{lead['id']}")
    assert (moved["stageId"], moved["status"]) == (demo["id"], "qualified")
    inbound = (await boss.ok("GET", PIPELINES))[0]
    await boss.ok("DELETE", f"{PIPELINES}/{pipeline['id']}?moveTo={inbound['id']}")
    moved = await boss.ok("GET", f"{DETAIL}/{lead['id']}")
    assert (moved["pipelineId"], moved["status"]) == (inbound["id"], "new")
    assert (await kinds_of(boss, lead["id"]))[-2:] == ["stage_changed", "pipeline_moved"]
    told = await query(boss, "crm.leads.pipelineSummary")
    assert (told["total"], told["active"]) == (1, 1)
    refused = await boss.call("DELETE", f"{PIPELINES}/{inbound['id']}")
    assert (refused.status_code, "intake" in refused.json()["detail"]) == (409, True)


async def test_a_stage_with_leads_keeps_its_meaning(boss: Caller) -> None:
    """SPEC, "Status and stage": the two never contradict each other."""
    pipeline = await boss.ok("POST", PIPELINES, PRINTED_PIPELINE)
    first = pipeline["stages"][0]
    path = f"{STAGES}/{pipeline['id']}/{first['id']}"
    await boss.ok("POST", DETAIL, {"contactId": "contact-abc", "pipelineId": pipeline["id"]})
    for change in ({"status": "qualified"}, {"terminal": True, "probability": 100}, {"archived": True}):
        assert (await boss.call("PUT", path, change)).status_code == 409, change
    assert (await boss.ok("PUT", path, {"name": "First talk", "probability": 15}))["status"] == "new"


async def test_a_lead_as_printed(boss: Caller) -> None:
    """Spec C2: whole units of the currency in, both out; ids of the client's own."""
    body = PRINTED_PIPELINE | {
        "externalId": "pipe-enterprise",
        "stages": [
            stage | {"externalId": f"stage-{stage['name'].lower().replace(' ', '-')}"}
            for stage in PRINTED_PIPELINE["stages"]
        ],
    }
    await boss.ok("POST", PIPELINES, body)
    printed = {
        "contactId": "contact-abc",
        "pipelineId": "pipe-enterprise",
        "stageId": "stage-discovery",
        "value": 25000,
        "currency": "USD",
        "expectedCloseDate": "2026-07-15",
        "owner": "user-rep-east",
    }
    made = await boss.call("POST", DETAIL, printed)
    assert made.status_code == 201, made.text
    lead = made.json()
    assert (lead["value"], lead["valueCents"], lead["currency"]) == (25000, 2_500_000, "USD")
    assert (lead["name"], lead["email"], lead["companyName"]) == ("Priya Nair", "priya@acme.example", "Acme")
    assert (lead["expectedCloseDate"], lead["owner"]) == ("2026-07-15", lead["ownerId"])
    assert lead["contactId"]
    assert await boss.ok("GET", f"/crm/leads/detail/{lead['id']}") == lead
    assert await boss.ok("PUT", f"{DETAIL}/{lead['id']}", lead) == lead, "putting back what was read changes nothing"
    demo = {"stageId": "stage-demo", "value": 19.99, "owner": None, "expectedCloseDate": None}
    changed = await boss.ok("PUT", f"{DETAIL}/{lead['id']}", demo)
    assert (changed["value"], changed["valueCents"], changed["ownerId"], changed["status"]) == (
        19.99,
        1999,
        None,
        "qualified",
    )
    assert changed["expectedCloseDate"] is None
    yen = await boss.call("PUT", f"{DETAIL}/{lead['id']}", {"currency": "JPY"})
    assert yen.status_code == 400, "19.99 is no amount of yen"
    yen = await boss.ok("PUT", f"{DETAIL}/{lead['id']}", {"currency": "JPY", "value": 3000})
    assert (yen["value"], yen["valueCents"]) == (3000, 3000)
    dinar = await boss.ok("PUT", f"{DETAIL}/{lead['id']}", {"currency": "KWD"})
    assert (dinar["value"], dinar["valueCents"]) == (3000, 3_000_000)
    assert {"field_updated", "stage_changed", "assignment_changed"} <= set(await kinds_of(boss, lead["id"]))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"contactId": "contact-none"}, 404), ({"pipelineId": "pipe-none"}, 404), ({"stageId": "stage-none"}, 404),
        ({"owner": "nobody"}, 404),
        ({"value": -1}, 400), ({"value": "25000"}, 400), ({"value": 1.999}, 400), ({"value": 1e30}, 400), ({"currency": "dollars"}, 400),
        ({"expectedCloseDate": "soon"}, 400), ({"contactId": None}, 400),
    ],
)  # fmt: skip
async def test_a_lead_that_makes_no_sense(ana: Caller, change: dict[str, Any], status: int) -> None:
    """A clear error, and nothing is written."""
    before = (await ana.ok("GET", DETAIL))["total"]
    answer = await ana.call("POST", DETAIL, ({"name": "Priya"} if "contactId" not in change else {}) | change)
    assert answer.status_code == status, answer.text
    assert (await ana.ok("GET", DETAIL))["total"] == before


async def test_listing_and_removing_leads(boss: Caller) -> None:
    """Spec C1: page and pageSize; delete is soft."""
    ids = [(await boss.ok("POST", DETAIL, {"name": f"Lead {n}", "value": n, "score": 99}))["id"] for n in range(5)]
    page = await boss.ok("GET", f"{DETAIL}?page=2&pageSize=2&sortField=valueCents&sortDirection=asc")
    assert [lead["value"] for lead in page["leads"]] == [2, 3]
    assert (page["page"], page["pageSize"], page["pages"], page["total"], page["totalIsEstimate"]) == (
        2,
        2,
        3,
        5,
        False,
    )
    assert (await boss.ok("GET", f"{DETAIL}?search=lead%204&status=new"))["total"] == 1
    assert (await boss.ok("GET", f"{DETAIL}?owner=user-rep-east"))["leads"] == []
    await boss.ok("DELETE", f"{DETAIL}/{ids[0]}")
    assert (await boss.call("GET", f"{DETAIL}/{ids[0]}")).status_code == 404
    assert (await boss.ok("GET", DETAIL))["total"] == 4
    assert (await boss.call("GET", f"{DETAIL}?pageSize=many")).status_code == 400


async def test_the_life_of_a_lead(boss: Caller) -> None:
    """Spec C3–C6: qualify, assign, follow up, log, score, convert, disqualify."""
    lead = await boss.ok("POST", DETAIL, {"contactId": "contact-abc", "value": 900})
    path = "/api/crm/leads"
    qualified = await boss.ok("POST", f"{path}/qualify/{lead['id']}")
    assert qualified["qualifiedAt"]
    assert qualified["stageId"] != lead["stageId"]
    assert (await boss.call("POST", f"{path}/qualify/{lead['id']}", {})).status_code == 409
    for body in ({"owner": "user-rep-east"}, {"assignTo": "user-rep-east"}, {"assignedTo": "user-rep-east"}):
        assert (await boss.ok("POST", f"{path}/assign/{lead['id']}", body))["owner"]
    assert (await boss.call("POST", f"{path}/assign/{lead['id']}", {})).status_code == 400
    logged = await boss.call(
        "POST", f"{path}/activities/{lead['id']}", {"type": "meeting", "notes": "Went well", "mood": "good"}
    )
    assert (logged.status_code, logged.json()["kind"]) == (201, "meeting_logged")
    page = await boss.ok("GET", f"{path}/activities/{lead['id']}?page=1&pageSize=1")
    assert ([one["kind"] for one in page["activities"]], page["total"] > 4) == (["meeting_logged"], True)
    second = await boss.ok("GET", f"/crm/leads/activities/{lead['id']}?page=2&pageSize=1")
    assert second["activities"][0]["id"] != page["activities"][0]["id"]
    audit = await boss.ok("GET", "/api/crm/activity?pageSize=3")
    assert len(audit["activities"]) == 3
    scored = await boss.ok("POST", f"{path}/score/{lead['id']}")
    assert scored["leadId"] == lead["id"]
    assert scored["score"] == (await boss.ok("GET", f"{DETAIL}/{lead['id']}"))["score"]
    converted = await boss.ok("POST", f"{path}/convert/{lead['id']}", {"createCustomer": True})
    assert (converted["lead"]["status"], converted["opportunity"]["value"]) == ("won", 900)
    lost = await boss.ok("POST", f"{path}/disqualify/{converted['opportunity']['id']}", {"reason": "No budget"})
    assert lost["status"] == "disqualified"


async def test_the_printed_follow_up(boss: Caller) -> None:
    """Spec C5: as document C's fetch sends it, without a content type."""
    lead = await boss.ok("POST", DETAIL, {"contactId": "contact-abc"})
    body = {"dueAt": "2026-04-30T10:00:00Z", "assignTo": "user-rep-east", "notes": "Follow up on demo recap email"}
    headers = boss.headers | {"content-type": "text/plain;charset=UTF-8"}
    made = await boss.http.post(f"/api/crm/leads/follow-up/{lead['id']}", content=json.dumps(body), headers=headers)
    assert made.status_code == 201, made.text
    task = made.json()
    assert (task["dueAt"], task["notes"], task["status"]) == ("2026-04-30T10:00:00Z", body["notes"], "open")
    assert (await boss.ok("GET", f"{DETAIL}/{lead['id']}"))["nextActionAt"] == "2026-04-30T10:00:00Z"


async def test_routing_the_unassigned(boss: Caller) -> None:
    """Spec C4: the printed rule gives leads in Demo to the rep."""
    pipeline = await boss.ok("POST", PIPELINES, PRINTED_PIPELINE)
    stages = {stage["name"]: stage["id"] for stage in pipeline["stages"]}
    ids = {
        name: (await boss.ok("POST", DETAIL, {"name": name, "pipelineId": pipeline["id"], "stageId": stages[name]}))[
            "id"
        ]
        for name in ("Demo", "Proposal")
    }
    routed = await boss.ok("POST", f"{PIPELINES}/{pipeline['id']}/route-unassigned")
    owners = {one["leadId"]: one["ownerId"] for one in routed["leads"]}
    members = {member["id"]: member["externalId"] for member in await query(boss, "crm.members.list")}
    assert members[owners[ids["Demo"]]] == "user-rep-east"


async def test_concurrency_and_repetition(boss: Caller) -> None:
    """SPEC, "Concurrency": If-Match, version, Idempotency-Key."""
    key = {"idempotency-key": "create-1"}
    first = await boss.call("POST", DETAIL, {"name": "Once"}, headers=key)
    again = await boss.call("POST", DETAIL, {"name": "Once"}, headers=key)
    assert (first.json(), again.status_code) == (again.json(), 201)
    lead = first.json()
    assert first.headers["etag"] == f'"{lead["version"]}"'
    path = f"{DETAIL}/{lead['id']}"
    await boss.ok("PUT", path, {"name": "Twice"}, headers={"if-match": first.headers["etag"]})
    assert (
        await boss.call("PUT", path, {"name": "Thrice"}, headers={"if-match": first.headers["etag"]})
    ).status_code == 409
    assert (await boss.call("PUT", path, {"name": "Thrice", "version": lead["version"]})).status_code == 409
    assert (await boss.call("PUT", path, {"name": "Thrice"}, headers={"if-match": "latest"})).status_code == 400


ROUTES = [
    ("POST", PIPELINES, {"name": "P", "stages": [{"name": "N"}]}, "admin"), ("GET", PIPELINES, None, "viewer"),
    ("GET", PIPELINES + "/{pipeline}", None, "viewer"), ("PUT", PIPELINES + "/{pipeline}", {"name": "Q"}, "admin"),
    ("DELETE", PIPELINES + "/{pipeline}", None, "admin"), ("POST", PIPELINES + "/{pipeline}/route-unassigned", {}, "member"),
    ("POST", STAGES + "/{pipeline}", {"name": "S"}, "admin"), ("PUT", STAGES + "/reorder/{pipeline}", ["{stage}"], "admin"),
    ("PUT", STAGES + "/{pipeline}/{stage}", {"name": "T"}, "admin"), ("DELETE", STAGES + "/{pipeline}/{stage}", None, "admin"),
    ("POST", DETAIL, {"name": "L", "pipelineId": "{pipeline}"}, "member"), ("GET", DETAIL, None, "viewer"),
    ("GET", DETAIL + "/{lead}", None, "viewer"), ("PUT", DETAIL + "/{lead}", {"name": "M"}, "member"),
    ("DELETE", DETAIL + "/{lead}", None, "admin"),
    ("POST", "/api/crm/leads/qualify/{lead}", {}, "member"), ("POST", "/api/crm/leads/disqualify/{lead}", {}, "member"),
    ("POST", "/api/crm/leads/convert/{lead}", {}, "member"), ("POST", "/api/crm/leads/assign/{lead}", {"owner": None}, "member"),
    ("POST", "/api/crm/leads/follow-up/{lead}", {"dueIn": "1h"}, "member"),
    ("POST", "/api/crm/leads/activities/{lead}", {"type": "note", "notes": "n"}, "member"),
    ("GET", "/api/crm/leads/activities/{lead}", None, "viewer"), ("GET", "/api/crm/activity", None, "member"),
    ("POST", "/api/crm/leads/score/{lead}", {}, "member"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "role"), ROUTES)
async def test_who_may(
    http: httpx2.AsyncClient,
    team: Team,
    vera: Caller,
    ben: Caller,
    stranger: Caller,
    method: str,
    path: str,
    body: Any,
    role: str,
) -> None:
    """Spec B9: nobody 401, too small a role 403, another organization's ids 404, as if they did not exist."""
    lead = await team.capture()
    ids = {"pipeline": str(lead.pipeline_id), "stage": str(lead.stage_id), "lead": str(lead.id)}

    def filled(given: Any, ids: dict[str, str]) -> Any:
        text = json.dumps(given)
        for name, id in ids.items():
            text = text.replace(f"{{{name}}}", id)
        return json.loads(text)

    assert (await http.request(method, filled(path, ids), json=body)).status_code == 401
    below = {"admin": ben, "member": vera, "viewer": None}[role]
    if below is not None:
        assert (await below.call(method, filled(path, ids), filled(body, ids))).status_code == 403
    if any(f"{{{name}}}" in path + json.dumps(body) for name in ids):
        unknown = dict.fromkeys(ids, "01900000-0000-7000-8000-000000000000")
        theirs = await stranger.call(method, filled(path, ids), filled(body, ids))
        nothing = await stranger.call(method, filled(path, unknown), filled(body, unknown))
        assert (theirs.status_code, nothing.status_code) == (404, 404), theirs.text
        told = [answer.json() | {"requestId": ""} for answer in (theirs, nothing)]
        assert json.dumps(told[0]).replace(ids["pipeline"], unknown["pipeline"]) == json.dumps(told[1])


async def test_a_fixed_address_wins_over_an_id(ana: Caller) -> None:
    """PUT …/stages/reorder/:id is no stage “reorder” of a pipeline; other methods say which ones there are."""
    answer = await ana.call("PUT", f"{STAGES}/reorder/pipe-none", [])
    assert "pipeline" in answer.json()["detail"]
    wrong = await ana.call("PATCH", PIPELINES)
    assert (wrong.status_code, {*wrong.headers["allow"].split(", ")}) == (405, {"GET", "HEAD", "POST"})
    assert (await ana.call("GET", "/api/crm/leads/nothing")).json()["code"] == "NOT_FOUND"


async def test_odd_ids_and_bodies(ana: Caller) -> None:
    for id in ("%00", "a%00b", "%ff", "x" * 3000, "'; DROP TABLE leads; --", "%F0%9F%92%A9", "..%2f..%2f"):
        assert (await ana.call("GET", f"{DETAIL}/{id}")).status_code in (400, 404), id
    for content in (b"{", b"[1]", b'"x"', b"\xff", b"[" * 50_000, b'{"name": "\\ud800"}', b'{"name": "a\\u0000b"}'):
        answer = await ana.http.post(DETAIL, content=content, headers=ana.headers)
        assert answer.status_code == 400, content
        assert answer.headers["content-type"] == "application/problem+json"


def test_every_route_names_an_operation() -> None:
    from baton.doors.document_c import ROWS

    assert {row.operation for row in ROWS} <= set(registry)
    assert len({(row.method, row.path) for row in ROWS}) == len(ROWS)
