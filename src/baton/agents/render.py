"""Filling in the texts of a playbook's steps: Liquid templates, bounded, over what the server knows of the lead."""

from typing import Any

from liquid import BoundTemplate, Environment
from liquid.exceptions import LiquidError

from baton.kernel.errors import Invalid


class _Bounded(Environment):
    """Templates of users: no files, and an end to loops and output."""

    context_depth_limit = 10
    loop_iteration_limit = 1_000
    local_namespace_limit = 10_000
    output_stream_limit = 20_000


_environment = _Bounded()
MAX_TEMPLATE = 10_000


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
        except LiquidError as error:
            raise Invalid(f"“{text[:80]}” cannot be filled in: {error}") from error

    return _walk(value, fill)


def _parse(text: str) -> BoundTemplate:
    if len(text) > MAX_TEMPLATE:
        raise Invalid(f"A template has at most {MAX_TEMPLATE} characters.")
    try:
        return _environment.from_string(text)
    except LiquidError as error:
        raise Invalid(f"“{text[:80]}” is no template: {error}") from error


def _walk(value: Any, fill: Any) -> Any:
    if isinstance(value, str):
        return fill(value)
    if isinstance(value, dict):
        return {key: _walk(item, fill) for key, item in value.items()}
    if isinstance(value, list):
        return [_walk(item, fill) for item in value]
    return value
