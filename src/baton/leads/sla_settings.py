"""Setting the calendar, and what happens to leads that stay too long: for the organization, or for one stage. Spec B2, B7."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from baton.accounts import calendar as calendars
from baton.accounts.calendar import Calendar, Holiday, OnMissed, check_holidays
from baton.accounts.hours import WorkingHours
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.activities.replay import difference
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid, must_be_current
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.shapes import Version
from baton.kernel.values import Ref
from baton.pipelines import pipeline as pipelines


class StageEscalation(Output, kw_only=True):
    """What a stage does otherwise than the organization; none where it does the same."""

    stage_id: UUID
    on_missed: OnMissed | None


class Sla(Output, kw_only=True):
    """The organization's calendar (in its `timeZone`), when the end is near, and what follows when it is missed."""

    working_hours: WorkingHours
    holidays: list[Holiday]
    time_zone: str
    near_percent: int
    on_missed: OnMissed
    stages: list[StageEscalation]
    version: int


class EditSla(Input, kw_only=True):
    """What to change; absent fields stay. `holidays` are all of them."""

    version: Version | None = None
    working_hours: WorkingHours | None = None
    holidays: Annotated[list[Holiday], Meta(max_length=400)] | None = None
    near_percent: Annotated[int, Meta(ge=1, le=100)] | None = None
    on_missed: OnMissed | None = None


class EditStageSla(Input, kw_only=True):
    """The stage, and what follows when a lead has stayed there too long; none for what the organization does."""

    stage_id: Ref
    on_missed: OnMissed | None


@operation("crm.sla.settings", kind="query", role=Role.VIEWER, summary="Read the working calendar")
async def settings(tx: Tx, actor: Actor, input: Nothing) -> Sla:
    """The calendar, and what happens to leads that stay too long."""
    return await _read(tx, await calendars.read(tx))


async def _read(tx: Tx, calendar: Calendar) -> Sla:
    rows = await tx.fetch(
        "SELECT stage_id, on_missed FROM stage_escalations WHERE org_id = $1 ORDER BY stage_id", tx.org_id
    )
    own = [
        StageEscalation(stage_id=row["stage_id"], on_missed=msgspec.convert(row["on_missed"], OnMissed)) for row in rows
    ]
    return Sla(stages=own, **msgspec.structs.asdict(calendar))


@operation("crm.sla.setSettings", role=Role.ADMIN, summary="Change the working calendar")
async def set_settings(tx: Tx, actor: Actor, input: EditSla) -> Sla:
    """Change the calendar; open leads are counted anew. Raises Invalid, Conflict for a stale version."""
    await tx.execute("SELECT FROM organizations WHERE org_id = $1 FOR NO KEY UPDATE", tx.org_id)
    before = await calendars.read(tx)
    must_be_current("The calendar", before.version, input.version)
    if input.near_percent is not None and not 1 <= input.near_percent <= 99:
        raise Invalid("The end is near after 1 to 99 percent of the time.", field="nearPercent")
    given: dict[str, Any] = {
        name: value
        for name in ("working_hours", "near_percent", "on_missed")
        if (value := getattr(input, name)) is not None
    }
    if input.holidays is not None:
        given["holidays"] = check_holidays(input.holidays)
    after = msgspec.structs.replace(before, **given, version=before.version + 1)
    await tx.execute(
        """INSERT INTO calendars (org_id, working_hours, holidays, near_percent, on_missed, version) VALUES ($1, $2, $3, $4, $5, $6)
           ON CONFLICT (org_id) DO UPDATE SET working_hours = excluded.working_hours, holidays = excluded.holidays,
              near_percent = excluded.near_percent, on_missed = excluded.on_missed, version = excluded.version""",
        tx.org_id, after.working_hours, after.holidays, after.near_percent, after.on_missed, after.version,
    )  # fmt: skip
    old, new = msgspec.to_builtins(await _read(tx, before)), msgspec.to_builtins(await _read(tx, after))
    old["version"] = new["version"]
    await append(
        tx, actor,
        Entry(kind=kinds.CALENDAR_CHANGED, subject_type="organization", subject_id=tx.org_id, changes=difference(old, new)),
    )  # fmt: skip
    return await _read(tx, after)


@operation("crm.sla.setStage", role=Role.ADMIN, summary="Change what happens to late leads of a stage")
async def set_stage(tx: Tx, actor: Actor, input: EditStageSla) -> StageEscalation:
    """Let a stage do otherwise than the organization when a lead has stayed too long. Raises NotFound."""
    stage = await pipelines.stage(tx, input.stage_id)
    old = await tx.fetchval(
        "SELECT on_missed FROM stage_escalations WHERE org_id = $1 AND stage_id = $2", tx.org_id, stage.id
    )
    await tx.execute("DELETE FROM stage_escalations WHERE org_id = $1 AND stage_id = $2", tx.org_id, stage.id)
    if input.on_missed is not None:
        await tx.execute(
            "INSERT INTO stage_escalations (org_id, stage_id, on_missed) VALUES ($1, $2, $3)",
            tx.org_id,
            stage.id,
            input.on_missed,
        )
    await append(
        tx, actor,
        Entry(kind=kinds.ESCALATION_CHANGED, subject_type="stage", subject_id=stage.id, payload={"name": stage.name},
              changes={"onMissed": [old, msgspec.to_builtins(input.on_missed)]}),
    )  # fmt: skip
    return StageEscalation(stage_id=stage.id, on_missed=input.on_missed)
