"""The scoring rules as SQL over any rowset with a lead's columns: the score and its reasons, set by set. Spec B6, C7."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from baton.kernel.conditions import Condition, Field, compile


class RuleLike(Protocol):
    """A rule, stored or proposed."""

    @property
    def name(self) -> str: ...
    @property
    def condition(self) -> Condition: ...
    @property
    def points(self) -> int: ...
    @property
    def enabled(self) -> bool: ...


class FactorLike(Protocol):
    """A factor with its rules, stored or proposed."""

    @property
    def key(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def max_points(self) -> int: ...
    @property
    def combine(self) -> str: ...
    @property
    def weight(self) -> float: ...
    @property
    def rules(self) -> Sequence[RuleLike]: ...


Argument = Callable[[Any, str], str]


@dataclass(slots=True)
class Formula:
    """What is asked of a lead (`codes`, over `l`), and what follows from the answers (`score`, `reasons`, over `c`)."""

    codes: list[str] = field(default_factory=list)
    points: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    args: list[Any] = field(default_factory=list)

    @property
    def score(self) -> str:
        """SQL of the score, from 0 to 100."""
        return f"least(100, greatest(0, {' + '.join(self.points) or '0'}))::int"

    @property
    def reasons(self) -> str:
        """SQL of the reasons, a JSON array of what each factor gave."""
        return f"jsonb_build_array({', '.join(self.parts)})"

    def over(self, rowset: str, tests: str, beside: str = "") -> str:
        """SQL of the rowset `c`: the id of each lead `l` that meets the tests, what stands `beside`, and its answers."""
        asked = "".join(f", {code}" for code in self.codes)
        # OFFSET 0 keeps the planner from asking each question again wherever its answer is used.
        return f"(SELECT l.id{beside}{asked} FROM {rowset} l WHERE {tests} OFFSET 0) c"


def formula(
    factors: Sequence[FactorLike],
    fields: Mapping[str, Field],
    *,
    now: datetime,
    first: int,
    name: str = "f",
    explained: bool = True,
) -> Formula:
    """The formula of factors over the organization's fields, its parameters from `$first` on. Raises Invalid.

    `name` begins the names of its answers; without `explained` there are no reasons, nor arguments for them.
    """
    made = Formula()

    def argument(value: Any, cast: str) -> str:
        made.args.append(value)
        return f"${first + len(made.args) - 1}::{cast}"

    for index, factor in enumerate(factors):
        active = [rule for rule in factor.rules if rule.enabled]
        if factor.combine == "best":
            active.sort(key=lambda rule: -rule.points)
        tests = []
        for rule in active:
            compiled = compile(rule.condition, fields, now=now, first=first + len(made.args))
            tests.append(compiled.sql)
            made.args.extend(compiled.args)
        code = f"{name}{index}"
        if factor.combine == "best":
            _best(made, factor, active, tests, code, explained, argument)
        else:
            _sum(made, factor, active, tests, code, explained, argument)
    return made


def _weighted(factor: FactorLike, points: int) -> int:
    """Points within the factor's bounds, as often as it counts, halves up."""
    return math.floor(max(0, min(factor.max_points, points)) * factor.weight + 0.5)


def _reason(factor: FactorLike, points: int, names: list[str]) -> dict[str, Any]:
    return {
        "factor": factor.key, "label": factor.label, "points": points, "max": _weighted(factor, factor.max_points), "rules": names,
    }  # fmt: skip


def _best(
    made: Formula,
    factor: FactorLike,
    active: list[RuleLike],
    tests: list[str],
    code: str,
    explained: bool,
    argument: Argument,
) -> None:
    """The answer is the place of the best rule that holds, 1 where none does."""
    cases = " ".join(f"WHEN {test} THEN {place}" for place, test in enumerate(tests, start=2))
    made.codes.append(f"{f'CASE {cases} ELSE 1 END' if cases else '1'} AS {code}")
    given = [0, *(_weighted(factor, rule.points) for rule in active)]
    made.points.append(f"({argument(given, 'int[]')})[c.{code}]")
    if explained:
        rules: list[list[str]] = [[], *([rule.name] for rule in active)]
        told = [_reason(factor, points, names) for points, names in zip(given, rules, strict=True)]
        made.parts.append(f"({argument(told, 'jsonb')} -> (c.{code} - 1))")


def _sum(
    made: Formula,
    factor: FactorLike,
    active: list[RuleLike],
    tests: list[str],
    code: str,
    explained: bool,
    argument: Argument,
) -> None:
    """The answer is which rules hold, an array of truths."""
    made.codes.append(f"ARRAY[{', '.join(tests)}]::boolean[] AS {code}")
    held = " + ".join(f"CASE WHEN c.{code}[{i}] THEN {rule.points} ELSE 0 END" for i, rule in enumerate(active, 1))
    weight = argument(float(factor.weight), "float8")
    points = f"floor(greatest(0, least({factor.max_points}, {held or '0'})) * {weight} + 0.5)::int"
    made.points.append(points)
    if explained:
        names = argument([rule.name for rule in active], "text[]")
        # Plain expressions: a sub-select for each lead takes longer than all the rest of its reasons.
        told = ", ".join(f"CASE WHEN c.{code}[{i}] THEN ({names})[{i}] END" for i, _ in enumerate(active, 1))
        rules = f"array_remove(ARRAY[{told}]::text[], NULL)"
        empty = argument(_reason(factor, 0, []), "jsonb")
        made.parts.append(f"({empty} || jsonb_build_object('points', {points}, 'rules', to_jsonb({rules})))")
