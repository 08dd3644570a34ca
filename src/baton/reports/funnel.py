"""The funnel of a pipeline: how many of its leads came how far, and where they dropped off. Spec A2, B1."""

from uuid import UUID

from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.operation import Output, operation
from baton.reports.scope import OverPipeline, Scope, scope
from baton.reports.tally import Money, by_currency, percent


class FunnelStage(Output, kw_only=True):
    """A stage on the way to winning: `reached` it or one further on, are `here` now, and were `lost` without going further.

    `ofPrevious` and `ofAll` are in percent; `dropOff` is how many of the previous stage's did not come here.
    """

    stage_id: UUID
    stage_name: str
    reached: int
    here: int
    lost: int
    drop_off: int
    of_previous: float
    of_all: float
    reached_value: list[Money]
    here_value: list[Money]


class Funnel(Output, kw_only=True):
    """The open and won stages in order; `leads` is how many there are in all, the lost among them."""

    leads: int
    lost: int
    stages: list[FunnelStage]


@operation("crm.reports.funnel", kind="query", role=Role.VIEWER, summary="Report the funnel")
async def funnel(tx: Tx, actor: Actor, input: OverPipeline) -> Funnel:
    """How far a pipeline's leads came, by the log's stage changes, in five statements. Raises NotFound, Invalid."""
    over = await scope(tx, input)
    assert over.pipeline is not None
    way = [stage for stage in over.pipeline.stages if stage.outcome != "lost"]
    rows = await tx.fetch(_furthest(over, [stage.id for stage in way]), *over.args)
    total = sum(row["leads"] for row in rows)
    stages: list[FunnelStage] = []
    for place, stage in enumerate(way, start=1):
        reached = [row for row in rows if row["furthest"] >= place]
        here = [row for row in rows if row["stage_id"] == stage.id]
        count = sum(row["leads"] for row in reached)
        previous = stages[-1].reached if stages else total
        stages.append(
            FunnelStage(
                stage_id=stage.id, stage_name=stage.name, reached=count, here=sum(row["leads"] for row in here),
                lost=sum(row["leads"] for row in rows if row["lost"] and row["furthest"] == place), drop_off=previous - count,
                of_previous=percent(count, previous), of_all=percent(count, total), reached_value=by_currency(reached, "value", over.rates),
                here_value=by_currency(here, "value", over.rates),
            )
        )  # fmt: skip
    return Funnel(leads=total, lost=sum(row["leads"] for row in rows if row["lost"]), stages=stages)


def _furthest(over: Scope, way: list[UUID]) -> str:
    """SQL of leads counted by how far they came (the place in the way, at least 1), where they are, and the currency."""
    return f"""WITH cohort AS MATERIALIZED (
      SELECT l.id, l.stage_id, l.status, l.currency, l.value_cents FROM {over.rowset} l WHERE {over.tests}),
    furthest AS (
      SELECT c.id, c.stage_id, c.status, c.currency, c.value_cents, coalesce(max(w.place), 1) AS furthest
        FROM cohort c
        LEFT JOIN activities a ON a.org_id = $1 AND a.lead_id = c.id AND a.lead_version IS NOT NULL AND a.changes ? 'stageId'
                              AND (a.occurred_at <= $2) IS TRUE
        LEFT JOIN unnest({over.argument(way)}::uuid[]) WITH ORDINALITY AS w (stage_id, place)
          ON w.stage_id = (a.changes -> 'stageId' ->> 1)::uuid
       GROUP BY c.id, c.stage_id, c.status, c.currency, c.value_cents)
    SELECT f.furthest, f.status IN ('lost', 'disqualified') AS lost, f.stage_id, f.currency, count(*) AS leads,
           coalesce(sum(f.value_cents), 0)::bigint AS value
      FROM furthest f GROUP BY 1, 2, 3, 4"""
