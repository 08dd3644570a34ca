"""When a rule that waits for time looks next: slots in the organization's time zone, each once, whatever daylight saving does."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from baton.automations.rules.rule import OnActivity, OnDate, OnQuiet, OnSchedule, Trigger, time_of_day
from baton.kernel.errors import Invalid

_PARTS = {"FREQ", "INTERVAL", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS", "BYHOUR", "WKST"}
_OFTEN = ("HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_ANCHOR = datetime(2024, 1, 1)  # noqa: DTZ001 - a Monday in whichever zone: what "every second week" counts from
HORIZON = timedelta(days=5 * 366)


def next_slot(trigger: Trigger, after: datetime, zone: str) -> datetime | None:
    """The first moment (UTC) after `after` at which a rule looks; None for one that waits for activities. Raises Invalid."""
    match trigger:
        case OnActivity():
            return None
        case OnSchedule():
            return _scheduled(trigger, after, zone)
        case OnDate():
            return _daily(trigger.at, after, zone)
        case OnQuiet():
            return after + timedelta(hours=1)


def _scheduled(trigger: OnSchedule, after: datetime, zone: str) -> datetime:
    parts = dict(part.partition("=")[::2] for part in trigger.rrule.upper().removeprefix("RRULE:").split(";"))
    if parts.keys() - _PARTS or parts.get("FREQ") not in _OFTEN or len(trigger.rrule) > 200:
        raise Invalid(
            f"A schedule is an RRULE such as FREQ=WEEKLY;BYDAY=MO. It has {', '.join(sorted(_PARTS))}; the shortest is HOURLY.",
            field="rrule",
        )
    local = after.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    hourly = parts["FREQ"] == "HOURLY"
    anchor = datetime.combine(local.date() if hourly else _ANCHOR.date(), time_of_day(trigger.at))
    if hourly:
        anchor = anchor.replace(hour=0)
    try:
        until = f"{local + HORIZON:%Y%m%dT%H%M%S}"
        rule = rrulestr(";".join(f"{k}={v}" for k, v in (parts | {"UNTIL": until}).items()), dtstart=anchor)
        found = rule.after(local)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise Invalid(f"This schedule cannot be read: {str(error)[:120]}", field="rrule") from error
    while found is not None:
        moment: datetime = found.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        if moment > after:
            return moment
        found = rule.after(found)
    raise Invalid("This schedule has no day within the next five years.", field="rrule")


def _daily(at: str, after: datetime, zone: str) -> datetime:
    day: date = after.astimezone(ZoneInfo(zone)).date()
    while True:
        moment = datetime.combine(day, time_of_day(at), tzinfo=ZoneInfo(zone)).astimezone(UTC)
        if moment > after:
            return moment
        day += timedelta(days=1)
