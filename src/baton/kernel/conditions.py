"""The one language of conditions: a small JSON tree that compiles to SQL over any rowset with a lead's columns.

    {"all": [{"field": "score", "op": ">=", "value": 40}, {"not": {"field": "email", "op": "is_set"}}]}

A node is `all`, `any` (lists of nodes), `not` (a node) or a test `field`/`op`/`value`. `has_word` looks for whole words
("cto" is no part of "director"), `contains` for any part of a text. A test on a missing value is false, except `!=`,
`not_in` and `is_not_set`, which are true. Every test is two-valued, so `not` is plain negation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeAlias

from msgspec import Meta

from baton.kernel.condition_values import FieldType, convert, list_of, pair, plain_words
from baton.kernel.errors import Invalid

_ABOUT = "all, any, not, or a test: field, op and value"
_EXAMPLE = {"all": [{"field": "score", "op": ">=", "value": 40}, {"field": "tags", "op": "has_any", "value": ["EU"]}]}
Condition: TypeAlias = Annotated[dict[str, Any], Meta(title="Condition", description=_ABOUT, examples=[_EXAMPLE])]
EVERYTHING: Condition = {"all": []}
MAX_NODES = 500
MAX_DEPTH = 20


def everything() -> Condition:
    """A condition that every lead meets, as the default of a field."""
    return {"all": []}


@dataclass(frozen=True, slots=True)
class Field:
    """A field that conditions may name: its SQL over the rowset `l`, and its type."""

    sql: str
    type: FieldType


@dataclass(slots=True)
class Compiled:
    """SQL text and its arguments, numbered from `first` on."""

    sql: str = ""
    args: list[Any] = field(default_factory=list)


_CASTS: dict[FieldType, str] = {
    "text": "text", "integer": "bigint", "number": "numeric", "date": "date", "time": "timestamptz", "uuid": "uuid",
    "tags": "text", "boolean": "boolean",
}  # fmt: skip
_COMPARE = {"=": "=", ">": ">", ">=": ">=", "<": "<", "<=": "<="}
_ORDERED = {"integer", "number", "date", "time"}


def compile(
    condition: Condition, fields: Mapping[str, Field], *, now: datetime, first: int = 1, only_where: bool = False
) -> Compiled:
    """SQL for a condition, its parameters starting at `$first`; `now` is what relative dates count from.

    With `only_where` the SQL may be null where it would be false, which a WHERE takes for the same: then an index can
    answer tests that stand under no `not`.

    `fields` is the closed list of what may be named; a name starting with "field." reaches an organization's custom
    field. Raises Invalid, naming the part that is wrong.
    """
    compiler = _Compiler(fields, now, first, only_where)
    sql = compiler.node(condition, 0)
    return Compiled(sql, compiler.args)


def check(condition: Condition, fields: Mapping[str, Field], *, now: datetime) -> Condition:
    """The condition itself, if it compiles. Raises Invalid."""
    compile(condition, fields, now=now)
    return condition


class _Compiler:
    def __init__(self, fields: Mapping[str, Field], now: datetime, first: int, only_where: bool) -> None:
        self.fields, self.now, self.first = fields, now, first
        self.may_be_null = only_where
        self.args: list[Any] = []
        self.nodes = 0

    def node(self, node: Any, depth: int) -> str:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise Invalid(f"A condition has at most {MAX_NODES} parts, {MAX_DEPTH} deep.")
        if not isinstance(node, dict):
            raise Invalid("A condition is an object with “all”, “any”, “not” or “field”.")
        keys = set(node)
        if keys in ({"all"}, {"any"}):
            (word, parts), *_ = node.items()
            if not isinstance(parts, list):
                raise Invalid(f"“{word}” takes a list of conditions.")
            joined = (" AND " if word == "all" else " OR ").join(self.node(part, depth + 1) for part in parts)
            return f"({joined})" if parts else ("true" if word == "all" else "false")
        if keys == {"not"}:
            outside, self.may_be_null = self.may_be_null, False
            inner = self.node(node["not"], depth + 1)
            self.may_be_null = outside
            return f"(NOT {inner})"
        if "field" in keys and "op" in keys and keys <= {"field", "op", "value"}:
            return self.test(node["field"], node["op"], node.get("value"))
        raise Invalid("A condition has “all”, “any”, “not”, or “field” with “op” and “value”.")

    def test(self, name: Any, op: Any, value: Any) -> str:
        found = self.field_of(name)
        if not isinstance(op, str):
            raise Invalid("“op” is a word such as =, >= or contains.", field="op")
        if op == "is_set":
            return f"({found.sql} <> '{{}}')" if found.type == "tags" else f"({found.sql} IS NOT NULL)"
        if op == "is_not_set":
            return f"({found.sql} = '{{}}')" if found.type == "tags" else f"({found.sql} IS NULL)"
        if found.type == "tags":
            return self.tags(found, name, op, value)
        if op in _COMPARE and (op == "=" or found.type in _ORDERED):
            return self.held(f"{found.sql} {_COMPARE[op]} {self.value(found, name, value)}")
        if op == "!=":
            return f"({found.sql} IS DISTINCT FROM {self.value(found, name, value)})"
        if op in ("in", "not_in"):
            array = self.argument(
                [convert(found.type, name, v) for v in list_of(name, value)], f"{_CASTS[found.type]}[]"
            )
            if op == "in":
                return self.held(f"{found.sql} = ANY ({array})")
            return f"coalesce({found.sql} <> ALL ({array}), true)"
        if op == "between" and found.type in _ORDERED:
            low, high = pair(name, value)
            return self.held(f"{found.sql} BETWEEN {self.value(found, name, low)} AND {self.value(found, name, high)}")
        if op in ("contains", "starts_with") and found.type == "text":
            return self.pattern(found, name, op, value)
        if op == "has_word" and found.type == "text":
            words = [
                f"% {plain_words(convert('text', name, v))} %" for v in (value if isinstance(value, list) else [value])
            ]
            if any(not word.strip("% ") for word in words):
                raise Invalid(f"“has_word” needs a word to look for in “{name}”: letters or digits.", field="value")
            spaced = f"' ' || regexp_replace(lower({found.sql}), '[^[:alnum:]]+', ' ', 'g') || ' '"
            # The words hold letters and digits alone, and the text is made plain once for all of them.
            return self.held(f"{spaced} LIKE ANY ({self.argument(words, 'text[]')})")
        if op in ("within_last", "within_next", "older_than") and found.type in ("time", "date"):
            return self.relative(found, name, op, value)
        raise Invalid(f"“{name}” ({found.type}) cannot be tested with “{str(op)[:40]}”.", field="op")

    def field_of(self, name: Any) -> Field:
        if isinstance(name, str) and name in self.fields:
            return self.fields[name]
        if isinstance(name, str) and name.startswith("field.") and 6 < len(name) <= 106:
            return Field(f"(l.fields ->> {self.argument(name[6:], 'text')})", "text")
        raise Invalid(f"There is no field “{str(name)[:80]}” to test.", field="field")

    def tags(self, found: Field, name: Any, op: Any, value: Any) -> str:
        if op in ("has_any", "has_all", "has_none"):
            array = self.argument([convert("text", name, v) for v in list_of(name, value)], "text[]")
            operator = "@>" if op == "has_all" else "&&"
            return f"({'NOT ' if op == 'has_none' else ''}{found.sql} {operator} {array})"
        raise Invalid(f"“{name}” can be tested with has_any, has_all, has_none, is_set and is_not_set.", field="op")

    def pattern(self, found: Field, name: Any, op: str, value: Any) -> str:
        text = convert("text", name, value).lower()
        escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        like = self.argument(f"%{escaped}%" if op == "contains" else f"{escaped}%", "text")
        return self.held(f"lower({found.sql}) LIKE {like}")

    def relative(self, found: Field, name: Any, op: str, value: Any) -> str:
        days = value.get("days") if isinstance(value, dict) and set(value) == {"days"} else None
        if not isinstance(days, (int, float)) or isinstance(days, bool) or not 0 <= days <= 36500:
            raise Invalid(f'“{op}” takes {{"days": n}}.', field="value")
        edge = self.now + timedelta(days=days) if op == "within_next" else self.now - timedelta(days=days)
        cast = _CASTS[found.type]
        at = self.argument(edge if found.type == "time" else edge.date(), cast)
        if op == "older_than":
            return self.held(f"{found.sql} < {at}")
        now = self.argument(self.now if found.type == "time" else self.now.date(), cast)
        low, high = (now, at) if op == "within_next" else (at, now)
        return self.held(f"{found.sql} BETWEEN {low} AND {high}")

    def held(self, sql: str) -> str:
        """A test that is false, not null, where the value is missing, unless null will do."""
        return f"({sql})" if self.may_be_null else f"coalesce({sql}, false)"

    def value(self, found: Field, name: Any, value: Any) -> str:
        return self.argument(convert(found.type, name, value), _CASTS[found.type])

    def argument(self, value: Any, cast: str) -> str:
        self.args.append(value)
        return f"${self.first + len(self.args) - 1}::{cast}"
