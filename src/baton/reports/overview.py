"""A pipeline at a glance: what became of its leads in all, by source and by stage, from one reading of them. Spec B1."""

from uuid import UUID

from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.operation import Output, operation
from baton.reports.conversion import SourceReport, by_source
from baton.reports.scope import OverPipeline, scope
from baton.reports.tally import Money, Tally, added, by_currency, by_key, counted


class StageOverview(Output, kw_only=True):
    """The leads that stand in a stage, and their value by currency."""

    stage_id: UUID
    leads: int
    value: list[Money]


class Overview(Output, kw_only=True):
    """What became of a pipeline's leads; the sources that brought some, the most first; the stages that hold some, by their ids."""

    all: Tally
    sources: list[SourceReport]
    stages: list[StageOverview]


@operation("crm.reports.overview", kind="query", role=Role.VIEWER, summary="Report a pipeline at a glance")
async def overview(tx: Tx, actor: Actor, input: OverPipeline) -> Overview:
    """A pipeline's leads in all, by source and by stage: each lead is read once, in five statements. Raises NotFound, Invalid."""
    over = await scope(tx, input)
    rows = await counted(tx, over, source="l.source", stage="l.stage_id")
    return Overview(
        all=added(rows, over.rates),
        sources=by_source({source: added(mine, over.rates) for source, mine in by_key(rows, "source").items()}),
        stages=[
            StageOverview(
                stage_id=stage, leads=sum(row["leads"] for row in mine), value=by_currency(mine, "value", over.rates)
            )
            for stage, mine in sorted(by_key(rows, "stage").items())
        ],
    )
