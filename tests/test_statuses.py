"""Statuses and sources: the lists of document B, and that stage and status never contradict each other."""

import pytest

from baton.kernel.errors import Conflict, Invalid
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


@pytest.mark.parametrize("status", STATUSES)
async def test_a_status_is_a_stage(team: Team, status: str) -> None:
    """Spec B3. Setting a status moves the lead to the first stage that stands for it; a lost stage admits both."""
    lead = await team.capture()
    ref = {"leadId": str(lead.id)}
    after = await team.do(team.ben, "crm.leads.setStatus", ref | {"status": status})
    stages = {stage.id: stage for stage in (await team.do(team.ana, "crm.pipelines.list"))[0].stages}
    stood_for = {"disqualified": "lost"}.get(status, status)
    assert (after.status, stages[after.stage_id].status) == (status, stood_for)
    assert (after.closed_at is not None) == (status in ("won", "lost", "disqualified"))
    with pytest.raises(Invalid):
        await team.do(team.ben, "crm.leads.setStatus", ref | {"status": "nurturing"})


async def test_a_status_that_no_stage_stands_for_is_a_conflict(team: Team) -> None:
    """Spec B3. Said so, and nothing moves."""
    made = await team.do(
        team.ana, "crm.pipelines.create", {"name": "Short", "stages": [{"name": "New"}, {"name": "Talking"}]}
    )
    lead = await team.do(team.ben, "crm.leads.create", {"lastName": "Rey", "pipelineId": str(made.id)})
    with pytest.raises(Conflict, match="stands for"):
        await team.do(team.ben, "crm.leads.setStatus", leadId=str(lead.id), status="won")
    assert await team.do(team.ben, "crm.leads.get", leadId=str(lead.id)) == lead


async def test_the_sources_are_these_nine(team: Team) -> None:
    """Spec B10."""
    for source in SOURCES:
        assert (await team.capture(source=source)).source == source
    for wrong in ("Website", "google", ""):
        with pytest.raises(Invalid, match="source"):
            await team.capture(source=wrong)
