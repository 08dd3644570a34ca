"""What a custom field may hold: each value checked and brought into the one form in which it is kept. Spec A5."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from baton.fields.definition import Definition, Type
from baton.kernel.errors import Invalid

_YES, _NO = {"true", "yes", "y", "1", "on"}, {"false", "no", "n", "0", "off"}
_DIGITS = 15  # what a JSON number keeps exactly


def checked(
    definitions: Sequence[Definition], given: Mapping[str, Any], before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Values by key, those of defined fields in their kept form; keys that nobody defined stay as they are.

    Only values that differ from `before` are looked at; null and empty text clear. Raises Invalid naming `fields.<key>`.
    """
    known = {definition.key: definition for definition in definitions}
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key not in known or (before is not None and key in before and before[key] == value):
            values[key] = value
        else:
            values[key] = one(known[key], value)
    return values


def require(definitions: Sequence[Definition], values: Mapping[str, Any], keys: Sequence[str] | None = None) -> None:
    """Raise Invalid where a required field (of `keys`, if given) has no value."""
    for definition in definitions:
        asked = definition.required and definition.archived_at is None and (keys is None or definition.key in keys)
        if asked and values.get(definition.key) in (None, "", []):
            raise Invalid(f"“{definition.label}” is required.", field=f"fields.{definition.key}")


def one(definition: Definition, value: Any) -> Any:
    """A value of one field in its kept form, None where it is empty. Raises Invalid."""
    text = value.strip() if isinstance(value, str) else value
    if text is None or text == "" or text == []:
        return None
    try:
        return _FORMS[definition.type](definition, text)
    except (ValueError, InvalidOperation, OverflowError) as error:
        wanted = str(error) if isinstance(error, _Wanted) else _HINTS[definition.type]
        raise Invalid(f"“{definition.label}” {wanted}.", field=f"fields.{definition.key}") from None


class _Wanted(ValueError):
    """A value that does not fit, with what would."""


_HINTS: dict[Type, str] = {
    "shortText": "is text of at most 500 characters", "longText": "is text of at most 20,000 characters",
    "integer": "is a whole number", "decimal": f"is a number of at most {_DIGITS} digits", "date": "is a day such as 2026-04-30",
    "yesNo": "is true or false", "select": "is one of its options", "multiSelect": "is a list of its options",
    "url": "is a web address that begins with http:// or https://",
}  # fmt: skip


def _text(most: int) -> Callable[[Definition, Any], str]:
    def checked_text(definition: Definition, value: Any) -> str:
        if not isinstance(value, str) or len(value) > most:
            raise ValueError
        return value

    return checked_text


def _integer(definition: Definition, value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError
    if isinstance(value, str) and not re.fullmatch(r"[+-]?[0-9]{1,18}", value):
        raise ValueError
    number = int(value) if isinstance(value, (str, int, float)) else None
    if number is None or abs(number) >= 10**18:
        raise ValueError
    return number


def _decimal(definition: Definition, value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError
    if isinstance(value, str) and not re.fullmatch(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?", value):
        raise ValueError
    number = Decimal(str(value)).normalize()
    if not number.is_finite() or len(number.as_tuple().digits) > _DIGITS or abs(number.adjusted()) > _DIGITS:
        raise ValueError
    return int(number) if number == number.to_integral_value() else float(number)


def _date(definition: Definition, value: Any) -> str:
    if not isinstance(value, str) or len(value) != 10:
        raise ValueError
    return date.fromisoformat(value).isoformat()


def _yes_no(definition: Definition, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = value.casefold() if isinstance(value, str) else ""
    if word not in _YES | _NO:
        raise ValueError
    return word in _YES


def _option(definition: Definition, value: Any) -> str:
    found = {option.casefold(): option for option in definition.options}
    if not isinstance(value, str) or value.casefold() not in found:
        raise _Wanted(f"is one of: {', '.join(definition.options)}")
    return found[value.casefold()]


def _options(definition: Definition, value: Any) -> list[str]:
    """Options in the order of the definition, each once; text names them with commas or semicolons between them."""
    if isinstance(value, str):
        whole = value.casefold() in {option.casefold() for option in definition.options}
        value = [value] if whole else [part.strip() for part in re.split(r"[;,|]", value) if part.strip()]
    if not isinstance(value, list):
        raise ValueError
    chosen = {_option(definition, each) for each in value}
    return [option for option in definition.options if option in chosen]


def _url(definition: Definition, value: Any) -> str:
    if not isinstance(value, str) or len(value) > 2000 or re.search(r"[\s\x00-\x1f\\]", value):
        raise ValueError
    address = urlsplit(value)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ValueError
    return value


_FORMS: dict[Type, Callable[[Definition, Any], Any]] = {
    "shortText": _text(500), "longText": _text(20_000), "integer": _integer, "decimal": _decimal, "date": _date, "yesNo": _yes_no,
    "select": _option, "multiSelect": _options, "url": _url,
}  # fmt: skip
