"""Converting a lead: the opportunity carries everything, both are linked, and each tells the other's history."""

import pytest

from baton.kernel.errors import Conflict, Invalid
from tests.team import Team


async def qualified(team: Team) -> str:
    lead = await team.capture(
        company="Halcyon Grid", title="Head of Ops", estimatedValue=5_400_000, fields={"budget": "yes"}
    )
    ref = {"leadId": str(lead.id)}
    await team.do(team.ben, "crm.leads.update", ref | {"tags": ["EU"]})
    await team.do(team.ben, "crm.leads.assign", ref | {"ownerId": str(team.marcus.id)})
    await team.do(team.ben, "crm.leads.qualify", ref)
    return str(lead.id)


async def test_the_opportunity_carries_everything(team: Team) -> None:
    """C3."""
    id = await qualified(team)
    done = await team.do(team.ben, "crm.leads.convert", leadId=id, createCustomer=True)
    assert (done.lead.status, done.lead.converted_to_id) == ("won", done.opportunity.id)
    assert done.lead.closed_at is not None
    deals = next(p for p in await team.do(team.ana, "crm.pipelines.list") if p.name == "Deals")
    assert (done.opportunity.pipeline_id, done.opportunity.stage_id) == (deals.id, deals.stages[0].id)
    for name in ("contact_id", "company_id", "value_cents", "currency", "owner_id", "tags", "fields", "title", "email"):
        assert getattr(done.opportunity, name) == getattr(done.lead, name), name
    assert done.opportunity.converted_from_id == done.lead.id
    for one in (done.lead.id, done.opportunity.id):
        timeline = await team.do(team.vera, "crm.leads.timeline", leadId=str(one), limit=200)
        assert {a.lead_id for a in timeline.items} == {done.lead.id, done.opportunity.id}
    async with team.db.transaction(team.org_id) as conn:
        customer = await conn.fetchrow("SELECT id, name, contact_id FROM customers WHERE lead_id = $1", done.lead.id)
    assert tuple(customer) == (done.customer_id, "Halcyon Grid", done.lead.contact_id)


async def test_what_makes_no_sense_is_refused(team: Team) -> None:
    """C3: a lead that is not qualified, closed or converted already; a pipeline that takes no opportunities."""
    raw = str((await team.capture()).id)
    with pytest.raises(Conflict, match="not qualified"):
        await team.do(team.ben, "crm.leads.convert", leadId=raw)
    id = await qualified(team)
    inbound = (await team.do(team.ana, "crm.pipelines.list"))[0]
    with pytest.raises(Invalid, match="opportunities"):
        await team.do(team.ben, "crm.leads.convert", leadId=id, pipelineId=str(inbound.id))
    await team.do(team.ben, "crm.leads.convert", leadId=id)
    with pytest.raises(Conflict, match="already"):
        await team.do(team.ben, "crm.leads.convert", leadId=id)
