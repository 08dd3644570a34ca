"""Stages that go while leads come, and merges that meet: with real concurrency, nothing ends up nowhere. Spec A1, A3, A5."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from baton.kernel.errors import BatonError
from tests.team import Team

ROUNDS = 8


async def settled(*tasks: Awaitable[Any]) -> list[Any]:
    """The results of what runs at the same moment; refusals are answers, faults are not."""
    results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, BatonError):
            raise result
    return list(results)


async def lost(team: Team) -> int:
    """Leads that no board shows: in an archived stage or a removed pipeline, though they are open."""
    async with team.db.transaction(team.org_id) as conn:
        found: int = await conn.fetchval(
            """SELECT count(*) FROM leads l JOIN stages s ON s.org_id = l.org_id AND s.id = l.stage_id
                 JOIN pipelines p ON p.org_id = l.org_id AND p.id = l.pipeline_id
                WHERE l.org_id = $1 AND l.deleted_at IS NULL AND (s.archived_at IS NOT NULL OR p.archived_at IS NOT NULL)""",
            team.org_id,
        )
        return found


async def made(team: Team) -> tuple[Any, Any]:
    """A pipeline with two open stages and a lead in the first."""
    body = {"name": "Race", "stages": [{"name": "A"}, {"name": "B"}, {"name": "C"}]}
    pipeline = await team.do(team.ana, "crm.pipelines.create", body)
    lead = await team.do(team.ben, "crm.leads.create", {"name": "Rita", "pipelineId": str(pipeline.id)})
    return pipeline, lead


async def test_a_stage_that_goes_while_leads_come(fresh: Team) -> None:
    """Whoever moves or makes a lead into a stage being removed is refused, or the lead goes where the others go."""
    for _ in range(ROUNDS):
        pipeline, lead = await made(fresh)
        stage, other = str(pipeline.stages[1].id), str(pipeline.stages[2].id)
        new = {"name": "New", "pipelineId": str(pipeline.id), "stageId": stage}
        await settled(
            fresh.do(fresh.ben, "crm.leads.moveStage", leadId=str(lead.id), stageId=stage),
            fresh.do(fresh.ana, "crm.pipelines.removeStage", stageId=stage, moveTo=other),
            fresh.do(fresh.ben, "crm.leads.create", new),
            fresh.do(fresh.marcus, "crm.leads.create", new),
        )
        assert await lost(fresh) == 0


async def test_a_stage_that_is_archived_while_leads_come(fresh: Team) -> None:
    for _ in range(ROUNDS):
        pipeline, lead = await made(fresh)
        stage = str(pipeline.stages[1].id)
        await settled(
            fresh.do(fresh.ben, "crm.leads.moveStage", leadId=str(lead.id), stageId=stage),
            fresh.do(fresh.ana, "crm.pipelines.updateStage", stageId=stage, archived=True),
        )
        assert await lost(fresh) == 0


async def test_a_first_stage_that_goes_while_leads_are_captured(fresh: Team) -> None:
    """A capture names no stage: it is not lost, but enters the one that is first by then."""
    (intake,) = [p for p in await fresh.do(fresh.ana, "crm.pipelines.list") if p.is_intake]
    first, second = str(intake.stages[0].id), str(intake.stages[1].id)
    results = await settled(
        *(fresh.capture(email=f"race{n}@acme.example") for n in range(6)),
        fresh.do(fresh.ana, "crm.pipelines.removeStage", stageId=first, moveTo=second),
        *(fresh.capture(email=f"race{n}@globex.example") for n in range(6)),
    )
    assert not [result for result in results if isinstance(result, BatonError)]
    assert await lost(fresh) == 0
    assert len((await fresh.do(fresh.ben, "crm.leads.find", limit=50)).items) == 12


async def test_a_pipeline_that_goes_while_leads_come(fresh: Team) -> None:
    for _ in range(ROUNDS):
        pipeline, lead = await made(fresh)
        target, _ = await made(fresh)
        await settled(
            fresh.do(fresh.ben, "crm.leads.moveStage", leadId=str(lead.id), stageId=str(pipeline.stages[1].id)),
            fresh.do(fresh.ana, "crm.pipelines.delete", pipelineId=str(pipeline.id), moveTo=str(target.id)),
            fresh.do(fresh.ben, "crm.leads.create", {"name": "New", "pipelineId": str(pipeline.id)}),
        )
        assert await lost(fresh) == 0


async def test_merges_that_meet(fresh: Team) -> None:
    """Two merges of the same records, crosswise and in a chain: no circle, no lead of a merged contact, no e-mail twice."""
    for n in range(ROUNDS):
        leads = [
            await fresh.do(fresh.ben, "crm.leads.create", {"name": f"L{i}", "email": f"m{n}.{i}@acme.example"})
            for i in range(3)
        ]
        a, b, c = (str(lead.contact_id) for lead in leads)
        await settled(
            fresh.do(fresh.ben, "crm.contacts.merge", survivorId=a, mergedId=b),
            fresh.do(fresh.ana, "crm.contacts.merge", survivorId=b, mergedId=a),
            fresh.do(fresh.ana, "crm.contacts.merge", survivorId=b, mergedId=c),
            fresh.do(fresh.marcus, "crm.leads.create", {"name": "Late", "email": f"m{n}.1@acme.example"}),
        )
    async with fresh.db.transaction(fresh.org_id) as conn:
        chained = await conn.fetchval(
            """SELECT count(*) FROM contacts c JOIN contacts s ON s.org_id = c.org_id AND s.id = c.merged_into_id
                WHERE c.org_id = $1 AND s.merged_into_id IS NOT NULL""",
            fresh.org_id,
        )
        stray = await conn.fetchval(
            """SELECT count(*) FROM leads l JOIN contacts c ON c.org_id = l.org_id AND c.id = l.contact_id
                WHERE l.org_id = $1 AND c.merged_into_id IS NOT NULL""",
            fresh.org_id,
        )
    assert (chained, stray) == (0, 0)
