"""The organization's calendar: its working hours and holidays, and what happens to leads that stay too long. Spec B7."""

from datetime import date, datetime, time
from typing import Annotated, Any, Literal

import msgspec
from dateutil.rrule import rrulestr
from msgspec import Meta

from baton.accounts.hours import WorkingHours, add_working
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid, NotFound
from baton.kernel.recurrence import check as check_rule
from baton.kernel.shapes import Label, Recurrence

MOST_HOLIDAYS = 400
Tell = Literal["owner", "supervisor", "admins"]


class Holiday(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A day on which nobody works: a date, each year's with `yearly`, or those of a `rule` (FREQ=YEARLY, RFC 5545) from then on."""

    date: date
    name: Label
    yearly: bool = False
    rule: Annotated[Recurrence, Meta(examples=["FREQ=YEARLY;BYMONTH=11;BYDAY=+4TH"])] | None = None


class OnMissed(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """What follows when a lead has stayed too long: who is told, a new owner by the routing rules, a task for the owner."""

    tell: Annotated[list[Tell], Meta(max_length=3)] = msgspec.field(default_factory=lambda: ["owner", "supervisor"])
    reassign: bool = False
    task: bool = False


class Calendar(msgspec.Struct, kw_only=True):
    """When an organization works; `near_percent` of the allowed time is near its end."""

    working_hours: WorkingHours
    holidays: list[Holiday]
    time_zone: str
    near_percent: int
    on_missed: OnMissed
    version: int

    def after(self, start: datetime, days: float) -> datetime | None:
        """The moment so many working days after a start; None where that is further than ten years."""
        hours = self.working_hours
        day = datetime.combine(start, time.fromisoformat(hours.to)) - datetime.combine(
            start, time.fromisoformat(hours.from_)
        )
        try:
            return add_working(start, day * days, hours, self.time_zone, self.closed)
        except OverflowError:
            return None

    @property
    def closed(self) -> "Closed":
        """The days on which nobody works."""
        return Closed(self.holidays)


class Closed:
    """Holidays as a set of days, each year's found when it is first asked for."""

    def __init__(self, holidays: list[Holiday]) -> None:
        self._holidays = holidays
        self._years: dict[int, set[date]] = {}

    def __contains__(self, day: object) -> bool:
        assert isinstance(day, date)
        if day.year not in self._years:
            self._years[day.year] = {found for each in self._holidays for found in _of_year(each, day.year)}
        return day in self._years[day.year]


def _of_year(holiday: Holiday, year: int) -> list[date]:
    if holiday.rule is not None:
        rule = rrulestr(holiday.rule, dtstart=datetime.combine(holiday.date, time()))
        first, last = (datetime.combine(date(year, *day), time()) for day in ((1, 1), (12, 31)))
        found = rule.between(first, last, inc=True)
        return [each.date() for each in found]
    if not holiday.yearly:
        return [holiday.date] if holiday.date.year == year else []
    try:
        return [holiday.date.replace(year=year)]
    except ValueError:  # 29 February
        return []


async def read(tx: Tx) -> Calendar:
    """The organization's calendar: Monday to Friday, 09:00 to 17:00 of its time zone, unless it says otherwise."""
    row = await tx.fetchrow(
        """SELECT o.time_zone, c.working_hours, c.holidays, c.near_percent, c.on_missed, c.version
             FROM organizations o LEFT JOIN calendars c ON c.org_id = o.org_id WHERE o.org_id = $1""",
        tx.org_id,
    )
    if row is None:
        raise NotFound("There is no such organization.")
    values: dict[str, Any] = {name: value for name, value in row.items() if value is not None}
    return Calendar(
        working_hours=msgspec.convert(values.get("working_hours", {}), WorkingHours),
        holidays=msgspec.convert(values.get("holidays", []), list[Holiday]),
        time_zone=row["time_zone"],
        near_percent=values.get("near_percent", 80),
        on_missed=msgspec.convert(values.get("on_missed", {}), OnMissed),
        version=values.get("version", 0),
    )


def check_holidays(holidays: list[Holiday]) -> list[Holiday]:
    """The holidays with their rules in plain form. Raises Invalid."""
    if len(holidays) > MOST_HOLIDAYS:
        raise Invalid(f"A calendar has at most {MOST_HOLIDAYS} holidays; yearly ones are named once.", field="holidays")
    checked = []
    for each in holidays:
        name = " ".join(each.name.split())[:100]
        if not name or (each.yearly and each.rule):
            raise Invalid("A holiday has a name, and is either yearly or has a rule.", field="holidays")
        rule = check_rule(each.rule, field="holidays") if each.rule else None
        if rule and ("FREQ=YEARLY" not in rule or ("UNTIL" in rule and rule.endswith("Z"))):
            raise Invalid("A holiday's rule is FREQ=YEARLY, with an UNTIL of days such as 20301231.", field="holidays")
        checked.append(Holiday(date=each.date, name=name, yearly=each.yearly, rule=rule))
    return sorted(checked, key=lambda each: (each.date, each.name))
