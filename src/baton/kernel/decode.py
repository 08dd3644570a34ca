"""Reading an operation's input: strict, bounded, and refused in sentences that name the field."""

import functools
import typing
from datetime import datetime
from typing import Any

import msgspec

from baton.kernel.errors import Invalid
from baton.kernel.explain import explained
from baton.kernel.operation import I, Operation


def decode(op: Operation, input: Any, *, lenient: bool = False, ignore_unknown: bool = False) -> Any:
    """The operation's typed input from JSON bytes, a mapping or the struct itself. Raises Invalid, naming the field."""
    return decode_as(op.input, input, lenient=lenient, ignore_unknown=ignore_unknown)


def decode_as(type: type[I], input: Any, *, lenient: bool = False, ignore_unknown: bool = False) -> I:
    """A typed input from JSON bytes, a mapping or the struct itself. Raises Invalid, naming the field."""
    if isinstance(input, type):
        return input
    try:
        value = msgspec.json.decode(input) if isinstance(input, bytes) else ({} if input is None else input)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Invalid("The body is not valid JSON.") from None
    if ignore_unknown and isinstance(value, dict):
        known = type.__struct_encode_fields__
        value = {k: v for k, v in value.items() if k in known}
    try:
        return _near(msgspec.convert(value, type, strict=not lenient))
    except (msgspec.ValidationError, RecursionError) as error:
        if "got `float`" not in str(error):
            raise explained(error, type) from None
    try:
        return _near(msgspec.convert(_whole_numbers(value), type, strict=not lenient))
    except (msgspec.ValidationError, RecursionError) as error:
        raise explained(error, type) from None


@functools.cache
def _moments(type: type[msgspec.Struct]) -> list[tuple[str, str]]:
    """The fields that may hold a moment, by their names here and in JSON; found once: reading annotations takes long."""
    return [(field.name, field.encode_name) for field in msgspec.structs.fields(type) if _holds(field.type)]


def _holds(annotation: Any) -> bool:
    return annotation is datetime or any(map(_holds, typing.get_args(annotation)))


def _near(decoded: I) -> I:
    """The input, whose moments are near enough to be calculated with: nothing is due in the year 1. Raises Invalid."""
    for name, encoded in _moments(type(decoded)):
        value = getattr(decoded, name)
        if isinstance(value, datetime) and not 1900 <= value.year < 3000:
            raise Invalid(f"“{encoded}” is a moment from the year 1900 to 2999.", field=encoded)
    return decoded


def _whole_numbers(value: Any) -> Any:
    """A value of JSON whose numbers without a fraction are whole, however they are written: 39.0 is 39 (RFC 8259)."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _whole_numbers(held) for key, held in value.items()}
    return [_whole_numbers(held) for held in value] if isinstance(value, list) else value


def canonical(decoded: Any) -> bytes:
    """An operation's input as the bytes that stand for it. Raises Invalid for text that no JSON can hold."""
    try:
        body: bytes = msgspec.json.encode(decoded)
    except UnicodeEncodeError:
        raise Invalid("Text must be valid Unicode: it holds a lone surrogate.") from None
    if b"\\u0000" in body and _holds_nul(msgspec.json.decode(body)):
        raise Invalid("Text may not hold the NUL character.")
    return body


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_nul(k) or _holds_nul(v) for k, v in value.items())
    return isinstance(value, list) and any(map(_holds_nul, value))
