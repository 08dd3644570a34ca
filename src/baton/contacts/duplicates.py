"""Finding records that may be one person or one company: by e-mail, phone, name and company; likeness by rapidfuzz."""

import asyncio
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from baton.contacts import company as companies
from baton.contacts import records
from baton.contacts.company import Company
from baton.contacts.contact import JOINED, SELECTED, Contact
from baton.contacts.likeness import likely_companies, likely_people
from baton.contacts.records import COMPANY, CONTACT
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, Output, operation
from baton.kernel.values import Ref

MOST = 20_000


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
    people = [Contact(**dict(row)) for row in rows]
    likely = await asyncio.to_thread(likely_people, people, only, input.least, input.limit)
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
    firms = [companies.from_row(row) for row in rows]
    likely = await asyncio.to_thread(likely_companies, firms, only, input.least, input.limit)
    return [CompanyPair(first=a, second=b, likeness=likeness, why=why) for a, b, likeness, why in likely]


async def _asked(tx: Tx, input: Likely, sort: records.Sort) -> UUID | None:
    if not 50 <= input.least <= 100 or not 1 <= input.limit <= 500:
        raise Invalid("“least” is from 50 to 100, “limit” from 1 to 500.", field="least")
    return (await records.find(tx, sort, input.of))["id"] if input.of is not None else None
