"""What is wrong with an input, in a sentence that names the field and says what it may be."""

import re
from typing import Any

from msgspec import inspect

from baton.kernel.errors import Invalid

_FAULT = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<path>.*)`)?", re.DOTALL)
_BOUND = re.compile(r"Expected `(\w+)` (of length )?(>=|<=|>|<) (-?[\d.e+]+)")
_KIND = re.compile(r"Expected `([^`]+)`, got `(\w+)`")
_KINDS = {
    "int": "a whole number", "float": "a number", "str": "text", "bool": "true or false", "null": "null", "array": "a list",
    "object": "an object", "datetime": "a moment such as 2026-04-30T10:00:00Z", "date": "a day such as 2026-04-30", "uuid": "a UUID",
}  # fmt: skip
_UNITS = {"str": "characters", "array": "entries", "object": "entries"}
_FORMS = {
    "Invalid UUID": "is a UUID, such as 01a1f8ae-71bd-7b2c-9c39-4ae7a2f7a1d2.",
    "Invalid RFC3339 encoded datetime": "is a moment with its offset from UTC, such as 2026-04-30T10:00:00Z.",
    "Expected `datetime` with a timezone component": "is a moment with its offset from UTC, such as 2026-04-30T10:00:00Z.",
    "Invalid RFC3339 encoded date": "is a day, such as 2026-04-30.",
    "Expected `str` matching regex '\\\\S'": "may not be empty.",
}


def explained(error: Exception, type: Any) -> Invalid:
    """The error of an input of a type that does not fit it, in words; `field` is the path to the part at fault."""
    fault = _FAULT.fullmatch(str(error))
    what, path = (fault["what"], fault["path"]) if fault else (str(error), None)
    return Invalid(_sentence(what, path, type), field=path or _named(what))


def _sentence(what: str, path: str | None, type: Any) -> str:
    place = f"“{path}”" if path else "The input"
    if what.startswith("Object missing required field"):
        return f"“{_named(what)}” is required{f' in {place}' if path else ''}."
    if what.startswith("Object contains unknown field"):
        return f"{place} has no field “{_named(what)}”."
    if what.startswith("Expected `str` matching regex '^([01]"):
        return f"{place} is a time of day, such as 09:00."
    if what in _FORMS:
        return f"{place} {_FORMS[what]}"
    if what.startswith("Invalid enum value"):
        return f"{place} is one of: {', '.join(choices(type, path or ''))}."
    if bound := _BOUND.fullmatch(what):
        kind, length, sign, number = bound.groups()
        if length and (sign, number) == (">=", "1"):
            return f"{place} may not be empty."
        edge = f"at {'least' if sign[0] == '>' else 'most'} {number.removesuffix('.0')}"
        return f"{place} has {edge} {_UNITS[kind]}." if length else f"{place} is {edge}."
    if kinds := _KIND.fullmatch(what):
        wanted, got = (" or ".join(_KINDS.get(each, each) for each in names.split(" | ")) for names in kinds.groups())
        return f"{place} is {wanted}, not {got.partition(' such')[0]}."
    return f"{place}: {what}."


def _named(what: str) -> str | None:
    """The field that a fault names itself: one that is missing, or that nobody knows."""
    found = re.search(r"field `(.*)`$", what, re.DOTALL)
    return found[1][:100] if found else None


def choices(type: Any, path: str) -> list[str]:
    """What the field at a path such as "rules[0].combine" may be, where it is one of several words."""
    found: inspect.Type = inspect.type_info(type)
    for name in re.findall(r"[^.\[\]]+|\[[^\]]*\]", path):
        found = _inside(found, name)
    return [str(value) for each in _parts(found) for value in _values(each)]


def _inside(of: inspect.Type, name: str) -> inspect.Type:
    for each in _parts(of):
        if isinstance(each, inspect.StructType):
            for known in each.fields:
                if known.encode_name == name:
                    return known.type
        elif isinstance(each, inspect.DictType):
            return each.value_type
        elif isinstance(each, inspect.ListType | inspect.VarTupleType):
            return each.item_type
    return inspect.AnyType()


def _parts(of: inspect.Type) -> tuple[inspect.Type, ...]:
    if isinstance(of, inspect.Metadata):
        return _parts(of.type)
    return of.types if isinstance(of, inspect.UnionType) else (of,)


def _values(of: inspect.Type) -> tuple[Any, ...]:
    if isinstance(of, inspect.LiteralType):
        return tuple(of.values)
    if isinstance(of, inspect.EnumType):
        return tuple(member.value for member in of.cls)
    return ()
