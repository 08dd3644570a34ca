"""Removing a pipeline; the leads that it holds go where the call says. Spec A2, C1."""

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Invalid
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Version
from baton.kernel.values import Ref
from baton.leads import lead as leads
from baton.leads.move_pipeline import place, relocate
from baton.leads.remove_stage import counted, holding
from baton.pipelines import pipeline as pipelines
from baton.pipelines.edit import lock
from baton.pipelines.pipeline import Pipeline


class RemovePipeline(Input, kw_only=True):
    """The pipeline to remove, and the pipeline that its leads move to."""

    pipeline_id: Ref
    version: Version | None = None
    move_to: Ref | None = None


@operation("crm.pipelines.delete", role=Role.ADMIN, summary="Remove a pipeline")
async def remove_pipeline(tx: Tx, actor: Actor, input: RemovePipeline) -> Pipeline:
    """Remove a pipeline and answer it as it was. Its open leads start the other pipeline; closed ones keep their outcome.

    Raises NotFound; Conflict where it holds leads and the call does not say where they go, where captured leads or a
    live form's enter it, or for a stale version.
    """
    gone = await lock(tx, input.pipeline_id, version=input.version)
    if gone.is_intake:
        raise Conflict(f"Captured leads enter “{gone.name}”. Make another pipeline the intake first.")
    form = await tx.fetchval(
        "SELECT name FROM forms WHERE org_id = $1 AND pipeline_id = $2 AND status = 'live' LIMIT 1", tx.org_id, gone.id
    )
    if form is not None:
        raise Conflict(f"The form “{form}” sends leads to “{gone.name}”. Let it send them elsewhere first.")
    # The lock that a lead's coming in waits for: what comes later sees the pipeline removed.
    await tx.execute("SELECT FROM pipelines WHERE org_id = $1 AND id = $2 FOR UPDATE", tx.org_id, gone.id)
    rows = await tx.fetch("SELECT id FROM stages WHERE org_id = $1 AND pipeline_id = $2", tx.org_id, gone.id)
    held = await holding(tx, [row["id"] for row in rows])
    target = await pipelines.get(tx, input.move_to) if input.move_to else None
    if target is not None and (target.id == gone.id or target.archived_at is not None):
        raise Invalid("“moveTo” is another pipeline that is not removed.", field="moveTo")
    if held and target is None:
        raise Conflict(
            f"“{gone.name}” holds {counted(held)}. Say in “moveTo” which pipeline they go to.", field="moveTo"
        )
    for lead_id in held:
        if target is not None:
            lead = await leads.lock(tx, lead_id)
            await relocate(
                tx, actor, lead, target, place(lead, target), reason=f"The pipeline “{gone.name}” was removed"
            )
    await tx.execute(
        "UPDATE pipelines SET archived_at = $3, external_id = NULL, version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id, gone.id, tx.now,
    )  # fmt: skip
    await append(
        tx, actor,
        Entry(kind=kinds.PIPELINE_REMOVED, subject_type="pipeline", subject_id=gone.id,
              payload={"name": gone.name, "leads": len(held)} | ({"movedTo": target.name} if target and held else {})),
    )  # fmt: skip
    return gone
