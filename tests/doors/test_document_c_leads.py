"""Document C's leads and opportunities: bodies as printed, and their whole life. Spec C1–C6."""

import json
from typing import Any

import pytest

from tests.doors.conftest import Caller
from tests.doors.document_c import DETAIL, PIPELINES, PRINTED_PIPELINE, kinds_of
from tests.doors.test_trpc import query


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
