"""Settings → Calendar: when the organization works, and what happens to leads that stay too long."""

import re
from datetime import date
from typing import Any

import msgspec
from starlette.responses import Response

from baton.accounts.calendar import Holiday
from baton.doors.web.shell.language import Choices, _, marked
from baton.doors.web.shell.render import done
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.stale import YES_NO, kept, settle, ticks
from baton.doors.web.shell.visit import Visit
from baton.kernel.errors import Conflict, Forbidden, Invalid
from baton.leads.sla_settings import EditSla, Sla

HERE = "/settings/calendar"
DAYS = (marked("Mon"), marked("Tue"), marked("Wed"), marked("Thu"), marked("Fri"), marked("Sat"), marked("Sun"))
TELL = Choices(
    [
        ("owner", marked("the owner")),
        ("supervisor", marked("the owner’s supervisor, else the admins")),
        ("admins", marked("the admins")),
    ]
)
_LINE = re.compile(r"\s*(\d{4}-\d\d-\d\d)\s*[,;]?\s*(.*?)\s*(?:[,;]\s*(every year|yearly|FREQ=\S+))?\s*", re.IGNORECASE)


async def show(visit: Visit) -> Response:
    """GET and POST /settings/calendar."""
    if not visit.may_manage:
        raise Forbidden("Only an admin changes the calendar.")
    found: Sla = await visit.perform("crm.sla.settings")
    hours = found.working_hours
    values: dict[str, Any] = {
        "from": hours.from_, "to": hours.to, "near": str(found.near_percent), "holidays": "\n".join(map(_line, found.holidays)),
    }  # fmt: skip
    days, tell = set(map(str, hours.days)), set(found.on_missed.tell)
    also = {"reassign": found.on_missed.reassign, "task": found.on_missed.task}
    error: Refusal | None = None
    now = dict(values) | {key: "on" if chosen else "" for key, chosen in also.items()}
    parts = [
        ticks("day", _("Working days"), [key for key in map(str, range(1, 8)) if key in days],
              {str(at): _(name) for at, name in enumerate(DAYS, start=1)}, key="workingHours"),
        ticks("tell", _("When a lead is late, tell"), [key for key, _words in TELL if key in tell], dict(TELL), key="onMissed"),
    ]  # fmt: skip
    clashes = await settle(visit, visit.actor.org_id, now, _labels(), shown=dict.fromkeys(also, YES_NO), parts=parts)
    if visit.request.method == "POST":
        values |= visit.fields
        days = {value for key, value in visit.several if key == "day"}
        tell = {value for key, value in visit.several if key == "tell"}  # type: ignore[misc]
        also = {key: key in visit.fields for key in also}
    if visit.request.method == "POST" and not clashes:
        try:
            await visit.perform("crm.sla.setSettings", _wish(values, days, sorted(tell), also))
            return done(visit, _("The calendar is set; how long leads may stay is counted anew."), HERE)
        except (Invalid, Conflict) as refusal:
            error = refusal
    return await sheet(
        visit,
        "calendar.html",
        _("Working calendar"),
        act=_("Save"),
        back="/settings/pipelines",
        values=values,
        error=error,
        here=HERE,
        days=[(str(at), _(name), str(at) in days) for at, name in enumerate(DAYS, start=1)],
        tell=[(key, words, key in tell) for key, words in TELL],
        also=also,
        was=kept(now, parts),
        clashes=clashes,
        lede=_("Days in which leads should leave a stage are working days, in the time zone %(time_zone)s.")
        % {"time_zone": found.time_zone},
    )


def _labels() -> dict[str, str]:
    return {
        "from": _("From"), "to": _("Until"), "holidays": _("Holidays"), "near": _("The end is near after, in percent of the time"),
        "reassign": _("give it to somebody else by the routing rules"), "task": _("make a task for its owner"),
    }  # fmt: skip


def _line(holiday: Holiday) -> str:
    how = _("every year") if holiday.yearly else holiday.rule
    return f"{holiday.date}, {holiday.name}" + (f", {how}" if how else "")


def _wish(values: dict[str, Any], days: set[str], tell: list[str], also: dict[str, bool]) -> EditSla:
    near = str(values.get("near", "")).strip()
    if not (near.isascii() and near.isdigit() and len(near) < 4):
        raise Invalid("The share is a whole number of percent.", field="nearPercent")
    wish = {
        "workingHours": {"days": sorted(int(day) for day in days if day.isdigit()), "from": values.get("from"), "to": values.get("to")},
        "holidays": [msgspec.to_builtins(_holiday(line)) for line in str(values.get("holidays", "")).splitlines() if line.strip()],
        "nearPercent": int(near),
        "onMissed": {"tell": tell} | also,
    }  # fmt: skip
    try:
        return msgspec.convert(wish, EditSla)
    except msgspec.ValidationError as error:
        raise Invalid(str(error).partition(" - at")[0].capitalize() + ".", field="workingHours") from None


def _holiday(line: str) -> Holiday:
    match = _LINE.fullmatch(line[:300].replace(_("every year"), "every year"))
    try:
        day = date.fromisoformat(match[1]) if match else None
    except ValueError:
        day = None
    if match is None or day is None or not match[2]:
        raise Invalid(
            f"“{line.strip()[:60]}” is no holiday. Write 2026-12-25, Christmas, every year.", field="holidays"
        )
    how = match[3] or ""
    yearly = how.lower() in ("yearly", "every year", _("every year").lower())
    return Holiday(date=day, name=match[2], yearly=yearly, rule=how if how and not yearly else None)
