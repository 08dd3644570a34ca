"""Document C's pipelines and stages, under both prefixes, with bodies as printed. Spec C1, C4."""

import pytest

from tests.doors.conftest import Caller
from tests.doors.document_c import DETAIL, PIPELINES, PRINTED_PIPELINE, STAGES, kinds_of
from tests.doors.test_trpc import query


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
