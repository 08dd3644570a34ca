"""Filling in the texts of a playbook's steps: Liquid templates, bounded, over what the server knows of the lead."""

import functools
from collections.abc import Callable
from typing import Any

from liquid import BoundTemplate, Environment
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


_environment = _Bounded()
_environment.filters = {name: _bounded(name, function) for name, function in _environment.filters.items()}


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


def _parse(text: str) -> BoundTemplate:
    if len(text) > MAX_TEMPLATE:
        raise Invalid(f"A template has at most {MAX_TEMPLATE} characters.")
    try:
        return _environment.from_string(text)
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
