"""How long a lead may stay in its stage: the moment when it is late, kept beside its facts as data. Spec B2, B7."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from baton.accounts import calendar as calendars
from baton.accounts.calendar import Calendar
from baton.kernel.db import Tx, columns
from baton.pipelines.pipeline import Stage

_NOBODY = UUID(int=0)


class Stay(msgspec.Struct, frozen=True):
    """A lead in a stage since a moment, in which it may stay `days` working days; `told` is what was told of this stay."""

    lead_id: UUID
    entered_at: datetime
    days: int | None
    told: str | None = None


Moments = tuple[datetime | None, datetime | None]


async def entered(
    tx: Tx, stage_id: UUID, entered_at: datetime, *, closed: bool, stage: Stage | None = None
) -> dict[str, Any]:
    """What stands beside the facts of a lead that has entered a stage, or was closed: its stay counted anew, by column.

    `stage` is that stage, where the caller holds it.
    """
    due_at = next_at = None
    if not closed:
        days = stage.sla_days if stage is not None and stage.id == stage_id else await _days(tx, stage_id)
        if days is not None:
            ((due_at, next_at),) = await of_new(tx, [(entered_at, days)])
    return {"sla_due_at": due_at, "sla_next_at": next_at, "sla_told": None}


async def _days(tx: Tx, stage_id: UUID) -> int | None:
    days: int | None = await tx.fetchval(
        "SELECT sla_days FROM stages WHERE org_id = $1 AND id = $2", tx.org_id, stage_id
    )
    return days


async def of_new(tx: Tx, stays: Sequence[tuple[datetime, int | None]]) -> list[Moments]:
    """When new stays (since when, how many working days) are late, and when something is to be told of them first."""
    asked = {stay for stay in stays if stay[1] is not None}
    calendar = await calendars.read(tx) if asked else None
    known = {stay: moments(Stay(_NOBODY, *stay), calendar) for stay in asked if calendar}
    return [known.get(stay, (None, None)) for stay in stays]


async def keep(tx: Tx, stays: Sequence[Stay], calendar: Calendar | None = None) -> None:
    """Write when these stays are late, and when something is to be told of them next."""
    if not stays:
        return
    calendar = calendar or await calendars.read(tx)
    rows = [(stay.lead_id, *moments(stay, calendar), stay.told) for stay in stays]
    await tx.execute(
        """UPDATE leads AS l SET sla_due_at = s.due_at, sla_next_at = s.next_at, sla_told = s.told
             FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::text[]) AS s (id, due_at, next_at, told)
            WHERE l.org_id = $1 AND l.id = s.id""",
        tx.org_id, *columns(rows, 4),
    )  # fmt: skip


def moments(stay: Stay, calendar: Calendar) -> Moments:
    """When a stay is late, and when something is to be told of it next: that it is near, that it is late, or nothing."""
    due = calendar.after(stay.entered_at, stay.days) if stay.days is not None else None
    if due is None or stay.told == "missed":
        return due, None
    if stay.told == "near":
        return due, due
    near = calendar.after(stay.entered_at, (stay.days or 0) * calendar.near_percent / 100)
    return due, near or due
