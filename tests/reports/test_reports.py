"""Conversion, funnel, sources, velocity, forecast, people and agents. Spec A2, A6, B1, B2, B8."""

from typing import Any

import pytest

from baton.kernel.errors import Conflict, Invalid
from tests.reports.past import at, day, inbound, lead_at, stages
from tests.team import Team


async def test_the_funnel_says_where_leads_dropped_off(fresh: Team) -> None:
    """Spec B1."""
    way, pipeline = list((await stages(fresh)).values()), await inbound(fresh)
    open_stages = [
        s
        for p in await fresh.do(fresh.ana, "crm.pipelines.list")
        if p.is_intake
        for s in p.stages
        if s.outcome == "open"
    ]
    leads = [await lead_at(fresh, day(0), valueCents=1000, currency="USD" if i else "JPY") for i in range(4)]
    for lead in leads[1:]:
        await at(fresh, day(1), fresh.ben, "crm.leads.moveStage", leadId=str(lead.id), stageId=str(open_stages[1].id))
    await at(fresh, day(2), fresh.ben, "crm.leads.moveStage", leadId=str(leads[2].id), stageId=str(open_stages[2].id))
    await at(fresh, day(3), fresh.ben, "crm.leads.setStatus", leadId=str(leads[2].id), status="lost")
    await at(fresh, day(3), fresh.ben, "crm.leads.setStatus", leadId=str(leads[3].id), status="won")
    found = await fresh.do(fresh.vera, "crm.reports.funnel", pipelineId=pipeline)
    assert (found.leads, found.lost) == (4, 1)
    assert [s.reached for s in found.stages[:3]] == [4, 3, 2]
    assert [s.drop_off for s in found.stages[:3]] == [0, 1, 1]
    assert [s.of_previous for s in found.stages[:3]] == [100.0, 75.0, 66.67]
    assert (found.stages[2].lost, found.stages[1].here, found.stages[-1].reached) == (1, 1, 1)
    assert {m.currency: m.value_cents for m in found.stages[0].reached_value} == {"USD": 3000, "JPY": 1000}
    assert len(way) > len(found.stages)


async def test_velocity_is_the_median_and_p90_of_stays(fresh: Team) -> None:
    """Spec A2: from the log's stage changes; who waits is counted apart."""
    way, pipeline = list((await stages(fresh)).values()), await inbound(fresh)
    for days in (1, 2, 3, 10):
        lead = await lead_at(fresh, day(0))
        await at(fresh, day(days), fresh.ben, "crm.leads.moveStage", leadId=str(lead.id), stageId=way[1])
    await at(fresh, day(20), fresh.ben, "crm.leads.setStatus", leadId=str(lead.id), status="won")
    found = await fresh.do(fresh.vera, "crm.reports.velocity", pipelineId=pipeline, asOf=day(30).isoformat())
    first, second = found.stages[:2]
    assert (first.passed, first.median_seconds, first.p90_seconds, first.waiting) == (
        4,
        216_000,
        round(7.9 * 86_400),
        0,
    )
    assert (second.passed, second.median_seconds, second.waiting) == (1, 864_000, 3)
    assert second.median_waiting_seconds == 28 * 86_400
    assert (found.won, found.median_to_win_seconds) == (1, 20 * 86_400)


async def test_the_forecast_weighs_by_probability_and_month(fresh: Team) -> None:
    """Spec B2, C9: never one sum of two currencies; closed leads are no forecast."""
    pipeline = await inbound(fresh)
    (stage,) = [s for p in await fresh.do(fresh.ana, "crm.pipelines.list") if p.is_intake for s in p.stages][:1]
    await fresh.do(fresh.ana, "crm.pipelines.updateStage", pipelineId=pipeline, stageId=str(stage.id), probability=25)
    await lead_at(fresh, day(0), valueCents=1000, expectedCloseDate="2026-04-30")
    await lead_at(fresh, day(0), valueCents=3000, expectedCloseDate="2026-04-01")
    await lead_at(fresh, day(0), valueCents=500, currency="EUR", expectedCloseDate="2026-05-01")
    await lead_at(fresh, day(0), valueCents=70)
    won = await lead_at(fresh, day(0), valueCents=9999, expectedCloseDate="2026-04-01")
    await at(fresh, day(1), fresh.ben, "crm.leads.setStatus", leadId=str(won.id), status="won")
    found = await fresh.do(fresh.vera, "crm.reports.forecast", pipelineId=pipeline, asOf="2026-05-10")
    assert [(m.month, m.overdue, m.leads) for m in found.months] == [
        ("2026-04", True, 2),
        ("2026-05", False, 1),
        (None, False, 1),
    ]
    assert [(v.currency, v.value_cents, v.weighted_value_cents) for v in found.months[0].values] == [
        ("USD", 4000, 1000)
    ]
    assert [(v.currency, v.value_cents) for v in found.values] == [("EUR", 500), ("USD", 4070)]
    april = await fresh.do(
        fresh.vera, "crm.reports.forecast", pipelineId=pipeline, dateFrom="2026-04-01", dateTo="2026-04-29"
    )
    assert april.leads == 1


async def test_people_and_agents_stand_side_by_side(fresh: Team) -> None:
    """Spec A6."""
    pipeline = await inbound(fresh)
    for owner, status in ((fresh.ben, "won"), (fresh.ben, "lost"), (fresh.marcus, "won"), (None, None)):
        lead = await lead_at(fresh, day(0), valueCents=500, ownerId=str(owner.id) if owner else None)
        if status:
            await at(fresh, day(2), fresh.ben, "crm.leads.setStatus", leadId=str(lead.id), status=status)
    found = await fresh.do(fresh.vera, "crm.reports.people", pipelineId=pipeline)
    assert [(o.owner_name, o.owner_kind, o.leads, o.won, o.conversion_rate, o.win_rate) for o in found] == [
        ("Ben Okafor", "person", 2, 1, 50.0, 50.0),
        ("Marcus", "agent", 1, 1, 100.0, 100.0),
        (None, None, 1, 0, 0.0, 0.0),
    ]
    assert [o.median_stage_seconds for o in found] == [172_800, 172_800, None]
    assert [(o.undone_share, o.cost_micros) for o in found if o.owner_id is None] == [(None, 0)]
    assert found[0].won_value[0].value_cents == 500


async def test_conversion_is_never_mixed(fresh: Team) -> None:
    """Spec A2, B8: each pipeline has its own; sources and conditions narrow it."""
    pipelines = await fresh.do(fresh.ana, "crm.pipelines.list")
    other = next(p for p in pipelines if not p.is_intake)
    for source, status in (("event", "won"), ("event", "lost"), ("partner", None)):
        lead = await lead_at(fresh, day(0), source=source, valueCents=100, currency="EUR")
        if status:
            await at(fresh, day(1), fresh.ben, "crm.leads.setStatus", leadId=str(lead.id), status=status)
    await lead_at(fresh, day(0), pipelineId=str(other.id))
    found = {row.pipeline_name: row for row in await fresh.do(fresh.vera, "crm.reports.conversion")}
    mine = found[next(p.name for p in pipelines if p.is_intake)]
    assert (mine.leads, mine.open, mine.won, mine.lost, mine.conversion_rate, mine.win_rate) == (
        3,
        1,
        1,
        1,
        33.33,
        50.0,
    )
    assert (found[other.name].leads, found[other.name].won) == (1, 0)
    assert len(found) == len(pipelines)
    sources = await fresh.do(fresh.vera, "crm.reports.sources", pipelineId=await inbound(fresh))
    assert [(s.source, s.leads, s.won) for s in sources] == [("event", 2, 1), ("partner", 1, 0)]
    seen = await fresh.do(fresh.vera, "crm.reports.overview", pipelineId=await inbound(fresh))
    assert (seen.all.leads, seen.all.won, seen.all.win_rate, seen.all.open_value) == (3, 1, 50.0, mine.open_value)
    assert seen.sources == sources
    assert sorted(stage.leads for stage in seen.stages) == [1, 1, 1]
    where = {"field": "status", "op": "!=", "value": "lost"}
    (narrow,) = await fresh.do(fresh.vera, "crm.reports.conversion", pipelineId=await inbound(fresh), where=where)
    assert narrow.leads == 2
    with pytest.raises(Invalid):
        await fresh.do(fresh.vera, "crm.reports.conversion", where={"field": "password", "op": "is_set"})


def factors(points: int) -> list[dict[str, Any]]:
    rule = {"name": "a chief", "condition": {"field": "title", "op": "has_word", "value": ["ceo"]}, "points": points}
    other = {"name": "anybody", "condition": {"all": []}, "points": 30}
    return [{"key": "who", "label": "Who", "maxPoints": 100, "rules": [rule, other]}]


async def test_rules_are_tried_on_the_past_before_they_are_switched_on(fresh: Team) -> None:
    """Spec C7: how they would have ranked the won and lost, beside the rules in force, by facts of creation or closing."""
    for title, status in (
        ("CEO", "won"),
        ("CEO", "won"),
        ("CEO", "lost"),
        ("Clerk", "lost"),
        ("Clerk", "lost"),
        ("Clerk", "won"),
    ):
        lead = await lead_at(fresh, day(0), title=title)
        await at(fresh, day(2), fresh.ben, "crm.leads.setStatus", leadId=str(lead.id), status=status)
    late = await lead_at(fresh, day(0), title="Clerk")
    await at(fresh, day(1), fresh.ben, "crm.leads.update", leadId=str(late.id), title="CEO")
    await at(fresh, day(2), fresh.ben, "crm.leads.setStatus", leadId=str(late.id), status="won")
    found = await fresh.do(fresh.ana, "crm.scoring.backTest", factors=factors(80))
    assert (found.won, found.lost, found.facts) == (4, 3, "creation")
    high, medium, low = found.proposed.bands
    assert [(b.leads, b.won) for b in (high, medium, low)] == [(3, 2), (0, 0), (4, 2)]
    assert (high.win_rate, high.lift) == (66.67, 1.17)
    assert found.proposed.auc == pytest.approx((2 * (2 + 0.5) + 2 * (2 * 0.5)) / 12, abs=0.0001)
    closing = await fresh.do(fresh.ana, "crm.scoring.backTest", factors=factors(80), facts="closing")
    assert [(b.leads, b.won) for b in closing.proposed.bands] == [(4, 3), (0, 0), (3, 1)]
    assert closing.proposed.auc > found.proposed.auc
    same = await fresh.do(fresh.ana, "crm.scoring.rules")
    assert [f.key for f in same] != ["who"], "trying rules does not set them"
    await fresh.do(fresh.ana, "crm.scoring.setRules", factors=factors(80))
    again = await fresh.do(fresh.ana, "crm.scoring.backTest", factors=factors(80))
    assert again.current == again.proposed


async def test_there_is_a_past_to_try_on(fresh: Team) -> None:
    """Rules cannot be judged where nothing was won or lost, nor when they cannot be read."""
    with pytest.raises(Conflict, match="nothing to try"):
        await fresh.do(fresh.ana, "crm.scoring.backTest", factors=factors(80))
    with pytest.raises(Invalid):
        await fresh.do(fresh.ana, "crm.scoring.backTest", factors=factors(800))


async def test_values_convert_by_the_organizations_own_rates(fresh: Team) -> None:
    """Where the three disagree: sums convert by the organization's own rates; what has no rate stands beside them, and is named."""
    pipeline = await inbound(fresh)
    for cents, currency in ((10_000, "USD"), (10_000, "EUR"), (5_000, "JPY"), (700, "CHF")):
        await lead_at(
            fresh, day(0), valueCents=cents, currency=currency, expectedCloseDate="2026-04-30", source="event"
        )
    await fresh.do(fresh.ana, "crm.organization.setRates", rates={"EUR": 1.1, "JPY": 0.01})
    told = [("CHF", 700, {}), ("USD", 26_000, {"EUR": 10_000, "JPY": 5_000})]
    over = {"pipelineId": pipeline}
    funnel = await fresh.do(fresh.vera, "crm.reports.funnel", over)
    forecast = await fresh.do(fresh.vera, "crm.reports.forecast", over)
    (source,) = await fresh.do(fresh.vera, "crm.reports.sources", over)
    (conversion,) = await fresh.do(fresh.vera, "crm.reports.conversion", over)
    (owner,) = await fresh.do(fresh.vera, "crm.reports.people", over)
    analytics = await fresh.do(fresh.vera, "crm.leads.analytics", over)
    past = await fresh.do(fresh.vera, "crm.reports.conversion", over | {"asOf": "2026-06-01"})
    for values in (
        funnel.stages[0].here_value, source.open_value, conversion.open_value, owner.open_value, analytics.all.open_value,
        forecast.values, forecast.months[0].values, past[0].open_value,
    ):  # fmt: skip
        assert [(each.currency, each.value_cents, each.converted) for each in values] == told
    assert [each.leads for each in forecast.values] == [1, 3]
