"""How fast leads pass through a pipeline, stage by stage: median and 90th percentile, from the log's stage changes. Spec A2."""

from uuid import UUID

from baton.kernel.actor import Actor, Role
from baton.kernel.db import Row, Tx
from baton.kernel.operation import Output, operation
from baton.reports.scope import OverPipeline, scope
from baton.reports.stays import PERCENTILES, seconds, stays


class StageVelocity(Output, kw_only=True):
    """Stays in a stage, in seconds: of those that ended, and of the open leads that are waiting there."""

    stage_id: UUID
    stage_name: str
    passed: int
    median_seconds: int | None
    p90_seconds: int | None
    waiting: int
    median_waiting_seconds: int | None


class Velocity(Output, kw_only=True):
    """A pipeline's stages in order, and how long winning took, from the lead's creation, in seconds."""

    stages: list[StageVelocity]
    won: int
    median_to_win_seconds: int | None
    p90_to_win_seconds: int | None


@operation("crm.reports.velocity", kind="query", role=Role.VIEWER, summary="Report the velocity of stages")
async def velocity(tx: Tx, actor: Actor, input: OverPipeline) -> Velocity:
    """How long the pipeline's leads stay in each stage, in six statements. Raises NotFound, Invalid."""
    over = await scope(tx, input)
    assert over.pipeline is not None
    rows = await tx.fetch(
        f"WITH {stays(over)} SELECT s.stage_id, {PERCENTILES} FROM stays s GROUP BY s.stage_id", *over.args
    )
    won = await tx.fetchrow(
        f"""SELECT count(*) AS won, percentile_cont(0.5) WITHIN GROUP (ORDER BY t.seconds) AS median,
                   percentile_cont(0.9) WITHIN GROUP (ORDER BY t.seconds) AS p90
              FROM (SELECT extract(epoch FROM l.closed_at - l.created_at)::float8 AS seconds FROM {over.rowset} l
                     WHERE {over.tests} AND l.status = 'won' AND l.closed_at IS NOT NULL) t""",
        *over.args,
    )
    assert won is not None
    found = {row["stage_id"]: row for row in rows}
    return Velocity(
        stages=[_stage(stage.id, stage.name, found.get(stage.id)) for stage in over.pipeline.stages], won=won["won"],
        median_to_win_seconds=seconds(won["median"]), p90_to_win_seconds=seconds(won["p90"]),
    )  # fmt: skip


def _stage(id: UUID, name: str, row: Row | None) -> StageVelocity:
    return StageVelocity(
        stage_id=id, stage_name=name, passed=row["passed"] if row else 0, median_seconds=seconds(row["median"]) if row else None,
        p90_seconds=seconds(row["p90"]) if row else None, waiting=row["waiting"] if row else 0,
        median_waiting_seconds=seconds(row["median_waiting"]) if row else None,
    )  # fmt: skip
