"""Conversion by pipeline, and where the leads came from. Spec A2, B1, B8, B10."""

from typing import Any
from uuid import UUID

from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.operation import operation
from baton.leads.facts import SOURCES
from baton.reports.scope import OverAny, OverPipeline, scope
from baton.reports.tally import Tally, added, tally


class PipelineConversion(Tally, kw_only=True):
    """What became of a pipeline's leads."""

    pipeline_id: UUID
    pipeline_name: str


class SourceReport(Tally, kw_only=True):
    """What became of the leads of a source."""

    source: str


@operation("crm.reports.conversion", kind="query", role=Role.VIEWER, summary="Report the conversion")
async def conversion(tx: Tx, actor: Actor, input: OverAny) -> list[PipelineConversion]:
    """What became of the leads of one pipeline or of each, never mixed, in at most six statements. Raises NotFound, Invalid."""
    found = await tally(tx, over := await scope(tx, input), "l.pipeline_id")
    rows = await tx.fetch(
        """SELECT id, name FROM pipelines WHERE org_id = $1 AND ($2::uuid IS NULL OR id = $2)
              AND (archived_at IS NULL OR id = ANY ($3)) ORDER BY position, id""",
        tx.org_id, over.pipeline.id if over.pipeline else None, list(found),
    )  # fmt: skip
    return [
        PipelineConversion(
            pipeline_id=row["id"], pipeline_name=row["name"], **_facts(found.get(row["id"], added([], over.rates)))
        )
        for row in rows
    ]


@operation("crm.reports.sources", kind="query", role=Role.VIEWER, summary="Report the sources")
async def sources(tx: Tx, actor: Actor, input: OverPipeline) -> list[SourceReport]:
    """What became of a pipeline's leads by source, the most leads first, in five statements. Raises NotFound, Invalid."""
    return by_source(await tally(tx, await scope(tx, input), "l.source"))


def by_source(found: dict[str, Tally]) -> list[SourceReport]:
    """The report of each source that brought leads."""
    order = sorted(found, key=lambda source: (-found[source].leads, SOURCES.index(source)))
    return [SourceReport(source=source, **_facts(found[source])) for source in order]


def _facts(found: Tally) -> dict[str, Any]:
    return {name: getattr(found, name) for name in Tally.__struct_fields__}
