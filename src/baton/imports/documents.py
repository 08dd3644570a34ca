"""JSON: an array of objects, objects one a line, or an object that holds such an array; nested keys joined by dots."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from baton.imports import encoding as encodings
from baton.imports.table import Cell, Limits, Notes, Refusal, Row, Table, distinct
from baton.kernel.errors import Invalid, TooLarge

SURROGATES = "Halves of characters (lone surrogates) became �"
NULS = "NUL characters were removed"
_DEPTH = 32
_WRAPPED = 3
_TOKENS = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\[\]]', re.DOTALL)
_BLANK = re.compile(r"[\s,]*")
_LONE = re.compile("[\ud800-\udfff]")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_decoder = json.JSONDecoder(parse_constant=_no_constant)


def open_json(path: Path, limits: Limits, *, encoding: str | None = None) -> Table:
    """A JSON file as a Table whose headers are all keys of its objects, in the order they first appear.

    Raises Invalid where there is no list of objects, TooLarge beyond `whole_bytes` or `columns`.
    """
    if path.stat().st_size > limits.whole_bytes:
        raise TooLarge(f"JSON files may have up to {limits.whole_bytes:,} bytes; save larger ones as CSV.")
    codec = encodings.recognise(path, encoding)
    text = path.read_text(encoding=codec.name, errors=codec.errors)
    start = _start(text)
    headers: dict[str, int] = {}
    for _, value in _objects(text, start):
        if isinstance(value, dict):
            for key in value:
                headers.setdefault(key, len(headers))
            if len(headers) > limits.columns:
                raise TooLarge(f"The file has more than {limits.columns:,} columns.")
    if not headers:
        raise Invalid("The file holds no objects: a list like [{…}, {…}] is needed.")

    def read(notes: Notes) -> Iterator[Row | Refusal]:
        return _rows(text, start, headers, limits, notes)

    names = distinct([_sound(key, Notes(), None) for key in headers])
    return Table(name=path.name, format="json", headers=names, read=read, encoding=codec.name)


def _start(text: str) -> int:
    """Where the first object of the list begins; Invalid where nothing looks like a list of objects."""
    begin = _BLANK.match(text).end()  # type: ignore[union-attr]
    if text.startswith("[", begin):
        return begin + 1
    if not text.startswith("{", begin):
        raise Invalid("The file is no JSON: it begins neither with [ nor with {.")
    try:
        whole, end = _decoder.raw_decode(text, begin)
    except (ValueError, RecursionError):
        return begin
    rest = _BLANK.match(text, end).end()  # type: ignore[union-attr]
    lists = list(_lists(whole, ()))
    if rest < len(text) or len(lists) != 1:
        return begin
    place = begin
    for key in lists[0]:
        found = re.compile(re.escape(json.dumps(key, ensure_ascii=False)) + r"\s*:\s*[\[{]").search(text, place)
        if found is None:
            return begin
        place = found.end()
    return place


def _lists(value: dict[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The ways to lists of objects, down to some depth: an answer of an API wraps its records, {"data": {"leads": […]}}."""
    for key, item in value.items():
        if isinstance(item, list) and item and isinstance(item[0], dict):
            yield *path, key
        elif isinstance(item, dict) and len(path) < _WRAPPED:
            yield from _lists(item, (*path, key))


def _objects(text: str, start: int) -> Iterator[tuple[int, dict[str, Cell] | str]]:
    """Each element as (offset, its flattened keys), or (offset, why it cannot be read)."""
    place = start
    while (place := _BLANK.match(text, place).end()) < len(text) and text[place] not in "]}":  # type: ignore[union-attr]
        begin = place
        try:
            value, place = _decoder.raw_decode(text, begin)
            yield begin, _flat(value)
        except RecursionError:
            place = _end(text, begin)
            yield begin, "It is nested too deeply"
        except ValueError as error:
            place = _end(text, begin)
            yield begin, f"It is not valid JSON: {getattr(error, 'msg', error)}"


def _end(text: str, begin: int) -> int:
    """Where the element at `begin` ends by its brackets, or the end of the text."""
    depth = 0
    for token in _TOKENS.finditer(text, begin):
        mark = token[0]
        if mark in "{[":
            depth += 1
        elif mark in "}]":
            depth -= 1
            if depth <= 0:
                return token.end()
    return len(text)


def _flat(value: Any) -> dict[str, Cell] | str:
    if not isinstance(value, dict):
        return "It is no object with named values"
    cells: dict[str, Cell] = {}
    work: list[tuple[str, Any, int]] = [(key, item, 1) for key, item in reversed(value.items())]
    while work:
        key, item, depth = work.pop()
        if depth > _DEPTH:
            return "It is nested too deeply"
        if isinstance(item, dict):
            work.extend((f"{key}.{inner}", each, depth + 1) for inner, each in reversed(item.items()))
        elif isinstance(item, list) and any(isinstance(each, dict | list) for each in item):
            cells[key] = json.dumps(item, ensure_ascii=False)
        else:
            cells[key] = item
    return cells


def _rows(text: str, start: int, headers: dict[str, int], limits: Limits, notes: Notes) -> Iterator[Row | Refusal]:
    line, counted = 1, 0
    for number, (begin, value) in enumerate(_objects(text, start), start=1):
        line, counted = line + text.count("\n", counted, begin), begin
        if number > limits.rows:
            raise TooLarge(f"The file has more than {limits.rows:,} rows; split it.")
        if isinstance(value, str):
            yield Refusal(line, value, (text[begin : begin + 200],))
            continue
        cells: list[Cell] = [None] * len(headers)
        longest = 0
        for key, cell in value.items():
            longest = max(longest, len(cell) if isinstance(cell, str | list) else 0)
            cells[headers[key]] = _clean(cell, notes, line)
        if longest > limits.cell_chars:
            yield Refusal(line, f"A value holds {longest:,} characters; {limits.cell_chars:,} are the most")
        else:
            yield Row(line, tuple(cells))


def _clean(cell: Cell, notes: Notes, line: int) -> Cell:
    if isinstance(cell, str):
        return _sound(cell, notes, line)
    if isinstance(cell, list):
        return [_clean(each, notes, line) for each in cell]
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return int(cell)
    if isinstance(cell, int | float) and not isinstance(cell, bool) and not abs(cell) < 2**63:
        return str(cell)
    return cell


def _sound(text: str, notes: Notes, line: int | None) -> str:
    if "\0" in text:
        notes.add(NULS, line)
        text = text.replace("\0", "")
    if not text.isascii() and _LONE.search(text):
        notes.add(SURROGATES, line)
        text = _LONE.sub("�", text)
    return text
