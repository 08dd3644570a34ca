"""Segments: leads under a name, by a condition that is asked each time or by name one by one. Spec A10."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.fields import lead as fields
from baton.kernel.actor import Actor, Role
from baton.kernel.conditions import EVERYTHING, Condition
from baton.kernel.db import Row, Tx
from baton.kernel.errors import Conflict, Invalid, NotFound, must_be_current
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.shapes import Label, Version
from baton.kernel.values import Ref, new_id
from baton.leads.matching import in_segment, matching, named

MOST = 200
MOST_LEADS = 50_000
_COLUMNS = "id, name, condition, version, created_at"


class Segment(Output, kw_only=True):
    """Leads under a name: those that meet `condition` now, or, without one, those that were put in. `count` leaves out the deleted."""

    id: UUID
    name: str
    condition: Condition | None
    count: int
    version: int
    created_at: datetime


class CreateSegment(Input, kw_only=True):
    """A segment: a condition asked each time, or `leadIds`; with `fixed`, the leads that meet the condition at this moment."""

    name: Label
    condition: Condition | None = None
    lead_ids: Annotated[list[Ref], Meta(max_length=10_000)] = []
    fixed: bool = False


class UpdateSegment(Input, kw_only=True):
    """What of a segment to change: its name, its condition, or, of one without a condition, leads to add and to take out."""

    segment_id: UUID
    version: Version | None = None
    name: Label | UnsetType = UNSET
    condition: Condition | UnsetType = UNSET
    add_lead_ids: Annotated[list[Ref], Meta(max_length=10_000)] = []
    remove_lead_ids: Annotated[list[Ref], Meta(max_length=10_000)] = []


class OneSegment(Input, kw_only=True):
    """The segment."""

    segment_id: UUID


class DeleteSegment(OneSegment, kw_only=True):
    """The segment to remove."""

    version: Version | None = None


@operation("crm.segments.list", kind="query", role=Role.VIEWER, summary="List the segments")
async def list_segments(tx: Tx, actor: Actor, input: Nothing) -> list[Segment]:
    """The organization's segments by name, each with its count."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM segments WHERE org_id = $1 ORDER BY lower(name), id LIMIT {MOST}", tx.org_id
    )
    return await _counted(tx, rows)


@operation("crm.segments.get", kind="query", role=Role.VIEWER, summary="Read a segment")
async def get(tx: Tx, actor: Actor, input: OneSegment) -> Segment:
    """A segment with its count; `crm.leads.find` with its `segmentId` lists its leads. Raises NotFound."""
    return await _get(tx, input.segment_id)


@operation("crm.segments.create", role=Role.MEMBER, summary="Make a segment")
async def create(tx: Tx, actor: Actor, input: CreateSegment) -> Segment:
    """Make a segment. Raises Invalid for a name, condition or choice, NotFound for a lead."""
    if (input.condition is None) != bool(input.lead_ids) or (input.fixed and input.condition is None):
        raise Invalid("A segment has either a condition or leads.", field="condition")
    if await tx.fetchval("SELECT count(*) FROM segments WHERE org_id = $1", tx.org_id) >= MOST:
        raise Conflict(f"An organization has at most {MOST} segments. Remove one first.")
    condition = await fields.check(tx, input.condition) if input.condition is not None else None
    id = new_id()
    await tx.execute(
        f"INSERT INTO segments (org_id, {_COLUMNS}) VALUES ($1, $2, $3, $4, 1, $5)",
        tx.org_id, id, _name(input.name), None if input.fixed else condition, tx.now,
    )  # fmt: skip
    await _put(tx, id, input.lead_ids, condition if input.fixed else None)
    await _tell(tx, actor, kinds.SEGMENT_CREATED, id, _name(input.name))
    return await _get(tx, id)


@operation("crm.segments.update", role=Role.MEMBER, summary="Change a segment")
async def update(tx: Tx, actor: Actor, input: UpdateSegment) -> Segment:
    """Change a segment's name, condition or leads. Raises NotFound, Invalid, Conflict for a stale version."""
    before = await _get(tx, input.segment_id, lock=True)
    must_be_current("The segment", before.version, input.version)
    if (input.condition is not UNSET and before.condition is None) or (
        before.condition is not None and (input.add_lead_ids or input.remove_lead_ids)
    ):
        raise Invalid("A segment has either a condition or leads.", field="condition")
    name = before.name if input.name is UNSET else _name(input.name)
    condition = before.condition if input.condition is UNSET else await fields.check(tx, input.condition)
    await tx.execute(
        "UPDATE segments SET name = $3, condition = $4, version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id, before.id, name, condition,
    )  # fmt: skip
    await _put(tx, before.id, input.add_lead_ids, None)
    await tx.execute(
        "DELETE FROM segment_leads WHERE org_id = $1 AND segment_id = $2 AND lead_id = ANY ($3)",
        tx.org_id, before.id, await named(tx, input.remove_lead_ids),
    )  # fmt: skip
    pairs: dict[str, list[Any]] = {"name": [before.name, name], "condition": [before.condition, condition]}
    changes = {field: pair for field, pair in pairs.items() if pair[0] != pair[1]}
    await _tell(tx, actor, kinds.SEGMENT_CHANGED, before.id, name, changes)
    return await _get(tx, before.id)


@operation("crm.segments.delete", role=Role.MEMBER, summary="Remove a segment")
async def delete(tx: Tx, actor: Actor, input: DeleteSegment) -> Segment:
    """Remove a segment; its leads stay. Raises NotFound, Conflict for a stale version."""
    found = await _get(tx, input.segment_id, lock=True)
    must_be_current("The segment", found.version, input.version)
    await tx.execute("DELETE FROM segments WHERE org_id = $1 AND id = $2", tx.org_id, found.id)
    await _tell(tx, actor, kinds.SEGMENT_REMOVED, found.id, found.name)
    return found


async def _get(tx: Tx, id: UUID, *, lock: bool = False) -> Segment:
    locking = "FOR NO KEY UPDATE" if lock else ""
    row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM segments WHERE org_id = $1 AND id = $2 {locking}", tx.org_id, id)
    if row is None:
        raise NotFound("There is no such segment in your organization.", field="segmentId")
    return (await _counted(tx, [row]))[0]


async def _counted(tx: Tx, rows: Sequence[Row]) -> list[Segment]:
    """The segments of rows with their counts, all counted in one statement."""
    counts: list[str] = []
    args: list[object] = []
    for row in rows:
        first = len(args) + 1
        tests, given = await matching(tx, row["condition"] or EVERYTHING, None, first=first)
        if row["condition"] is None:
            given.append(row["id"])
            tests += f" AND {in_segment(first, first + len(given) - 1)}"
        counts.append(f"(SELECT count(*) FROM leads l WHERE {tests})")
        args += given
    counted = await tx.fetchval(f"SELECT ARRAY[{', '.join(counts)}]::bigint[]", *args)
    return [Segment(**dict(row), count=count) for row, count in zip(rows, counted, strict=True)]


async def _put(tx: Tx, id: UUID, refs: Sequence[Ref], condition: Condition | None) -> None:
    """Put leads into a segment: those that are named, and those that meet a condition now."""
    if condition is not None:
        tests, args = await matching(tx, condition, None)
        chosen = [row["id"] for row in await tx.fetch(f"SELECT l.id FROM leads l WHERE {tests}", *args)]
    else:
        chosen = await named(tx, refs)
    held = await tx.fetchval("SELECT count(*) FROM segment_leads WHERE org_id = $1 AND segment_id = $2", tx.org_id, id)
    if held + len(chosen) > MOST_LEADS:
        raise Invalid(f"A segment without a condition holds at most {MOST_LEADS:,} leads.", field="leadIds")
    await tx.execute(
        """INSERT INTO segment_leads (org_id, segment_id, lead_id) SELECT $1, $2, unnest($3::uuid[])
           ON CONFLICT (org_id, segment_id, lead_id) DO NOTHING""",
        tx.org_id, id, chosen,
    )  # fmt: skip


def _name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > 100:
        raise Invalid("A segment needs a name of at most 100 characters.", field="name")
    return name


async def _tell(
    tx: Tx, actor: Actor, kind: str, id: UUID, name: str, changes: dict[str, list[Any]] | None = None
) -> None:
    await append(
        tx,
        actor,
        Entry(kind=kind, subject_type="segment", subject_id=id, changes=changes or {}, payload={"name": name}),
    )
