"""What a line of the table is: what was measured, its limit in the same run, and what it must reach."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from bench.server import Place


class Line(msgspec.Struct, kw_only=True):
    """One row of the table. `value` is what is compared with `required`: a ratio, or a figure in `unit`; no limit, no ratio."""

    path: str
    figure: str
    value: float
    required: float
    at_most: bool = False
    unit: str = ""
    ours: str = ""
    limit: str = ""
    statements: str = ""

    @property
    def met(self) -> bool:
        """Whether it is what it must be."""
        return self.value <= self.required if self.at_most else self.value >= self.required

    def told(self) -> list[str]:
        """The cells of its row."""
        sign = "≤" if self.at_most else "≥"
        return [
            self.path, self.figure, self.ours, self.limit, f"{_number(self.value)}{self.unit}", f"{sign} {_number(self.required)}{self.unit}",
            "met" if self.met else "NOT MET", self.statements,
        ]  # fmt: skip


HEAD = ("path", "figure", "Baton", "limit", "reached", "required", "", "statements")
Group = Callable[[Place], Awaitable[list[Line]]]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def at_least(path: str, figure: str, value: float, required: float, **more: Any) -> Line:
    """A line whose value must be so large."""
    return Line(path=path, figure=figure, value=value, required=required, **more)


def at_most(path: str, figure: str, value: float, required: float, **more: Any) -> Line:
    """A line whose value may be so large."""
    return Line(path=path, figure=figure, value=value, required=required, at_most=True, **more)


def per_second(rate: float) -> str:
    """A rate in words."""
    return f"{rate:,.0f}/s"


def ms(seconds: float) -> str:
    """A time in words."""
    return f"{seconds * 1e3:.1f} ms"
