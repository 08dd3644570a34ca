"""The History view: closed leads, who closed each, when and why. Spec A4."""

import pytest

from baton.kernel.errors import Invalid
from tests.browser.stages import inbound, lead
from tests.team import Team


async def test_closed_leads_stand_in_the_history_with_who_closed_them_and_why(fresh: Team) -> None:
    """Spec A4. The last closed first; open leads are not in it."""
    hannah, owen, wei = [await lead(fresh, name, "Test") for name in ("Hannah", "Owen", "Wei")]
    await fresh.do(fresh.marcus, "crm.leads.disqualify", leadId=str(owen.id), reason="No budget")
    await fresh.do(fresh.ben, "crm.leads.setStatus", leadId=str(wei.id), status="won")
    page = await fresh.do(fresh.ana, "crm.leads.history", pipelineId=str((await inbound(fresh)).id))
    assert [(each.lead.name, each.closed_by_name, each.reason) for each in page.items] == [
        ("Wei Test", "Ben Okafor", None),
        ("Owen Test", "Marcus", "No budget"),
    ]
    assert hannah.id not in {each.lead.id for each in page.items}


async def test_a_reopened_lead_leaves_the_history_and_closed_again_it_is_back(fresh: Team) -> None:
    """Spec A4. Who closed it is who closed it last."""
    pipeline = await inbound(fresh)
    owen = await lead(fresh, "Owen", "Clarke")
    await fresh.do(fresh.ben, "crm.leads.setStatus", leadId=str(owen.id), status="lost")
    await fresh.do(fresh.ana, "crm.leads.moveStage", leadId=str(owen.id), stageId=str(pipeline.stages[0].id))
    assert (await fresh.do(fresh.ana, "crm.leads.history", pipelineId=str(pipeline.id))).items == []
    await fresh.do(fresh.marcus, "crm.leads.setStatus", leadId=str(owen.id), status="won", reason="Signed")
    found = await fresh.do(fresh.ana, "crm.leads.history", pipelineId=str(pipeline.id), outcome="won")
    assert [(each.closed_by_name, each.reason) for each in found.items] == [("Marcus", "Signed")]
    assert (await fresh.do(fresh.ana, "crm.leads.history", pipelineId=str(pipeline.id), outcome="lost")).items == []


async def test_the_history_is_read_page_by_page(fresh: Team) -> None:
    """Spec A4, A10."""
    pipeline = await inbound(fresh)
    for number in range(5):
        made = await lead(fresh, f"Lead{number}", "Test")
        await fresh.do(fresh.ben, "crm.leads.setStatus", leadId=str(made.id), status="won")
    seen: list[str] = []
    cursor = None
    while True:
        page = await fresh.do(fresh.ana, "crm.leads.history", pipelineId=str(pipeline.id), limit=2, cursor=cursor)
        seen += [each.lead.first_name for each in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert seen == [f"Lead{number}" for number in (4, 3, 2, 1, 0)]
    with pytest.raises(Invalid):
        await fresh.do(fresh.ana, "crm.leads.history", pipelineId=str(pipeline.id), limit=0)
