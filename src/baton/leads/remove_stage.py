"""Removing a stage; the leads that it holds go where the call says. Spec A3, C1."""

from uuid import UUID

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Invalid, must_be_current
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Version
from baton.kernel.values import Ref
from baton.leads import lead as leads
from baton.leads.move import enter
from baton.pipelines import pipeline as pipelines
from baton.pipelines import stages
from baton.pipelines.edit import lock
from baton.pipelines.pipeline import Pipeline, Stage

MOST = 5000


class RemoveStage(Input, kw_only=True):
    """The stage to remove, and the stage of the same pipeline that its leads move to."""

    stage_id: Ref
    pipeline_id: Ref | None = None
    move_to: Ref | None = None
    version: Version | None = None


@operation("crm.pipelines.removeStage", role=Role.ADMIN, summary="Remove a stage")
async def remove_stage(tx: Tx, actor: Actor, input: RemoveStage) -> Pipeline:
    """Remove a stage and answer its pipeline. The history of leads that were in it stays.

    Raises NotFound; Conflict where it holds leads and the call does not say where they go, or is the only open stage.
    """
    found = await pipelines.stage(tx, input.stage_id)
    pipeline = await lock(tx, input.pipeline_id or str(found.pipeline_id))
    gone = await pipelines.stage(tx, found.id, pipeline_id=pipeline.id)
    must_be_current(f"“{gone.name}”", gone.version, input.version)
    target = await _target(tx, pipeline, gone, input.move_to)
    held = await holding(tx, [gone.id])
    if held and target is None:
        raise Conflict(f"“{gone.name}” holds {counted(held)}. Say in “moveTo” which stage they go to.", field="moveTo")
    for lead_id in held:
        if target is not None:
            lead = await leads.lock(tx, lead_id)
            kept = lead.status if target.outcome == "lost" and lead.status in ("lost", "disqualified") else None
            await enter(tx, actor, lead, target, status=kept, reason=f"The stage “{gone.name}” was removed")
    await stages.archive(tx, pipeline, gone)
    await append(
        tx, actor,
        Entry(kind=kinds.STAGE_REMOVED, subject_type="stage", subject_id=gone.id,
              payload={"name": gone.name, "pipelineName": pipeline.name, "leads": len(held)}
              | ({"movedTo": target.name} if target and held else {})),
    )  # fmt: skip
    return await pipelines.get(tx, pipeline.id)


async def holding(tx: Tx, stage_ids: list[UUID]) -> list[UUID]:
    """The leads in stages that are about to go, the stages locked so that none comes in. Raises Conflict for more than 5,000."""
    await tx.execute(
        "SELECT FROM stages WHERE org_id = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE", tx.org_id, stage_ids
    )
    rows = await tx.fetch(
        "SELECT id FROM leads WHERE org_id = $1 AND stage_id = ANY ($2) AND deleted_at IS NULL ORDER BY id LIMIT $3",
        tx.org_id, stage_ids, MOST + 1,
    )  # fmt: skip
    if len(rows) > MOST:
        raise Conflict(f"It holds more than {MOST:,} leads, too many to move at once. Move some of them first.")
    return [row["id"] for row in rows]


def counted(held: list[UUID]) -> str:
    """How many, in words: "a lead", "12 leads"."""
    return "a lead" if len(held) == 1 else f"{len(held)} leads"


async def _target(tx: Tx, pipeline: Pipeline, gone: Stage, ref: Ref | None) -> Stage | None:
    if gone.archived_at is not None:
        raise Conflict(f"“{gone.name}” is archived already.")
    if ref is None:
        return None
    target = await pipelines.stage(tx, ref, pipeline_id=pipeline.id)
    if target.id == gone.id or target.archived_at is not None:
        raise Invalid("“moveTo” is another stage of the pipeline that is not archived.", field="moveTo")
    return target
