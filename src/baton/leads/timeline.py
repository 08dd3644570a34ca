"""A lead's timeline, and the lead as it stood at any past moment. Spec A8, A9."""

from baton.activities import timeline as log
from baton.activities.activity import Activity
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx, by_ref
from baton.kernel.errors import Invalid, NotFound
from baton.kernel.operation import Input, operation
from baton.kernel.page import Page
from baton.kernel.shapes import Cursor, Kind, Moment, PageNumber, PageSize
from baton.kernel.values import Ref
from baton.leads.lead import Lead, get, replayed


class ReadTimeline(Input, kw_only=True):
    """A lead and a page of its activities, newest first; one kind of them, if named."""

    lead_id: Ref
    kind: Kind | None = None
    limit: PageSize = 50
    cursor: Cursor | None = None
    page: PageNumber | None = None


class ReadAsOf(Input, kw_only=True):
    """A lead and the moment at which to see it."""

    lead_id: Ref
    at: Moment


@operation("crm.leads.timeline", kind="query", role=Role.VIEWER, summary="Read a lead's timeline")
async def timeline(tx: Tx, actor: Actor, input: ReadTimeline) -> Page[Activity]:
    """What happened to a lead, and who did it; with what it was converted from or to. Raises NotFound, Invalid. Spec A9, C3."""
    lead = await get(tx, input.lead_id)
    linked = [id for id in (lead.id, lead.converted_from_id, lead.converted_to_id) if id]
    return await log.page(
        tx, limit=input.limit, after=input.cursor, lead_ids=linked, kind=input.kind, number=input.page
    )


@operation("crm.leads.asOf", kind="query", role=Role.VIEWER, summary="Read a lead as of a past moment")
async def as_of(tx: Tx, actor: Actor, input: ReadAsOf) -> Lead:
    """The lead as it stood at a moment, from the log alone. Raises NotFound where it did not exist then."""
    if input.at.tzinfo is None:
        raise Invalid("“at” needs its time zone.", field="at")
    where, value = by_ref(input.lead_id)
    id = await tx.fetchval(f"SELECT id FROM leads WHERE org_id = $1 AND {where}", tx.org_id, value)
    if id is None:
        raise NotFound("There is no such lead in your organization.")
    rows = await tx.fetch(
        """SELECT changes, lead_version, occurred_at FROM activities
            WHERE org_id = $1 AND lead_id = $2 AND occurred_at <= $3 ORDER BY lead_version NULLS FIRST, id""",
        tx.org_id, id, input.at,
    )  # fmt: skip
    return replayed(
        [row["changes"] for row in rows],
        version=max((row["lead_version"] or 0 for row in rows), default=0),
        last_activity_at=max((row["occurred_at"] for row in rows), default=input.at),
    )
