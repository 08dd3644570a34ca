"""Numbers and money in the forms people use: "$1,234.50", "1.234,50 €", "CHF 1'200", "(300)", "1.2M"."""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

from baton.imports.table import Cell
from baton.kernel.money import minor_digits

Mark = Literal["point", "comma"]
"""Which sign stands before the decimals."""

_MARKS: tuple[Mark, ...] = ("point", "comma")
_SIGNED = """€ EUR, £ GBP, ₹ INR, ₽ RUB, ₩ KRW, ₪ ILS, ₫ VND, ₴ UAH, ₺ TRY, R$ BRL, US$ USD, A$ AUD, C$ CAD, NZ$ NZD,
    HK$ HKD, S$ SGD, zł PLN, Kč CZK"""
_SIGNS = dict(pair.split() for pair in _SIGNED.split(","))
_SHARED = {"$": "USD", "¥": "JPY", "kr": "SEK", "kr.": "DKK"}
"""Signs that several currencies use: the organization's own where it is one of them."""
_CROWNS = frozenset(["SEK", "NOK", "DKK", "ISK"])
_DOLLARS = frozenset(["USD", "AUD", "CAD", "NZD", "HKD", "SGD", "MXN", "CLP", "COP", "ARS", "TWD"])
_SHARERS = {"$": _DOLLARS, "¥": frozenset(("JPY", "CNY")), "kr": _CROWNS, "kr.": _CROWNS}
_SCALES = {"k": 3, "tsd": 3, "m": 6, "mn": 6, "mio": 6, "mio.": 6, "b": 9, "bn": 9}
_AMOUNT = re.compile(r"(?P<before>[^\d.,'()+-]*)(?P<number>[+-]?\d[\d.,' ]*|[.,]\d+)(?P<after>[^\d]*)", re.ASCII)
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "’": "'", "−": "-"})
_INTEGER = re.compile(r"\d{1,18}")
_GROUPED = re.compile(r"\d{1,3}(?:[.,' ]\d{3})+(?!\d)|\d+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of its currency (ISO 4217); `rounded` where it had more decimals than those."""

    minor: int
    currency: str
    rounded: bool


@dataclass(frozen=True, slots=True)
class Written:
    """An amount as written: its digits with their separators, its sign, scale (powers of ten) and currency, if named."""

    digits: str
    negative: bool
    scale: int
    currency: str | None


def written(text: str, own_currency: str) -> Written | None:
    """The parts of a text that is an amount of money, or None where it is none."""
    plain = " ".join(text.translate(_SPACES).split())
    bracketed = plain.startswith("(") and plain.endswith(")")
    plain = plain[1:-1].strip() if bracketed else plain
    negative = bracketed or plain.startswith("-") or plain.endswith("-")
    plain = plain.strip("-").strip()
    found = _AMOUNT.fullmatch(plain)
    if not found or len(plain) > 60:
        return None
    scale, currency = 0, None
    for word in f"{found['before']} {found['after']}".split():
        if word.casefold() in _SCALES and not scale:
            scale = _SCALES[word.casefold()]
        elif (named := _currency(word, own_currency)) and not currency:
            currency = named
        else:
            return None
    number = found["number"].strip().lstrip("+")
    return Written(number.lstrip("-"), negative or number.startswith("-"), scale, currency)


def _currency(word: str, own: str) -> str | None:
    if word in _SIGNS:
        return _SIGNS[word]
    if word.casefold() in _SHARED:
        return own if own in _SHARERS[word.casefold()] else _SHARED[word.casefold()]
    return word.upper() if re.fullmatch(r"[A-Za-z]{3}", word) else None


def amount(number: Written, mark: Mark) -> Decimal | None:
    """The amount, with `mark` before its decimals; None where it cannot be written so. Groups are of three digits."""
    point, group = (".", ",") if mark == "point" else (",", ".")
    digits = number.digits.replace(" ", "'")
    whole, found, decimals = digits.partition(point)
    if point in decimals or not (decimals.isdigit() if found else True):
        return None
    groups = re.split(f"[{re.escape(group)}']", whole)
    if len(groups) > 1 and (
        not re.fullmatch("[1-9][0-9]{0,2}", groups[0]) or any(len(each) != 3 for each in groups[1:])
    ):
        return None
    if not all(each.isdigit() for each in groups) and whole:
        return None
    value = Decimal(f"{''.join(groups) or '0'}.{decimals or '0'}").scaleb(number.scale)
    return -value if number.negative else value


def marks(number: Written, currency: str) -> frozenset[Mark]:
    """The ways to read an amount in a currency. Money has no more decimals than its minor unit, so "1,234" is
    one thousand and some in dollars, where cents have two digits, but may be one and some in dinars, where they have three.
    """
    ways: dict[Mark, Decimal] = {mark: value for mark in _MARKS if (value := amount(number, mark)) is not None}
    if len(ways) < 2 or number.scale:
        return frozenset(ways)
    digits = minor_digits(number.currency or currency)
    exact = [mark for mark, value in ways.items() if -int(value.normalize().as_tuple().exponent) <= digits]
    return frozenset(exact or ways)


def money(cell: Cell, mark: Mark, own_currency: str) -> Money | None:
    """A cell as money, in the currency that it names, else `own_currency`; None where it is no amount from 0 up."""
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        return None
    if isinstance(cell, str):
        number = written(cell, own_currency)
        value = amount(number, mark) if number else None
        currency = (number.currency if number else None) or own_currency
    else:
        value, currency = Decimal(str(cell)), own_currency
    if value is None or not value.is_finite() or not 0 <= value < Decimal(10) ** 15:
        return None
    exact = value.scaleb(minor_digits(currency))
    minor = exact.quantize(Decimal(1), ROUND_HALF_EVEN)
    return Money(int(minor), currency, rounded=minor != exact)


def headcount(cell: Cell) -> int | None:
    """How many people work there: "250", "1,200", "51-200" and "1000+" (the lower bound), "11 to 50 employees"."""
    if isinstance(cell, bool) or cell is None or isinstance(cell, list):
        return None
    if isinstance(cell, int | float):
        return int(cell) if 0 <= cell < 2**31 and cell == int(cell) else None
    text = str(cell).translate(_SPACES)
    found = _GROUPED.search(text)
    if not found or re.match(r"[.,]\d", text[found.end() :]):
        return None
    digits = re.sub(r"\D", "", found[0])
    number = int(digits) if _INTEGER.fullmatch(digits) else -1
    number *= 1000 if text[found.end() : found.end() + 1] in ("k", "K") else 1
    return number if 0 <= number < 2**31 else None


def exact_headcount(cell: Cell) -> bool:
    """Whether the cell holds a plain number, rather than a range of which the lower bound was taken."""
    return isinstance(cell, int | float) or bool(re.fullmatch(r"[\d.,' ]+", str(cell).strip()))
