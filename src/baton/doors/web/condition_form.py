"""A condition as a form: rows of field, test and value, all or any of which must hold; what is deeper, as checked text."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from baton.doors.web.conditions import FIELDS, OPS, Vocabulary, label, value_words
from baton.doors.web.facts import cents
from baton.doors.web.filters import Options
from baton.doors.web.show import major
from baton.fields.lead import LEAD_FIELDS
from baton.kernel.conditions import Condition
from baton.kernel.errors import Invalid

SPARE = 2
_LISTS = ("in", "not_in", "has_any", "has_all", "has_none", "between", "has_word")
_DAYS = ("within_last", "within_next", "older_than")


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
        rows = [_row(part, known) for part in parts] if flat else []
    named = list(FIELDS.items())
    named += [(row.field, label(row.field)) for row in rows if row.field not in FIELDS]
    return ConditionForm(
        match=match,
        rows=[*rows, *[TestRow("", "=", "")] * SPARE],
        text=text,
        fields=[("", "—"), *named],
        ops=list(OPS.items()),
        hints=sorted({name for names in known.names.values() for name in names.values()}),
    )


def _row(part: Condition, known: Vocabulary) -> TestRow:
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
    tests = [_test(field, op, value.strip(), known) for field, op, value in _columns(pairs) if field]
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


def _test(field: str, op: str, text: str, known: Vocabulary) -> Condition:
    if op in ("is_set", "is_not_set"):
        return {"field": field, "op": op}
    if not text:
        raise Invalid(f"Say what the {label(field)} is compared with.", field="condition")
    if op in _DAYS:
        return {"field": field, "op": op, "value": {"days": _number(field, text)}}
    if op in _LISTS:
        return {"field": field, "op": op, "value": [_value(field, each.strip(), known) for each in text.split(",")]}
    return {"field": field, "op": op, "value": _value(field, text, known)}


def _value(field: str, text: str, known: Vocabulary) -> Any:
    by_name = {name.casefold(): id for id, name in known.names.get(field, {}).items()}
    if by_name:
        found = by_name.get(text.casefold())
        if found is None and text not in by_name.values():
            raise Invalid(f"There is no {label(field)} “{text[:60]}”.", field="condition")
        return found or text
    if field == "valueCents":
        return cents(text, known.currency)
    type = LEAD_FIELDS[field].type if field in LEAD_FIELDS else "text"
    if type == "boolean":
        if text.casefold() not in ("yes", "no", "true", "false"):
            raise Invalid(f"The {label(field)} is yes or no.", field="condition")
        return text.casefold() in ("yes", "true")
    return _number(field, text) if type in ("integer", "number") else text


def _number(field: str, text: str) -> int:
    if not text.lstrip("-").isascii() or not text.lstrip("-").isdigit() or len(text) > 15:
        raise Invalid(f"The {label(field)} is compared with a whole number, not “{text[:40]}”.", field="condition")
    return int(text)
