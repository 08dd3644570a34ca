"""A condition as a form: rows of field, test and value, all or any of which must hold; what is deeper, as checked text."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from baton.doors.web.leads.facts import cents
from baton.doors.web.leads.filters import Options
from baton.doors.web.shell.amounts import major
from baton.doors.web.shell.language import _
from baton.doors.web.shell.stale import Part
from baton.doors.web.told.conditions import FIELDS, OPS, Vocabulary, value_words, words
from baton.fields import definition
from baton.fields.lead import LEAD_FIELDS
from baton.kernel.condition_values import FieldType
from baton.kernel.conditions import Condition
from baton.kernel.errors import Invalid

SPARE = 2
_LISTS = ("in", "not_in", "has_any", "has_all", "has_none", "between", "has_word")
_DAYS = ("within_last", "within_next", "older_than")
_KNOWN = ("is_set", "is_not_set")
_ORDER = ("=", "!=", ">=", "<=", ">", "<", "between", *_KNOWN)
_CHOICE = ("=", "!=", "in", "not_in", *_KNOWN)
_TESTS: dict[FieldType, tuple[str, ...]] = {
    "text": ("=", "!=", "contains", "starts_with", "has_word", "in", "not_in", *_KNOWN),
    "integer": _ORDER, "number": _ORDER, "date": (*_ORDER, *_DAYS), "time": (">=", "<=", *_DAYS, *_KNOWN),
    "uuid": _CHOICE, "tags": ("has_any", "has_all", "has_none", *_KNOWN), "boolean": ("=", *_KNOWN),
}  # fmt: skip
"""The tests that make sense of a field of a type, in the order in which they are offered."""


@dataclass(frozen=True, slots=True)
class TestRow:
    """One row of the form."""

    field: str
    op: str
    value: str


@dataclass(frozen=True, slots=True)
class ConditionForm:
    """What the form shows: rows, or where the condition is deeper, its text."""

    match: str
    rows: list[TestRow]
    text: str | None
    fields: Options
    ops: Options
    hints: list[str]
    told: str


def form(condition: Condition, known: Vocabulary, typed: Sequence[tuple[str, str]] = ()) -> ConditionForm:
    """The form of a condition, with a few rows to fill in; where it was refused, as it was `typed`."""
    given = dict(typed)
    match = given.get("match") or ("any" if "any" in condition else "all")
    parts = condition.get(match, [condition])
    flat = all(isinstance(part, dict) and "field" in part for part in parts)
    text = None if flat else json.dumps(condition, ensure_ascii=False, indent=2)
    if given:
        text = given.get("conditionText")
        rows = [TestRow(*row) for row in _columns(typed) if row[0]]
    else:
        rows = [row_of(part, known) for part in parts] if flat else []
    named = list(FIELDS.items())
    named += [(field, each.label) for field, each in known.custom.items() if each.archived_at is None]
    named += [(row.field, known.label(row.field)) for row in rows if row.field not in dict(named)]
    return ConditionForm(
        match=match,
        rows=[*rows, *[TestRow("", "=", "")] * SPARE],
        text=text,
        fields=[("", "—"), *named],
        ops=list(OPS.items()),
        hints=sorted({name for names in known.names.values() for name in names.values()}),
        told=_told([key for key, words in named], known),
    )


def part(condition: Condition, known: Vocabulary) -> Part:
    """The condition of a record as the part of its form that another hand may have changed."""
    shown = form(condition, known)
    once = [("match", shown.match)] if shown.text is None else [("conditionText", shown.text)]
    rows = [
        pair
        for row in shown.rows
        if row.field
        for pair in (("testField", row.field), ("testOp", row.op), ("testValue", row.value))
    ]
    return Part(
        "*condition", _("Condition"), [*once, *rows], rows=("testField", "testOp", "testValue"), single=("match", "conditionText"),
        told=words(condition, known), keys=("condition", "where"),
    )  # fmt: skip


def _told(fields: Sequence[str], known: Vocabulary) -> str:
    """Which tests each field takes, how its value is typed and what it may be, as JSON for the form's script."""
    told = {}
    for field in fields:
        type = kind(field, known)
        names = list(known.names.get(field, {}).values())
        if type == "boolean":
            names = [_("yes"), _("no")]
        tests = _CHOICE if names and type == "text" else _TESTS[type]
        typed = {"integer": "number", "number": "number", "date": "date", "time": "date"}.get(type, "text")
        told[field] = {"tests": tests, "type": "text" if field == "valueCents" else typed, "names": names}
    return json.dumps(told, ensure_ascii=False)


def kind(field: str, known: Vocabulary) -> FieldType:
    """The type by which a field is compared; what nobody defined is text."""
    if field in LEAD_FIELDS:
        return LEAD_FIELDS[field].type
    found = known.custom.get(field)
    return definition.column(found).type if found else "text"


def row_of(part: Condition, known: Vocabulary) -> TestRow:
    """One test of a condition as a row shows it."""
    field, value = part["field"], part.get("value")
    if isinstance(value, dict):
        shown = f"{value.get('days', '')}"
    elif field == "valueCents":
        values = value if isinstance(value, list) else [value]
        shown = ", ".join(f"{major(each, known.currency).normalize():f}" for each in values if each is not None)
    else:
        shown = "" if value is None else value_words(field, value, known)
    return TestRow(field, str(part["op"]), shown)


def parsed(pairs: Sequence[tuple[str, str]], known: Vocabulary) -> Condition:
    """The condition that a form's fields say. Raises Invalid, naming what cannot be read."""
    given = dict(pairs)
    if "conditionText" in given:
        return _text(given["conditionText"])
    tests = [test_of(field, op, value.strip(), known) for field, op, value in _columns(pairs) if field]
    return {"any" if given.get("match") == "any" and tests else "all": tests}


def _columns(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """The rows of field, test and value as they were typed."""
    fields, ops, values = (
        [value for key, value in pairs if key == name] for name in ("testField", "testOp", "testValue")
    )
    return list(zip(fields, ops, values, strict=False))


def _text(text: str) -> Condition:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise Invalid(f"This is no JSON: line {error.lineno}, column {error.colno}.", field="condition") from None
    if not isinstance(found, dict):
        raise Invalid("A condition is an object with “all”, “any”, “not” or “field”.", field="condition")
    return found


def test_of(field: str, op: str, text: str, known: Vocabulary) -> Condition:
    """The test that a row says. Raises Invalid, naming what cannot be read."""
    if op in ("is_set", "is_not_set"):
        return {"field": field, "op": op}
    if not text:
        raise Invalid(f"Say what the {known.label(field)} is compared with.", field="condition")
    if op in _DAYS:
        return {"field": field, "op": op, "value": {"days": _whole(known.label(field), text)}}
    if op in _LISTS:
        return {"field": field, "op": op, "value": [_value(field, each.strip(), known) for each in text.split(",")]}
    return {"field": field, "op": op, "value": _value(field, text, known)}


def _value(field: str, text: str, known: Vocabulary) -> Any:
    name = known.label(field)
    by_name = {name.casefold(): id for id, name in known.names.get(field, {}).items()}
    if by_name:
        found = by_name.get(text.casefold())
        if found is None and text not in by_name.values():
            raise Invalid(f"There is no {name} “{text[:60]}”.", field="condition")
        return found or text
    if field == "valueCents":
        return cents(text, known.currency)
    match kind(field, known):
        case "boolean":
            if text.casefold() not in ("yes", "no", "true", "false", _("yes"), _("no")):
                raise Invalid(f"The {name} is yes or no.", field="condition")
            return text.casefold() in ("yes", "true", _("yes"))
        case "integer":
            return _whole(name, text)
        case "number":
            return _number(name, text)
        case "date":
            return _day(name, text)
        case "time":
            return f"{_day(name, text)}T00:00:00Z" if len(text) == 10 else text
        case _:
            return text


def _whole(name: str, text: str) -> int:
    if not text.lstrip("-").isascii() or not text.lstrip("-").isdigit() or len(text) > 15:
        raise Invalid(f"The {name} is compared with a whole number, not “{text[:40]}”.", field="condition")
    return int(text)


def _number(name: str, text: str) -> int | float:
    try:
        number = Decimal(text) if len(text) <= 30 else Decimal("nan")
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise Invalid(f"The {name} is compared with a number, not “{text[:40]}”.", field="condition")
    return int(number) if number == number.to_integral_value() else float(number)


def _day(name: str, text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise Invalid(f"The {name} is compared with a day such as 2026-04-30.", field="condition") from None
