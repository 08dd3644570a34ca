"""What a sentence about an activity is made of: its pieces, and what the ids in it are called."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from baton.activities.activity import Activity
from baton.doors.web.shell.language import _
from baton.doors.web.shell.show import Named, Who, initials, who
from baton.doors.web.told.changes import Change

PartKind = Literal["text", "strong", "person", "agent"]
_ACTORS: dict[str, PartKind] = {"agent": "agent", "user": "person"}


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a sentence: plain text, something that matters, or the name of a person or an agent."""

    kind: PartKind
    text: str


@dataclass(slots=True)
class Phrase:
    """A sentence that begins with who did it: `why` is the reason, `quote` what was written, `changes` the facts."""

    parts: list[Part]
    why: str | None = None
    quote: str | None = None
    changes: list[Change] = field(default_factory=list)


Said = list[Part]


@dataclass(frozen=True, slots=True)
class Names:
    """What the ids in activities are called today, and the reader's clock."""

    stages: Mapping[UUID, str]
    pipelines: Mapping[UUID, str]
    members: Mapping[UUID, Named]
    now: datetime
    zone: ZoneInfo

    def stage(self, id: str | None, told: str | None = None) -> Part:
        """A stage's name now; else as the activity told it."""
        return strong(self.stages.get(UUID(id), told or _("a former stage")) if id else told or _("a stage"))

    def pipeline(self, id: str | None) -> Part:
        """A pipeline's name."""
        return strong(self.pipelines.get(UUID(id), _("a former pipeline")) if id else _("a pipeline"))

    def member(self, id: str | None, told: str | None = None, kind: str | None = None) -> Part:
        """A member's name, coloured by what they are."""
        found = self.members.get(UUID(id)) if id else None
        if found is not None:
            return Part("agent" if found.kind == "agent" else "person", found.name)
        return Part("agent" if kind == "agent" else "person", told or _("a former member"))


Sentence = Callable[[Activity, Names], Phrase | Said]
"""How the activities of a kind are told."""


def text(words: str) -> Part:
    """Plain words."""
    return Part("text", words)


def strong(words: str) -> Part:
    """Words that matter."""
    return Part("strong", words)


def say(sentence: str, **values: Part | str) -> Said:
    """The pieces of a sentence, "%(actor)s moved to %(stage)s", with what stands in it."""
    pieces = []
    for at, piece in enumerate(re.split(r"%\((\w+)\)s", sentence)):
        found = values[piece] if at % 2 else piece
        if found:
            pieces.append(text(found) if isinstance(found, str) else found)
    return pieces


def named(said: Said, thing: object) -> Said:
    """A sentence, and the name of what it is about where it is known."""
    return [*said, text(" "), strong(str(thing))] if thing else said


def new(activity: Activity, name: str) -> Any:
    """What a fact is since the activity; None where it is unknown or was not touched."""
    return activity.changes.get(name, [None, None])[1]


def old(activity: Activity, name: str) -> Any:
    """What a fact was before the activity."""
    return activity.changes.get(name, [None, None])[0]


def actor(activity: Activity) -> Part:
    """Who did it."""
    return Part(_ACTORS.get(activity.actor_type, "strong"), activity.actor_name)


def face(activity: Activity, names: Names) -> Who | None:
    """The avatar of who did it; none for the system."""
    if activity.actor_type == "system":
        return None
    member = names.members.get(activity.actor_id) if activity.actor_id else None
    kind = "agent" if activity.actor_type == "agent" else "person"
    if member is not None:
        return who(member)
    return Who(activity.actor_id, kind, activity.actor_name, initials(activity.actor_name, kind))
