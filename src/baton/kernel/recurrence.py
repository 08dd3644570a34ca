"""Recurrence: rules as calendars write them (RFC 5545 RRULE), counted on a wall clock, so that 09:00 stays 09:00 in summer."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr

from baton.kernel.errors import Invalid

_PART = re.compile(r"[A-Z]+=[A-Z0-9,+-]+\Z")
_UNTIL = re.compile(r"\d{8}(T\d{6}Z?)?\Z")
_ALLOWED = {
    "DAILY": {"BYDAY"},
    "WEEKLY": {"BYDAY"},
    "MONTHLY": {"BYDAY", "BYMONTHDAY", "BYSETPOS"},
    "YEARLY": {"BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS"},
}
_ALWAYS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"}
_LONGEST = 200


def check(text: str, *, field: str = "recurrence", start: datetime | None = None) -> str:
    """The rule in its plain form. Raises Invalid for what is no rule, is finer than a day, or never falls on any day."""
    plain = text.strip().upper().removeprefix("RRULE:").strip().rstrip(";")
    parts = _parts(plain, field)
    frequency = parts.get("FREQ", "")
    if frequency not in _ALLOWED:
        raise Invalid("A recurrence begins with FREQ=DAILY, WEEKLY, MONTHLY or YEARLY.", field=field)
    wrong = sorted(set(parts) - _ALWAYS - _ALLOWED[frequency])
    if wrong:
        raise Invalid(f"{wrong[0]} cannot stand in a rule of FREQ={frequency}.", field=field)
    for name, most in (("INTERVAL", 1_000), ("COUNT", 10_000)):
        if name in parts and not (parts[name].isdigit() and 1 <= int(parts[name]) <= most):
            raise Invalid(f"{name} is a whole number from 1 to {most:,}.", field=field)
    if "COUNT" in parts and "UNTIL" in parts:
        raise Invalid("A recurrence ends after COUNT times or at UNTIL, not by both.", field=field)
    if "UNTIL" in parts and not _UNTIL.match(parts["UNTIL"]):
        raise Invalid("UNTIL is written like 20271231 or 20271231T235959Z.", field=field)
    begin = (start or datetime(2026, 1, 5, 9, tzinfo=UTC)).replace(tzinfo=None)
    try:
        first = _rule(plain, begin, ZoneInfo("UTC")).after(begin, inc=True)
    except (ValueError, TypeError, OverflowError):
        raise Invalid("This recurrence cannot be read. It is written like FREQ=WEEKLY;BYDAY=MO.", field=field) from None
    if first is None and "UNTIL" not in parts:
        raise Invalid("No day fits this recurrence.", field=field)
    return plain


def _parts(plain: str, field: str) -> dict[str, str]:
    pairs = plain.split(";")
    if not 1 <= len(plain) <= _LONGEST or not all(map(_PART.match, pairs)):
        raise Invalid("A recurrence is written like FREQ=WEEKLY;BYDAY=MO (RFC 5545).", field=field)
    names = [pair.partition("=")[0] for pair in pairs]
    if len(set(names)) < len(names):
        raise Invalid("A recurrence names each of its parts once.", field=field)
    return dict(pair.split("=", 1) for pair in pairs)


def following(text: str, start: datetime, after: datetime, zone: ZoneInfo) -> datetime | None:
    """The first moment of a checked rule that lies behind `after`; None where it has ended. All are aware, the answer in UTC.

    The rule begins at `start` and is counted on the wall clock of `zone`; a time that a night skips falls an hour later.
    """
    rule = _rule(text, start.astimezone(zone).replace(tzinfo=None), zone)
    local: datetime | None = after.astimezone(zone).replace(tzinfo=None)
    while local is not None:
        local = rule.after(local)
        at = local.replace(tzinfo=zone).astimezone(UTC) if local else None
        if at is None or at > after:  # in the night that repeats an hour the first of both may lie behind
            return at
    return None


def _rule(text: str, start: datetime, zone: ZoneInfo) -> rrule:
    """The rule on a wall clock: a naive start needs a naive end."""
    parts = dict(pair.split("=", 1) for pair in text.split(";"))
    if parts.get("UNTIL", "").endswith("Z"):
        until = datetime.strptime(parts["UNTIL"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        parts["UNTIL"] = f"{until.astimezone(zone):%Y%m%dT%H%M%S}"
    found = rrulestr(";".join(f"{name}={value}" for name, value in parts.items()), dtstart=start)
    assert isinstance(found, rrule)
    return found
