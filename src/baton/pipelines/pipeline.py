"""A pipeline with its stages, and how to find one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from baton.kernel.actor import Actor, Role
from baton.kernel.db import Row, Tx, by_ref
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.values import Ref

Status = Literal["new", "contacted", "qualified", "proposal", "negotiating", "won", "lost", "disqualified"]
Outcome = Literal["open", "won", "lost"]
PipelineType = Literal["lead", "opportunity"]


class Stage(Output, kw_only=True):
    """A stage: `probability` in percent, `sla_days` in days, `outcome` open, won or lost. Spec A4, B2."""

    id: UUID
    pipeline_id: UUID
    name: str
    position: int
    probability: int
    colour: str
    status: Status
    outcome: Outcome
    auto_nurture: bool
    sla_days: int | None
    external_id: str | None
    archived_at: datetime | None
    version: int

    @property
    def closed(self) -> bool:
        """Whether a lead that enters it is done."""
        return self.outcome != "open"


class Pipeline(Output, kw_only=True):
    """A pipeline and its stages in order. `is_intake` marks the one that captured leads enter."""

    id: UUID
    name: str
    type: PipelineType
    position: int
    is_intake: bool
    external_id: str | None
    archived_at: datetime | None
    version: int
    stages: list[Stage] = []


_STAGE = """id, pipeline_id, name, position, probability, colour, status, outcome, auto_nurture, sla_days, external_id,
    archived_at, version"""
_PIPELINE = "id, name, type, position, is_intake, external_id, archived_at, version"


class GetPipeline(Input, kw_only=True):
    """One pipeline by id or external id."""

    pipeline_id: Ref


@operation("crm.pipelines.list", kind="query", role=Role.VIEWER, summary="List the pipelines and their stages")
async def list_pipelines(tx: Tx, actor: Actor, input: Nothing) -> list[Pipeline]:
    """All pipelines that are not archived, in order, each with its stages."""
    return await in_order(tx)


async def in_order(tx: Tx) -> list[Pipeline]:
    """All pipelines that are not archived, in order, each with its unarchived stages."""
    pipelines = await tx.fetch(
        f"SELECT {_PIPELINE} FROM pipelines WHERE org_id = $1 AND archived_at IS NULL ORDER BY position, id", tx.org_id
    )
    stages = await tx.fetch(
        f"SELECT {_STAGE} FROM stages WHERE org_id = $1 AND archived_at IS NULL ORDER BY position, id", tx.org_id
    )
    by_pipeline: dict[UUID, list[Stage]] = {}
    for row in stages:
        by_pipeline.setdefault(row["pipeline_id"], []).append(Stage(**dict(row)))
    return [Pipeline(**dict(row), stages=by_pipeline.get(row["id"], [])) for row in pipelines]


@operation("crm.pipelines.get", kind="query", role=Role.VIEWER, summary="Read a pipeline")
async def get_pipeline(tx: Tx, actor: Actor, input: GetPipeline) -> Pipeline:
    """A pipeline and its stages. Raises NotFound."""
    return await get(tx, input.pipeline_id)


async def get(tx: Tx, ref: Ref | UUID) -> Pipeline:
    """A pipeline with its unarchived stages, by id or external id. Raises NotFound."""
    where, value = by_ref(str(ref))
    row = await tx.fetchrow(f"SELECT {_PIPELINE} FROM pipelines WHERE org_id = $1 AND {where}", tx.org_id, value)
    return await _with_stages(tx, row, f"There is no pipeline “{ref}” in your organization.")


async def stages_at(tx: Tx, pipeline_id: UUID, at: datetime) -> list[Stage]:
    """The stages that a pipeline had at a moment, in their order, those that were archived or removed since among them."""
    rows = await tx.fetch(
        f"""SELECT {_STAGE} FROM stages
             WHERE org_id = $1 AND pipeline_id = $2 AND (archived_at IS NULL OR archived_at > $3) ORDER BY position, id""",
        tx.org_id, pipeline_id, at,
    )  # fmt: skip
    return [Stage(**dict(row)) for row in rows]


async def intake(tx: Tx) -> Pipeline:
    """The pipeline that captured leads enter. Raises Conflict where the organization has none. Spec B4."""
    row = await tx.fetchrow(f"SELECT {_PIPELINE} FROM pipelines WHERE org_id = $1 AND is_intake", tx.org_id)
    if row is None:
        raise Conflict("The organization has no intake pipeline. An admin chooses one.")
    return await _with_stages(tx, row, "")


async def _with_stages(tx: Tx, row: Row | None, missing: str) -> Pipeline:
    if row is None:
        raise NotFound(missing)
    stages = await tx.fetch(
        f"SELECT {_STAGE} FROM stages WHERE org_id = $1 AND pipeline_id = $2 AND archived_at IS NULL ORDER BY position, id",
        tx.org_id, row["id"],
    )  # fmt: skip
    return Pipeline(**dict(row), stages=[Stage(**dict(stage)) for stage in stages])


async def stage(tx: Tx, ref: Ref | UUID, *, pipeline_id: UUID | None = None) -> Stage:
    """A stage by id or external id. Raises NotFound, also where it belongs to another pipeline than asked."""
    where, value = by_ref(str(ref))
    row = await tx.fetchrow(f"SELECT {_STAGE} FROM stages WHERE org_id = $1 AND {where}", tx.org_id, value)
    if row is None or (pipeline_id is not None and row["pipeline_id"] != pipeline_id):
        raise NotFound("There is no such stage in this lead's pipeline.", field="stageId")
    return Stage(**dict(row))


async def hold(tx: Tx, ref: Ref | UUID, *, pipeline_id: UUID | None = None) -> Stage:
    """A stage that a lead is about to enter, as it is at this moment; it is not archived or removed before the transaction ends.

    Whoever is removing it, or its pipeline, is waited for. Raises NotFound, also where it belongs to another pipeline than asked,
    and Invalid where it is archived by then.
    """
    columns = ", ".join(f"s.{name.strip()}" for name in _STAGE.split(","))
    where, value = by_ref(str(ref))
    row = await tx.fetchrow(
        f"""SELECT {columns}, p.archived_at AS removed_at, p.name AS pipeline_name
              FROM pipelines p JOIN stages s ON s.org_id = p.org_id AND s.pipeline_id = p.id
             WHERE p.org_id = $1 AND s.{where} FOR KEY SHARE""",
        tx.org_id, value,
    )  # fmt: skip
    if row is None:
        where = "in this lead's pipeline" if pipeline_id else "in your organization"
        raise NotFound(f"There is no such stage {where}.", field="stageId")
    if pipeline_id is not None and row["pipeline_id"] != pipeline_id:
        raise NotFound("There is no such stage in this lead's pipeline.", field="stageId")
    if row["removed_at"] is not None:
        raise Invalid(f"The pipeline “{row['pipeline_name']}” was removed. Choose another.", field="pipelineId")
    if row["archived_at"] is not None:
        raise Invalid(f"The stage “{row['name']}” is archived. Choose another.", field="stageId")
    return Stage(**{name: row[name] for name in Stage.__struct_fields__})


async def hold_those(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, Stage]:
    """Those of several stages that leads may enter and that nobody is removing, held as by `hold`, in one statement."""
    columns = ", ".join(f"s.{name.strip()}" for name in _STAGE.split(","))
    rows = await tx.fetch(
        f"""SELECT {columns} FROM pipelines p JOIN stages s ON s.org_id = p.org_id AND s.pipeline_id = p.id
             WHERE p.org_id = $1 AND s.id = ANY ($2) AND s.archived_at IS NULL AND p.archived_at IS NULL
             ORDER BY s.id FOR KEY SHARE SKIP LOCKED""",
        tx.org_id, ids,
    )  # fmt: skip
    return {row["id"]: Stage(**dict(row)) for row in rows}


async def hold_intake(tx: Tx) -> tuple[Pipeline, Stage] | None:
    """The intake pipeline and its first open stage, held as by `hold`, in one statement; none where that is not plain to see."""
    columns = ", ".join(f"s.{name.strip()}" for name in _STAGE.split(","))
    row = await tx.fetchrow(
        f"""SELECT {columns}, p.name AS pipeline_name, p.type, p.position AS pipeline_position, p.external_id AS pipeline_external_id,
                   p.version AS pipeline_version
              FROM pipelines p JOIN stages s ON s.org_id = p.org_id AND s.pipeline_id = p.id
             WHERE p.org_id = $1 AND p.is_intake AND p.archived_at IS NULL AND s.archived_at IS NULL AND s.outcome = 'open'
             ORDER BY s.position, s.id LIMIT 1 FOR KEY SHARE""",
        tx.org_id,
    )
    if row is None:
        return None
    stage = Stage(**{name: row[name] for name in Stage.__struct_fields__})
    return Pipeline(
        id=stage.pipeline_id, name=row["pipeline_name"], type=row["type"], position=row["pipeline_position"], is_intake=True,
        external_id=row["pipeline_external_id"], archived_at=None, version=row["pipeline_version"], stages=[stage],
    ), stage  # fmt: skip


def first_stage(pipeline: Pipeline) -> Stage:
    """The stage that new leads enter: the first open one. Raises Conflict where there is none."""
    for candidate in pipeline.stages:
        if not candidate.closed:
            return candidate
    raise Conflict(f"The pipeline “{pipeline.name}” has no open stage for a new lead.")


def next_stage(pipeline: Pipeline, current: UUID) -> Stage:
    """The open stage after `current`. Raises Conflict at the end. Spec C3."""
    later = False
    for candidate in pipeline.stages:
        if later and not candidate.closed:
            return candidate
        later = later or candidate.id == current
    raise Conflict(f"There is no open stage after this one in “{pipeline.name}”.")


def stage_of_status(pipeline: Pipeline, status: str) -> Stage:
    """The pipeline's first stage that stands for a status; a lost stage admits `lost` and `disqualified`.

    Raises Conflict where no stage does (SPEC, "Status and stage").
    """
    wanted = ("lost", "disqualified") if status in ("lost", "disqualified") else (status,)
    for exact in (True, False):
        for candidate in pipeline.stages:
            if candidate.status == status if exact else candidate.status in wanted:
                return candidate
    raise Conflict(f"No stage of “{pipeline.name}” stands for the status “{status}”.", field="status")


def status_in(stage: Stage, wanted: str | None) -> Status:
    """The status of a lead that enters a stage: the stage's own, or `wanted` where a lost stage admits it."""
    if wanted is not None and stage.outcome == "lost" and wanted in ("lost", "disqualified"):
        return "lost" if wanted == "lost" else "disqualified"
    if wanted is not None and wanted != stage.status:
        raise Invalid(f"The stage “{stage.name}” stands for “{stage.status}”, not “{wanted}”.", field="status")
    return stage.status
