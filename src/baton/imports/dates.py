"""Dates in the forms people use; one that can be read in two ways says so instead of being guessed."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Literal, get_args

from baton.imports.table import Cell
from baton.kernel.values import fold

Order = Literal["dmy", "mdy", "ymd"]
ORDERS: tuple[Order, ...] = get_args(Order)
_ISO = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_THREE = re.compile(
    r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4}|\d{2})(?:,?[T ]+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([ap]\.?m\.?)?)?",
    re.IGNORECASE | re.ASCII,
)
_DAY_FIRST = re.compile(
    r"(?:[^\W\d]+,? )?(\d{1,2})(?:st|nd|rd|th|\.)?[- ]+(?:de )?([^\W\d]+)\.?,?[- ]+(?:de )?(\d{4}|\d{2})(.*)"
)
_MONTH_FIRST = re.compile(r"(?:[^\W\d]+,? )?([^\W\d]+)\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})(.*)")
_CLOCK = re.compile(
    r",?\s*(?:at |um )?(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([ap]\.?m\.?)?(?:\s*(Z|UTC|GMT))?", re.IGNORECASE | re.ASCII
)
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?", re.ASCII)
_EPOCH = re.compile(r"1\d{9}(?:\d{3})?", re.ASCII)
_MONTHS = {
    word: number
    for number, words in enumerate(
        (
            "jan january januar janvier enero janeiro gennaio ene janv",
            "feb february februar fevrier febrero fevereiro febbraio fev fevr",
            "mar march marz mars marzo marco mrz",
            "apr april avril abril aprile avr abr",
            "may mai mayo maio maggio mag",
            "jun june juni juin junio junho giugno giu",
            "jul july juli juillet julio julho luglio lug juil",
            "aug august aout agosto ago",
            "sep sept september septembre septiembre setembro settembre set",
            "oct october oktober octobre octubre outubro ottobre okt out ott",
            "nov november novembre noviembre novembro",
            "dec december dezember decembre diciembre dezembro dicembre dez dic",
        ),
        start=1,
    )
    for word in words.split()
}


def readings(cell: Cell) -> dict[Order, datetime]:
    """Every way to read a cell as a moment, by the order of day, month and year; none where it is no date.

    What names its year or month plainly (ISO 8601, "3 May 2024", a spreadsheet's own date) reads the same in every
    order. Times without a zone are taken as UTC.
    """
    if isinstance(cell, datetime):
        return _all(cell if cell.tzinfo else cell.replace(tzinfo=UTC))
    if isinstance(cell, date):
        return _all(datetime.combine(cell, time.min, UTC))
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        return {}
    text = " ".join(str(cell).split())[:60]
    for plain in (_iso, _compact, _named, _number):
        if moment := plain(text):
            return _all(moment)
    return _three(text)


def _all(moment: datetime) -> dict[Order, datetime]:
    return dict.fromkeys(ORDERS, moment) if 1900 <= moment.year < 2200 else {}


def _moment(year: int, month: int, day: int, clock: tuple[str | None, ...] = ()) -> datetime | None:
    """A moment of the calendar, or None; `clock` is (hour, minute, second, am or pm) as far as given."""
    hour, minute, second, half = (*clock, None, None, None, None)[:4]
    hours = int(hour or 0)
    if half:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half[0] in "pP" else 0)
    try:
        return datetime(year, month, day, hours, int(minute or 0), int(second or 0), tzinfo=UTC)
    except ValueError:
        return None


def _iso(text: str) -> datetime | None:
    found = _ISO.fullmatch(text)
    if not found:
        return None
    moment = _moment(int(found[1]), int(found[2]), int(found[3]), found.group(4, 5, 6))
    zone = found[7]
    if moment and zone and zone[0] in "+-":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        if offset >= timedelta(hours=24):
            return None
        moment = moment.replace(tzinfo=timezone(-offset if zone[0] == "-" else offset)).astimezone(UTC)
    return moment


def _compact(text: str) -> datetime | None:
    found = _COMPACT.fullmatch(text)
    return _moment(int(found[1]), int(found[2]), int(found[3])) if found else None


def _named(text: str) -> datetime | None:
    """Dates that spell their month: "3 May 2024", "May 3, 2024 4:05 pm", "03-May-24", "3. März 2024"."""
    if found := _DAY_FIRST.fullmatch(text):
        day, name, year, rest = found.groups()
    elif found := _MONTH_FIRST.fullmatch(text):
        name, day, year, rest = found.groups()
    else:
        return None
    month, clock = _MONTHS.get(fold(name)), _CLOCK.fullmatch(rest)
    if month is None or (rest and not clock):
        return None
    return _moment(_year(year), month, int(day), clock.group(1, 2, 3, 4) if clock else ())


def _number(text: str) -> datetime | None:
    """A spreadsheet's day number since 1899-12-30, or seconds or milliseconds since 1970."""
    if _SERIAL.fullmatch(text) and 15_000 <= float(text) < 75_000:
        return datetime(1899, 12, 30, tzinfo=UTC) + timedelta(seconds=round(float(text) * 86_400))
    if _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(int(text[:10]), UTC)
    return None


def _three(text: str) -> dict[Order, datetime]:
    """Three numbers, read in each order that the calendar allows; dots are used by those who put the day first."""
    found = _THREE.fullmatch(text)
    if not found:
        return {}
    first, mark, second, last = found.group(1, 2, 3, 4)
    clock = found.group(5, 6, 7, 8)
    ways: dict[Order, datetime | None] = {"dmy": _moment(_year(last), int(second), int(first), clock)}
    if mark != ".":
        ways["mdy"] = _moment(_year(last), int(first), int(second), clock)
        if len(first) == len(last) == 2:
            ways["ymd"] = _moment(_year(first), int(second), int(last), clock)
    return {order: moment for order, moment in ways.items() if moment and 1900 <= moment.year < 2200}


def _year(text: str) -> int:
    """A year of two digits lies between 1970 and 2069."""
    return int(text) if len(text) == 4 else int(text) + (2000 if int(text) < 70 else 1900)
