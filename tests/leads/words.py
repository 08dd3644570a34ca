"""The words of leads, which are kept beside them."""

from typing import Any
from uuid import UUID

from baton.kernel.db import Database

WRITE = """INSERT INTO lead_words SELECT w.* FROM leads l CROSS JOIN LATERAL words_of(l) w WHERE l.org_id = $1 AND l.deleted_at IS NULL
               ON CONFLICT DO NOTHING"""
"""Those of leads that a test wrote into the table itself."""


async def unlike(db: Database, org_id: UUID) -> list[Any]:
    """The ids of an organization's leads whose words are not what their facts say; those of deleted leads that have any."""
    async with db.transaction(org_id, read_only=True) as conn:
        rows = await conn.fetch(
            """SELECT coalesce(f.lead_id, k.lead_id) AS id
                 FROM (SELECT w.* FROM leads l CROSS JOIN LATERAL words_of(l) w WHERE l.org_id = $1 AND l.deleted_at IS NULL) f
                 FULL JOIN (SELECT * FROM lead_words WHERE org_id = $1) k ON k.lead_id = f.lead_id
                WHERE (f.names, f.others, f.phone) IS DISTINCT FROM (k.names, k.others, k.phone)""",
            org_id,
        )
    return [row["id"] for row in rows]
