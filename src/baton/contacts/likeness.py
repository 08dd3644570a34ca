"""How alike people and companies are: by e-mail, phone, name and company, of records that share one of them; likeness by rapidfuzz."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from rapidfuzz import fuzz

from baton.contacts.company import Company
from baton.contacts.contact import Contact
from baton.contacts.matching import Matching
from baton.kernel.values import fold

_WHOLE = 50  # a block of so many is compared each with each
_NEAR = 12  # in a larger one each is compared with as many neighbours by name
_LOOSE = Matching(ignore_case=True, ignore_plus=True)
_LEGAL = frozenset({
    "ab", "ag", "as", "bv", "co", "company", "corp", "corporation", "gmbh", "group", "holding", "inc", "incorporated", "kg", "limited",
    "llc", "llp", "ltd", "nv", "oy", "plc", "pte", "pty", "sa", "sarl", "sas", "se", "spa", "srl", "the",
})  # fmt: skip
R = TypeVar("R", Contact, Company)
Alike = tuple[R, R, int, list[str]]
"""Two records, the older first, how alike they are (0–100), and why."""


class Person(NamedTuple):
    """What is compared of a contact, made ready once."""

    name: str
    email: str | None
    phone: str | None
    company_id: UUID | None
    company: str | None
    company_begins: str | None


class Firm(NamedTuple):
    """What is compared of a company, made ready once."""

    name: str
    host: str | None
    begins: tuple[str, ...]


def likely_people(newest_first: Sequence[Contact], only: UUID | None, least: int, limit: int) -> list[Alike[Contact]]:
    """Pairs of contacts that may be one person, the likeliest first; of one alone where `only` names it."""
    return _pairs(newest_first, _person, _person_blocks, _same_person, only, least, limit)


def likely_companies(
    newest_first: Sequence[Company], only: UUID | None, least: int, limit: int
) -> list[Alike[Company]]:
    """Pairs of companies that may be one, the likeliest first; of one alone where `only` names it."""
    return _pairs(newest_first, _firm, _firm_blocks, _same_firm, only, least, limit)


def stem(name: str | None) -> str:
    """A company's name without what says its form: "The Acme Group, Inc." → "acme"."""
    words = re.findall(r"[^\W_]+", fold(name or ""))
    return " ".join([word for word in words if word not in _LEGAL] or words)


def domain(website: str | None) -> str | None:
    """The host of a website without "www.": "https://www.acme.example/de" → "acme.example"."""
    host = re.sub(r"^[a-z][a-z0-9+.-]*://", "", (website or "").strip().lower())
    return re.split(r"[/:?#]", host)[0].removeprefix("www.") or None


def _pairs(
    records: Sequence[R],
    ready: Callable[[R], Any],
    blocks: Callable[[Any], Iterator[str]],
    same: Callable[[Any, Any], tuple[int, list[str]]],
    only: UUID | None,
    least: int,
    limit: int,
) -> list[Alike[R]]:
    """The likely pairs, each once: only records that share a block are compared."""
    keys = [ready(record) for record in records]
    by_block: dict[str, list[int]] = {}
    for place, key in enumerate(keys):
        for block in blocks(key):
            by_block.setdefault(block, []).append(place)
    found: dict[tuple[int, int], tuple[int, list[str]]] = {}
    for places in by_block.values():
        for one, other in _neighbours(places, keys):
            if only is not None and only not in (records[one].id, records[other].id):
                continue
            pair = (one, other) if one > other else (other, one)
            if pair not in found:
                likeness, why = same(keys[pair[0]], keys[pair[1]])
                if likeness >= least:
                    found[pair] = likeness, why
    told = [(records[a], records[b], likeness, why) for (a, b), (likeness, why) in found.items()]
    return sorted(told, key=lambda pair: (-pair[2], pair[0].name, pair[0].id, pair[1].id))[:limit]


def _neighbours(places: list[int], keys: list[Any]) -> Iterator[tuple[int, int]]:
    if len(places) <= _WHOLE:
        yield from combinations(places, 2)
        return
    ordered = sorted(places, key=lambda place: keys[place].name)
    for at, one in enumerate(ordered):
        for other in ordered[at + 1 : at + 1 + _NEAR]:
            yield one, other


def _sorted(text: str) -> str:
    """The words of a text in order: what `token_sort_ratio` compares."""
    return " ".join(sorted(text.split()))


def _person(contact: Contact) -> Person:
    company = stem(contact.company_name).split()
    return Person(
        _sorted(fold(contact.name)), _LOOSE.email_key(contact.email) if contact.email else None, contact.phone or None,
        contact.company_id, " ".join(sorted(company)) or None, company[0] if company else None,
    )  # fmt: skip


def _person_blocks(person: Person) -> Iterator[str]:
    if person.email:
        yield f"email {person.email}"
    if person.phone:
        yield f"phone {person.phone}"
    if person.company_begins:
        yield f"company {person.company_begins}"
    yield f"name {person.name}"


def _same_person(a: Person, b: Person) -> tuple[int, list[str]]:
    if a.email and a.email == b.email:
        return 100, ["the same e-mail"]
    names = fuzz.ratio(a.name, b.name)
    why = ["the same name"] if names == 100 else [f"names {round(names)} % alike"]
    if a.phone and a.phone == b.phone:
        return round(50 + names / 2), ["the same phone", *why]
    if a.company_id and a.company_id == b.company_id:
        return round(names), ["the same company", *why]
    if a.company and b.company:
        company = fuzz.ratio(a.company, b.company)
        return round(min(names, company)), [f"companies {round(company)} % alike", *why]
    return round(names * 0.8), why  # a name alone is no proof


def _firm(company: Company) -> Firm:
    words = stem(company.name).split()
    return Firm(" ".join(sorted(words)), domain(company.website), tuple(word[:4] for word in words[:2]))


def _firm_blocks(firm: Firm) -> Iterator[str]:
    if firm.host:
        yield f"website {firm.host}"
    for begins in firm.begins:
        yield f"name {begins}"


def _same_firm(a: Firm, b: Firm) -> tuple[int, list[str]]:
    names = fuzz.ratio(a.name, b.name)
    why = ["the same name"] if names == 100 else [f"names {round(names)} % alike"]
    if a.host and a.host == b.host:
        return round(50 + names / 2), ["the same website", *why]
    return round(names), why
