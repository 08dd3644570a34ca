"""Rows that the database writes as JSON itself: a program's page of a list passes through this process as it is."""

import types
import typing
from datetime import date, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import msgspec

_MOST = 100
"""PostgreSQL's functions take so many arguments."""


def written(type: type[msgspec.Struct], table: str) -> str:
    """The SQL of a row of `table`, whose columns are the struct's fields, as the JSON text that the struct becomes.

    Values are the same, their spelling is PostgreSQL's: blanks in what is JSON already, no zeros at the end of a fraction of a second.
    """
    hints = typing.get_type_hints(type)
    parts: list[str] = []
    names = zip(type.__struct_fields__, type.__struct_encode_fields__, strict=True)
    for place, (field, name) in enumerate(names):
        parts += [f"""'{"," if place else "{"}"{name}":'""", *_value(f"{table}.{field}", hints[field])]
    parts = _joined([*parts, "'}'"])
    groups = [", ".join(parts[at : at + _MOST]) for at in range(0, len(parts), _MOST)]
    return " || ".join(f"concat({group})" for group in groups)


def _joined(parts: list[str]) -> list[str]:
    """The parts with literals that follow one another made one, and of a type: what the planner need not ask costs nothing."""
    joined: list[str] = []
    for literal, run in groupby(parts, key=lambda part: part.startswith("'")):
        same = list(run)
        joined += [f"'{''.join(part[1:-1] for part in same)}'::text"] if literal else same
    return joined


def _value(column: str, hint: Any) -> list[str]:
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    (kind,) = (option for option in options if option is not types.NoneType)
    pieces = _pieces(column, typing.get_origin(kind) or kind)
    return [f"coalesce({' || '.join(pieces)}, 'null')"] if types.NoneType in options else pieces


def _pieces(column: str, kind: Any) -> list[str]:
    if kind is datetime:
        return [f"""rtrim(to_json({column} AT TIME ZONE 'UTC')::text, '"')""", "'Z\"'"]
    if kind is UUID:
        return ["'\"'", f"{column}::text", "'\"'"]
    if kind in (int, bool, dict):
        return [f"{column}::text"]
    if kind in (str, list, date, typing.Literal):
        return [f"to_json({column})::text"]
    raise TypeError(f"{column}: the database does not write {kind}.")
