"""How numbers, shares and money read on a page, in the reader's language."""

from decimal import Decimal
from typing import Any

from babel.numbers import (
    format_compact_currency,
    format_currency,
    format_decimal,
    format_percent,
    get_currency_symbol,
)

from baton.doors.web.shell.language import english, locale
from baton.kernel.money import minor_digits
from baton.kernel.page import Page

_STEPS = ((Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "k"))


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
