"""One search over leads, contacts and companies: beginnings of words, without accents, a wrong letter forgiven. Spec A10."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, Output, operation
from baton.leads.matching import searched

MOST = 50
_LOOKED_AT = 300


class Search(Input, kw_only=True):
    """Words, each the beginning of one; or a phone number, with or without its country. `limit` hits (1–50) of each kind."""

    query: Annotated[str, Meta(min_length=2, max_length=200)]
    limit: Annotated[int, Meta(ge=1, le=50)] = 10


class Hit(Output, kw_only=True):
    """A record that was found: its name, and what tells it from others (company, e-mail or place)."""

    kind: Literal["lead", "contact", "company"]
    id: UUID
    name: str
    detail: str | None


class Found(Output, kw_only=True):
    """What was found of each kind, the latest first. Of three hundred finds and more, the latest among three hundred; where fifty
    have the words as they are written, whole, words that only begin so are not looked for.
    """

    leads: list[Hit]
    contacts: list[Hit]
    companies: list[Hit]


_HITS = {
    "lead": "SELECT 'lead' AS kind, l.id, l.name, coalesce(l.company_name, l.email) AS detail FROM leads l"
    f" WHERE l.org_id = $1 AND l.deleted_at IS NULL AND l.id IN ({searched('leads', '$2, $3')}) ORDER BY l.last_activity_at DESC, l.id",
    "contact": "SELECT 'contact' AS kind, c.id, c.name, c.email AS detail FROM contacts c"
    f" WHERE c.org_id = $1 AND c.merged_into_id IS NULL AND c.deleted_at IS NULL AND c.id IN ({searched('contacts', '$2, $3')})"
    " ORDER BY c.created_at DESC, c.id",
    "company": "SELECT 'company' AS kind, o.id, o.name, coalesce(o.location, o.website) AS detail FROM companies o"
    f" WHERE o.org_id = $1 AND o.merged_into_id IS NULL AND o.deleted_at IS NULL AND o.id IN ({searched('companies', '$2, $3')})"
    " ORDER BY o.created_at DESC, o.id",
}


@operation("crm.search", kind="query", role=Role.VIEWER, summary="Search leads, contacts and companies")
async def search(tx: Tx, actor: Actor, input: Search) -> Found:
    """Leads (also by their notes), contacts and companies. Raises Invalid for less than two letters or an unknown limit.

    All words must be found. Where nothing is found as it was written, a word of four to twenty letters of a name or a
    company is also found with one letter wrong, missing, too many or swapped with the next.
    """
    if len(input.query.strip()) < 2 or len(input.query) > 200:
        raise Invalid("A search has 2 to 200 characters.", field="query")
    if not 1 <= input.limit <= MOST:
        raise Invalid(f"A search answers 1 to {MOST} of each kind.", field="limit")
    found = {}
    for kind, sql in _HITS.items():
        rows = await tx.fetch(f"{sql} LIMIT {input.limit}", tx.org_id, input.query, _LOOKED_AT)
        found[kind] = [Hit(**dict(row)) for row in rows]
    return Found(leads=found["lead"], contacts=found["contact"], companies=found["company"])
