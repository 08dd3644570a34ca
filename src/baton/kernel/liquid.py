"""Filling in users' texts (messages, steps of playbooks): Liquid templates, bounded, over what the server knows of the lead."""

import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from liquid import BoundTemplate, Environment, Undefined
from liquid.exceptions import FilterArgumentError, LiquidError

from baton.kernel.errors import Invalid

MAX_TEMPLATE = 10_000
MAX_TEXT = 20_000
MAX_ITEMS = 1_000
_FAULTS = (LiquidError, ArithmeticError, ValueError, TypeError, RecursionError)


class _Bounded(Environment):
    """Templates of users: no files, and an end to loops, output and what filters may make of it."""

    context_depth_limit = 10
    loop_iteration_limit = MAX_ITEMS
    local_namespace_limit = 10_000
    output_stream_limit = MAX_TEXT


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that takes and makes no more than a page of text: `replace: "", x` and `(1..100000000) | join` would not end."""

    @functools.wraps(function)
    def filter(*args: Any, **named: Any) -> Any:
        if any(_size(value) > 1 for value in (*args, *named.values())):
            raise FilterArgumentError(
                f"{name} takes at most {MAX_TEXT:,} characters or {MAX_ITEMS:,} items", token=None
            )
        if (
            name in ("replace", "join")
            and len(str(args[0])) * max(map(len, map(str, args[1:])), default=1) > 500 * MAX_TEXT
        ):
            raise FilterArgumentError(f"{name} would make too long a text", token=None)
        made = function(*args, **named)
        if _size(made) > 1:
            raise FilterArgumentError(
                f"{name} makes more than {MAX_TEXT:,} characters or {MAX_ITEMS:,} items", token=None
            )
        return made

    return filter


def _size(value: Any) -> float:
    """How much of what is allowed a text, list or range takes."""
    if isinstance(value, str):
        return len(value) / MAX_TEXT
    if isinstance(value, range):
        return (value.stop - value.start) / MAX_ITEMS
    return len(value) / MAX_ITEMS if isinstance(value, (list, tuple)) else 0


_missing: ContextVar[dict[str, None] | None] = ContextVar("missing", default=None)


class _Lacking(Undefined):
    """A value that is not there: it prints as nothing, `default` replaces it, and whoever asked is told its name."""

    __slots__ = ()

    def __str__(self) -> str:
        found = _missing.get()
        if found is not None:
            found[(self.hint or self.name).removesuffix(" is undefined").strip("'")] = None
        return ""


def _environment_of(*, html: bool) -> Environment:
    made = _Bounded(undefined=_Lacking, autoescape=html)
    made.filters = {name: _bounded(name, function) for name, function in made.filters.items() if name != "safe"}
    return made


_environment = _environment_of(html=False)
_html = _environment_of(html=True)


def check_template(value: Any) -> None:
    """Raise Invalid where a text within `value` is no template."""
    _walk(value, lambda text: str(_parse(text)))


def render(value: Any, context: dict[str, Any]) -> Any:
    """`value` with each of its texts filled in from `context`. Raises Invalid, saying what is wrong with a template."""

    def fill(text: str) -> str:
        if "{{" not in text and "{%" not in text:
            return text
        try:
            return str(_parse(text).render(**context))
        except _FAULTS as error:
            raise Invalid(f"“{text[:80]}” cannot be filled in: {error}") from error

    return _walk(value, fill)


def fill_in(text: str, context: dict[str, Any], *, html: bool = False) -> tuple[str, list[str]]:
    """A text filled in, and the names of values that it prints and the context lacks ("lead.firstName").

    With `html` each value is escaped. Raises Invalid, saying what is wrong with the template.
    """
    found: dict[str, None] = {}
    asked = _missing.set(found)
    try:
        made = str(_parse(text, _html if html else _environment).render(**_lacking(context)))
    except _FAULTS as error:
        raise Invalid(f"“{text[:80]}” cannot be filled in: {error}") from error
    finally:
        _missing.reset(asked)
    return made, list(found)


def _lacking(value: Any, path: str = "") -> Any:
    if value is None or value == "":
        return _Lacking(path, token=None, hint=path)
    if isinstance(value, dict):
        return {key: _lacking(item, f"{path}.{key}" if path else key) for key, item in value.items()}
    return value


def _parse(text: str, environment: Environment = _environment) -> BoundTemplate:
    if len(text) > MAX_TEMPLATE:
        raise Invalid(f"A template has at most {MAX_TEMPLATE} characters.")
    try:
        return environment.from_string(text)
    except _FAULTS as error:
        raise Invalid(f"“{text[:80]}” is no template: {error}") from error


def _walk(value: Any, fill: Any) -> Any:
    if isinstance(value, str):
        return fill(value)
    if isinstance(value, dict):
        return {key: _walk(item, fill) for key, item in value.items()}
    if isinstance(value, list):
        return [_walk(item, fill) for item in value]
    return value
