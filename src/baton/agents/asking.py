"""Which leads of a pipeline wait for a person, and who asks: what a board shows on their cards. Spec A6, A11."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.operation import Input, Output, operation
from baton.kernel.values import Ref
from baton.pipelines import pipeline as pipelines

MOST = 1_000


class ListAsking(Input, kw_only=True):
    """The pipeline to ask about, and which of its leads where not all are meant (at most 1,000)."""

    pipeline_id: Ref
    lead_ids: Annotated[list[UUID], Meta(max_length=MOST)] | None = None


class Asking(Output, kw_only=True):
    """A lead that waits, which agent asks, and for what: the one that has waited longest."""

    lead_id: UUID
    approval_id: UUID
    agent_name: str
    summary: str


@operation("crm.approvals.asking", kind="query", role=Role.VIEWER, summary="See which leads wait for approval")
async def asking(tx: Tx, actor: Actor, input: ListAsking) -> list[Asking]:
    """The leads of a pipeline that an agent's act waits for, each once, at most 1,000. Raises NotFound."""
    found = await pipelines.get(tx, input.pipeline_id)
    rows = await tx.fetch(
        """SELECT DISTINCT ON (a.lead_id) a.lead_id, a.id AS approval_id, m.name AS agent_name, a.summary
             FROM approvals a JOIN leads l ON l.org_id = a.org_id AND l.id = a.lead_id
             JOIN members m ON m.org_id = a.org_id AND m.id = a.agent_id
            WHERE a.org_id = $1 AND a.status = 'waiting' AND a.expires_at > $2 AND l.pipeline_id = $3
              AND ($5::uuid[] IS NULL OR a.lead_id = ANY ($5))
            ORDER BY a.lead_id, a.created_at, a.id LIMIT $4""",
        tx.org_id, tx.now, found.id, MOST, input.lead_ids,
    )  # fmt: skip
    return [Asking(**dict(row)) for row in rows]
