"""The scoring rules that a new organization starts with: document B's five factors, twenty points each. Spec B6."""

from baton.scoring.rules import NewFactor, NewRule

_CHIEFS = [
    "ceo",
    "cto",
    "cfo",
    "coo",
    "cmo",
    "cio",
    "chief",
    "founder",
    "owner",
    "president",
    "partner",
    "vp",
    "svp",
    "evp",
    "managing director",
]
_HEADS = ["director", "head"]
_MANAGERS = ["manager", "lead", "principal", "supervisor"]
_SOURCES = {
    "referral": 20, "partner": 18, "event": 15, "website": 14, "organic_search": 12, "paid_ads": 10, "social_media": 8,
    "cold_outreach": 5, "other": 3,
}  # fmt: skip


def _least(field: str, steps: tuple[tuple[int, str, int], ...]) -> list[NewRule]:
    return [
        NewRule(name=name, condition={"field": field, "op": ">=", "value": least}, points=points)
        for least, name, points in steps
    ]


DEFAULT_FACTORS = [
    NewFactor(
        key="source", label="Source quality", max_points=20,
        rules=[
            NewRule(name=f"source {source.replace('_', ' ')}", condition={"field": "source", "op": "=", "value": source}, points=points)
            for source, points in _SOURCES.items()
        ],
    ),
    NewFactor(
        key="companySize", label="Company size", max_points=20,
        rules=_least("companySize", (
            (1000, "1,000 people or more", 20), (200, "200 people or more", 18), (50, "50 people or more", 14),
            (10, "10 people or more", 8), (1, "a small company", 4),
        )),
    ),
    NewFactor(
        key="value", label="Deal value", max_points=20,
        rules=_least("valueCents", (
            (10_000_000, "worth 100,000 or more", 20), (4_000_000, "worth 40,000 or more", 16),
            (1_000_000, "worth 10,000 or more", 12), (1, "a value is known", 5),
        )),
    ),
    NewFactor(
        key="title", label="Decision-maker title", max_points=20,
        rules=[
            NewRule(name="decision-maker title", condition={"field": "title", "op": "has_word", "value": _CHIEFS}, points=20),
            NewRule(name="director title", condition={"field": "title", "op": "has_word", "value": _HEADS}, points=18),
            NewRule(name="manager title", condition={"field": "title", "op": "has_word", "value": _MANAGERS}, points=10),
            NewRule(name="a title is known", condition={"field": "title", "op": "is_set"}, points=4),
        ],
    ),
    NewFactor(
        key="profile", label="Profile completeness", max_points=20, combine="sum",
        rules=[
            NewRule(name=f"{label} known", condition={"field": field, "op": "is_set"}, points=points)
            for field, label, points in (
                ("email", "e-mail", 5), ("phone", "phone", 5), ("companyName", "company", 4), ("title", "title", 3),
                ("website", "website", 3),
            )
        ],
    ),
]  # fmt: skip
