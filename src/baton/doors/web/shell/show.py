"""How values read on a page: money, due times, moments, names, in the reader's time zone."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.numbers import (
    format_compact_currency,
    format_currency,
    format_decimal,
    format_percent,
    get_currency_symbol,
)

from baton.doors.web.shell.language import Told, _, english, locale, marked, several_of
from baton.kernel.money import minor_digits
from baton.kernel.page import Page

SOURCES = Told(
    {
        "website": marked("Website"),
        "referral": marked("Referral"),
        "paid_ads": marked("Paid ads"),
        "organic_search": marked("Organic search"),
        "social_media": marked("Social media"),
        "cold_outreach": marked("Cold outreach"),
        "event": marked("Event"),
        "partner": marked("Partner"),
        "other": marked("Other"),
    }
)
STATUSES = Told(
    {
        "new": marked("New"),
        "contacted": marked("Contacted"),
        "qualified": marked("Qualified"),
        "proposal": marked("Proposal"),
        "negotiating": marked("Negotiating"),
        "won": marked("Won"),
        "lost": marked("Lost"),
        "disqualified": marked("Disqualified"),
    }
)
_STEPS = ((Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "k"))


class Named(Protocol):
    """A member, or anyone else with a name."""

    @property
    def id(self) -> UUID: ...
    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Who:
    """A person or an agent, as an avatar shows them."""

    id: UUID | None
    kind: str
    name: str
    initials: str


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


def who(member: Named) -> Who:
    """The avatar of a member."""
    return Who(member.id, member.kind, member.name, initials(member.name, member.kind))


def initials(name: str, kind: str) -> str:
    """Two letters: "JS" for João Silva, "Ma" for the agent Marcus."""
    words = [word for word in re.split(r"\W+", name) if word]
    if not words:
        return "?"
    if kind == "agent" or len(words) == 1:
        return words[0][:2].capitalize()
    return (words[0][0] + words[-1][0]).upper()


def band(score: int) -> str:
    """The band of a score. Spec B6."""
    return "high" if score >= 70 else "mid" if score >= 40 else "low"


def colour(text: str) -> str:
    """A stage's colour, for an SVG attribute; a plain grey for anything that is none."""
    return text if re.fullmatch(r"#[0-9a-fA-F]{6}", text) else "#9a9a9a"


def major(minor: int, currency: str) -> Decimal:
    """Whole units of a currency from its minor units (ISO 4217: JPY has none, KWD three digits)."""
    return Decimal(minor).scaleb(-minor_digits(currency))


def number(value: float | Decimal, *, digits: int = 0) -> str:
    """A number as one reads it: "12,400", in Portuguese "12.400"; `digits` are those after the point, none where they are zero."""
    return format_decimal(value, format="#,##0" + ("." + "#" * digits if digits else ""), locale=locale())


def total_of(found: Page[Any]) -> str:
    """How many there are of what a page shows a part of: "1,284", or "10,000+" where no more were counted."""
    return number(found.total or 0) + ("+" if found.total_is_estimate else "")


def percent(share: float | Decimal, *, digits: int = 0) -> str:
    """A share of one: "37%"."""
    return format_percent(share, format="#,##0" + ("." + "0" * digits if digits else "") + "%", locale=locale())


def money(minor: int | None, currency: str, *, short: bool = False) -> str:
    """An amount as one reads it: "$42,000", "€12.50"; with `short` "$214k", "$1.31M". A dash for none."""
    if minor is None:
        return "—"
    amount, digits = major(minor, currency), minor_digits(currency)
    if english():
        return _english_money(amount, currency, digits, short=short)
    if short and abs(amount) >= Decimal("999.5"):
        return format_compact_currency(amount, currency, locale=locale(), fraction_digits=_digits(amount))
    whole = amount == amount.to_integral_value()
    shape = locale().currency_formats["standard"].pattern.replace("0.00", "0" if whole else "0." + "0" * digits)
    return format_currency(amount, currency, format=shape, locale=locale(), currency_digits=False)


def _digits(amount: Decimal) -> int:
    return 0 if Decimal(10_000) <= abs(amount) < Decimal(999_500) else 2


def _english_money(amount: Decimal, currency: str, digits: int, *, short: bool) -> str:
    symbol = get_currency_symbol(currency, locale="en_US")
    if symbol == currency:
        symbol += " "
    if short:
        for size, letter in _STEPS:
            if abs(amount) >= size * Decimal("0.9995"):
                scaled = amount / size
                exact = 0 if letter == "k" and abs(scaled) >= 10 else 1 if abs(scaled) >= 100 else 2
                return f"{symbol}{_trimmed(scaled, exact)}{letter}"
    return f"{symbol}{amount:,.{0 if amount == amount.to_integral_value() else digits}f}"


def _trimmed(amount: Decimal, digits: int) -> str:
    text = f"{amount:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def sums(amounts: dict[str, int], *, short: bool = True) -> str:
    """Amounts of several currencies side by side; they are never added. Empty where all are zero."""
    ordered = sorted(amounts.items(), key=lambda amount: -amount[1])
    return " + ".join(money(cents, currency, short=short) for currency, cents in ordered if cents)


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


def several(names: list[str]) -> str:
    """Names in a row: "name, email and company"."""
    if len(names) < 2:
        return "".join(names)
    return _("%(names)s and %(last)s") % {"names": ", ".join(names[:-1]), "last": names[-1]}
