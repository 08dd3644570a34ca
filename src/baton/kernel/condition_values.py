"""The values that conditions compare with, read strictly from JSON."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal
from uuid import UUID

from baton.kernel.errors import Invalid

FieldType = Literal["text", "integer", "number", "date", "time", "uuid", "tags", "boolean"]


def plain_words(text: str) -> str:
    """A text's words in lower case with single blanks between them, as the database compares them."""
    return " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split())


def list_of(name: Any, value: Any) -> list[Any]:
    """A list of at most 1,000 values. Raises Invalid."""
    if not isinstance(value, list) or len(value) > 1000:
        raise Invalid(f"“{name}” is compared with a list here, of at most 1000 values.", field="value")
    return value


def pair(name: Any, value: Any) -> tuple[Any, Any]:
    """Two values, from and to. Raises Invalid."""
    if not isinstance(value, list) or len(value) != 2:
        raise Invalid(f"“between” takes two values for “{name}”: [from, to].", field="value")
    return value[0], value[1]


def _integer(value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON does not tell 39.0 from 39
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
        raise ValueError
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value or len(value) > 10_000:
        raise ValueError
    value.encode()
    return value


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError
    return number


def _time(value: Any) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError
    return moment


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


_CONVERT: dict[FieldType, Callable[[Any], Any]] = {
    "text": _text, "integer": _integer, "number": _number, "date": lambda v: date.fromisoformat(_text(v)), "time": _time,
    "uuid": lambda v: UUID(_text(v)), "tags": _text, "boolean": _boolean,
}  # fmt: skip


def convert(type: FieldType, name: Any, value: Any) -> Any:
    """A value of a field's type. Raises Invalid, naming the field."""
    try:
        return _CONVERT[type](value)
    except (ValueError, InvalidOperation, OverflowError):
        hint = {"time": " such as 2026-04-30T10:00:00Z", "date": " such as 2026-04-30"}.get(type, "")
        raise Invalid(f"“{name}” is compared with {type}{hint}, not {str(value)[:60]!r}.", field="value") from None
