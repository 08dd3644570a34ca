"""Which leads wait for a person, and who asks: what a board shows on their cards. Spec A6, A11."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.operation import Input, Output, operation


class ListAsking(Input, kw_only=True):
    """The leads to ask about, at most 2,000."""

    lead_ids: Annotated[list[UUID], Meta(max_length=2_000)]


class Asking(Output, kw_only=True):
    """A lead that waits, which agent asks, and for what: the one that has waited longest."""

    lead_id: UUID
    approval_id: UUID
    agent_name: str
    summary: str


@operation("crm.approvals.asking", kind="query", role=Role.VIEWER, summary="See which leads wait for approval")
async def asking(tx: Tx, actor: Actor, input: ListAsking) -> list[Asking]:
    """Of these leads those that an act waits for; other leads, and those of other organizations, are left out."""
    rows = await tx.fetch(
        """SELECT DISTINCT ON (a.lead_id) a.lead_id, a.id AS approval_id, m.name AS agent_name, a.summary
             FROM approvals a JOIN members m ON m.org_id = a.org_id AND m.id = a.agent_id
            WHERE a.org_id = $1 AND a.lead_id = ANY ($2) AND a.status = 'waiting' AND a.expires_at > $3
            ORDER BY a.lead_id, a.created_at, a.id""",
        tx.org_id, input.lead_ids, tx.now,
    )  # fmt: skip
    return [Asking(**dict(row)) for row in rows]
