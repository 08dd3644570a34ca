"""Moving a lead to another pipeline, which makes it what that pipeline's type says. Spec A11, C2, C3."""

from typing import Any

from baton.activities import kinds
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Reason, Version
from baton.kernel.values import Ref
from baton.leads import lead as leads
from baton.leads.lead import Lead
from baton.pipelines import pipeline as pipelines
from baton.pipelines.pipeline import Pipeline, Stage


class MovePipeline(Input, kw_only=True):
    """The lead, the pipeline it goes to, and its stage there: where none is named, the first; for a closed lead the closed one."""

    lead_id: Ref
    pipeline_id: Ref
    stage_id: Ref | None = None
    version: Version | None = None
    reason: Reason | None = None


@operation("crm.leads.movePipeline", role=Role.MEMBER, summary="Move a lead to another pipeline")
async def move_pipeline(tx: Tx, actor: Actor, input: MovePipeline) -> Lead:
    """Move a lead to another pipeline. Raises NotFound, Invalid for an archived stage, Conflict for a lead that is there already."""
    before = await leads.lock(tx, input.lead_id, version=input.version)
    target = await pipelines.get(tx, input.pipeline_id)
    stage = await pipelines.stage(tx, input.stage_id, pipeline_id=target.id) if input.stage_id else None
    if before.pipeline_id == target.id:
        raise Conflict(
            f"{before.name} is in “{target.name}” already. Move it to another of its stages instead.",
            field="pipelineId",
        )
    return await relocate(tx, actor, before, target, stage or place(before, target), reason=input.reason)


def place(lead: Lead, pipeline: Pipeline) -> Stage:
    """Where in a pipeline a lead of another one goes: an open lead to the first stage, a closed one to its like."""
    return (
        pipelines.first_stage(pipeline) if lead.closed_at is None else pipelines.stage_of_status(pipeline, lead.status)
    )


async def relocate(
    tx: Tx, actor: Actor, before: Lead, pipeline: Pipeline, stage: Stage, *, reason: str | None = None
) -> Lead:
    """Put a locked lead into a stage of another pipeline. Raises Invalid where the pipeline or the stage is archived."""
    stage = await pipelines.hold(tx, stage.id)
    kept = before.status if stage.outcome == "lost" and before.status in ("lost", "disqualified") else None
    new: dict[str, Any] = {
        "pipeline_id": pipeline.id, "stage_id": stage.id, "status": pipelines.status_in(stage, kept), "stage_entered_at": tx.now,
        "closed_at": (before.closed_at or tx.now) if stage.closed else None,
    }  # fmt: skip
    told = {
        "pipelineName": pipeline.name,
        "pipelineType": pipeline.type,
        "stageName": stage.name,
        "outcome": stage.outcome,
    }
    return await leads.change(tx, actor, before, kinds.PIPELINE_MOVED, reason=reason, payload=told, **new)
