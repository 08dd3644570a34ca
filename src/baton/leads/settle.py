"""Folding an organization's counts, in a transaction of its own. Spec A2."""

from uuid import UUID

from baton.kernel.db import Database, Tx
from baton.kernel.values import utc_now
from baton.leads import totals


async def settle_organization(db: Database, org_id: UUID) -> int:
    """Fold what writers appended; answers how many deltas were folded. It changes no count, only where it is kept."""
    async with db.transaction(org_id) as conn:
        return await totals.settle(Tx(conn, org_id, utc_now(), "totals.settle"))
