"""Filters in the address, as conditions: whose leads, how good, from where, in which stage. Spec A10."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from baton.accounts.members import Member
from baton.doors.web.shell.language import Choices, _, marked
from baton.doors.web.shell.show import SOURCES, STATUSES
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.doors.web.told import periods
from baton.kernel.conditions import Condition
from baton.pipelines.pipeline import Pipeline

Options = list[tuple[str, str]]
SCORES: Options = Choices(
    [
        ("", marked("any")),
        ("high", marked("70 and more")),
        ("mid", marked("40 to 69")),
        ("low", marked("below 40")),
        ("none", marked("not scored")),
    ]
)
_OWNERS: dict[str, Condition] = {
    "none": {"field": "ownerId", "op": "is_not_set"},
    "people": {"field": "ownerKind", "op": "=", "value": "person"},
    "agents": {"field": "ownerKind", "op": "=", "value": "agent"},
}
_BANDS: dict[str, Condition] = {
    "high": {"field": "score", "op": ">=", "value": 70},
    "mid": {"field": "score", "op": "between", "value": [40, 69]},
    "low": {"field": "score", "op": "<", "value": 40},
    "none": {"field": "score", "op": "is_not_set"},
}
_STATES: dict[str, Condition] = {
    "open": {"field": "open", "op": "=", "value": True},
    "closed": {"field": "open", "op": "=", "value": False},
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for. Values that mean nothing are dropped, so that any address shows a page."""

    q: str = ""
    owner: str = ""
    score: str = ""
    source: str = ""
    status: str = ""
    pipeline: str = ""
    stage: str = ""
    state: str = ""
    created: str = ""
    extra: str = ""
    segment: str = ""
    view: str = ""
    zone: str = "UTC"
    today: date = date.min

    @property
    def where(self) -> Condition:
        """The condition that leads must meet."""
        tests: list[Any] = []
        if self.owner:
            tests.append(_OWNERS.get(self.owner) or {"field": "ownerId", "op": "=", "value": self.owner})
        if self.score:
            tests.append(_BANDS[self.score])
        for field, value in (
            ("source", self.source),
            ("status", self.status),
            ("pipelineId", self.pipeline),
            ("stageId", self.stage),
        ):
            if value:
                tests.append({"field": field, "op": "=", "value": value})
        if self.state:
            tests.append(_STATES[self.state])
        span = periods.span(self.created, self.today) if self.created else None
        tests += periods.within("createdAt", span, self.zone) if span else []
        return {"all": [*tests, self.more] if self.extra else tests}

    @property
    def more(self) -> Condition:
        """The condition that the address holds as it is."""
        found: Condition = json.loads(self.extra) if self.extra else {"all": []}
        return found

    def but(self, **other: str) -> "Filters":
        """The same filters but for some."""
        return replace(self, **other)  # type: ignore[arg-type]

    @property
    def query(self) -> str:
        """The filters as a query string, empty where there are none."""
        return urlencode({_ASKED.get(name, name): value for name in _NAMES if (value := getattr(self, name))})

    def __bool__(self) -> bool:
        return bool(self.query)


_NAMES = (
    "q",
    "owner",
    "score",
    "source",
    "status",
    "pipeline",
    "stage",
    "state",
    "created",
    "extra",
    "segment",
    "view",
)
_ASKED = {"extra": "where"}
MAX_CONDITION = 4000


def read(query: Mapping[str, str], *, now: datetime | None = None, zone: str = "UTC") -> Filters:
    """The filters of a query string; periods are of the days of `zone` (the organization's) as of `now`."""

    def one_of(name: str, known: Mapping[str, Any]) -> str:
        value = query.get(name, "")
        return value if value in known else ""

    def uuid(name: str) -> str:
        found = as_uuid(query.get(name))
        return str(found) if found else ""

    return Filters(
        q=query.get("q", "").replace("\0", "").strip()[:200],
        owner=one_of("owner", _OWNERS) or uuid("owner"),
        score=one_of("score", _BANDS),
        source=one_of("source", SOURCES),
        status=one_of("status", STATUSES),
        pipeline=uuid("pipeline"),
        stage=uuid("stage"),
        state=one_of("state", _STATES),
        created=one_of("created", periods.NAMES) if now else "",
        extra=_condition(query.get("where", "")),
        segment=uuid("segment"),
        view=uuid("view"),
        zone=zone,
        today=now.astimezone(ZoneInfo(zone)).date() if now else date.min,
    )


def _condition(text: str) -> str:
    """A condition of the address as JSON of the shortest form; empty for what is none."""
    try:
        found = json.loads(text) if 0 < len(text) <= MAX_CONDITION else None
        told = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
        told.encode()
    except (ValueError, RecursionError):
        return ""
    return told if isinstance(found, dict) and found and "\\u0000" not in told else ""


async def of(visit: Visit) -> Filters:
    """The filters of a visit's address, in the organization's days."""
    return read(visit.query, now=visit.now, zone=(await visit.organization()).time_zone)


def choices(filters: Filters, members: Sequence[Member], pipelines: Sequence[Pipeline] = ()) -> dict[str, Any]:
    """The filters and what each may be set to, as the page shows them."""
    stages = [stage for pipeline in pipelines if str(pipeline.id) == filters.pipeline for stage in pipeline.stages]
    values = {name: getattr(filters, name) for name in _NAMES}
    return values | {
        "owners": [
            ("", _("anyone")),
            ("none", _("nobody")),
            ("people", _("any person")),
            ("agents", _("any agent")),
            *named(members),
        ],
        "scores": SCORES,
        "sources": [("", _("any")), *SOURCES.items()],
        "statuses": [("", _("any")), *STATUSES.items()],
        "pipelines": [("", _("all")), *((str(pipeline.id), pipeline.name) for pipeline in pipelines)],
        "stages": [("", _("any")), *((str(stage.id), stage.name) for stage in stages)],
        "states": [("", _("open and closed")), ("open", _("open")), ("closed", _("closed"))],
        "periods": [("", _("any time")), *periods.NAMES.items()],
    }


def named(members: Sequence[Member]) -> Options:
    """Members as choices, agents said to be such."""
    return [
        (str(m.id), _("%(name)s (agent)") % {"name": m.name} if m.kind == "agent" else m.name)
        for m in members
        if m.status == "active"
    ]
