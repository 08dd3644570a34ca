"""A large data set is used where it is: what runs before wrote into it is taken out of it again, so that each run measures the same."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from bench import rows
from bench.server import Place

_MADE = ("leads", "contacts", "companies")
_TABLES = """SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
              WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.column_name = 'lead_id' ORDER BY 1"""


async def take_back(place: Place) -> int:
    """Remove the leads, people and companies that are newer than the data set, with all that is about them. Answers how many leads.

    Leads of the data set stay where runs moved them, with that history; the counters are counted anew, and tables vacuumed.
    """
    root = await asyncpg.connect(place.root(), timeout=60, command_timeout=3600)
    try:
        newest = max(each.base + each.leads * each.step for each in place.data.organizations) / 1000
        built = datetime.fromtimestamp(newest, UTC) + timedelta(days=1)
        if not await root.fetchval("SELECT exists (SELECT FROM leads WHERE created_at > $1)", built):
            return 0
        async with root.transaction():
            gone: int = await _remove(root, built)
        tables = sorted({*_MADE, *(row["table_name"] for row in await root.fetch(_TABLES))})
        await root.execute(f"VACUUM (ANALYZE) {', '.join(tables)}")
        return gone
    finally:
        await root.close()


async def _remove(root: Any, built: datetime) -> int:
    await root.execute("SET LOCAL session_replication_role = replica; SET LOCAL work_mem = '256MB'")
    await root.execute("CREATE TEMP TABLE gone (org_id uuid, id uuid, PRIMARY KEY (org_id, id)) ON COMMIT DROP")
    for table in _MADE:
        await root.execute(f"INSERT INTO gone SELECT org_id, id FROM {table} WHERE created_at > $1", built)
    leads: int = await root.fetchval("SELECT count(*) FROM leads WHERE created_at > $1", built)
    await root.execute("ANALYZE gone")
    for row in await root.fetch(_TABLES):
        await root.execute(
            f"DELETE FROM {row['table_name']} t USING gone g WHERE t.org_id = g.org_id AND t.lead_id = g.id"
        )
    await root.execute("DELETE FROM activities t USING gone g WHERE t.org_id = g.org_id AND t.subject_id = g.id")
    for table in _MADE:
        await root.execute(f"DELETE FROM {table} t USING gone g WHERE t.org_id = g.org_id AND t.id = g.id")
    await root.execute("DELETE FROM stage_deltas")
    await root.execute("DELETE FROM stage_totals")
    await root.execute(rows.TOTALS)
    return leads
