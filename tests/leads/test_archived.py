"""Stages and pipelines that were archived come back; what was undone or restored meanwhile is never hidden. Spec A3."""

import pytest

from baton.kernel.errors import Conflict, NotFound
from tests.team import Team


async def test_a_removed_stage_comes_back(fresh: Team) -> None:
    """It is listed, comes back among the open ones, takes leads again, and its history is the same stage."""
    (intake,) = [p for p in await fresh.do(fresh.ana, "crm.pipelines.list") if p.is_intake]
    gone, other = intake.stages[1], intake.stages[0]
    lead = await fresh.capture()
    await fresh.do(fresh.ben, "crm.leads.moveStage", leadId=str(lead.id), stageId=str(gone.id))
    await fresh.do(fresh.ana, "crm.pipelines.removeStage", stageId=str(gone.id), moveTo=str(other.id))
    (listed,) = await fresh.do(fresh.vera, "crm.pipelines.archived")
    assert (listed.kind, listed.name, listed.id, listed.leads) == ("stage", gone.name, gone.id, 0)
    back = await fresh.do(fresh.ana, "crm.pipelines.restoreStage", stageId=str(gone.id))
    assert (back.id, back.archived_at) == (gone.id, None)
    (intake,) = [p for p in await fresh.do(fresh.ana, "crm.pipelines.list") if p.is_intake]
    open_stages = [stage.id for stage in intake.stages if stage.outcome == "open"]
    assert open_stages[-1] == gone.id
    moved = await fresh.do(fresh.ben, "crm.leads.moveStage", leadId=str(lead.id), stageId=str(gone.id))
    assert moved.stage_id == gone.id
    with pytest.raises(NotFound):
        await fresh.do(fresh.ana, "crm.pipelines.restoreStage", stageId=str(gone.id))


async def test_a_removed_pipeline_comes_back_with_its_stages(fresh: Team) -> None:
    made = await fresh.do(
        fresh.ana,
        "crm.pipelines.create",
        {"name": "Partners", "stages": [{"name": "New"}, {"name": "Talks"}, {"name": "Won"}]},
    )
    gone = {"stageId": str(made.stages[1].id)}
    await fresh.do(fresh.ana, "crm.pipelines.removeStage", gone)
    await fresh.do(fresh.ana, "crm.pipelines.delete", pipelineId=str(made.id))
    with pytest.raises(Conflict, match="pipeline was removed"):
        await fresh.do(fresh.ana, "crm.pipelines.restoreStage", gone)
    back = await fresh.do(fresh.ana, "crm.pipelines.restore", pipelineId=str(made.id))
    assert [stage.name for stage in back.stages] == ["New", "Won"]
    await fresh.do(fresh.ana, "crm.pipelines.restoreStage", gone)
    assert await fresh.do(fresh.vera, "crm.pipelines.archived") == []


async def test_an_undo_does_not_lead_into_an_archived_stage(fresh: Team) -> None:
    """The move is kept, and the undo says why; a deleted lead that comes back enters a stage that stands."""
    (intake,) = [p for p in await fresh.do(fresh.ana, "crm.pipelines.list") if p.is_intake]
    first, second = intake.stages[0], intake.stages[1]
    lead, deleted = await fresh.capture(), await fresh.capture()
    moved = {"leadId": str(lead.id), "stageId": str(second.id)}
    await fresh.do(fresh.ben, "crm.leads.moveStage", moved)
    operation = (await fresh.log(lead.id))[-1].operation_id
    await fresh.do(fresh.ana, "crm.leads.delete", leadId=str(deleted.id))
    await fresh.do(fresh.ana, "crm.pipelines.removeStage", stageId=str(first.id))
    done = await fresh.do(fresh.ana, "crm.operations.undo", operationId=str(operation))
    ((what, outcome, why),) = [(e.what, e.outcome, e.why) for e in done.effects]
    assert (what, outcome) == ("stageId", "kept")
    assert why is not None
    assert "is archived" in why
    assert (await fresh.do(fresh.ben, "crm.leads.get", leadId=str(lead.id))).stage_id == second.id
    back = await fresh.do(fresh.ana, "crm.leads.restore", leadId=str(deleted.id))
    assert (back.stage_id, back.status) == (second.id, second.status)
