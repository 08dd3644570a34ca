"""Editing a selection of leads: facts, owner, place, tags or deletion, in chunks under one operation. Spec A10, B9."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from baton.kernel.actor import Actor, Role
from baton.kernel.conditions import Condition
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid, NotFound
from baton.kernel.operation import check_role, find, operation
from baton.kernel.perform import within
from baton.kernel.shapes import Reason, TagNames, Words
from baton.kernel.values import Ref
from baton.leads import lead as leads
from baton.leads.archive import DeleteLead
from baton.leads.assign import Assign
from baton.leads.chunks import MOST, Changed, Chunk, each, go_on, matched
from baton.leads.edit import EditLead, LeadFacts
from baton.leads.lead import Lead
from baton.leads.matching import known, matching
from baton.leads.move import MoveStage, SetStatus
from baton.leads.move_pipeline import MovePipeline
from baton.leads.tags import TagLead
from baton.pipelines.pipeline import Status


class BulkUpdate(Chunk, kw_only=True):
    """Which leads (`leadIds`, at most 500; or a condition, a search, a segment), and what to do with each of them.

    `set` are facts as `crm.leads.update` takes them; a stage needs leads of its own pipeline unless `pipelineId` moves them there.
    """

    lead_ids: Annotated[list[Ref], Meta(min_length=1, max_length=500)] | None = None
    where: Condition | None = None
    search: Words | None = None
    segment_id: UUID | None = None
    set: LeadFacts | None = None
    owner_id: Ref | UnsetType | None = UNSET
    pipeline_id: Ref | None = None
    stage_id: Ref | None = None
    status: Status | None = None
    add_tags: TagNames = []
    remove_tags: TagNames = []
    delete: bool = False
    reason: Reason | None = None


Step = tuple[str, type[msgspec.Struct], dict[str, Any]]


@operation("crm.leads.bulkUpdate", role=Role.MEMBER, summary="Edit a selection of leads")
async def bulk_update(tx: Tx, actor: Actor, input: BulkUpdate) -> Changed:
    """Do the same to many leads, each by the operation that does it to one, and under its checks (deleting needs an admin).

    What cannot be done to a lead leaves that lead as it was, and is said. Raises Invalid where nothing is asked, Forbidden
    where one of the steps is not the actor's to do, NotFound where no lead that is named exists.
    """
    steps = _steps(input)
    for name, _, _ in steps:
        check_role(find(name), actor)
    await go_on(tx, actor, input.operation_id)
    refs, ids, after = await _chosen(tx, input)

    async def act(id: UUID) -> bool:
        before = await leads.lock(tx, id)
        lead: Lead = before
        for name, type, given in [_of(lead, step) for step in steps]:
            lead = await within(tx, actor, name, type(lead_id=str(id), reason=input.reason, **given))
        return lead.version != before.version

    return await each(tx, refs, ids, act, after)


def _steps(input: BulkUpdate) -> list[Step]:
    """The operations that each lead goes through, in order: facts, tags, owner, place, and deletion last."""
    steps: list[Step] = []
    if input.set is not None:
        facts = {name: v for name in LeadFacts.__struct_fields__ if (v := getattr(input.set, name)) is not UNSET}
        steps.append(("crm.leads.update", EditLead, facts))
    if input.add_tags:
        steps.append(("crm.leads.addTags", TagLead, {"tags": input.add_tags}))
    if input.remove_tags:
        steps.append(("crm.leads.removeTags", TagLead, {"tags": input.remove_tags}))
    if input.owner_id is not UNSET:
        steps.append(("crm.leads.assign", Assign, {"owner_id": input.owner_id}))
    if input.pipeline_id is not None:
        place = {"pipeline_id": input.pipeline_id, "stage_id": input.stage_id}
        steps.append(("crm.leads.movePipeline", MovePipeline, place))
    elif input.stage_id is not None:
        steps.append(("crm.leads.moveStage", MoveStage, {"stage_id": input.stage_id}))
    if input.status is not None:
        steps.append(("crm.leads.setStatus", SetStatus, {"status": input.status}))
    if input.delete:
        steps.append(("crm.leads.delete", DeleteLead, {}))
    if not steps:
        raise Invalid(
            "Say what to do with the leads: set, addTags, removeTags, ownerId, pipelineId, stageId, status or delete."
        )
    return steps


def _of(lead: Lead, step: Step) -> Step:
    """A step as it is for one lead: within its own pipeline a lead moves to the stage."""
    name, _, given = step
    if name == "crm.leads.movePipeline" and given["stage_id"] and given["pipeline_id"] == str(lead.pipeline_id):
        return "crm.leads.moveStage", MoveStage, {"stage_id": given["stage_id"]}
    return step


async def _chosen(tx: Tx, input: BulkUpdate) -> tuple[list[str], dict[str, UUID], str | None]:
    """The leads of this chunk as they are named, their ids, and the cursor after them."""
    by_rule = input.where is not None or input.search is not None or input.segment_id is not None
    if (input.lead_ids is not None) == by_rule:
        raise Invalid("Name the leads, or say which by a condition, a search or a segment.", field="leadIds")
    if input.lead_ids is not None:
        refs = sorted(set(input.lead_ids))  # in one order, so that two selections do not wait for each other
        if not 1 <= len(refs) <= MOST:
            raise Invalid(f"One call names 1 to {MOST} leads; name others in a further call.", field="leadIds")
        ids = await known(tx, refs)
        if not ids:
            raise NotFound("There are no such leads in your organization.", field="leadIds")
        return refs, ids, None
    where = input.where if input.where is not None else {"all": []}
    tests, args = await matching(tx, where, input.search, input.segment_id)
    found, after = await matched(tx, tests, args, input)
    return [str(id) for id in found], {str(id): id for id in found}, after
