"""How names, people, stages and scores read on a page."""

import re
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from baton.doors.web.shell.language import Told, _, marked

SOURCES = Told(
    {
        "website": marked("Website"),
        "referral": marked("Referral"),
        "paid_ads": marked("Paid ads"),
        "organic_search": marked("Organic search"),
        "social_media": marked("Social media"),
        "cold_outreach": marked("Cold outreach"),
        "event": marked("Event"),
        "partner": marked("Partner"),
        "other": marked("Other"),
    }
)
STATUSES = Told(
    {
        "new": marked("New"),
        "contacted": marked("Contacted"),
        "qualified": marked("Qualified"),
        "proposal": marked("Proposal"),
        "negotiating": marked("Negotiating"),
        "won": marked("Won"),
        "lost": marked("Lost"),
        "disqualified": marked("Disqualified"),
    }
)


class Named(Protocol):
    """A member, or anyone else with a name."""

    @property
    def id(self) -> UUID: ...
    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Who:
    """A person or an agent, as an avatar shows them."""

    id: UUID | None
    kind: str
    name: str
    initials: str


def who(member: Named) -> Who:
    """The avatar of a member."""
    return Who(member.id, member.kind, member.name, initials(member.name, member.kind))


def initials(name: str, kind: str) -> str:
    """Two letters: "JS" for João Silva, "Ma" for the agent Marcus."""
    words = [word for word in re.split(r"\W+", name) if word]
    if not words:
        return "?"
    if kind == "agent" or len(words) == 1:
        return words[0][:2].capitalize()
    return (words[0][0] + words[-1][0]).upper()


def band(score: int) -> str:
    """The band of a score. Spec B6."""
    return "high" if score >= 70 else "mid" if score >= 40 else "low"


def colour(text: str) -> str:
    """A stage's colour, for an SVG attribute; a plain grey for anything that is none."""
    return text if re.fullmatch(r"#[0-9a-fA-F]{6}", text) else "#9a9a9a"


def several(names: list[str]) -> str:
    """Names in a row: "name, email and company"."""
    if len(names) < 2:
        return "".join(names)
    return _("%(names)s and %(last)s") % {"names": ", ".join(names[:-1]), "last": names[-1]}
