"""Beginning and ending an export: both are told to the log, with what was asked and how many leads were given. Spec A7, A10."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.exports.columns import FIELD, MOST_FIELDS, chosen
from baton.fields import definition as definitions
from baton.kernel.actor import Actor, Role
from baton.kernel.conditions import Condition, everything
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid, TooLarge
from baton.kernel.operation import Input, Output, operation
from baton.kernel.shapes import Words
from baton.kernel.values import Ref, new_id
from baton.leads.matching import matching
from baton.leads.order import order
from baton.pipelines import pipeline as pipelines

Format = Literal["csv", "xlsx", "jsonl"]
SHEET_ROWS = 1_048_575


class ExportLeads(Input, kw_only=True):
    """Which leads, in what order (as `crm.leads.find`), and which columns: all, and every custom field, where none are named."""

    format: Format = "csv"
    where: Condition = msgspec.field(default_factory=everything)
    search: Words | None = None
    pipeline_id: Ref | None = None
    segment_id: UUID | None = None
    sort: Annotated[str, Meta(max_length=106)] = "createdAt"
    descending: bool = True
    columns: Annotated[list[Annotated[str, Meta(max_length=106)]], Meta(min_length=1, max_length=1_000)] | None = None


class Export(Output, kw_only=True):
    """An export that may be streamed: what was asked, and the custom fields, by key, with what people call them."""

    id: UUID
    asked: ExportLeads
    fields: dict[str, str]


class EndExport(Input, kw_only=True):
    """How many leads an export gave, and whether it came to its end."""

    export_id: UUID
    leads: int
    complete: bool


class Exported(Output, kw_only=True):
    """What was told to the log."""

    export_id: UUID
    leads: int


@operation("crm.exports.leads", role=Role.MEMBER, summary="Export leads", internal=True)
async def leads(tx: Tx, actor: Actor, input: ExportLeads) -> Export:
    """Check what is asked, and tell the log before the first lead leaves.

    Raises Invalid for a condition or column that does not exist, NotFound for the pipeline, TooLarge beyond one sheet.
    """
    if input.pipeline_id is not None:
        pipeline = await pipelines.get(tx, input.pipeline_id)
        mine = {"field": "pipelineId", "op": "=", "value": str(pipeline.id)}
        input = msgspec.structs.replace(input, where={"all": [input.where, mine]}, pipeline_id=None)
    tests, args = await matching(tx, input.where, input.search, input.segment_id)
    await order(tx, input.sort, descending=input.descending)
    fields = await _fields(tx, tests, args, input)
    chosen(input.columns, fields)
    if input.format == "xlsx":
        counted = await tx.fetchval(
            f"SELECT count(*) FROM (SELECT FROM leads l WHERE {tests} LIMIT {SHEET_ROWS + 1}) c", *args
        )
        if counted > SHEET_ROWS:
            raise TooLarge(f"A sheet holds {SHEET_ROWS:,} leads. Take CSV or JSON lines, or narrow the filter.")
    export = Export(id=new_id(), asked=input, fields=fields)
    told = {"format": input.format, "where": input.where, "search": input.search, "columns": input.columns}
    await append(tx, actor, Entry(kind=kinds.EXPORT_STARTED, subject_type="export", subject_id=export.id, payload=told))
    return export


@operation("crm.exports.end", role=Role.MEMBER, summary="Tell how many leads were exported", internal=True)
async def end(tx: Tx, actor: Actor, input: EndExport) -> Exported:
    """Tell the log how many leads left, also where the reader went away before the end."""
    told = {"leads": input.leads, "complete": input.complete}
    await append(
        tx, actor, Entry(kind=kinds.EXPORT_FINISHED, subject_type="export", subject_id=input.export_id, payload=told)
    )
    return Exported(export_id=input.export_id, leads=input.leads)


async def _fields(tx: Tx, tests: str, args: list[object], input: ExportLeads) -> dict[str, str]:
    """The custom fields to export: those named, or all that the leads have, the defined ones first."""
    labels = {definition.key: definition.label for definition in await definitions.read(tx)}
    if input.columns is not None:
        named = [name[len(FIELD) :] for name in input.columns if name.startswith(FIELD)]
        return {key: labels.get(key, key) for key in named}
    rows = await tx.fetch(
        f"SELECT DISTINCT jsonb_object_keys(l.fields) AS name FROM leads l WHERE {tests} ORDER BY name LIMIT {MOST_FIELDS + 1}",
        *args,
    )
    if len(rows) > MOST_FIELDS:
        raise Invalid(f"The leads have more than {MOST_FIELDS} custom fields. Name the columns.", field="columns")
    held = [row["name"] for row in rows]
    return {key: labels[key] for key in labels if key in held} | {key: key for key in held if key not in labels}
