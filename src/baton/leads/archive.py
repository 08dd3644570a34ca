"""Deleting a lead softly, and restoring it; the trail stays. Spec B9."""

from typing import Any

from baton.activities import kinds
from baton.contacts.records import COMPANY, CONTACT
from baton.contacts.remove import standing
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Invalid
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Reason, Version
from baton.kernel.values import Ref
from baton.leads import lead as leads
from baton.leads.lead import Lead
from baton.leads.move import enter
from baton.pipelines import pipeline as pipelines


class DeleteLead(Input, kw_only=True):
    """The lead to delete, and why."""

    lead_id: Ref
    version: Version | None = None
    reason: Reason | None = None


class RestoreLead(Input, kw_only=True):
    """The deleted lead to bring back."""

    lead_id: Ref
    version: Version | None = None


@operation("crm.leads.delete", role=Role.ADMIN, summary="Delete a lead")
async def delete(tx: Tx, actor: Actor, input: DeleteLead) -> Lead:
    """Hide a lead everywhere; its history stays and it can be restored. Raises NotFound, Conflict."""
    before = await leads.lock(tx, input.lead_id, version=input.version)
    return await leads.change(tx, actor, before, kinds.LEAD_DELETED, reason=input.reason, deleted_at=tx.now)


@operation("crm.leads.restore", role=Role.ADMIN, summary="Restore a lead")
async def restore(tx: Tx, actor: Actor, input: RestoreLead) -> Lead:
    """Bring a deleted lead back to where it was; where that stage is archived, an open one to the first stage.

    Raises NotFound where it is not deleted, Conflict where its pipeline was removed, or for a stale version.
    """
    before = await leads.lock(tx, input.lead_id, version=input.version, deleted=True)
    try:
        await pipelines.hold(tx, before.stage_id)
    except Invalid:
        if before.closed_at is None:  # a closed one keeps the stage that it was in
            pipeline = await pipelines.get(tx, before.pipeline_id)
            if pipeline.archived_at is not None:
                raise Conflict(f"Its pipeline “{pipeline.name}” was removed. Bring that back first.") from None
            before = await enter(tx, actor, before, pipelines.first_stage(pipeline), reason="Its stage was archived")
    return await with_records(tx, actor, await leads.change(tx, actor, before, kinds.LEAD_RESTORED, deleted_at=None))


async def with_records(tx: Tx, actor: Actor, lead: Lead) -> Lead:
    """A lead that came back, with its contact and company: brought back with it, or those that are known in their place by now."""
    points: dict[str, Any] = {}
    for sort in (COMPANY, CONTACT):
        id = getattr(lead, sort.reference)
        if id is not None and (stands := await standing(tx, actor, sort, id)) != id:
            points[sort.reference] = stands
    return await leads.change(tx, actor, lead, kinds.FIELD_UPDATED, **points) if points else lead
