"""Citus: each organization's rows on one shard. Without the extension there is nothing to do."""

import asyncpg

FIRST = "organizations"
# Tables with an organization, whoever is referred to first; the directory, cursors and the job queue stay on the coordinator.
_TABLES = r"""
    WITH RECURSIVE tenant AS (
        SELECT c.oid, c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id'
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname NOT LIKE 'directory\_%'),
    placed AS (
        SELECT oid, relname, 0 AS place FROM tenant
        UNION
        SELECT t.oid, t.relname, p.place + 1
          FROM placed p
          JOIN pg_constraint k ON k.confrelid = p.oid AND k.contype = 'f' AND k.conrelid <> p.oid
          JOIN tenant t ON t.oid = k.conrelid)
    SELECT relname FROM placed GROUP BY relname ORDER BY max(place), relname <> 'organizations', relname"""


async def prepare(owner: asyncpg.Connection) -> None:
    """Let SET LOCAL reach the shards: row-level security asks there for the organization."""
    if await _citus(owner):
        await owner.execute("""
            do $$ begin
              execute format('alter database %I set citus.propagate_set_commands = ''local''', current_database());
            end $$
        """)


async def tables(owner: asyncpg.Connection) -> list[str]:
    """The tables that are distributed by org_id, each behind those that it refers to."""
    return [row["relname"] for row in await owner.fetch(_TABLES)]


async def distribute(owner: asyncpg.Connection) -> list[str]:
    """Distribute the tables that are not distributed yet, all beside `organizations`: an organization's rows stay together.

    Answers which. A second run changes nothing.
    """
    if not await _citus(owner):
        return []
    rows = await owner.fetch("SELECT logicalrelid::regclass::text AS name FROM pg_dist_partition")
    known = {row["name"] for row in rows}
    made = [name for name in await tables(owner) if name not in known]
    for name in made:
        beside = "none" if name == FIRST else FIRST
        await owner.execute(
            "SELECT create_distributed_table($1::text::regclass, 'org_id', colocate_with => $2)", name, beside
        )
    return made


async def _citus(owner: asyncpg.Connection) -> bool:
    return bool(await owner.fetchval("SELECT exists (SELECT FROM pg_extension WHERE extname = 'citus')"))
