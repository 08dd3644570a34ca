"""Connections to PostgreSQL as the product wants them: no reset on release, statements prepared unless a pooler forbids it."""

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import msgspec

STATEMENTS = 1000
"""So many prepared statements a connection keeps."""


class Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg carries no types
    """A connection that sends no reset on release: SET LOCAL ends with its transaction, nothing else is set."""

    def get_reset_query(self) -> str:
        return ""


def encode_json(value: Any) -> str:
    """JSON as the driver sends it."""
    return msgspec.json.encode(value).decode()


async def with_json(connection: asyncpg.Connection) -> None:
    """Let jsonb be Python values."""
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=encode_json, decoder=msgspec.json.decode)


async def pool(
    dsn: str,
    size: int,
    *,
    least: int = 1,
    init: Callable[[asyncpg.Connection], Awaitable[None]] | None = None,
    prepared: bool = True,
    connect_seconds: float = 60,
) -> asyncpg.Pool:
    """A pool of `least` to `size` connections, each begun by `init`.

    Where statements are not `prepared` for good, each is sent with its arguments: a pooler may lend every transaction another server.
    """
    return await asyncpg.create_pool(
        dsn,
        min_size=least,
        max_size=size,
        connection_class=Connection,
        init=init,
        statement_cache_size=STATEMENTS if prepared else 0,
        max_inactive_connection_lifetime=0,
        timeout=connect_seconds,
        server_settings={"application_name": "baton"},
    )
