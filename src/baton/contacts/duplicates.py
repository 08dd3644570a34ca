"""Finding records that may be one person or one company: by e-mail, phone, name and company; likeness by rapidfuzz."""

import re
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta
from rapidfuzz import fuzz

from baton.contacts import company as companies
from baton.contacts import records
from baton.contacts.company import Company
from baton.contacts.contact import JOINED, SELECTED, Contact
from baton.contacts.matching import Matching
from baton.contacts.records import COMPANY, CONTACT
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, Output, operation
from baton.kernel.values import Ref, fold

MOST = 20_000
_WINDOW = 50  # in a block larger than this each is compared with as many neighbours by name
_LOOSE = Matching(ignore_case=True, ignore_plus=True)
_LEGAL = frozenset({
    "ab", "ag", "as", "bv", "co", "company", "corp", "corporation", "gmbh", "group", "holding", "inc", "incorporated", "kg", "limited",
    "llc", "llp", "ltd", "nv", "oy", "plc", "pte", "pty", "sa", "sarl", "sas", "se", "spa", "srl", "the",
})  # fmt: skip


class Likely(Input, kw_only=True):
    """From which likeness on (50–100), how many pairs (1–500), and of one record alone if it is named."""

    of: Ref | None = None
    least: Annotated[int, Meta(ge=50, le=100)] = 85
    limit: Annotated[int, Meta(ge=1, le=500)] = 100


class ContactPair(Output, kw_only=True):
    """Two contacts that may be one person, the older first; how alike (0–100), and why."""

    first: Contact
    second: Contact
    likeness: int
    why: list[str]


class CompanyPair(Output, kw_only=True):
    """Two companies that may be one, the older first; how alike (0–100), and why."""

    first: Company
    second: Company
    likeness: int
    why: list[str]


@operation("crm.contacts.duplicates", kind="query", role=Role.VIEWER, summary="Find duplicate contacts")
async def find_contacts(tx: Tx, actor: Actor, input: Likely) -> list[ContactPair]:
    """Pairs of contacts that may be one person, the likeliest first, among the newest 20,000. Raises NotFound, Invalid."""
    only = await _asked(tx, input, CONTACT)
    rows = await tx.fetch(
        f"""SELECT {SELECTED} FROM {JOINED}
             WHERE c.org_id = $1 AND c.merged_into_id IS NULL AND c.deleted_at IS NULL AND c.erased_at IS NULL
             ORDER BY c.created_at DESC, c.id DESC LIMIT {MOST}""",
        tx.org_id,
    )  # fmt: skip
    found = {row["id"]: Contact(**dict(row)) for row in rows}
    likely = _pairs(found.values(), _contact_blocks, _same_person, only, input)
    return [ContactPair(first=a, second=b, likeness=likeness, why=why) for a, b, likeness, why in likely]


@operation("crm.companies.duplicates", kind="query", role=Role.VIEWER, summary="Find duplicate companies")
async def find_companies(tx: Tx, actor: Actor, input: Likely) -> list[CompanyPair]:
    """Pairs of companies that may be one, the likeliest first, among the newest 20,000. Raises NotFound, Invalid."""
    only = await _asked(tx, input, COMPANY)
    rows = await tx.fetch(
        f"""SELECT * FROM companies c WHERE c.org_id = $1 AND c.merged_into_id IS NULL AND c.deleted_at IS NULL
             ORDER BY c.created_at DESC, c.id DESC LIMIT {MOST}""",
        tx.org_id,
    )  # fmt: skip
    likely = _pairs([companies.from_row(row) for row in rows], _company_blocks, _same_company, only, input)
    return [CompanyPair(first=a, second=b, likeness=likeness, why=why) for a, b, likeness, why in likely]


async def _asked(tx: Tx, input: Likely, sort: records.Sort) -> UUID | None:
    if not 50 <= input.least <= 100 or not 1 <= input.limit <= 500:
        raise Invalid("“least” is from 50 to 100, “limit” from 1 to 500.", field="least")
    return (await records.find(tx, sort, input.of))["id"] if input.of is not None else None


def stem(name: str | None) -> str:
    """A company's name without what says its form: "The Acme Group, Inc." → "acme"."""
    words = re.findall(r"[^\W_]+", fold(name or ""))
    return " ".join([word for word in words if word not in _LEGAL] or words)


def domain(website: str | None) -> str | None:
    """The host of a website without "www.": "https://www.acme.example/de" → "acme.example"."""
    host = re.sub(r"^[a-z][a-z0-9+.-]*://", "", (website or "").strip().lower())
    return re.split(r"[/:?#]", host)[0].removeprefix("www.") or None


def _pairs(
    all: Iterable[Any], blocks: Any, same: Any, only: UUID | None, input: Likely
) -> list[tuple[Any, Any, int, list[str]]]:
    """The likely pairs, each once: only records that share a block are compared."""
    by_block: dict[str, list[Any]] = {}
    for record in all:
        for block in blocks(record):
            by_block.setdefault(block, []).append(record)
    found: dict[tuple[UUID, UUID], tuple[Any, Any, int, list[str]]] = {}
    for block in by_block.values():
        for one, other in _neighbours(block):
            if only is not None and only not in (one.id, other.id):
                continue
            first, second = sorted((one, other), key=lambda record: (record.created_at, record.id))
            if (first.id, second.id) not in found:
                likeness, why = same(first, second)
                if likeness >= input.least:
                    found[first.id, second.id] = (first, second, likeness, why)
    likeliest = sorted(found.values(), key=lambda pair: (-pair[2], pair[0].name, pair[0].id, pair[1].id))
    return likeliest[: input.limit]


def _neighbours(block: list[Any]) -> Iterator[tuple[Any, Any]]:
    if len(block) <= _WINDOW:
        yield from combinations(block, 2)
        return
    ordered = sorted(block, key=lambda record: fold(record.name))
    for place, one in enumerate(ordered):
        for other in ordered[place + 1 : place + 1 + _WINDOW]:
            yield one, other


def _contact_blocks(contact: Contact) -> Iterator[str]:
    if contact.email:
        yield f"email {_LOOSE.email_key(contact.email)}"
    if contact.phone:
        yield f"phone {contact.phone}"
    words = stem(contact.company_name).split()
    if words:
        yield f"company {words[0]}"
    yield f"name {' '.join(sorted(fold(contact.name).split()))}"


def _same_person(a: Contact, b: Contact) -> tuple[int, list[str]]:
    if a.email and b.email and _LOOSE.email_key(a.email) == _LOOSE.email_key(b.email):
        return 100, ["the same e-mail"]
    names = fuzz.token_sort_ratio(fold(a.name), fold(b.name))
    why = ["the same name"] if names == 100 else [f"names {round(names)} % alike"]
    if a.phone and a.phone == b.phone:
        return round(50 + names / 2), ["the same phone", *why]
    if a.company_id and a.company_id == b.company_id:
        return round(names), ["the same company", *why]
    if a.company_name and b.company_name:
        company = fuzz.token_sort_ratio(stem(a.company_name), stem(b.company_name))
        return round(min(names, company)), [f"companies {round(company)} % alike", *why]
    return round(names * 0.8), why  # a name alone is no proof


def _company_blocks(company: Company) -> Iterator[str]:
    if host := domain(company.website):
        yield f"website {host}"
    for word in stem(company.name).split()[:2]:
        yield f"name {word[:4]}"


def _same_company(a: Company, b: Company) -> tuple[int, list[str]]:
    names = fuzz.token_sort_ratio(stem(a.name), stem(b.name))
    why = ["the same name"] if names == 100 else [f"names {round(names)} % alike"]
    if domain(a.website) and domain(a.website) == domain(b.website):
        return round(50 + names / 2), ["the same website", *why]
    return round(names), why
