"""Conditions in words: "score is at least 40 and has no owner"."""

from collections.abc import Mapping
from typing import Any

import msgspec

from baton.doors.web.shell.amounts import money, number
from baton.doors.web.shell.language import Told, _, marked, several_of
from baton.doors.web.shell.show import SOURCES, STATUSES
from baton.doors.web.shell.visit import Visit
from baton.fields.definition import Definition
from baton.kernel.conditions import Condition

FIELDS = Told(
    {
        "score": marked("score"),
        "status": marked("status"),
        "stageId": marked("stage"),
        "pipelineId": marked("pipeline"),
        "open": marked("open"),
        "ownerId": marked("owner"),
        "ownerKind": marked("kind of owner"),
        "source": marked("source"),
        "via": marked("way in"),
        "valueCents": marked("potential value"),
        "companySize": marked("team size"),
        "title": marked("title"),
        "industry": marked("industry"),
        "location": marked("location"),
        "companyName": marked("company"),
        "name": marked("name"),
        "email": marked("email"),
        "phone": marked("phone"),
        "website": marked("website"),
        "tags": marked("tags"),
        "createdAt": marked("created"),
        "lastActivityAt": marked("last activity"),
        "nextActionAt": marked("next action"),
        "stageEnteredAt": marked("stage entered"),
        "qualifiedAt": marked("qualified"),
        "assignedAt": marked("assigned"),
        "expectedCloseDate": marked("expected close"),
    }
)
OPS = Told(
    {
        "=": marked("is"),
        "!=": marked("is not"),
        ">=": marked("is at least"),
        "<=": marked("is at most"),
        ">": marked("is more than"),
        "<": marked("is less than"),
        "between": marked("is between"),
        "in": marked("is one of"),
        "not_in": marked("is none of"),
        "contains": marked("contains"),
        "starts_with": marked("begins with"),
        "has_word": marked("has the word"),
        "has_any": marked("has any of"),
        "has_all": marked("has all of"),
        "has_none": marked("has none of"),
        "is_set": marked("is known"),
        "is_not_set": marked("is not known"),
        "within_last": marked("was within the last (days)"),
        "within_next": marked("is within the next (days)"),
        "older_than": marked("is longer ago than (days)"),
    }
)
VIAS = Told(
    {
        "form": marked("website form"),
        "page": marked("by hand"),
        "api": "API",
        "csv": marked("import"),
        "agent": marked("agent"),
        "search": marked("lead search"),
    }
)
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
    return _node(condition, known, top=True) or _("any lead")


def label(field: str) -> str:
    """A field in words; an organization's own by its key."""
    return FIELDS.get(field, field.removeprefix("field."))


def value_words(field: str, value: Any, known: Vocabulary) -> str:
    """A value as one says it: names for ids, an amount with its currency."""
    if isinstance(value, list):
        return ", ".join(value_words(field, each, known) for each in value)
    if isinstance(value, dict) and set(value) == {"days"}:
        return several_of("%(count)s day", "%(count)s days", int(value["days"])) % {
            "count": number(value["days"], digits=2)
        }
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if field == "valueCents" and isinstance(value, int):
        return money(value, known.currency)
    return known.names.get(field, {}).get(str(value), str(value))


def _node(node: Condition, known: Vocabulary, *, top: bool = False) -> str:
    if "not" in node:
        return _("not (%(node)s)") % {"node": _node(node["not"], known, top=True)}
    for word, joint in (("all", _(" and ")), ("any", _(" or "))):
        if word in node:
            parts = [text for part in node[word] if (text := _node(part, known))]
            joined = joint.join(parts)
            return joined if top or len(parts) < 2 else f"({joined})"
    return _test(node, known)


def _test(node: Condition, known: Vocabulary) -> str:
    field, op, value = str(node.get("field")), str(node.get("op")), node.get("value")
    name = known.label(field)
    if field == "open" and op == "=":
        return _("the lead is open") if value is True else _("the lead is closed")
    if field == "ownerId" and op in ("is_set", "is_not_set"):
        return _("it has an owner") if op == "is_set" else _("it has no owner")
    if field in ("qualifiedAt", "assignedAt") and op in ("is_set", "is_not_set"):
        return (_("it is %(name)s") if op == "is_set" else _("it is not yet %(name)s")) % {"name": name}
    if field == "nextActionAt" and op in ("is_set", "is_not_set"):
        return _("something is scheduled") if op == "is_set" else _("nothing is scheduled")
    if op in ("is_set", "is_not_set"):
        return (
            _("the %(name)s is known") % {"name": name}
            if op == "is_set"
            else _("the %(name)s is not known") % {"name": name}
        )
    if op == "between" and isinstance(value, list) and len(value) == 2:
        low, high = (value_words(field, each, known) for each in value)
        return _("%(name)s is between %(low)s and %(high)s") % {"name": name, "low": low, "high": high}
    told = value_words(field, value, known)
    if op == "has_word" and isinstance(value, list) and len(value) > 1:
        return _("%(name)s has one of the words %(told)s") % {"name": name, "told": told}
    if field == "via" and op in ("=", "in"):
        return _("it came by %(told)s") % {"told": told}
    if op in ("within_last", "within_next", "older_than"):
        days = {
            "within_last": _("%(name)s was within the last %(days)s"),
            "within_next": _("%(name)s is within the next %(days)s"),
            "older_than": _("%(name)s is longer ago than %(days)s"),
        }
        return days[op] % {"name": name, "days": told}
    return f"{name} {OPS.get(op, op)} {told}"
