"""Periods as one says them ("this quarter"), the one before, and leads of a period as a condition."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from baton.doors.web.shell.language import Told, marked
from baton.kernel.conditions import Condition

NAMES = Told(
    {
        "30d": marked("last 30 days"),
        "month": marked("this month"),
        "quarter": marked("this quarter"),
        "year": marked("this year"),
        "last-quarter": marked("last quarter"),
        "last-year": marked("last year"),
    }
)


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `first` to `last`, both included."""

    first: date
    last: date


def span(name: str, today: date) -> Span:
    """The days of a period, as far as they have passed."""
    first = {
        "30d": today - timedelta(days=29),
        "month": today.replace(day=1),
        "quarter": _quarter(today),
        "year": today.replace(month=1, day=1),
    }.get(name)
    if first is not None:
        return Span(first, today)
    if name == "last-quarter":
        last = _quarter(today) - timedelta(days=1)
        return Span(_quarter(last), last)
    return Span(date(today.year - 1, 1, 1), date(today.year - 1, 12, 31))


def before(name: str, today: date) -> Span:
    """The period before, as many of its days as have passed of the period itself."""
    mine = span(name, today)
    last = mine.first - timedelta(days=1)
    if name == "30d":
        return Span(last - timedelta(days=29), last)
    if name.startswith("last-"):
        return Span(_quarter(last) if name == "last-quarter" else date(last.year, 1, 1), last)
    first = {"month": last.replace(day=1), "quarter": _quarter(last)}.get(name, date(last.year, 1, 1))
    return Span(first, min(last, first + (mine.last - mine.first)))


def within(field: str, span: Span, zone: str) -> list[Condition]:
    """The tests that a time lies in a span of a zone's days."""
    edges = (span.first, span.last + timedelta(days=1))
    start, end = (datetime.combine(day, time(), tzinfo=ZoneInfo(zone)).isoformat() for day in edges)
    return [{"field": field, "op": ">=", "value": start}, {"field": field, "op": "<", "value": end}]


def _quarter(day: date) -> date:
    return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
