"""Adding, changing, archiving and reordering the stages of a pipeline. Spec A3, B2, C1."""

import re
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.activities.replay import difference
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Invalid, NotFound, must_be_current
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Colour, Count, Days, ExternalId, Name, Percent, Version
from baton.kernel.values import Ref, clean
from baton.pipelines.create import NewStage, insert_stage, meaning
from baton.pipelines.edit import lock, touch
from baton.pipelines.pipeline import Pipeline, Stage, Status, get, stage

MAX_STAGES = 50


class AddStage(NewStage, kw_only=True):
    """A stage to add: at `position` (0 is the first), else as the last open or the last closed one."""

    pipeline_id: Ref
    position: Count | None = None


class EditStage(Input, kw_only=True):
    """What of a stage to change; absent fields stay. `terminal` with probability 100 is won, with 0 lost."""

    pipeline_id: Ref | None = None
    stage_id: Ref
    version: Version | None = None
    name: Name | None = None
    probability: Percent | None = None
    colour: Colour | None = None
    status: Status | None = None
    terminal: bool | None = None
    auto_nurture: bool | None = None
    sla_days: Days | UnsetType | None = UNSET
    external_id: ExternalId | None = None
    archived: bool | None = None


class ReorderStages(Input, kw_only=True):
    """All stages of a pipeline that are not archived, in their new order."""

    pipeline_id: Ref
    stage_ids: Annotated[list[Ref], Meta(min_length=1, max_length=50)]
    version: Version | None = None


@operation("crm.pipelines.addStage", role=Role.ADMIN, summary="Add a stage")
async def add(tx: Tx, actor: Actor, input: AddStage) -> Stage:
    """Add a stage to a pipeline. Raises NotFound, Invalid, Conflict for a full pipeline or a taken external id."""
    pipeline = await lock(tx, input.pipeline_id)
    if len(pipeline.stages) >= MAX_STAGES:
        raise Conflict(f"A pipeline has at most {MAX_STAGES} stages. Archive one first.")
    outcome, _ = meaning(input, 1)
    open_stages = [s for s in pipeline.stages if not s.closed]
    place = len(open_stages) if outcome == "open" else len(pipeline.stages)
    place = place if input.position is None else max(0, min(input.position, len(pipeline.stages)))
    id = await insert_stage(tx, pipeline.id, input, place, len(open_stages) + 1)
    ids = [s.id for s in pipeline.stages]
    await _number(tx, [*ids[:place], id, *ids[place:]])
    await touch(tx, pipeline)
    made = await stage(tx, id)
    await append(
        tx, actor,
        Entry(kind=kinds.STAGE_CREATED, subject_type="stage", subject_id=id,
              payload={"name": made.name, "pipelineId": str(pipeline.id), "pipelineName": pipeline.name}),
    )  # fmt: skip
    return made


@operation("crm.pipelines.updateStage", role=Role.ADMIN, summary="Change a stage")
async def edit(tx: Tx, actor: Actor, input: EditStage) -> Stage:
    """Change a stage: rename it, archive it, give it another meaning while it holds no leads.

    Raises NotFound, Invalid; Conflict for a stale version, or where leads in the stage would contradict it.
    """
    found = await stage(tx, input.stage_id)
    pipeline = await lock(tx, input.pipeline_id or str(found.pipeline_id))
    before = await stage(tx, found.id, pipeline_id=pipeline.id)
    must_be_current(f"“{before.name}”", before.version, input.version)
    after = _changed(before, input, tx.now)
    changes = difference(_said(before), _said(after))
    if not changes:
        return before
    await _must_fit(tx, pipeline, before, after)
    await tx.execute(
        """UPDATE stages SET name = $3, probability = $4, colour = $5, status = $6, outcome = $7, auto_nurture = $8, sla_days = $9,
                  external_id = $10, archived_at = $11, version = version + 1
            WHERE org_id = $1 AND id = $2""",
        tx.org_id, before.id, after.name, after.probability, after.colour, after.status, after.outcome, after.auto_nurture, after.sla_days,
        after.external_id, after.archived_at,
    )  # fmt: skip
    await touch(tx, pipeline)
    await append(
        tx, actor,
        Entry(kind=kinds.STAGE_UPDATED, subject_type="stage", subject_id=before.id, changes=changes,
              payload={"name": after.name, "pipelineName": pipeline.name}),
    )  # fmt: skip
    return await stage(tx, before.id)


@operation("crm.pipelines.reorderStages", role=Role.ADMIN, summary="Reorder the stages")
async def reorder(tx: Tx, actor: Actor, input: ReorderStages) -> Pipeline:
    """Put a pipeline's stages into a new order. Raises Invalid unless each of them is named exactly once, NotFound, Conflict."""
    pipeline = await lock(tx, input.pipeline_id, version=input.version)
    known: dict[str, UUID] = {}
    for s in pipeline.stages:
        known |= {str(s.id): s.id} | ({s.external_id: s.id} if s.external_id else {})
    ids = [known.get(ref.lower(), known.get(ref)) for ref in input.stage_ids]
    if None in ids:
        raise NotFound("One of these stages is not in this pipeline.", field="stageIds")
    if len(set(ids)) != len(ids) or len(ids) != len(pipeline.stages):
        raise Invalid(f"Name each of the {len(pipeline.stages)} stages of “{pipeline.name}” once.", field="stageIds")
    order = [id for id in ids if id is not None]
    old = [s.id for s in pipeline.stages]
    if order == old:
        return pipeline
    await _number(tx, order)
    await touch(tx, pipeline)
    await append(
        tx, actor,
        Entry(kind=kinds.STAGES_REORDERED, subject_type="pipeline", subject_id=pipeline.id,
              changes={"stageIds": [[str(id) for id in old], [str(id) for id in order]]}, payload={"name": pipeline.name}),
    )  # fmt: skip
    return await get(tx, pipeline.id)


async def archive(tx: Tx, pipeline: Pipeline, gone: Stage) -> None:
    """Hide an emptied stage for good, and free its external id. Raises Conflict for the last open stage."""
    _must_stay_open(pipeline, gone)
    await tx.execute(
        "UPDATE stages SET archived_at = $3, external_id = NULL, version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id, gone.id, tx.now,
    )  # fmt: skip
    await touch(tx, pipeline)


async def _number(tx: Tx, order: list[UUID]) -> None:
    await tx.execute(
        """UPDATE stages AS s SET position = o.position FROM unnest($2::uuid[], $3::int[]) AS o (id, position)
            WHERE s.org_id = $1 AND s.id = o.id""",
        tx.org_id, order, list(range(len(order))),
    )  # fmt: skip


def _changed(before: Stage, input: EditStage, now: datetime) -> Stage:
    given: dict[str, Any] = {f: v for f in ("probability", "auto_nurture") if (v := getattr(input, f)) is not None}
    if input.name is not None:
        given["name"] = clean(input.name) or ""
    if input.colour is not None:
        given["colour"] = input.colour.lower()
    if input.sla_days is not UNSET:
        given["sla_days"] = input.sla_days
    if clean(input.external_id):
        given["external_id"] = clean(input.external_id)
    if input.archived is not None:
        given["archived_at"] = (before.archived_at or now) if input.archived else None
    after = msgspec.structs.replace(before, **given)
    if input.status is not None or input.terminal is not None:
        said = NewStage(
            name=after.name, probability=after.probability, status=input.status, terminal=bool(input.terminal)
        )
        outcome, status = meaning(said, 1)
        if input.status is not None or outcome != before.outcome:
            after = msgspec.structs.replace(after, outcome=outcome, status=status)
    return _checked(after)


def _checked(stage: Stage) -> Stage:
    if not stage.name or not 0 <= stage.probability <= 100:
        raise Invalid(
            "A stage has a name, and a probability from 0 to 100 percent.",
            field="probability" if stage.name else "name",
        )
    if not re.fullmatch(r"#[0-9a-f]{6}", stage.colour):
        raise Invalid("A colour is written like #5b8fd6.", field="colour")
    if stage.sla_days is not None and not 0 < stage.sla_days <= 3650:
        raise Invalid("slaDays is a number of days from 1 to 3650.", field="slaDays")
    return stage


async def _must_fit(tx: Tx, pipeline: Pipeline, before: Stage, after: Stage) -> None:
    """The leads in a stage always have its status: it changes only while there are none, and open leads are never hidden."""
    hidden = after.archived_at is not None and before.archived_at is None
    if (hidden or after.closed) and not before.closed:
        _must_stay_open(pipeline, before)
    if after.status == before.status and not (hidden and not before.closed):
        return
    # Locked first: whoever is letting a lead in is waited for, and is then counted.
    await tx.execute("SELECT FROM stages WHERE org_id = $1 AND id = $2 FOR UPDATE", tx.org_id, before.id)
    held = await tx.fetchval(
        "SELECT count(*) FROM (SELECT FROM leads WHERE org_id = $1 AND stage_id = $2 AND deleted_at IS NULL LIMIT 1000) l",
        tx.org_id, before.id,
    )  # fmt: skip
    if held:
        leads = "a lead" if held == 1 else f"{held} leads"
        raise Conflict(
            f"“{before.name}” holds {leads}. Move them to another stage first, or remove the stage and say where they go."
        )


def _must_stay_open(pipeline: Pipeline, gone: Stage) -> None:
    if not gone.closed and not any(not s.closed for s in pipeline.stages if s.id != gone.id):
        raise Conflict(f"“{gone.name}” is the only open stage of “{pipeline.name}”. Add another first.")


def _said(stage: Stage) -> dict[str, Any]:
    said: dict[str, Any] = msgspec.to_builtins(stage)
    return {name: value for name, value in said.items() if name not in ("id", "pipelineId", "position", "version")}
