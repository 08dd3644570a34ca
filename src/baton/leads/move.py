"""Moving a lead: to another stage, by stage or by status. Spec A4, A9, B3, B5."""

from baton.activities import kinds
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Reason, Version
from baton.kernel.values import Ref
from baton.leads import lead as leads
from baton.leads.lead import Lead
from baton.leads.move_together import move_many
from baton.leads.moving import entering, payload
from baton.pipelines import pipeline as pipelines
from baton.pipelines.pipeline import Stage, Status


class MoveStage(Input, kw_only=True):
    """Where to: a stage of the lead's pipeline. `version` refuses the move where the lead has changed meanwhile."""

    lead_id: Ref
    stage_id: Ref
    status: Status | None = None
    version: Version | None = None
    reason: Reason | None = None


class SetStatus(Input, kw_only=True):
    """The status to take: the lead moves to its pipeline's first stage of that status."""

    lead_id: Ref
    status: Status
    version: Version | None = None
    reason: Reason | None = None


@operation("crm.leads.moveStage", role=Role.MEMBER, summary="Move a lead to another stage", grouped=move_many)
async def move(tx: Tx, actor: Actor, input: MoveStage) -> Lead:
    """Move a lead to another stage of its pipeline; moving to where it is changes nothing. Spec A4, B5.

    Raises NotFound for a lead or stage outside the actor's organization, Conflict for a stale version.
    """
    before = await leads.lock(tx, input.lead_id, version=input.version)
    stage = await pipelines.hold(tx, input.stage_id, pipeline_id=before.pipeline_id)
    return await enter_held(tx, actor, before, stage, status=input.status, reason=input.reason)


@operation("crm.leads.setStatus", role=Role.MEMBER, summary="Set a lead's status")
async def set_status(tx: Tx, actor: Actor, input: SetStatus) -> Lead:
    """Move a lead to the first stage of its pipeline that stands for a status. Raises Conflict where none does."""
    before = await leads.lock(tx, input.lead_id, version=input.version)
    if before.status == input.status:
        return before
    pipeline = await pipelines.get(tx, before.pipeline_id)
    stage = pipelines.stage_of_status(pipeline, input.status)
    return await enter(tx, actor, before, stage, status=input.status, reason=input.reason)


async def enter(
    tx: Tx, actor: Actor, before: Lead, stage: Stage, *, status: str | None = None, reason: str | None = None
) -> Lead:
    """Let a locked lead enter a stage of its pipeline and take its status. A closed stage closes it, an open one reopens it.

    Raises Invalid for an archived stage, also where it is being archived at this moment.
    """
    held = await pipelines.hold(tx, stage.id)
    return await enter_held(tx, actor, before, held, status=status, reason=reason)


async def enter_held(
    tx: Tx, actor: Actor, before: Lead, stage: Stage, *, status: str | None = None, reason: str | None = None
) -> Lead:
    """As `enter`, a stage that is held until the transaction ends."""
    new = entering(before, stage, status, tx.now)
    if new is None:
        return before
    return await leads.change(
        tx, actor, before, kinds.STAGE_CHANGED, reason=reason, payload=payload(stage), stage=stage, **new
    )
