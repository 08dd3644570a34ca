"""Scoring many leads at once, set by set. Spec B6, C7."""

from typing import Any

import pytest

from baton.kernel.errors import Invalid, NotFound
from baton.leads.score_batch import refresh_organization
from tests.team import Team

FACTORS: list[dict[str, Any]] = [
    {"key": "source", "label": "Source", "maxPoints": 40, "rules": [
        {"name": "a referral", "condition": {"field": "source", "op": "=", "value": "referral"}, "points": 40},
        {"name": "an event", "condition": {"field": "source", "op": "in", "value": ["event", "referral"]}, "points": 25},
    ]},
    {"key": "profile", "label": "Profile", "maxPoints": 30, "combine": "sum", "rules": [
        {"name": "phone", "condition": {"field": "phone", "op": "is_set"}, "points": 20},
        {"name": "title", "condition": {"field": "title", "op": "is_set"}, "points": 20},
        {"name": "free mail", "condition": {"field": "email", "op": "contains", "value": "@gmail."}, "points": -15},
    ]},
]  # fmt: skip


async def make(team: Team, **fields: Any) -> Any:
    return await team.do(team.ben, "crm.leads.create", {"lastName": "Rey"} | fields)


async def history(team: Team, lead: Any) -> list[Any]:
    return list((await team.do(team.vera, "crm.leads.scoreHistory", leadId=str(lead.id))).history)


async def test_a_batch_follows_the_rules_and_explains_each_rule(fresh: Team) -> None:
    """Spec B6, C7."""
    leads = [
        await make(fresh, source="referral", phone="+1 206 555 0100", title="CEO"),
        await make(fresh, source="event", email="a@gmail.com", title="CEO"),
        await make(fresh, source="other"),
    ]
    await fresh.do(fresh.ana, "crm.scoring.setRules", factors=FACTORS)
    found = await fresh.do(fresh.ben, "crm.leads.scoreBatch", leadIds=[str(lead.id) for lead in leads])
    assert [one.score for one in found.leads] == [70, 30, 0]
    assert [one.band for one in found.leads] == ["high", "low", "low"]
    newest = [(await history(fresh, lead))[0] for lead in leads]
    assert [(kept.number, kept.cause) for kept in newest] == [(2, "batch")] * 3
    assert [[reason.rules for reason in kept.reasons] for kept in newest] == [
        [["a referral"], ["phone", "title"]],
        [["an event"], ["title", "free mail"]],
        [[], []],
    ]
    assert [[reason.points for reason in kept.reasons] for kept in newest] == [[40, 30], [25, 5], [0, 0]]
    read = await fresh.do(fresh.vera, "crm.leads.get", leadId=str(leads[0].id))
    assert (read.score, read.version) == (70, leads[0].version + 1)
    told = (await fresh.log(leads[0].id))[-1]
    assert (told.kind, told.changes) == ("lead_scored", {"score": [leads[0].score, 70]})


async def test_what_did_not_change_leaves_nothing(fresh: Team) -> None:
    """Spec B6: a refresh writes a row where the score or its reasons changed, and only there."""
    lead = await make(fresh, source="event")
    again = await fresh.do(fresh.ben, "crm.leads.scoreBatch", leadIds=[str(lead.id)])
    assert (again.scored, again.changed, again.leads[0].score) == (1, 0, lead.score)
    assert len(await history(fresh, lead)) == 1
    await fresh.do(fresh.ana, "crm.scoring.setRules", factors=FACTORS)
    renamed = [FACTORS[0] | {"label": "Where from"}, FACTORS[1]]
    assert (await fresh.do(fresh.ben, "crm.leads.scoreBatch", leadIds=[str(lead.id)])).changed == 1
    await fresh.do(fresh.ana, "crm.scoring.setRules", factors=renamed)
    assert (await fresh.do(fresh.ben, "crm.leads.scoreBatch", leadIds=[str(lead.id)])).changed == 1, (
        "its reasons differ"
    )
    assert len(await history(fresh, lead)) == 3


async def test_one_and_many_have_one_meaning(fresh: Team) -> None:
    """Spec C7: a score on request and one in a batch are the same calculation."""
    lead = await make(fresh, source="referral", phone="+1 206 555 0100", email="x@gmail.com")
    await fresh.do(fresh.ana, "crm.scoring.setRules", factors=FACTORS)
    single = await fresh.do(fresh.ben, "crm.leads.score", leadId=str(lead.id))
    assert (single.score, single.history[0].cause) == (45, "request")
    assert (await fresh.do(fresh.ben, "crm.leads.scoreBatch", leadIds=[str(lead.id)])).changed == 0


async def test_weights_and_bands_are_the_organizations_own(fresh: Team) -> None:
    """Spec B6: weights and bands are rows; changing one changes the next score, with no restart."""
    lead = await make(fresh, source="event", title="CEO")
    heavier = [FACTORS[0] | {"weight": 1.5}, FACTORS[1] | {"weight": 0.5}]
    await fresh.do(fresh.ana, "crm.scoring.setRules", factors=heavier)
    await fresh.do(fresh.ana, "crm.scoring.setBands", high=48, medium=20)
    (found,) = (await fresh.do(fresh.ben, "crm.leads.scoreBatch", leadIds=[str(lead.id)])).leads
    assert (found.score, found.band) == (38 + 10, "high")
    (kept,) = (await history(fresh, lead))[:1]
    assert [(reason.points, reason.max) for reason in kept.reasons] == [(38, 60), (10, 15)]
    with pytest.raises(Invalid):
        await fresh.do(fresh.ana, "crm.scoring.setBands", high=40, medium=40)


async def test_the_refresh_of_an_organization_is_one_operation(fresh: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spec B7: in parts, each only what changed, all under one operation; a second one writes nothing."""
    monkeypatch.setattr("baton.leads.score_batch.CHUNK", 2)
    leads = [await make(fresh, source="event") for _ in range(5)]
    await fresh.do(fresh.ana, "crm.leads.setStatus", leadId=str(leads[4].id), status="lost")
    await fresh.do(fresh.ana, "crm.scoring.setRules", factors=FACTORS)
    done = await refresh_organization(fresh.db, fresh.org_id)
    assert (done.scored, done.changed) == (4, 4)
    operations = {(await fresh.log(lead.id))[-1].operation_id for lead in leads[:4]}
    assert len(operations) == 1
    assert (await refresh_organization(fresh.db, fresh.org_id)).changed == 0
    summary = await fresh.do(fresh.vera, "crm.leads.pipelineSummary")
    assert summary.avg_score == pytest.approx((25 * 4 + (leads[4].score or 0)) / 5, abs=0.01)


async def test_a_lead_of_another_organization_is_not_scored(fresh: Team, carla: Team) -> None:
    """Attack: a foreign id in a list answers as an unknown one, and the others are left alone."""
    mine, theirs = await make(fresh), await make(carla)
    await fresh.do(fresh.ana, "crm.scoring.setRules", factors=FACTORS)
    with pytest.raises(NotFound):
        await fresh.do(fresh.ben, "crm.leads.scoreBatch", leadIds=[str(mine.id), str(theirs.id)])
    assert len(await history(fresh, mine)) == 1


async def test_what_a_batch_wrote_replays_from_the_log(fresh: Team) -> None:
    """Spec A8: also where only the reasons changed."""
    lead = await make(fresh, source="event")
    for factors in (FACTORS, [FACTORS[0] | {"label": "Where from"}, FACTORS[1]]):
        await fresh.do(fresh.ana, "crm.scoring.setRules", factors=factors)
        await fresh.do(fresh.ben, "crm.leads.scoreBatch", leadIds=[str(lead.id)])
        now = await fresh.do(fresh.vera, "crm.leads.get", leadId=str(lead.id))
        at = now.last_activity_at.isoformat()
        assert await fresh.do(fresh.vera, "crm.leads.asOf", leadId=str(lead.id), at=at) == now
