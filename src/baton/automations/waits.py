"""Waiting: spans such as "2d 4h", counted by the clock or in working time. A day of working time is one working day."""

import re
from collections.abc import Container
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from baton.accounts.hours import WorkingHours, add_working
from baton.kernel.errors import Invalid

_SPAN = re.compile(r"^(?:(\d{1,2})w)?\s*(?:(\d{1,3})d)?\s*(?:(\d{1,4})h)?\s*(?:(\d{1,5})m)?$")


@dataclass(frozen=True, slots=True)
class Span:
    """How long: days, and what comes on top of them."""

    days: int
    rest: timedelta


def span(text: str, field: str = "span") -> Span:
    """A span such as 30m, 4h, 2d 4h or 1w (a week of working time is five days). Raises Invalid, naming the field."""
    match = _SPAN.match(text.strip())
    if not match or not any(match.groups()):
        raise Invalid("How long is written as 30m, 4h, 2d 4h or 1w.", field=field)
    weeks, days, hours, minutes = (int(group or 0) for group in match.groups())
    found = Span(weeks * 7 + days, timedelta(hours=hours, minutes=minutes))
    if found.days > 730 or found.rest > timedelta(days=730):
        raise Invalid("A wait takes at most two years.", field=field)
    return found


def after(
    start: datetime, text: str, *, working: bool, hours: WorkingHours, zone: str, closed: Container[date] = ()
) -> datetime:
    """The moment a span after `start`, in the zone of `start`. By the clock a day keeps its time of day in `zone`, whatever
    daylight saving does; in working time the days are working days, and none of those that are `closed`. Raises Invalid."""
    wait = span(text)
    if not working:
        local = start.astimezone(ZoneInfo(zone)) + timedelta(days=wait.days)
        return local.astimezone(start.tzinfo) + wait.rest
    weeks, days = divmod(wait.days, 7)
    at = opening(start, hours, zone, closed).astimezone(ZoneInfo(zone))
    left = weeks * len(hours.days) + days
    for _ in range(8000):
        if not left:
            break
        at += timedelta(days=1)
        left -= at.isoweekday() in hours.days and at.date() not in closed
    try:
        return add_working(at.astimezone(start.tzinfo), wait.rest, hours, zone, closed)
    except OverflowError as error:
        raise Invalid("This wait is more than ten years of working time.") from error


def opening(at: datetime, hours: WorkingHours, zone: str, closed: Container[date] = ()) -> datetime:
    """The moment itself where it falls into the hours, else the next at which they begin."""
    local = at.astimezone(ZoneInfo(zone))
    opens, closes = time.fromisoformat(hours.from_), time.fromisoformat(hours.to)
    works = local.isoweekday() in hours.days and local.date() not in closed
    if works and opens <= local.time() < closes:
        return at
    day = local.date() if local.time() < opens else local.date() + timedelta(days=1)
    for _ in range(4000):
        if day.isoweekday() in hours.days and day not in closed:
            break
        day += timedelta(days=1)
    else:
        raise Invalid("There is no working day within ten years. Look at the working hours and holidays.")
    return datetime.combine(day, opens, tzinfo=ZoneInfo(zone)).astimezone(at.tzinfo)
