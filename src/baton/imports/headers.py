"""What the columns of other systems are called, and which field of a lead each of those names means."""

import re
from dataclasses import dataclass
from typing import get_args

from baton.imports.header_names import ELSEWHERE, NAMES
from baton.imports.header_names import Target as Target
from baton.kernel.values import fold

TARGETS: tuple[Target, ...] = get_args(Target)
SEVERAL: frozenset[Target] = frozenset(("email", "phone", "website", "tags"))
"""Fields that more than one column may feed: the first that holds something usable counts, the others stay as they are."""
DEAL_NAMES = frozenset(("opportunityname", "dealname", "potentialname", "dealtitle", "leadtitle"))
"""Headers of names that are a deal's and not a person's."""


def key(header: str) -> str:
    """What two spellings of a header share: "Lead_Number", "lead number" and "LeadNumber" are one; a time zone says nothing."""
    return re.sub(r"\((?:gmt|utc)[^)]*\)|[^\w#]+|_", "", fold(header))


_BY_KEY: dict[str, tuple[Target, int]] = {}
for _target, _names in (*NAMES.items(), *ELSEWHERE.items()):
    for _rank, _name in enumerate(_names.replace("\n", " ").split(",")):
        _BY_KEY.setdefault(key(_name), (_target, _rank))


@dataclass(frozen=True, slots=True)
class System:
    """A system whose exports are told by the headers that only they have together, and what differs in them."""

    name: str
    signature: frozenset[str]
    overrides: dict[str, Target | None]
    source: str | None = None
    """Where its leads come from, if no column says so (Spec B10)."""
    passed_over: frozenset[str] = frozenset()
    """Columns that tell what only the system itself can know."""
    exact: bool = False
    """Whether its values are ours: they are taken as they stand, and nothing about them is asked."""


_SYSTEMS = (
    System(
        "Baton",
        frozenset(("batonleadid",)),
        {"batonleadid": "externalId"},
        passed_over=frozenset(
            ("pipeline", "score", "createdat", "lastactivityat", "nextactionat", "qualifiedat", "closedat")
        ),
        exact=True,
    ),
    System(
        "Google Places",
        frozenset(("title", "placeid", "categoryname")),
        {"title": "companyName", "url": None},
        "cold_outreach",
    ),
    System(
        "a Facebook lead form",
        frozenset(("adid", "formid", "createdtime")),
        {"id": "externalId", "platform": None},
        "paid_ads",
    ),
    System("a Google lead form", frozenset(("gclid", "campaignid")), {}, "paid_ads"),
    System("a Google lead form", frozenset(("googleclickid", "leadsubmittime")), {}, "paid_ads"),
    System("HubSpot", frozenset(("dealname", "dealstage")), {"associatedcontact": None}),
    System("Pipedrive", frozenset(("dealtitle",)), {"dealcontactperson": None, "personname": None}),
)


def recognise(headers: tuple[str, ...]) -> tuple[System | None, list[tuple[Target, int] | None]]:
    """The system that a table comes from, where its headers tell, and for each header (field, preference) or None."""
    keys = [key(header) for header in headers]
    system = next((each for each in _SYSTEMS if each.signature <= set(keys)), None)
    overrides = system.overrides if system else {}
    return system, [_overridden(overrides[each]) if each in overrides else _BY_KEY.get(each) for each in keys]


def _overridden(target: Target | None) -> tuple[Target, int] | None:
    return (target, -1) if target else None
