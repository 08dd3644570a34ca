"""Invented people and companies for the demo organization. Every address is under .example (RFC 2606), every number fictional."""

import random
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_FIRST = [
    "Amara",
    "Tomás",
    "Ingrid",
    "Wei",
    "Hannah",
    "Dmitri",
    "Leila",
    "Priya",
    "Owen",
    "Sofia",
    "Kofi",
    "Yuki",
    "Mateo",
    "Chiara",
    "Noor",
    "Elif",
    "Jonas",
    "Freya",
    "Tariq",
    "Maja",
    "Luca",
    "Zanele",
    "Andrei",
    "Camille",
    "Rafael",
    "Saoirse",
    "Hiro",
    "Nadia",
    "Emeka",
    "Birgit",
    "Pedro",
    "Anja",
    "Ravi",
    "Lucía",
    "Bao",
    "Eszter",
    "Idris",
    "Marta",
    "Niamh",
    "Viktor",
    "Aisha",
    "Felix",
    "Greta",
    "Samuel",
    "Thandi",
    "Joaquim",
    "Petra",
    "Kenji",
    "Olena",
    "Dawit",
]
_LAST = [
    "Osei",
    "Rey",
    "Solberg",
    "Zhang",
    "Weiss",
    "Volkov",
    "Haddad",
    "Raman",
    "Clarke",
    "Marino",
    "Mensah",
    "Tanaka",
    "Rossi",
    "Demir",
    "Lindqvist",
    "Ferreira",
    "Novak",
    "Okonkwo",
    "Dubois",
    "Moreau",
    "Kowalski",
    "Sørensen",
    "Ibrahim",
    "Patel",
    "Nguyen",
    "Castillo",
    "Byrne",
    "Schäfer",
    "Adeyemi",
    "Costa",
    "Bianchi",
    "Horvath",
    "Larsen",
    "Silva",
    "Kaplan",
    "Meyer",
    "Torres",
    "Fischer",
    "Yilmaz",
    "Jansen",
    "Popescu",
    "Nakamura",
    "Keller",
    "Almeida",
    "Bauer",
    "Dlamini",
    "Santos",
    "Wagner",
    "Petrov",
    "Tesfaye",
]
_COMPANY = [
    "Lumen",
    "Kestrel",
    "Aster",
    "Cedar",
    "Halcyon",
    "Brightwater",
    "Vela",
    "Sahel",
    "Mirai",
    "Orbital",
    "Fjord",
    "Quarry",
    "Harbor",
    "Juniper",
    "Cobalt",
    "Meridian",
    "Alder",
    "Basalt",
    "Copperfield",
    "Driftwood",
    "Ember",
    "Foxglove",
    "Granite",
    "Heather",
    "Ironbark",
    "Jetty",
    "Kelp",
    "Larkspur",
    "Marigold",
    "Nimbus",
    "Opal",
    "Pinecrest",
    "Quill",
    "Rowan",
    "Saltmarsh",
    "Thistle",
    "Umbra",
    "Verdant",
    "Willow",
    "Yarrow",
    "Zephyr",
    "Anchor",
    "Beacon",
    "Cascade",
    "Delta",
    "Everglade",
]
_KIND = (
    ("Analytics", "Software"), ("Health", "Healthcare"), ("Robotics", "Manufacturing"), ("Logistics", "Transport"), ("Foods", "Food"),
    ("Solar", "Energy"), ("Labs", "Software"), ("Motors", "Automotive"), ("Clinics", "Healthcare"), ("Capital", "Finance"),
    ("Studios", "Media"), ("Parts", "Manufacturing"), ("Hotels", "Hospitality"), ("Systems", "Software"), ("Pharma", "Pharma"),
    ("Retail", "Retail"), ("Works", "Construction"), ("Schools", "Education"),
)  # fmt: skip
_TITLES = (
    "Chief Operating Officer", "CTO", "CFO", "Owner", "Founder", "VP Sales", "VP Data", "Director of Operations", "Director of IT",
    "Head of Operations", "Head of Sales", "Operations Manager", "Sales Manager", "IT Manager", "Buyer", "Office Manager", "Analyst",
    "Assistant", None,
)  # fmt: skip
_PLACES = (
    ("Berlin, Germany", "+4930555"), ("Lyon, France", "+33455500"), ("Porto, Portugal", "+35122555"), ("Madrid, Spain", "+3491555"),
    ("Dublin, Ireland", "+3531555"), ("Stockholm, Sweden", "+468555"), ("Milan, Italy", "+3902555"), ("Austin, USA", "+1512555"),
    ("Boston, USA", "+1617555"), ("Toronto, Canada", "+1416555"), ("São Paulo, Brazil", "+551155"), ("London, UK", "+442079460"),
    ("Nairobi, Kenya", "+25420555"), ("Singapore", "+656555"), ("Osaka, Japan", "+816555"),
)  # fmt: skip
_MESSAGES = (
    "We are opening 40 sites next year and need to replace spreadsheets. Can we talk this week?",
    "How does your pricing work for a team of twelve?", "We saw you at the trade fair and would like a demo.",
    "Our current tool cannot tell who changed what. Does yours?", "Can your product import our old records with their history?",
    "Looking for something my team will actually use.", "We need to be live before the new quarter. Is that realistic?",
    "Do you have customers in our industry?", None, None,
)  # fmt: skip
_SOURCES = ("website", "paid_ads", "organic_search", "referral", "event", "partner", "social_media")
_SIZES = (4, 9, 18, 35, 60, 120, 240, 420, 900, 2400, None)
_TAGS = ("EU", "priority", "renewal risk", "multi-site", "fast mover", "needs security review")


@dataclass(frozen=True, slots=True)
class Person:
    """An invented lead."""

    first_name: str
    last_name: str
    email: str
    phone: str | None
    company: str
    title: str | None
    industry: str
    location: str
    size: int | None
    source: str
    message: str | None
    value_cents: int
    tags: list[str]


def people(dice: random.Random) -> Iterator[Person]:
    """Invented people without end, no e-mail twice."""
    taken: set[str] = set()
    while True:
        first, last = dice.choice(_FIRST), dice.choice(_LAST)
        kind, industry = dice.choice(_KIND)
        word = dice.choice(_COMPANY)
        email = f"{_ascii(first)}.{_ascii(last)}@{_ascii(word)}{_ascii(kind)}.example"
        if email in taken:
            continue
        taken.add(email)
        location, prefix = dice.choice(_PLACES)
        sparse = dice.random() < 0.22  # some write no more than their name
        size = None if sparse else dice.choice(_SIZES)
        yield Person(
            first_name=first, last_name=last, email=email,
            phone=f"{prefix}{dice.randrange(1000, 9999)}" if not sparse and dice.random() < 0.7 else None, company=f"{word} {kind}",
            title=None if sparse else dice.choice(_TITLES), industry=industry, location=location, size=size,
            source=dice.choices(_SOURCES, weights=(40, 16, 14, 12, 8, 5, 5))[0], message=dice.choice(_MESSAGES),
            value_cents=int(min(dice.lognormvariate(9.6, 0.9) * (1 + (size or 20) / 900), 240_000) / 500 + 1) * 50_000,
            tags=dice.sample(_TAGS, k=dice.choices((0, 1, 2), weights=(5, 4, 1))[0]),
        )  # fmt: skip


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.replace("ø", "o")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z]", "", plain.lower())
