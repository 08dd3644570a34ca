"""Qualifying a lead, and disqualifying one. Spec A12, C3."""

from baton.activities import kinds
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Reason, Version
from baton.kernel.values import Ref
from baton.leads import lead as leads
from baton.leads.lead import Lead
from baton.leads.move import enter
from baton.pipelines import pipeline as pipelines


class Qualify(Input, kw_only=True):
    """The lead to qualify, and why."""

    lead_id: Ref
    version: Version | None = None
    reason: Reason | None = None


class Disqualify(Input, kw_only=True):
    """The lead to disqualify, and why."""

    lead_id: Ref
    version: Version | None = None
    reason: Reason | None = None


@operation("crm.leads.qualify", role=Role.MEMBER, summary="Qualify a lead")
async def qualify(tx: Tx, actor: Actor, input: Qualify) -> Lead:
    """Move an open lead to its pipeline's next stage and stamp `qualifiedAt`. Spec C3.

    Raises Conflict for a closed lead, one that is qualified already, or one in the last open stage.
    """
    before = await leads.lock(tx, input.lead_id, version=input.version)
    if before.closed_at is not None:
        raise Conflict(f"{before.name} is closed ({before.status}). Move it to an open stage first.")
    if before.qualified_at is not None:
        raise Conflict(f"{before.name} is qualified already.")
    stage = pipelines.next_stage(await pipelines.get(tx, before.pipeline_id), before.stage_id)
    moved = await enter(tx, actor, before, stage, reason=input.reason)
    return await leads.change(
        tx,
        actor,
        moved,
        kinds.LEAD_QUALIFIED,
        reason=input.reason,
        payload={"stageName": stage.name},
        qualified_at=tx.now,
    )


@operation("crm.leads.disqualify", role=Role.MEMBER, summary="Disqualify a lead")
async def disqualify(tx: Tx, actor: Actor, input: Disqualify) -> Lead:
    """Move a lead to its pipeline's lost stage with the status `disqualified`. Spec B3, C3.

    Raises Conflict for a lead that is won or disqualified already, or a pipeline without a lost stage.
    """
    before = await leads.lock(tx, input.lead_id, version=input.version)
    if before.status in ("won", "disqualified"):
        raise Conflict(f"{before.name} is {before.status} already.")
    stage = pipelines.stage_of_status(await pipelines.get(tx, before.pipeline_id), "disqualified")
    moved = await enter(tx, actor, before, stage, status="disqualified", reason=input.reason)
    return await leads.change(
        tx, actor, moved, kinds.LEAD_DISQUALIFIED, reason=input.reason, payload={"stageName": stage.name}
    )
