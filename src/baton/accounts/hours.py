"""Working hours of a member, and counting in them: due times fall when somebody is there."""

from collections.abc import Container
from datetime import date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from baton.kernel.shapes import TimeOfDay


class WorkingHours(msgspec.Struct, frozen=True):
    """Days of the week (1 Monday … 7 Sunday) and a window "HH:MM" in the member's time zone."""

    days: Annotated[tuple[Annotated[int, Meta(ge=1, le=7)], ...], Meta(min_length=1, max_length=7)] = (1, 2, 3, 4, 5)
    from_: TimeOfDay = msgspec.field(default="09:00", name="from")
    to: TimeOfDay = "17:00"

    def __post_init__(self) -> None:
        if not set(self.days) <= set(range(1, 8)) or not self.days:
            raise ValueError("days are numbers from 1 (Monday) to 7 (Sunday), at least one")
        if time.fromisoformat(self.from_) >= time.fromisoformat(self.to):
            raise ValueError("the working day begins before it ends")


def is_working(at: datetime, hours: WorkingHours, time_zone: str) -> bool:
    """Whether a moment falls into the working hours."""
    local = at.astimezone(ZoneInfo(time_zone))
    opens, closes = time.fromisoformat(hours.from_), time.fromisoformat(hours.to)
    return local.isoweekday() in hours.days and opens <= local.time() < closes


def add_working(
    start: datetime, amount: timedelta, hours: WorkingHours, time_zone: str, closed: Container[date] = ()
) -> datetime:
    """The moment `amount` of working time after `start`, in UTC; at night the count begins with the next working day.

    On `closed` days nobody works. Days are those of the time zone, so a day of 23 or 25 hours is one working day all the same.
    """
    zone = ZoneInfo(time_zone)
    local, left = start.astimezone(zone), amount
    for _ in range(4000):
        opens, closes = (
            datetime.combine(local.date(), time.fromisoformat(edge), tzinfo=zone) for edge in (hours.from_, hours.to)
        )
        if local.isoweekday() in hours.days and local < closes and local.date() not in closed:
            begin = max(local, opens)
            if begin + left <= closes:
                return (begin + left).astimezone(start.tzinfo)
            left -= closes - begin
        local = datetime.combine(local.date() + timedelta(days=1), time(0), tzinfo=zone)
    raise OverflowError("more than ten years of working time")
