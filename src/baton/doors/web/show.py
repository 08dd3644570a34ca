"""How values read on a page: money, due times, moments, names, in the reader's time zone."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.numbers import format_decimal, format_percent, get_currency_symbol

from baton.doors.web.language import locale
from baton.kernel.money import minor_digits

SOURCES = {
    "website": "Website",
    "referral": "Referral",
    "paid_ads": "Paid ads",
    "organic_search": "Organic search",
    "social_media": "Social media",
    "cold_outreach": "Cold outreach",
    "event": "Event",
    "partner": "Partner",
    "other": "Other",
}
STATUSES = {
    "new": "New",
    "contacted": "Contacted",
    "qualified": "Qualified",
    "proposal": "Proposal",
    "negotiating": "Negotiating",
    "won": "Won",
    "lost": "Lost",
    "disqualified": "Disqualified",
}
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


def percent(share: float | Decimal, *, digits: int = 0) -> str:
    """A share of one: "37%"."""
    return format_percent(share, format="#,##0" + ("." + "0" * digits if digits else "") + "%", locale=locale())


def money(minor: int | None, currency: str, *, short: bool = False) -> str:
    """An amount as one reads it: "$42,000", "€12.50"; with `short` "$214k", "$1.31M". A dash for none."""
    if minor is None:
        return "—"
    symbol = get_currency_symbol(currency, locale="en_US")
    if symbol == currency:
        symbol += " "
    amount = major(minor, currency)
    if short:
        for size, letter in _STEPS:
            if abs(amount) >= size * Decimal("0.9995"):
                scaled = amount / size
                digits = 0 if letter == "k" and abs(scaled) >= 10 else 1 if abs(scaled) >= 100 else 2
                return f"{symbol}{_trimmed(scaled, digits)}{letter}"
    digits = 0 if amount == amount.to_integral_value() else minor_digits(currency)
    return f"{symbol}{amount:,.{digits}f}"


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
        return Due("1 day late" if days == -1 else f"{-days} days late", late=True)
    if at < now:
        minutes = int((now - at).total_seconds() // 60)
        return Due(f"{minutes // 60} h late" if minutes >= 60 else f"{max(minutes, 1)} min late", late=True)
    if days <= 1:
        return Due(("Today", "Tomorrow")[days], late=False)
    return Due(local.strftime("%a") if days < 7 else day(local.date(), today), late=False)


def due_at(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """The moment of a task in words: "today 10:00", "tomorrow 09:00", "Thu 15:30", "12 Dec 10:00"."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    days = (local.date() - today).days
    names = {-1: "yesterday", 0: "today", 1: "tomorrow"}
    word = names.get(days) or (local.strftime("%a") if 0 < days < 7 else day(local.date(), today))
    return f"{word} {local:%H:%M}"


def day(date_: date, today: date) -> str:
    """A day: "12 Dec" within the year, "12 Dec 2026" beyond."""
    return f"{date_.day} {date_:%b}" + ("" if date_.year == today.year else f" {date_.year}")


def moment(at: datetime, now: datetime, zone: ZoneInfo, *, within: date | None = None) -> Moment:
    """A time in a list, newest first: "08:02" today, "Yesterday 23:05", then "23:04" where `within` names that day."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    date_ = local.date()
    clock = f"{local:%H:%M}"
    if date_ in (today, within):
        label = clock
    elif (today - date_).days == 1:
        label = f"Yesterday {clock}"
    else:
        label = f"{day(date_, today)} {clock}"
    return Moment(label, f"{local.day} {local:%B %Y, %H:%M %Z}", local.isoformat(timespec="seconds"))


def ago(at: datetime, now: datetime, zone: ZoneInfo) -> Moment:
    """How long ago: "just now", "5 min ago", "2 h ago", "Yesterday", "12 Dec"."""
    full = moment(at, now, zone)
    local, today = at.astimezone(zone).date(), now.astimezone(zone).date()
    minutes = int((now - at).total_seconds() // 60)
    if minutes < 60:
        label = f"{minutes} min ago" if minutes >= 1 else "just now"
    elif local == today or minutes < 12 * 60:
        label = f"{minutes // 60} h ago"
    else:
        label = "Yesterday" if (today - local).days == 1 else day(local, today)
    return Moment(label, full.full, full.iso)


def days(since: datetime, now: datetime, zone: ZoneInfo) -> str:
    """How many days something has lasted: "today", "1 day", "12 days"."""
    count = (now.astimezone(zone).date() - since.astimezone(zone).date()).days
    return "today" if count <= 0 else "1 day" if count == 1 else f"{count} days"


def several(names: list[str]) -> str:
    """Names in a row: "name, email and company"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
