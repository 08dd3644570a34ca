"""Pipelines with their routing rules in one body, as document C writes them. Spec C1, C4."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from baton.accounts.members import Member, list_members
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.conditions import Condition, everything
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.shapes import ExternalId, Line, Name, Version
from baton.kernel.values import Ref
from baton.leads.replace_stages import StageBody, replace_stages
from baton.pipelines import pipeline as pipelines
from baton.pipelines.create import CreatePipeline, create
from baton.pipelines.edit import EditPipeline, edit, lock
from baton.pipelines.pipeline import GetPipeline, Pipeline, PipelineType, Stage
from baton.routing import rules
from baton.routing.rules import NewRoutingRule, RoutingRule


class StageRule(Output, kw_only=True):
    """Who gets the leads of a stage, or of the whole pipeline where no stage is named: one member, or a pool in turn."""

    name: str
    stage: str | None
    stage_id: UUID | None
    assign_to: Ref | None
    pool: list[Ref]
    shares: list[int]
    condition: Condition
    working_hours: bool
    enabled: bool


class StageRuleBody(Input, kw_only=True, forbid_unknown_fields=False):
    """A rule to set: `stage` is a stage's name or id, `assignTo` a member; or a `pool` of members who take turns."""

    stage: Line | None = None
    assign_to: Ref | None = None
    pool: Annotated[list[Ref], Meta(max_length=200)] = []
    shares: Annotated[list[Annotated[int, Meta(ge=1, le=100)]], Meta(max_length=200)] = []
    name: Line | None = None
    condition: Condition = msgspec.field(default_factory=everything)
    working_hours: bool = False
    enabled: bool = True


class RoutedPipeline(Pipeline, kw_only=True):
    """A pipeline, its stages, and the rules that are its own."""

    routing_rules: list[StageRule] = []


class PipelineBody(Input, kw_only=True):
    """A pipeline to make. Spec C1."""

    name: Name
    type: PipelineType = "lead"
    stages: Annotated[list[StageBody], Meta(min_length=1, max_length=50)]
    routing_rules: list[StageRuleBody] = []
    external_id: ExternalId | None = None


class EditPipelineBody(Input, kw_only=True):
    """What of a pipeline to set; absent fields stay. Leads of stages that `stages` leaves out go to the stage `moveTo`."""

    pipeline_id: Ref
    version: Version | None = None
    name: Name | None = None
    type: PipelineType | None = None
    stages: Annotated[list[StageBody], Meta(min_length=1, max_length=50)] | None = None
    routing_rules: list[StageRuleBody] | None = None
    external_id: ExternalId | None = None
    move_to: Ref | None = None


@operation("crm.pipelines.listRouted", kind="query", role=Role.VIEWER, summary="List the pipelines", internal=True)
async def list_routed(tx: Tx, actor: Actor, input: Nothing) -> list[RoutedPipeline]:
    """All pipelines with their stages and rules."""
    found, members = await rules.read(tx), await list_members(tx, actor, Nothing())
    return [_routed(pipeline, found, members) for pipeline in await pipelines.list_pipelines(tx, actor, Nothing())]


@operation("crm.pipelines.getRouted", kind="query", role=Role.VIEWER, summary="Read a pipeline", internal=True)
async def get_routed(tx: Tx, actor: Actor, input: GetPipeline) -> RoutedPipeline:
    """A pipeline with its stages and rules. Raises NotFound."""
    return await _read(tx, actor, await pipelines.get(tx, input.pipeline_id))


@operation("crm.pipelines.createRouted", role=Role.ADMIN, summary="Create a pipeline", internal=True)
async def create_routed(tx: Tx, actor: Actor, input: PipelineBody) -> RoutedPipeline:
    """Make a pipeline with its stages and rules. Raises Invalid, NotFound for an assignee, Conflict for a taken external id."""
    stages = [body.new() for body in input.stages]
    made = await create(
        tx, actor, CreatePipeline(name=input.name, type=input.type, stages=stages, external_id=input.external_id)
    )
    if input.routing_rules:
        await _set_rules(tx, actor, made, input.routing_rules)
    return await _read(tx, actor, made)


@operation("crm.pipelines.updateRouted", role=Role.ADMIN, summary="Change a pipeline", internal=True)
async def update_routed(tx: Tx, actor: Actor, input: EditPipelineBody) -> RoutedPipeline:
    """Set a pipeline's name, type, stages and rules, whatever of them is given.

    Raises NotFound, Invalid; Conflict for a stale version, or a stage left out that holds leads with no `moveTo`.
    """
    before = await lock(tx, input.pipeline_id, version=input.version)
    said = EditPipeline(pipeline_id=str(before.id), name=input.name, type=input.type, external_id=input.external_id)
    after = await edit(tx, actor, said)
    if input.stages is not None:
        after = await replace_stages(tx, actor, after, input.stages, input.move_to)
    if input.routing_rules is not None:
        await _set_rules(tx, actor, after, input.routing_rules)
    return await _read(tx, actor, after)


async def _set_rules(tx: Tx, actor: Actor, pipeline: Pipeline, bodies: list[StageRuleBody]) -> None:
    """Replace a pipeline's own rules; they are asked before those of all pipelines."""
    await tx.execute("DELETE FROM routing_rules WHERE org_id = $1 AND pipeline_id = $2", tx.org_id, pipeline.id)
    least = await tx.fetchval("SELECT coalesce(min(position), 0) FROM routing_rules WHERE org_id = $1", tx.org_id)
    new = [_rule(pipeline, body) for body in bodies]
    for position, rule in enumerate(new, start=least - len(new)):
        await rules.insert_rule(tx, rule, position)
    await append(
        tx, actor,
        Entry(kind=kinds.ROUTING_CHANGED, subject_type="pipeline", subject_id=pipeline.id,
              payload={"name": pipeline.name, "rules": [rule.name for rule in new]}),
    )  # fmt: skip


def _rule(pipeline: Pipeline, body: StageRuleBody) -> NewRoutingRule:
    stage = _stage(pipeline, body.stage) if body.stage else None
    pool = [body.assign_to] if body.assign_to else body.pool
    if not pool:
        raise Invalid("A routing rule names in “assignTo” who gets the leads.", field="routingRules")
    return NewRoutingRule(
        name=body.name or (f"{pipeline.name}: {stage.name}" if stage else pipeline.name), pipeline_id=str(pipeline.id),
        stage_id=str(stage.id) if stage else None, condition=body.condition, pool=pool,
        shares=body.shares, working_hours=body.working_hours, enabled=body.enabled,
    )  # fmt: skip


def _stage(pipeline: Pipeline, ref: str) -> Stage:
    for stage in pipeline.stages:
        if ref in (str(stage.id), stage.external_id) or ref.strip().casefold() == stage.name.casefold():
            return stage
    raise Invalid(f"“{pipeline.name}” has no stage “{ref[:80]}”.", field="routingRules")


async def _read(tx: Tx, actor: Actor, pipeline: Pipeline) -> RoutedPipeline:
    return _routed(await pipelines.get(tx, pipeline.id), await rules.read(tx), await list_members(tx, actor, Nothing()))


def _routed(pipeline: Pipeline, found: list[RoutingRule], members: list[Member]) -> RoutedPipeline:
    refs = {member.id: member.external_id or str(member.id) for member in members}
    names = {stage.id: stage.name for stage in pipeline.stages}
    mine = [
        StageRule(
            name=rule.name, stage=names.get(rule.stage_id) if rule.stage_id else None, stage_id=rule.stage_id,
            assign_to=_ref(refs, rule.pool[0]) if len(rule.pool) == 1 else None,
            pool=[_ref(refs, id) for id in rule.pool] if len(rule.pool) > 1 else [], shares=rule.shares if len(rule.pool) > 1 else [],
            condition=rule.condition, working_hours=rule.working_hours, enabled=rule.enabled,
        )
        for rule in found
        if rule.pipeline_id == pipeline.id and (rule.stage_id is None or rule.stage_id in names)
    ]  # fmt: skip
    values: dict[str, Any] = {name: getattr(pipeline, name) for name in Pipeline.__struct_fields__}
    return RoutedPipeline(**values, routing_rules=mine)


def _ref(refs: dict[UUID, Ref], id: UUID) -> Ref:
    return refs.get(id, str(id))
