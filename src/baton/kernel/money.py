"""Money: minor units of a currency, which are stored, and whole units, which people write (ISO 4217)."""

from decimal import Decimal, InvalidOperation

from baton.kernel.errors import Invalid

_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_FOUR = "CLF UYW"
ODD_DIGITS = {code: digits for digits, codes in ((0, _NONE), (3, _THREE), (4, _FOUR)) for code in codes.split()}
"""The decimals of currencies that do not have two (ISO 4217)."""
MOST = 2**62


def minor_digits(currency: str) -> int:
    """How many decimals a currency has: 2 for USD, none for JPY, 3 for KWD (ISO 4217)."""
    return ODD_DIGITS.get(currency, 2)


def whole(minor: int, currency: str) -> int | float:
    """Whole units of a currency, as a JSON number: 2500000 US cents are 25000, 1999 are 19.99."""
    amount = Decimal(minor).scaleb(-minor_digits(currency))
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def minor(amount: float | Decimal, currency: str, *, field: str = "value") -> int:
    """Minor units from whole ones. Raises Invalid below zero, beyond 2^62, or with more decimals than the currency has."""
    try:
        units = Decimal(str(amount)).scaleb(minor_digits(currency))
    except InvalidOperation:
        raise Invalid(f"{field} is a number.", field=field) from None
    if not units.is_finite() or not 0 <= units < MOST:
        raise Invalid(f"{field} is a number from 0 up.", field=field)
    if units != units.to_integral_value():
        digits = minor_digits(currency)
        raise Invalid(f"{currency} has {digits or 'no'} decimals, and {field} has more.", field=field)
    return int(units)
