"""Document C's scores: a batch by ids, and the analytics. Spec C1, C7."""

import pytest

from tests.doors.conftest import Caller
from tests.doors.document_c import DETAIL, kinds_of
from tests.doors.test_trpc import query


@pytest.mark.parametrize("prefix", ["/api/crm", "/crm"])
async def test_a_batch_scores_the_leads_that_are_named(boss: Caller, prefix: str) -> None:
    """Spec C7: by a list or a body, by ids of ours or of the client's own; the effect is read through another door."""
    tag = prefix.strip("/").replace("/", "-")
    made = [
        await boss.ok("POST", DETAIL, {"name": f"Lead {n}", "externalId": f"{tag}-{n}", "tags": [tag]})
        for n in range(2)
    ]
    rules = await query(boss, "crm.scoring.rules", {})
    rule = {"name": f"tag {tag}", "condition": {"field": "tags", "op": "has_any", "value": [tag]}, "points": 9}
    factors = [{name: value for name, value in factor.items() if name != "id"} for factor in rules]
    for factor in factors:
        factor["rules"] = [{name: value for name, value in one.items() if name != "id"} for one in factor["rules"]]
    factors[-1]["rules"].append(rule)
    await boss.ok("POST", "/api/v1/crm.scoring.setRules", {"factors": factors})
    listed = await boss.ok("POST", f"{prefix}/leads/score/batch", [made[0]["id"], f"{tag}-1"])
    assert (listed["scored"], listed["changed"]) == (2, 2)
    again = await boss.ok("POST", f"{prefix}/leads/score/batch", {"leadIds": [lead["id"] for lead in made]})
    assert (again["scored"], again["changed"]) == (2, 0)
    for lead in made:
        now = await boss.ok("GET", f"{DETAIL}/{lead['id']}")
        assert now["score"] > lead["score"]
        assert (await kinds_of(boss, lead["id"]))[-1] == "lead_scored"
    unknown = await boss.call("POST", f"{prefix}/leads/score/batch", ["nobody"])
    assert unknown.status_code == 404


@pytest.mark.parametrize("prefix", ["/api/crm", "/crm"])
async def test_the_analytics_tell_what_scores_became(boss: Caller, prefix: str) -> None:
    """Spec C1: over the organization, or one pipeline, or as of a past day; what cannot be read is 400."""
    await boss.ok("POST", DETAIL, {"name": "Somebody"})
    found = await boss.ok("GET", f"{prefix}/leads/analytics")
    assert (
        sum(band["leads"] for band in found["bands"]) + found["unscored"]
        == found["all"]["leads"]
        == sum(source["leads"] for source in found["sources"])
    )
    past = await boss.ok("GET", f"{prefix}/leads/analytics?asOf=2001-01-01")
    assert past["all"]["leads"] == 0
    assert (await boss.call("GET", f"{prefix}/leads/analytics?asOf=tomorrow")).status_code == 400
    assert (await boss.call("GET", f"{prefix}/leads/analytics?pipelineId=nobody")).status_code == 404
