"""Whose turn it is: what waits is taken a bounded number per organization, so that nobody's crowd keeps another's one thing waiting."""

from typing import Any
from uuid import UUID

from baton.kernel.db import Database

MOST = 1_000


async def fair(db: Database, waiting: str, *args: Any, per_organization: int) -> list[tuple[UUID, UUID]]:
    """Of the rows (org_id, id, next_at) that the SQL `waiting` finds, those of each organization that wait longest, across all
    organizations whoever waits longest first; at most 1,000. Answers (organization, id)."""
    rows = await db.relay.fetch(
        f"""SELECT org_id, id FROM (
             SELECT org_id, id, next_at, row_number() OVER (PARTITION BY org_id ORDER BY next_at) AS place FROM ({waiting}) w) p
            WHERE place <= ${len(args) + 1} ORDER BY next_at LIMIT {MOST}""",
        *args, per_organization,
    )  # fmt: skip
    return [(row["org_id"], row["id"]) for row in rows]
