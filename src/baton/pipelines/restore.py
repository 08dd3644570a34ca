"""What was archived: seeing it, and bringing stages and pipelines back. Spec A3."""

from datetime import datetime
from uuid import UUID

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, NotFound, must_be_current
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.shapes import Version
from baton.pipelines import pipeline as pipelines
from baton.pipelines.edit import lock, touch
from baton.pipelines.pipeline import Pipeline, Stage
from baton.pipelines.stages import MAX_STAGES


class Archived(Output, kw_only=True):
    """A pipeline that was removed, or a stage that is archived or was removed, with how many leads are still in it."""

    kind: str
    id: UUID
    name: str
    pipeline_id: UUID
    pipeline_name: str
    archived_at: datetime
    leads: int


class RestoreStage(Input, kw_only=True):
    """The archived stage to bring back, to the end of the open or of the closed ones."""

    stage_id: UUID
    version: Version | None = None


class RestorePipeline(Input, kw_only=True):
    """The removed pipeline to bring back."""

    pipeline_id: UUID
    version: Version | None = None


@operation("crm.pipelines.archived", kind="query", role=Role.VIEWER, summary="List archived pipelines and stages")
async def archived(tx: Tx, actor: Actor, input: Nothing) -> list[Archived]:
    """Removed pipelines, and archived stages of those that stand, the last archived first; in one statement."""
    rows = await tx.fetch(
        """SELECT 'pipeline' AS kind, p.id, p.name, p.id AS pipeline_id, p.name AS pipeline_name, p.archived_at,
                  (SELECT count(*) FROM leads l WHERE l.org_id = p.org_id AND l.pipeline_id = p.id AND l.deleted_at IS NULL) AS leads
             FROM pipelines p WHERE p.org_id = $1 AND p.archived_at IS NOT NULL
            UNION ALL
           SELECT 'stage', s.id, s.name, p.id, p.name, s.archived_at,
                  (SELECT count(*) FROM leads l WHERE l.org_id = s.org_id AND l.stage_id = s.id AND l.deleted_at IS NULL)
             FROM stages s JOIN pipelines p ON p.org_id = s.org_id AND p.id = s.pipeline_id AND p.archived_at IS NULL
            WHERE s.org_id = $1 AND s.archived_at IS NOT NULL
            ORDER BY archived_at DESC, id""",
        tx.org_id,
    )
    return [Archived(**dict(row)) for row in rows]


@operation("crm.pipelines.restoreStage", role=Role.ADMIN, summary="Bring a stage back")
async def restore_stage(tx: Tx, actor: Actor, input: RestoreStage) -> Stage:
    """Bring an archived stage back. Raises NotFound where it is not archived, Conflict for a removed or a full pipeline."""
    found = await pipelines.stage(tx, input.stage_id)
    if found.archived_at is None:
        raise NotFound("There is no archived stage of this id in your organization.", field="stageId")
    must_be_current(f"“{found.name}”", found.version, input.version)
    try:
        pipeline = await lock(tx, str(found.pipeline_id))
    except NotFound:
        raise Conflict("The stage's pipeline was removed. Bring that back first.") from None
    if len(pipeline.stages) >= MAX_STAGES:
        raise Conflict(f"A pipeline has at most {MAX_STAGES} stages. Archive one first.")
    order = [s.id for s in pipeline.stages]
    order.insert(len(order) if found.closed else sum(not s.closed for s in pipeline.stages), found.id)
    await tx.execute(
        "UPDATE stages SET archived_at = NULL, version = version + 1 WHERE org_id = $1 AND id = $2", tx.org_id, found.id
    )
    await tx.execute(
        """UPDATE stages AS s SET position = o.position FROM unnest($2::uuid[]) WITH ORDINALITY AS o (id, position)
            WHERE s.org_id = $1 AND s.id = o.id""",
        tx.org_id, order,
    )  # fmt: skip
    await touch(tx, pipeline)
    await append(
        tx, actor,
        Entry(kind=kinds.STAGE_RESTORED, subject_type="stage", subject_id=found.id,
              changes={"archivedAt": [found.archived_at.isoformat(), None]},
              payload={"name": found.name, "pipelineName": pipeline.name}),
    )  # fmt: skip
    return await pipelines.stage(tx, found.id)


@operation("crm.pipelines.restore", role=Role.ADMIN, summary="Bring a pipeline back")
async def restore_pipeline(tx: Tx, actor: Actor, input: RestorePipeline) -> Pipeline:
    """Bring a removed pipeline back, with the stages that it had; its leads went elsewhere. Raises NotFound where it is not removed,
    Conflict for a stale version."""
    row = await tx.fetchrow(
        "SELECT name, archived_at, version FROM pipelines WHERE org_id = $1 AND id = $2 FOR NO KEY UPDATE",
        tx.org_id,
        input.pipeline_id,
    )
    if row is None or (at := row["archived_at"]) is None:
        raise NotFound("There is no removed pipeline of this id in your organization.", field="pipelineId")
    must_be_current(f"“{row['name']}”", row["version"], input.version)
    await tx.execute(
        "UPDATE pipelines SET archived_at = NULL, version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id, input.pipeline_id,
    )  # fmt: skip
    found = await pipelines.get(tx, input.pipeline_id)
    await append(
        tx, actor,
        Entry(kind=kinds.PIPELINE_RESTORED, subject_type="pipeline", subject_id=found.id, changes={"archivedAt": [at.isoformat(), None]},
              payload={"name": found.name}),
    )  # fmt: skip
    return found
