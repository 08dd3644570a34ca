"""A lead: its facts, how to find and lock one, and the only way to change one."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from baton.activities.append import Changes, Entry, append
from baton.activities.replay import difference, fold
from baton.kernel.actor import Actor, Via
from baton.kernel.db import Row, Tx, by_ref
from baton.kernel.errors import NotFound, must_be_current
from baton.kernel.operation import Output
from baton.kernel.values import Ref, email_key
from baton.kernel.written import written
from baton.leads import hot, stay, totals, words
from baton.pipelines.pipeline import Stage, Status

Facts = dict[str, Any]


class Lead(Output):
    """A card that lives in one stage of one pipeline. Money in minor units of `currency` (ISO 4217). Spec A1, A5.

    Everything above `version` is a fact that the log replays; what follows is kept beside the facts.
    """

    id: UUID
    pipeline_id: UUID
    stage_id: UUID
    status: Status
    name: str
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    website: str | None
    title: str | None
    company_name: str | None
    location: str | None
    industry: str | None
    company_size: int | None
    contact_id: UUID | None
    company_id: UUID | None
    owner_id: UUID | None
    value_cents: int | None
    currency: str
    expected_close_date: date | None
    tags: list[str]
    fields: dict[str, Any]
    source: str
    via: Via
    score: int | None
    qualified_at: datetime | None
    assigned_at: datetime | None
    stage_entered_at: datetime
    closed_at: datetime | None
    next_action_at: datetime | None
    converted_from_id: UUID | None
    converted_to_id: UUID | None
    external_id: str | None
    deleted_at: datetime | None
    created_at: datetime
    version: int
    last_activity_at: datetime


COLUMN_NAMES: tuple[str, ...] = Lead.__struct_fields__
FACT_NAMES: tuple[str, ...] = COLUMN_NAMES[: COLUMN_NAMES.index("version")]
COLUMNS = ", ".join(f"l.{name}" for name in COLUMN_NAMES)
WRITTEN = written(Lead, "l")
_WIDTH = len(COLUMN_NAMES)
_JSON_NAMES = dict(zip(COLUMN_NAMES, Lead.__struct_encode_fields__, strict=True))
_UNSAID: Facts = dict.fromkeys(_JSON_NAMES.values())  # a lead's first activity tells only what was known
_EMPTIED: Facts = {"": None}  # of a lead without fields any more the columns are emptied too
_BESIDE = {_JSON_NAMES[name] for name in ("version", "last_activity_at")}


def json_name(column: str) -> str:
    """What a column of a lead is called in JSON."""
    return _JSON_NAMES[column]


def from_row(row: Row) -> Lead:
    """The lead of a row that begins with `COLUMNS`."""
    return Lead(*row[:_WIDTH])


def facts(lead: Lead) -> Facts:
    """A lead's facts as the log writes them: JSON names and values."""
    values: Facts = msgspec.to_builtins(lead)
    return {name: value for name, value in values.items() if name not in _BESIDE}


def replayed(steps: list[Changes], *, version: int, last_activity_at: datetime) -> Lead:
    """The lead that a sequence of changes, oldest first, leads to. Raises NotFound for an empty one."""
    if not steps:
        raise NotFound("There was no such lead at that moment.")
    beside = {"version": version, "lastActivityAt": last_activity_at.isoformat()}
    return msgspec.convert(_UNSAID | fold(steps) | beside, Lead)


async def get(tx: Tx, ref: Ref | UUID) -> Lead:
    """A lead by id or external id. Raises NotFound, also for a deleted one."""
    return await _find(tx, str(ref), "")


async def lock(tx: Tx, ref: Ref | UUID, *, version: int | None = None, deleted: bool = False) -> Lead:
    """A lead, locked until the transaction ends. Raises NotFound; Conflict where `version` is stale."""
    found = await _find(tx, str(ref), "FOR NO KEY UPDATE", deleted=deleted)
    must_be_current(found.name, found.version, version)
    return found


async def lock_even_deleted(tx: Tx, id: UUID) -> Lead:
    """A lead, locked, whether it is deleted or not. Raises NotFound."""
    return await _find(tx, str(id), "FOR NO KEY UPDATE", deleted=None)


async def _find(tx: Tx, ref: str, locking: str, *, deleted: bool | None = False) -> Lead:
    where, value = by_ref(ref)
    row = await tx.fetchrow(
        f"SELECT {COLUMNS} FROM leads l WHERE l.org_id = $1 AND l.{where} {locking}", tx.org_id, value
    )
    if row is None or (deleted is not None and (row["deleted_at"] is not None) != deleted):
        raise NotFound("There is no such lead in your organization.")
    if locking:
        tx.follow(row["last_activity_at"])
    return from_row(row)


async def lock_those(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, Lead]:
    """Those of several leads that are there and that nobody else has locked, locked until the transaction ends."""
    rows = await tx.fetch(
        f"""SELECT {COLUMNS} FROM leads l WHERE l.org_id = $1 AND l.id = ANY ($2) AND l.deleted_at IS NULL
             ORDER BY l.id FOR NO KEY UPDATE SKIP LOCKED""",
        tx.org_id, ids,
    )  # fmt: skip
    for row in rows:
        tx.follow(row["last_activity_at"])
    return {row["id"]: from_row(row) for row in rows}


def changed(before: Lead, now: datetime, new: Facts) -> tuple[Lead, Changes]:
    """The lead with new facts from a moment on, and what of it that changes."""
    after = msgspec.structs.replace(before, **new)
    changes = difference(facts(before), facts(after))
    return msgspec.structs.replace(
        after, version=before.version + bool(changes), last_activity_at=max(before.last_activity_at, now)
    ), changes


async def change(
    tx: Tx,
    actor: Actor,
    before: Lead,
    kind: str,
    *,
    reason: str | None = None,
    payload: dict[str, Any] | None = None,
    subject: tuple[str, UUID] | None = None,
    stage: Stage | None = None,
    **new: Any,
) -> Lead:
    """Set facts of a locked lead, append the activity that says so, and keep the counts. Answers the lead as it is now.

    `stage` is the one that the lead enters, where the caller holds it. The row is written once, with all that follows from its facts.

    An activity that changes nothing (a note) leaves `version` as it was; `lastActivityAt` always moves.
    """
    after, changes = changed(before, tx.now, new)
    beside: dict[str, Any] = {}
    if "stageEnteredAt" in changes or "stageId" in changes or "closedAt" in changes:
        closed = after.closed_at is not None
        beside |= await stay.entered(tx, after.stage_id, after.stage_entered_at, closed=closed, stage=stage)
    if "fields" in changes:
        beside |= {slot.name: slot.values[0] for slot in await hot.of(tx, [after.fields or _EMPTIED])}
    await _write(tx, after, [name for name in new if _JSON_NAMES[name] in changes], beside)
    if not words.SEARCHED.isdisjoint(changes):
        await (words.forget(tx, after.id) if after.deleted_at else words.keep(tx, [after.id]))
    kind_of_subject, subject_id = subject or ("lead", before.id)
    await append(
        tx, actor,
        Entry(kind=kind, subject_type=kind_of_subject, subject_id=subject_id, lead_id=before.id, changes=changes,
              lead_version=after.version if changes else None, payload=payload or {}, reason=reason),
    )  # fmt: skip
    if changes:
        await totals.record(tx, [(before, after)])
    return after


async def _write(tx: Tx, after: Lead, names: list[str], beside: dict[str, Any]) -> None:
    values = {name: getattr(after, name) for name in names} | beside
    if "email" in values:
        values["email_norm"] = email_key(after.email) if after.email else None
    values |= {"version": after.version, "last_activity_at": after.last_activity_at}
    assignments = ", ".join(f"{name} = ${index}" for index, name in enumerate(values, start=3))
    await tx.execute(
        f"UPDATE leads SET {assignments} WHERE org_id = $1 AND id = $2", tx.org_id, after.id, *values.values()
    )
