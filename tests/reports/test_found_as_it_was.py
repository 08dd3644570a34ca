"""The past is found as it was: a lead, the board and each report, after merges, moves, undos and removals of stages. Spec A3, A8."""

from typing import Any

import msgspec

from baton.kernel.values import utc_now
from tests.reports.past import inbound
from tests.team import Team

REPORTS = ("conversion", "sources", "funnel", "velocity", "forecast", "people")


async def told(team: Team, moment: str, pipeline: str, leads: list[Any]) -> dict[str, Any]:
    """All that is said of a moment; how long leads have waited by then is said to the second."""
    found = {
        name: await team.do(team.vera, f"crm.reports.{name}", {"pipelineId": pipeline, "asOf": moment})
        for name in REPORTS
    }
    found["analytics"] = await team.do(team.vera, "crm.leads.analytics", {"pipelineId": pipeline, "asOf": moment})
    found["leads"] = [await team.do(team.vera, "crm.leads.asOf", leadId=str(lead.id), at=moment) for lead in leads]
    board = await team.do(team.vera, "crm.leads.board", {"pipelineId": pipeline, "asOf": moment})
    found["board"] = {
        column.stage.name: (column.count, sorted(card.name for card in column.cards), column.value_cents)
        for column in board.columns
        if column.count
    }
    plain: dict[str, Any] = msgspec.to_builtins(found)
    return plain


async def test_a_moment_is_told_alike_whatever_came_after(fresh: Team) -> None:
    """What is read of a moment at once, and after everything that can happen to its leads, stages and people, is the same."""
    pipeline = await inbound(fresh)
    way = next(p for p in await fresh.do(fresh.ana, "crm.pipelines.list") if p.is_intake).stages
    leads = [
        await fresh.capture(firstName=name, estimatedValue=1000 * n, company=f"Firm {n}")
        for n, name in enumerate("ABCDEF", 1)
    ]
    refs = [str(lead.id) for lead in leads]
    await fresh.do(fresh.ben, "crm.leads.moveStage", leadId=refs[0], stageId=str(way[1].id))
    await fresh.do(fresh.ben, "crm.leads.moveStage", leadId=refs[1], stageId=str(way[1].id))
    await fresh.do(fresh.ben, "crm.leads.setStatus", leadId=refs[2], status="won")
    await fresh.do(fresh.ben, "crm.leads.assign", leadId=refs[3], ownerId=str(fresh.marcus.id))
    moment = utc_now().isoformat()
    before = await told(fresh, moment, pipeline, leads)
    assert before["board"][way[1].name][0] == 2

    await fresh.do(
        fresh.ben, "crm.contacts.merge", survivorId=str(leads[0].contact_id), mergedId=str(leads[1].contact_id)
    )
    other = next(p for p in await fresh.do(fresh.ana, "crm.pipelines.list") if not p.is_intake and p.type == "lead")
    await fresh.do(fresh.ben, "crm.leads.movePipeline", leadId=refs[3], pipelineId=str(other.id))
    await fresh.do(fresh.ben, "crm.leads.update", leadId=refs[4], valueCents=99_999, currency="EUR", tags=["late"])
    edited = (await fresh.log(leads[4].id))[-1].operation_id
    await fresh.do(fresh.ana, "crm.operations.undo", operationId=str(edited))
    await fresh.do(fresh.ben, "crm.leads.bulkUpdate", leadIds=refs, addTags=["all"], ownerId=str(fresh.ben.id))
    await fresh.do(fresh.ana, "crm.pipelines.removeStage", stageId=str(way[1].id), moveTo=str(way[0].id))
    await fresh.do(fresh.ana, "crm.leads.delete", leadId=refs[5])
    await fresh.do(fresh.ben, "crm.leads.setStatus", leadId=refs[2], status="lost")

    after = await told(fresh, moment, pipeline, leads)
    for name in before:
        assert after[name] == before[name], name
