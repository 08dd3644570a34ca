"""How long a lead may stay in its stage: the moment when it is late, kept beside its facts as data. Spec B2, B7."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from baton.accounts import calendar as calendars
from baton.accounts.calendar import Calendar
from baton.kernel.db import Tx, columns


class Stay(msgspec.Struct, frozen=True):
    """A lead in a stage since a moment, in which it may stay `days` working days; `told` is what was told of this stay."""

    lead_id: UUID
    entered_at: datetime
    days: int | None
    told: str | None = None


async def entered(tx: Tx, lead_id: UUID, stage_id: UUID, entered_at: datetime, *, closed: bool) -> None:
    """A lead has entered a stage, or was closed: count its stay anew."""
    days = None
    if not closed:
        days = await tx.fetchval("SELECT sla_days FROM stages WHERE org_id = $1 AND id = $2", tx.org_id, stage_id)
    if days is not None:
        await keep(tx, [Stay(lead_id, entered_at, days)])
        return
    await tx.execute(
        """UPDATE leads SET sla_due_at = NULL, sla_next_at = NULL, sla_told = NULL
            WHERE org_id = $1 AND id = $2 AND sla_due_at IS NOT NULL""",
        tx.org_id, lead_id,
    )  # fmt: skip


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


def moments(stay: Stay, calendar: Calendar) -> tuple[datetime | None, datetime | None]:
    """When a stay is late, and when something is to be told of it next: that it is near, that it is late, or nothing."""
    due = calendar.after(stay.entered_at, stay.days) if stay.days is not None else None
    if due is None or stay.told == "missed":
        return due, None
    if stay.told == "near":
        return due, due
    near = calendar.after(stay.entered_at, (stay.days or 0) * calendar.near_percent / 100)
    return due, near or due
