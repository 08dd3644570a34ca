"""What happened to a contact or a company: its own changes, merges, and the timelines of its leads. Spec A7, A9."""

from baton.activities import timeline as log
from baton.activities.activity import Activity
from baton.contacts import records
from baton.contacts.records import COMPANY, CONTACT, Sort
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.operation import Input, operation
from baton.kernel.page import Page
from baton.kernel.shapes import Cursor, PageSize
from baton.kernel.values import Ref

LEADS = 200


class ContactTimeline(Input, kw_only=True):
    """A contact and a page of 1–200 activities, newest first."""

    contact_id: Ref
    limit: PageSize = 50
    cursor: Cursor | None = None


class CompanyTimeline(Input, kw_only=True):
    """A company and a page of 1–200 activities, newest first."""

    company_id: Ref
    limit: PageSize = 50
    cursor: Cursor | None = None


@operation("crm.contacts.timeline", kind="query", role=Role.VIEWER, summary="Read a contact's timeline")
async def of_contact(tx: Tx, actor: Actor, input: ContactTimeline) -> Page[Activity]:
    """What happened to a contact, to those merged into it, and to its newest 200 leads. Raises NotFound, Invalid."""
    return await _timeline(tx, CONTACT, input.contact_id, input.limit, input.cursor)


@operation("crm.companies.timeline", kind="query", role=Role.VIEWER, summary="Read a company's timeline")
async def of_company(tx: Tx, actor: Actor, input: CompanyTimeline) -> Page[Activity]:
    """What happened to a company, to those merged into it, and to its newest 200 leads. Raises NotFound, Invalid."""
    return await _timeline(tx, COMPANY, input.company_id, input.limit, input.cursor)


async def _timeline(tx: Tx, sort: Sort, ref: Ref, limit: int, cursor: str | None) -> Page[Activity]:
    record = await records.find(tx, sort, ref)
    merged = await tx.fetch(
        f"SELECT id FROM {sort.table} WHERE org_id = $1 AND merged_into_id = $2", tx.org_id, record["id"]
    )
    leads = await tx.fetch(
        f"""SELECT id FROM leads WHERE org_id = $1 AND {sort.reference} = $2 AND deleted_at IS NULL
             ORDER BY created_at DESC LIMIT {LEADS}""",
        tx.org_id, record["id"],
    )  # fmt: skip
    ids = [record["id"], *(row["id"] for row in merged)]
    return await log.page(
        tx, limit=limit, after=cursor, lead_ids=[row["id"] for row in leads], subjects=(sort.noun, ids)
    )
