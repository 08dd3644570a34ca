"""Every SQL statement that the source holds, read from the syntax tree of its files and parsed by PostgreSQL's own parser.

What a module puts into its statements from constants is put in; what is chosen while the program runs (a list of columns, a test, an
order) is stood for by something of the same shape, whichever makes the statement parse.
"""

import ast
import importlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pglast
from pglast.parser import ParseError

SOURCE = Path(__file__).parents[2] / "src"
_STATEMENT = re.compile(
    r"\s*(SELECT\b(?! (a|an|the|one|all) )|INSERT INTO\b|UPDATE \w+|DELETE FROM\b|WITH \w+ (\(.*\) )?AS\b|MERGE INTO\b|COPY\b)",
    re.DOTALL,
)
_STAND_INS = (
    "stand_in",
    "true",
    "1",
    "$1",
    "",
    "ASC",
    "stand_in.a, stand_in.b",
    "AND true",
    ", stand_in",
    "stand_in = 1",
    "a.b AS c",
)
_HOLE = "\0"


@dataclass(frozen=True)
class Statement:
    """A statement: where it stands (file and function), its text with what was put in, and its tree; none where it does not parse."""

    file: str
    function: str
    line: int
    text: str
    tree: Any | None
    chosen: bool
    """Whether a part of it is chosen while the program runs."""
    around: str
    """The source of the function that it stands in."""


def statements() -> list[Statement]:
    """All of them."""
    return [each for path in sorted(SOURCE.rglob("*.py")) for each in _of(path)]


def _of(path: Path) -> Iterator[Statement]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    name = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
    inside = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr | ast.BinOp)
        for part in ast.walk(node)
        if part is not node
    }
    for function, around, node in _strings(tree):
        if id(node) in inside:
            continue
        parts = list(_parts(node, name))
        text = "".join(parts)
        if _STATEMENT.match(text) and len(text) > 18:
            filled, parsed = _parsed(parts)
            yield Statement(
                str(path.relative_to(SOURCE)), function, node.lineno, filled, parsed, _HOLE in parts, around
            )


def _strings(tree: ast.Module) -> Iterator[tuple[str, str, ast.expr]]:
    def within(node: ast.AST, function: str, around: str) -> Iterator[tuple[str, str, ast.expr]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.JoinedStr | ast.BinOp) or (
                isinstance(child, ast.Constant) and isinstance(child.value, str)
            ):
                yield function, around, child
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from within(child, child.name, ast.unparse(child))
            else:
                yield from within(child, function, around)

    yield from within(tree, "", "")


def _parts(node: ast.expr, module: str) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.JoinedStr):
        for value in node.values:
            yield from _parts(value, module)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from _parts(node.left, module)
        yield from _parts(node.right, module)
    else:
        value = node.value if isinstance(node, ast.FormattedValue) else node
        found = _constant(value, module)
        yield _HOLE if found is None else found


def _constant(node: ast.expr, module: str) -> str | None:
    """What a name means that the module or one that it imports holds."""
    names = ast.unparse(node).split(".")
    found: Any = importlib.import_module(module.removesuffix(".__init__"))
    for each in names:
        if not each.isidentifier() or not hasattr(found, each):
            return None
        found = getattr(found, each)
    return str(found) if isinstance(found, str | int) else None


def _parsed(parts: list[str]) -> tuple[str, Any | None]:
    holes = parts.count(_HOLE)
    choices: Any = (
        itertools.product(_STAND_INS, repeat=holes) if holes <= 3 else ((each,) * holes for each in _STAND_INS)
    )
    text = "".join(parts).replace(_HOLE, "…")
    for chosen in choices:
        fill = iter(chosen)
        tried = "".join(next(fill) if part == _HOLE else part for part in parts)
        try:
            return tried, pglast.parse_sql(tried)
        except ParseError:
            continue
    return text, None
