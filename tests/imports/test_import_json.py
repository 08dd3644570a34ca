"""JSON: arrays, lines and wrapped lists of objects; broken elements are named and the next one is read."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baton.imports.read import open_table
from baton.imports.table import Limits, Notes, Refusal, Row
from baton.kernel.errors import Invalid, TooLarge

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=15)
)
OBJECTS = st.lists(
    st.dictionaries(
        st.text("abcdef", min_size=1, max_size=3),
        SCALARS | st.dictionaries(st.sampled_from("xyz"), SCALARS, min_size=1),
        min_size=1,
    ),
    min_size=1,
    max_size=8,
)
FILES = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def write(folder: Path, text: str) -> Path:
    path = folder / "places.json"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return path


def flat(value: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in value.items():
        found |= {f"{key}.{inner}": each for inner, each in item.items()} if isinstance(item, dict) else {key: item}
    return found


@FILES
@given(objects=OBJECTS, form=st.sampled_from(["array", "indented", "lines", "wrapped"]))
def test_any_objects_read_back(tmp_path: Path, objects: list[dict[str, Any]], form: str) -> None:
    texts = {
        "array": json.dumps(objects),
        "indented": json.dumps(objects, indent=2, ensure_ascii=False),
        "lines": "\n".join(map(json.dumps, objects)),
        "wrapped": json.dumps({"total": len(objects), "results": objects}),
    }
    table = open_table(write(tmp_path, texts[form]))
    rows = list(table.rows())
    assert all(isinstance(row, Row) for row in rows)
    for row, each in zip(rows, objects, strict=True):
        assert {header: cell for header, cell in zip(table.headers, row.cells, strict=True) if cell is not None} == {
            key: value for key, value in flat(each).items() if value is not None
        }


def test_lines_are_those_where_the_objects_begin(tmp_path: Path) -> None:
    table = open_table(write(tmp_path, '[\n {"a": 1},\n\n {"a": 2,\n  "b": {"c": {"d": [1, 2]}}}\n]'))
    assert table.headers == ("a", "b.c.d")
    assert list(table.rows()) == [Row(2, (1, None)), Row(4, (2, [1, 2]))]


def test_a_broken_element_is_named_and_the_next_is_read(tmp_path: Path) -> None:
    text = '[\n{"a": 1},\n{"a": oops},\n7,\n{"a": NaN},\n{"a": 2}\n]'
    rows = list(open_table(write(tmp_path, text)).rows())
    assert [row.cells for row in rows if isinstance(row, Row)] == [(1,), (2,)]
    assert [row.line for row in rows if isinstance(row, Refusal)] == [3, 4, 5]
    assert "no object" in next(row.reason for row in rows if isinstance(row, Refusal) and row.line == 4)


def test_numbers_keep_their_worth(tmp_path: Path) -> None:
    (row,) = open_table(
        write(tmp_path, '[{"zip": 92806.0, "score": 4.9, "id": 123456789012345678901234567890, "far": 1e999}]')
    ).rows()
    assert row.cells == (92806, 4.9, "123456789012345678901234567890", "inf")


def test_nul_and_lone_surrogates_are_replaced_and_noted(tmp_path: Path) -> None:
    notes = Notes()
    (row,) = open_table(write(tmp_path, '[{"name": "a\\u0000b", "city": "x\\ud800y"}]')).rows(notes)
    assert row.cells == ("ab", "x�y")
    assert len(notes.sentences()) == 2
    assert "\ud800" not in "".join(open_table(write(tmp_path, '[{"a\\udfff": 1}]')).headers)


def test_nesting_without_end_is_refused_not_followed(tmp_path: Path) -> None:
    deep = '{"a":' * 5_000 + "1" + "}" * 5_000
    rows = list(open_table(write(tmp_path, f'[{{"b": 1}},{deep},{{"b": 2}}]')).rows())
    assert [row.cells for row in rows if isinstance(row, Row)] == [(1,), (2,)]
    assert [row.reason for row in rows if isinstance(row, Refusal)] == ["It is nested too deeply"]
    wide = '{"a":' * 40 + "1" + "}" * 40
    assert isinstance(list(open_table(write(tmp_path, f'[{{"b": 1}},{wide}]')).rows())[1], Refusal)


@pytest.mark.parametrize("text", ["[]", "[1, 2]", "{}", '[{"a": 1', '{"a"'])
def test_what_holds_no_objects_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Invalid):
        open_table(write(tmp_path, text))


def test_limits_hold(tmp_path: Path) -> None:
    many = json.dumps([{f"k{n}": 1 for n in range(30)}])
    with pytest.raises(TooLarge):
        open_table(write(tmp_path, many), limits=Limits(columns=20))
    with pytest.raises(TooLarge):
        open_table(write(tmp_path, many), limits=Limits(whole_bytes=50))
    table = open_table(write(tmp_path, '[{"a": "xxxxxxxxxx"}, {"a": "x"}]'), limits=Limits(cell_chars=5))
    assert [type(row) for row in table.rows()] == [Refusal, Row]
    with pytest.raises(TooLarge):
        list(open_table(write(tmp_path, '[{"a": 1}, {"a": 2}]'), limits=Limits(rows=1)).rows())
