"""Folding the log: a record's facts from its activities alone, now or at any past moment. Spec A8."""

from collections.abc import Iterable
from typing import Any

from baton.activities.append import Changes


def fold(steps: Iterable[Changes]) -> dict[str, Any]:
    """The facts after a sequence of changes {field: [old, new]}, oldest first."""
    facts: dict[str, Any] = {}
    for changes in steps:
        facts.update({name: new for name, (_, new) in changes.items()})
    return facts


def difference(before: dict[str, Any], after: dict[str, Any]) -> Changes:
    """The changes that lead from one set of facts to another."""
    return {name: [before.get(name), new] for name, new in after.items() if before.get(name) != new}
