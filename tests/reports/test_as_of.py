"""The past as a rowset: every lead as it stood, the same as its own log folded, and any report as of a past day. Spec A8."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from baton.kernel.errors import Invalid, NotFound
from baton.leads import as_of_rowset
from baton.leads.lead import COLUMNS, from_row
from tests.reports.past import at, day, inbound, lead_at, stages
from tests.team import Team
from tests.test_replay import perform_all, steps


async def as_of(team: Team, when: datetime) -> dict[Any, Any]:
    async with team.db.transaction(team.org_id) as conn:
        rows = await conn.fetch(f"SELECT {COLUMNS} FROM {as_of_rowset.rowset('$2')} l", team.org_id, when)
    return {row["id"]: from_row(row) for row in rows}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=steps, after=steps)
async def test_it_equals_the_log_folded_lead_by_lead(team: Team, before: Any, after: Any) -> None:
    """Spec A8: at a moment between any operations, and at every activity's own moment."""
    lead = await team.capture(company="Acme", title="CFO", phone="+49 30 5550 0142")
    await perform_all(team, str(lead.id), before)
    await perform_all(team, str(lead.id), after)
    log = await activities(team, lead.id)
    for moment in {row["occurred_at"] for row in log}:
        found = (await as_of(team, moment))[lead.id]
        assert found == await team.do(team.ana, "crm.leads.asOf", leadId=str(lead.id), at=moment.isoformat())


async def activities(team: Team, lead_id: Any) -> list[Any]:
    async with team.db.transaction(team.org_id) as conn:
        return list(
            await conn.fetch(
                "SELECT occurred_at FROM activities WHERE org_id = $1 AND lead_id = $2", team.org_id, lead_id
            )
        )


async def test_each_lead_just_before_it_closed_and_when_it_was_made(fresh: Team) -> None:
    """Spec A8, C7: the facts that a back-test looks at."""
    lead = await lead_at(fresh, day(0), title="Clerk")
    await at(fresh, day(2), fresh.ben, "crm.leads.update", leadId=str(lead.id), title="CFO")
    await at(fresh, day(5), fresh.ben, "crm.leads.setStatus", leadId=str(lead.id), status="won")
    await at(fresh, day(6), fresh.ben, "crm.leads.update", leadId=str(lead.id), title="Retired")
    async with fresh.db.transaction(fresh.org_id) as conn:
        for rowset, title in (
            (as_of_rowset.rowset_at_creation(), "Clerk"),
            (as_of_rowset.rowset_before_closing(), "CFO"),
        ):
            (row,) = await conn.fetch(f"SELECT {COLUMNS} FROM {rowset} l", fresh.org_id)
            assert (row["title"], row["status"], row["closed_at"]) == (title, "new", None)


async def test_reports_are_as_they_were(fresh: Team) -> None:
    """Spec A8: a report as of a past day is the report that was read on that day."""
    way, pipeline = await stages(fresh), await inbound(fresh)
    first = await lead_at(fresh, day(0), valueCents=100_00, source="event", expectedCloseDate="2026-04-15")
    second = await lead_at(fresh, day(1), valueCents=300_00, currency="EUR", ownerId=str(fresh.marcus.id))
    names = ("crm.reports.conversion", "crm.reports.sources", "crm.reports.overview", "crm.reports.funnel", "crm.reports.forecast",
             "crm.leads.analytics", "crm.reports.velocity", "crm.reports.people")  # fmt: skip
    then = {name: await at(fresh, day(3), fresh.vera, name, pipelineId=pipeline) for name in names}
    await at(fresh, day(4), fresh.ben, "crm.leads.moveStage", leadId=str(first.id), stageId=list(way.values())[2])
    await at(fresh, day(5), fresh.ben, "crm.leads.setStatus", leadId=str(second.id), status="won")
    await at(fresh, day(5), fresh.ana, "crm.leads.delete", leadId=str(first.id))
    await at(fresh, day(6), fresh.ben, "crm.leads.update", leadId=str(second.id), source="partner", valueCents=1)
    await at(fresh, day(6), fresh.ben, "crm.leads.assign", leadId=str(second.id), ownerId=None)
    await lead_at(fresh, day(7))
    for name in names:
        now = await fresh.do(fresh.vera, name, pipelineId=pipeline)
        past = await fresh.do(fresh.vera, name, pipelineId=pipeline, asOf=day(3).isoformat())
        assert past == then[name]
        assert past != now


async def test_a_day_is_told_as_it_ended_in_the_organizations_time_zone(fresh: Team) -> None:
    """Spec A8."""
    await fresh.do(fresh.ana, "crm.organization.update", timeZone="Pacific/Auckland")
    pipeline = await inbound(fresh)
    await lead_at(fresh, datetime.fromisoformat("2026-03-02T10:00:00+00:00"))  # 23:00 of the 2nd there
    await lead_at(fresh, datetime.fromisoformat("2026-03-02T12:00:00+00:00"))  # 01:00 of the 3rd there
    counts = [
        (await fresh.do(fresh.vera, "crm.leads.analytics", pipelineId=pipeline, asOf=text)).all.leads
        for text in ("2026-03-01", "2026-03-02", "2026-03-03")
    ]
    assert counts == [0, 1, 2]
    period = await fresh.do(
        fresh.vera, "crm.leads.analytics", pipelineId=pipeline, dateFrom="2026-03-03", dateTo="2026-03-03"
    )
    assert period.all.leads == 1


@pytest.mark.parametrize("asked", ["2999-01-01", "yesterday", "2026-02-30", "2999-01-01T00:00:00Z"])
async def test_what_is_no_past_is_refused(team: Team, asked: str) -> None:
    """A report of a day to come would be an invention."""
    with pytest.raises(Invalid):
        await team.do(team.vera, "crm.leads.analytics", asOf=asked)


async def test_the_past_of_another_organization_is_not_read(fresh: Team, carla: Team) -> None:
    """Attack: an as-of read neither counts foreign leads nor takes a foreign pipeline."""
    await lead_at(fresh, day(0))
    theirs = await carla.do(carla.vera, "crm.leads.analytics", asOf=(day(0) + timedelta(days=1)).isoformat())
    assert theirs.all.leads == 0
    with pytest.raises(NotFound):
        await carla.do(carla.vera, "crm.reports.funnel", pipelineId=await inbound(fresh), asOf="2026-03-05")
