"""E-mail addresses, phone numbers, web addresses, names and tags as people write them in tables."""

import contextlib
import re

import msgspec
import phonenumbers

from baton.imports.table import Cell
from baton.kernel.errors import Invalid
from baton.kernel.values import email_address, fold

MAX_TAG = 60
MAX_TAGS = 50
_ADDRESS = re.compile(r"[^\s<>,;:\"()]+@[^\s<>,;:\"()]+")
_DOMAIN = re.compile(r"(?:[\w-]+\.)+[^\W\d_]{2,}(?::\d+)?(?:[/?#]\S*)?")
_PHONE = re.compile(r"\+?[\d\s().\-/–]{5,40}(?:\s*(?:x|ext\.?|#)\s*\d{1,7})?", re.IGNORECASE)
_NAMES = """
    GB: uk, united kingdom, great britain, england; US: usa, us, united states, united states of america; DE:
    germany, deutschland; FR: france; ES: spain, espana; IT: italy; IN: india; BR: brazil, brasil; PT: portugal;
    NL: netherlands; AT: austria; CH: switzerland; CA: canada; AU: australia; IE: ireland; MX: mexico; SG:
    singapore; AE: united arab emirates, uae; PL: poland; SE: sweden; NO: norway; DK: denmark; FI: finland; BE:
    belgium; JP: japan; ZA: south africa; NZ: new zealand; SA: saudi arabia; CZ: czech republic, czechia; TR:
    turkey; IL: israel; HK: hong kong
"""
_COUNTRIES = {
    " ".join(name.split()): code.strip()
    for code, names in (entry.split(":") for entry in _NAMES.split(";"))
    for name in names.split(",")
}


def email(cell: Cell) -> str | None:
    """The first e-mail address in a cell ("Ana <ana@acme.com>", "mailto:…", several by semicolon), or None."""
    for candidate in _ADDRESS.findall(str(cell)[:2_000]):
        try:
            return email_address(candidate.strip("."))
        except Invalid:
            continue
    return None


def region_of(country: str, default: str | None) -> str | None:
    """The ISO 3166 code of a country by name or code, else `default`."""
    if len(country) == 2 and country.upper() in phonenumbers.SUPPORTED_REGIONS:
        return country.upper()
    return _COUNTRIES.get(fold(country), default)


def phone(cell: Cell, region: str | None) -> str | None:
    """A phone number in E.164 where its country is known, else as it was written; None where it is no phone number.

    A spreadsheet's "4.42E+11" has lost its digits and is none.
    """
    text = str(cell).strip().removeprefix("p:").strip("' ")
    if not _PHONE.fullmatch(text):
        return None
    if text.startswith("+") or region:
        try:
            number = phonenumbers.parse(text, None if text.startswith("+") else region)
        except phonenumbers.NumberParseException:
            return text
        if phonenumbers.is_possible_number(number) and not number.extension:
            return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    return text


def website(cell: Cell) -> str | None:
    """A web address with its scheme; None for anything else, such as `javascript:`."""
    text = str(cell).strip()
    scheme, mark, rest = text.partition("://")
    if mark and scheme.casefold() in ("http", "https") and rest and not re.search(r"\s", rest):
        return text
    return f"https://{text}" if _DOMAIN.fullmatch(text) else None


def person(text: str) -> tuple[str | None, str | None]:
    """First and last name of a full one: "Jane Ann Doe" is Jane and Ann Doe, "Doe, Jane" is Jane and Doe."""
    last, comma, first = text.partition(",")
    if comma and first.strip() and last.strip() and "," not in first:
        return first.strip(), last.strip()
    first, _, last = " ".join(text.split()).partition(" ")
    return (first, last) if last else (None, None)


def currency(cell: Cell) -> str | None:
    """An ISO 4217 code in capitals, or None."""
    text = str(cell).strip()
    return text.upper() if re.fullmatch("[A-Za-z]{3}", text) else None


def tag_list(cell: Cell, *, written: bool = False) -> list[str] | None:
    """Tags divided by comma, semicolon, bar or line; None where one is too long to be a tag, or there are too many.

    With `written` a cell that is a JSON list of texts is that list, as our own exports write tags that hold a separator.
    """
    if written and isinstance(cell, str) and cell.startswith("["):
        with contextlib.suppress(msgspec.MsgspecError):
            return msgspec.json.decode(cell, type=list[str])
    if written and isinstance(cell, list):
        return [str(each) for each in cell]
    parts = [str(each) for each in cell] if isinstance(cell, list) else re.split(r"[;,|\n]", str(cell))
    found = list(dict.fromkeys(tag for part in parts if (tag := " ".join(part.split()))))
    return found if len(found) <= MAX_TAGS and all(len(tag) <= MAX_TAG for tag in found) else None


def is_yes(text: str) -> bool:
    """Whether a text says yes: "1", "true", "Yes", "x", "ja", "oui", "sí"."""
    return fold(text) in ("1", "true", "yes", "y", "x", "ja", "oui", "si", "sim", "t")


def is_no(text: str) -> bool:
    """Whether a text says no."""
    return fold(text) in ("0", "false", "no", "n", "nein", "non", "nao", "f")
