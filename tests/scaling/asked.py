"""What is asked of the database, and what an answer costs it in pages of its tables and indexes."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg.pool
import msgspec
import pytest

from baton.kernel.db import Database

_READS = ("SELECT", "WITH", "(SELECT")


@dataclass
class Asked:
    """The statements that any connection of this process was given, beside BEGIN, COMMIT and the session's settings."""

    statements: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    def take(self) -> list[tuple[str, tuple[Any, ...]]]:
        """What was asked since this was called last."""
        found, self.statements = self.statements, []
        return found

    def listen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Hear every statement of pooled connections from now on."""
        proxy: Any = asyncpg.pool.PoolConnectionProxy
        for name in ("fetch", "fetchrow", "fetchval", "execute"):
            real = getattr(proxy, name)

            async def heard(conn: Any, sql: str, *args: Any, real: Any = real, **options: Any) -> Any:
                if not sql.startswith(("BEGIN", "COMMIT", "ROLLBACK", "SET ")):
                    self.statements.append((sql, args))
                return await real(conn, sql, *args, **options)

            monkeypatch.setattr(proxy, name, heard)


async def pages_read(db: Database, org_id: UUID, sql: str, args: tuple[Any, ...]) -> int:
    """How many pages of 8 kB the application's role touches to answer a read; none for what is no read."""
    if not sql.lstrip().startswith(_READS):
        return 0
    async with db.transaction(org_id, read_only=True) as conn:
        told = await conn.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json) {sql}", *args)
    plan = (msgspec.json.decode(told) if isinstance(told, str) else told)[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
