"""How moments, days and due times read on a page, in the reader's language and time zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from baton.doors.web.shell.language import _, english, locale, several_of


@dataclass(frozen=True, slots=True)
class Moment:
    """A time: `label` as one says it, `full` for those who point at it, `iso` for machines."""

    label: str
    full: str
    iso: str


@dataclass(frozen=True, slots=True)
class Due:
    """When something is due, as one says it, and whether that is past."""

    label: str
    late: bool


def due(at: datetime, now: datetime, zone: ZoneInfo) -> Due:
    """When something is due: "Today", "Tomorrow", "Thu", "12 Dec", "2 days late"."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    days = (local.date() - today).days
    if days < 0:
        return Due(several_of("%(count)s day late", "%(count)s days late", -days) % {"count": -days}, late=True)
    if at < now:
        minutes = int((now - at).total_seconds() // 60)
        words = _("%(count)s h late") if minutes >= 60 else _("%(count)s min late")
        return Due(words % {"count": minutes // 60 if minutes >= 60 else max(minutes, 1)}, late=True)
    if days <= 1:
        return Due((_("Today"), _("Tomorrow"))[days], late=False)
    return Due(_spell("EEE", local) if days < 7 else day(local.date(), today), late=False)


def due_at(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """The moment of a task in words: "today 10:00", "tomorrow 09:00", "Thu 15:30", "12 Dec 10:00"."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    days = (local.date() - today).days
    names = {-1: _("yesterday"), 0: _("today"), 1: _("tomorrow")}
    word = names.get(days) or (_spell("EEE", local) if 0 < days < 7 else day(local.date(), today))
    return f"{word} {clock(local)}"


def day(date_: date, today: date) -> str:
    """A day: "12 Dec" within the year, "12 Dec 2026" beyond."""
    if english():
        return f"{date_.day} {date_:%b}" + ("" if date_.year == today.year else f" {date_.year}")
    return _shape("MMMd" if date_.year == today.year else "yMMMd", _noon(date_))


def weekday(date_: date, today: date) -> str:
    """A day with its name: "Thursday, 12 Dec"."""
    return f"{_spell('EEEE', _noon(date_))}, {day(date_, today)}"


def month_name(date_: date) -> str:
    """A month: "December 2026"."""
    return _shape("yMMMM", _noon(date_))


def clock(local: datetime) -> str:
    """The time of day: "15:30", or as the reader's country writes it."""
    if english():
        return f"{local:%H:%M}"
    return _shape("Hm" if "H" in str(locale().time_formats["short"]) else "hm", local)


def _spell(pattern: str, local: datetime) -> str:
    from babel.dates import format_datetime  # read when the first page is written: starting does not wait for it

    return format_datetime(local, pattern, locale=locale())


def _shape(skeleton: str, local: datetime) -> str:
    from babel.dates import format_skeleton

    return format_skeleton(skeleton, local, locale=locale())


def _noon(date_: date) -> datetime:
    return datetime(date_.year, date_.month, date_.day, 12, tzinfo=UTC)


def moment(at: datetime, now: datetime, zone: ZoneInfo, *, within: date | None = None) -> Moment:
    """A time in a list, newest first: "08:02" today, "Yesterday 23:05", then "23:04" where `within` names that day."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    date_ = local.date()
    if date_ in (today, within):
        label = clock(local)
    elif (today - date_).days == 1:
        label = _("Yesterday %(time)s") % {"time": clock(local)}
    else:
        label = f"{day(date_, today)} {clock(local)}"
    full = f"{_shape('yMMMMd', local)}, {clock(local)} {local:%Z}"
    return Moment(label, full, local.isoformat(timespec="seconds"))


def ago(at: datetime, now: datetime, zone: ZoneInfo) -> Moment:
    """How long ago: "just now", "5 min ago", "2 h ago", "Yesterday", "12 Dec"."""
    full = moment(at, now, zone)
    local, today = at.astimezone(zone).date(), now.astimezone(zone).date()
    minutes = int((now - at).total_seconds() // 60)
    if minutes < 60:
        label = _("%(count)s min ago") % {"count": minutes} if minutes >= 1 else _("just now")
    elif local == today or minutes < 12 * 60:
        label = _("%(count)s h ago") % {"count": minutes // 60}
    else:
        label = _("Yesterday") if (today - local).days == 1 else day(local, today)
    return Moment(label, full.full, full.iso)


def days(since: datetime, now: datetime, zone: ZoneInfo) -> str:
    """How many days something has lasted: "today", "1 day", "12 days"."""
    count = (now.astimezone(zone).date() - since.astimezone(zone).date()).days
    return _("today") if count <= 0 else several_of("%(count)s day", "%(count)s days", count) % {"count": count}
