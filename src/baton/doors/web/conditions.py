"""Conditions in words: "score is at least 40 and has no owner"."""

from collections.abc import Mapping
from typing import Any

import msgspec

from baton.doors.web.show import SOURCES, STATUSES, money
from baton.doors.web.visit import Visit
from baton.fields.definition import Definition
from baton.kernel.conditions import Condition

FIELDS = {
    "score": "score",
    "status": "status",
    "stageId": "stage",
    "pipelineId": "pipeline",
    "open": "open",
    "ownerId": "owner",
    "ownerKind": "kind of owner",
    "source": "source",
    "via": "way in",
    "valueCents": "potential value",
    "companySize": "team size",
    "title": "title",
    "industry": "industry",
    "location": "location",
    "companyName": "company",
    "name": "name",
    "email": "email",
    "phone": "phone",
    "website": "website",
    "tags": "tags",
    "createdAt": "created",
    "lastActivityAt": "last activity",
    "nextActionAt": "next action",
    "stageEnteredAt": "stage entered",
    "qualifiedAt": "qualified",
    "assignedAt": "assigned",
    "expectedCloseDate": "expected close",
}
OPS = {
    "=": "is",
    "!=": "is not",
    ">=": "is at least",
    "<=": "is at most",
    ">": "is more than",
    "<": "is less than",
    "between": "is between",
    "in": "is one of",
    "not_in": "is none of",
    "contains": "contains",
    "starts_with": "begins with",
    "has_word": "has the word",
    "has_any": "has any of",
    "has_all": "has all of",
    "has_none": "has none of",
    "is_set": "is known",
    "is_not_set": "is not known",
    "within_last": "was within the last (days)",
    "within_next": "is within the next (days)",
    "older_than": "is longer ago than (days)",
}
VIAS = {
    "form": "website form",
    "page": "by hand",
    "api": "API",
    "csv": "import",
    "agent": "agent",
    "search": "lead search",
}
_KNOWN: dict[str, Mapping[str, str]] = {
    "source": SOURCES,
    "status": STATUSES,
    "via": VIAS,
    "ownerKind": {"person": "person", "agent": "agent"},
}


class Vocabulary(msgspec.Struct):
    """What ids in conditions are called, by field, the currency that amounts are told in, and the custom fields."""

    names: dict[str, dict[str, str]]
    currency: str
    custom: dict[str, Definition] = {}

    def label(self, field: str) -> str:
        """A field in words; an organization's own as people call it."""
        found = self.custom.get(field)
        return found.label if found else label(field)


async def vocabulary(visit: Visit) -> Vocabulary:
    """The organization's names of pipelines, stages and members, a stage's with its pipeline; and its custom fields."""
    pipelines = await visit.pipelines()
    custom = {f"field.{each.key}": each for each in await visit.definitions()}
    return Vocabulary(
        names={
            "pipelineId": {str(p.id): p.name for p in pipelines},
            "stageId": {str(s.id): f"{p.name} / {s.name}" for p in pipelines for s in p.stages},
            "ownerId": {str(m.id): m.name for m in await visit.members()},
            **{field: dict(known) for field, known in _KNOWN.items()},
            **{field: {o: o for o in each.options} for field, each in custom.items() if each.options},
        },
        currency=(await visit.organization()).currency,
        custom=custom,
    )


def words(condition: Condition, known: Vocabulary) -> str:
    """A condition as one says it; "any lead" for none."""
    return _node(condition, known, top=True) or "any lead"


def label(field: str) -> str:
    """A field in words; an organization's own by its key."""
    return FIELDS.get(field, field.removeprefix("field."))


def value_words(field: str, value: Any, known: Vocabulary) -> str:
    """A value as one says it: names for ids, an amount with its currency."""
    if isinstance(value, list):
        return ", ".join(value_words(field, each, known) for each in value)
    if isinstance(value, dict) and set(value) == {"days"}:
        return f"{value['days']:g} days" if value["days"] != 1 else "1 day"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if field == "valueCents" and isinstance(value, int):
        return money(value, known.currency)
    return known.names.get(field, {}).get(str(value), str(value))


def _node(node: Condition, known: Vocabulary, *, top: bool = False) -> str:
    if "not" in node:
        return f"not ({_node(node['not'], known, top=True)})"
    for word, joint in (("all", " and "), ("any", " or ")):
        if word in node:
            parts = [text for part in node[word] if (text := _node(part, known))]
            joined = joint.join(parts)
            return joined if top or len(parts) < 2 else f"({joined})"
    return _test(node, known)


def _test(node: Condition, known: Vocabulary) -> str:
    field, op, value = str(node.get("field")), str(node.get("op")), node.get("value")
    name = known.label(field)
    if field == "open" and op == "=":
        return "the lead is open" if value is True else "the lead is closed"
    if field == "ownerId" and op in ("is_set", "is_not_set"):
        return "it has an owner" if op == "is_set" else "it has no owner"
    if field in ("qualifiedAt", "assignedAt") and op in ("is_set", "is_not_set"):
        return f"it is {'' if op == 'is_set' else 'not yet '}{name}"
    if field == "nextActionAt" and op in ("is_set", "is_not_set"):
        return f"{'something' if op == 'is_set' else 'nothing'} is scheduled"
    if op in ("is_set", "is_not_set"):
        return f"the {name} {OPS[op]}"
    if op == "between" and isinstance(value, list) and len(value) == 2:
        low, high = (value_words(field, each, known) for each in value)
        return f"{name} is between {low} and {high}"
    told = value_words(field, value, known)
    if op == "has_word" and isinstance(value, list) and len(value) > 1:
        return f"{name} has one of the words {told}"
    if field == "via" and op in ("=", "in"):
        return f"it came by {told}"
    if op in ("within_last", "within_next", "older_than"):
        return f"{name} {OPS[op].removesuffix(' (days)')} {told}"
    return f"{name} {OPS.get(op, op)} {told}"
