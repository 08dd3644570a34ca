"""What `baton migrate` distributes where Citus is, and in which order; without it nothing happens."""

import asyncpg

from baton.kernel import distribute
from baton.kernel.embedded import EmbeddedPostgres
from baton.kernel.settings import Settings
from tests.scaling.test_sql_rules import TENANT


async def test_every_tenant_table_behind_those_it_refers_to(settings: Settings, server: EmbeddedPostgres) -> None:
    """The catalogue and the migrations tell the same tables; what is referred to comes first, or Citus refuses the key."""
    owner = await asyncpg.connect(server.dsn())
    found = await distribute.tables(owner)
    assert found[0] == "organizations"
    assert set(found) == TENANT
    keys = await owner.fetch(
        """SELECT conrelid::regclass::text AS of, confrelid::regclass::text AS to FROM pg_constraint
            WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND conrelid <> confrelid"""
    )
    places = {name: place for place, name in enumerate(found)}
    assert [dict(row) for row in keys if row["of"] in places and places[row["of"]] <= places[row["to"]]] == []
    await owner.close()


async def test_without_citus_nothing_is_distributed(settings: Settings, server: EmbeddedPostgres) -> None:
    """One PostgreSQL stays as it is."""
    owner = await asyncpg.connect(server.dsn())
    assert await distribute.distribute(owner) == []
    await owner.close()
