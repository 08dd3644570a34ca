"""The language of conditions: what the database finds is what a naive reading of the tree finds."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baton.kernel.conditions import Condition, Field, check, compile
from baton.kernel.db import Database
from baton.kernel.errors import Invalid

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
FIELDS = {
    "name": Field("l.name", "text"),
    "score": Field("l.score", "integer"),
    "tags": Field("l.tags", "tags"),
    "created": Field("l.created", "time"),
}
WORDS = ["cto", "director", "vp of sales", "Ärztin", "", "50%_x", "a\\b"]
TAGS = ["EU", "priority", "cold"]
TIMES = ["2026-11-20T12:00:00+00:00", "2026-11-13T12:00:00+00:00", "2026-10-01T00:00:00+00:00"]

rows = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.none()
            | st.sampled_from(WORDS)
            | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8),
            "score": st.none() | st.integers(-5, 105),
            "tags": st.lists(st.sampled_from(TAGS), unique=True),
            "created": st.none() | st.sampled_from(TIMES),
        }
    ),
    min_size=1,
    max_size=6,
)


def leaf(field: str, op: str, value: st.SearchStrategy[Any]) -> st.SearchStrategy[Condition]:
    return value.map(lambda v: {"field": field, "op": op, "value": v})


leaves = st.one_of(
    st.builds(
        lambda f, op: {"field": f, "op": op}, st.sampled_from(list(FIELDS)), st.sampled_from(["is_set", "is_not_set"])
    ),
    *(leaf("score", op, st.integers(-5, 105)) for op in ("=", "!=", ">", ">=", "<", "<=")),
    *(leaf("score", op, st.lists(st.integers(0, 5), max_size=3)) for op in ("in", "not_in")),
    leaf("score", "between", st.tuples(st.integers(0, 60), st.integers(30, 100)).map(list)),
    *(leaf("name", op, st.sampled_from(WORDS)) for op in ("=", "!=", "contains", "starts_with")),
    leaf("name", "has_word", st.sampled_from([word for word in WORDS if word])),
    *(leaf("tags", op, st.lists(st.sampled_from(TAGS), max_size=2)) for op in ("has_any", "has_all", "has_none")),
    *(leaf("created", op, st.sampled_from([{"days": 7}, {"days": 30}])) for op in ("within_last", "older_than")),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=6,
)


def lower(text: str) -> str:
    """Lower case letter by letter, as the database's simple mapping does it."""
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def words(text: str) -> str:
    return " " + " ".join("".join(c if c.isalnum() else " " for c in lower(text)).split()) + " "


def naive(node: Condition, row: dict[str, Any]) -> bool:
    """The plain meaning of a condition."""
    if "all" in node:
        return all(naive(part, row) for part in node["all"])
    if "any" in node:
        return any(naive(part, row) for part in node["any"])
    if "not" in node:
        return not naive(node["not"], row)
    held: Any = row[node["field"]]
    op: str = node["op"]
    value: Any = node.get("value")
    missing = held is None or held == []
    if op in ("is_set", "is_not_set"):
        return missing == (op == "is_not_set")
    if op in ("has_any", "has_all", "has_none"):
        common = set(held) & set(value)
        return bool({"has_any": common, "has_all": common == set(value), "has_none": not common}[op])
    if held is None:
        return op in ("!=", "not_in")
    if op in ("within_last", "older_than"):
        age = (NOW - datetime.fromisoformat(held)).total_seconds() / 86400
        return bool(age > value["days"] if op == "older_than" else 0 <= age <= value["days"])
    plain: dict[str, Callable[[], bool]] = {
        "=": lambda: held == value, "!=": lambda: held != value, ">": lambda: held > value, ">=": lambda: held >= value,
        "<": lambda: held < value, "<=": lambda: held <= value, "in": lambda: held in value, "not_in": lambda: held not in value,
        "between": lambda: value[0] <= held <= value[1], "contains": lambda: lower(value) in lower(held),
        "starts_with": lambda: lower(held).startswith(lower(value)), "has_word": lambda: words(value) in words(held),
    }  # fmt: skip
    return plain[op]()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(condition=conditions, data=rows, only_where=st.booleans())
async def test_sql_agrees_with_a_naive_reading(
    db: Database, condition: Condition, data: list[dict[str, Any]], only_where: bool
) -> None:
    compiled = compile(condition, FIELDS, now=NOW, first=2, only_where=only_where)
    found = await db.relay.fetch(
        f"""SELECT l.n
              FROM (SELECT r.n, r.v ->> 'name' AS name, (r.v ->> 'score')::bigint AS score,
                           ARRAY(SELECT jsonb_array_elements_text(r.v -> 'tags')) AS tags, (r.v ->> 'created')::timestamptz AS created
                      FROM unnest($1::jsonb[]) WITH ORDINALITY AS r (v, n)) l
             WHERE {compiled.sql} ORDER BY l.n""",
        [json.dumps(row) for row in data],
        *compiled.args,
    )
    assert [row["n"] - 1 for row in found] == [index for index, row in enumerate(data) if naive(condition, row)]


@pytest.mark.parametrize(
    "condition",
    [
        {},
        [],
        "score > 3",
        {"all": {}},
        {"all": [], "any": []},
        {"field": "score"},
        {"field": "password_hash", "op": "is_set"},
        {"field": "score; DROP TABLE leads", "op": "=", "value": 1},
        {"field": "score", "op": "= 1 OR 1 = 1 --", "value": 1},
        {"field": "score", "op": "=", "value": "1 OR 1 = 1"},
        {"field": "score", "op": "=", "value": True},
        {"field": "score", "op": "=", "value": 2**70},
        {"field": "name", "op": "=", "value": "a\0b"},
        {"field": "name", "op": "contains", "value": ["x"]},
        {"field": "name", "op": "has_word", "value": " - "},
        {"field": "name", "op": "has_word", "value": ["cto", ""]},
        {"field": "created", "op": ">", "value": "2026-01-01T00:00:00"},
        {"field": "created", "op": "within_last", "value": {"days": -1}},
        {"field": ["score"], "op": "is_set"},
        {"field": "score", "op": ["="], "value": 1},
    ],
)
def test_what_cannot_be_read_is_invalid(condition: Any) -> None:
    """Nothing of a condition is ever pasted into SQL: names come from the closed list, values are parameters."""
    with pytest.raises(Invalid):
        check(condition, FIELDS, now=NOW)


def test_a_condition_has_bounds() -> None:
    """Neither depth nor breadth is without end."""
    deep: Condition = {"field": "score", "op": "is_set"}
    for _ in range(50):
        deep = {"not": deep}
    for condition in (deep, {"any": [{"field": "score", "op": "is_set"}] * 1000}):
        with pytest.raises(Invalid, match="at most"):
            check(condition, FIELDS, now=NOW)
