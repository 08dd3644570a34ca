"""What of a lead is searched: a row beside it, so that nothing else that changes of a lead touches the index of words. Spec A10."""

from collections.abc import Iterable
from uuid import UUID

from baton.kernel.db import Tx

SEARCHED = frozenset({"name", "companyName", "email", "firstName", "lastName", "phone", "deletedAt"})
"""The facts of a lead, by their names in JSON, that its words follow from."""


async def keep(tx: Tx, ids: Iterable[UUID]) -> None:
    """Write the words of leads that are new, or whose words are others now."""
    await tx.execute(
        """INSERT INTO lead_words (org_id, lead_id, names, others, phone)
           SELECT w.* FROM leads l CROSS JOIN LATERAL words_of(l) w WHERE l.org_id = $1 AND l.id = ANY ($2) AND l.deleted_at IS NULL
               ON CONFLICT (org_id, lead_id) DO UPDATE SET names = excluded.names, others = excluded.others, phone = excluded.phone""",
        tx.org_id, list(ids),
    )  # fmt: skip


async def forget(tx: Tx, lead_id: UUID) -> None:
    """Take the words of a lead away: a deleted one is not found."""
    await tx.execute("DELETE FROM lead_words WHERE org_id = $1 AND lead_id = $2", tx.org_id, lead_id)
