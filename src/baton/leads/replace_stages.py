"""Giving a pipeline the stages of a list: those it names are changed or added, the others removed, in the list's order. Spec C1."""

from uuid import UUID

from msgspec import UNSET

from baton.kernel.actor import Actor
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input
from baton.kernel.shapes import Colour, Days, ExternalId, Name, Percent
from baton.kernel.values import Ref
from baton.leads.remove_stage import RemoveStage, remove_stage
from baton.pipelines.create import NewStage
from baton.pipelines.pipeline import Pipeline, Stage, Status
from baton.pipelines.stages import MAX_STAGES, AddStage, EditStage, ReorderStages, add, edit, reorder


class StageBody(Input, kw_only=True, forbid_unknown_fields=False):
    """A stage in a pipeline's body. A known one is found by `id`, `externalId` or name; what is absent of it stays."""

    name: Name
    id: Ref | None = None
    external_id: ExternalId | None = None
    probability: Percent | None = None
    terminal: bool | None = None
    status: Status | None = None
    colour: Colour | None = None
    auto_nurture: bool | None = None
    sla_days: Days | None = None

    def new(self) -> NewStage:
        """The stage to make."""
        return NewStage(
            name=self.name, probability=self.probability, colour=self.colour, status=self.status, terminal=bool(self.terminal),
            auto_nurture=bool(self.auto_nurture), sla_days=self.sla_days, external_id=self.external_id,
        )  # fmt: skip


async def replace_stages(
    tx: Tx, actor: Actor, pipeline: Pipeline, bodies: list[StageBody], move_to: Ref | None
) -> Pipeline:
    """Make a locked pipeline's stages those of the list.

    Raises Invalid for an empty list or a stage named twice, Conflict where a stage that goes holds leads and `move_to`
    does not name the stage they move to.
    """
    if not 1 <= len(bodies) <= MAX_STAGES:
        raise Invalid(f"A pipeline has 1 to {MAX_STAGES} stages.", field="stages")
    found = [_found(pipeline, body) for body in bodies]
    known = [stage.id for stage in found if stage]
    if len(set(known)) != len(known):
        raise Invalid("Two of the stages are the same one.", field="stages")
    order: list[UUID] = []
    for body, stage in zip(bodies, found, strict=True):
        if stage is None:
            new = body.new()
            values = {name: getattr(new, name) for name in NewStage.__struct_fields__}
            order.append((await add(tx, actor, AddStage(pipeline_id=str(pipeline.id), **values))).id)
        else:
            order.append((await edit(tx, actor, _edited(stage, body))).id)
    for stage in pipeline.stages:
        if stage.id not in known:
            await remove_stage(tx, actor, RemoveStage(stage_id=str(stage.id), move_to=move_to))
    return await reorder(tx, actor, ReorderStages(pipeline_id=str(pipeline.id), stage_ids=[str(id) for id in order]))


def _found(pipeline: Pipeline, body: StageBody) -> Stage | None:
    for stage in pipeline.stages:
        if body.id is not None and body.id in (str(stage.id), stage.external_id):
            return stage
    if body.id is not None:
        raise Invalid(f"The stage “{body.name}” has an id that is not in this pipeline.", field="stages")
    for stage in pipeline.stages:
        if body.external_id is not None and body.external_id == stage.external_id:
            return stage
    named = [stage for stage in pipeline.stages if stage.name.casefold() == body.name.strip().casefold()]
    return named[0] if named else None


def _edited(stage: Stage, body: StageBody) -> EditStage:
    """What of a stage the body changes; where it says that the stage ends otherwise, the old status does not hold it."""
    restated = body.terminal is None or body.terminal == stage.closed
    return EditStage(
        stage_id=str(stage.id), name=body.name, probability=body.probability, colour=body.colour,
        status=body.status if restated else None, terminal=body.terminal, auto_nurture=body.auto_nurture,
        sla_days=UNSET if body.sla_days is None else body.sla_days, external_id=body.external_id,
    )  # fmt: skip
