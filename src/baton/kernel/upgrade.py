"""Running the migrations that are missing, with Alembic, in one transaction."""

from pathlib import Path

import asyncpg
from alembic import command, op
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from baton.kernel.revisions import folder as migrations


def run_sql(name: str) -> None:
    """Run a file of `migrations/sql` inside the migration's transaction. For use in `migrations/versions`."""
    sql = (migrations() / "sql" / name).read_text(encoding="utf-8")
    connection = op.get_bind().connection
    # The driver's own protocol takes many statements at once; SQLAlchemy's prepares one at a time.
    connection.dbapi_connection.run_async(lambda driver: driver.execute(sql))  # type: ignore[union-attr]


def scripts(folder: Path) -> tuple[Config, ScriptDirectory]:
    """Alembic's settings and its view of a folder of migrations."""
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config, ScriptDirectory.from_config(config)


async def upgrade(dsn: str, folder: Path, session: str) -> None:
    """Run what is missing; `session` is set on the connection first."""
    config, _ = scripts(folder)

    async def connect() -> asyncpg.Connection:
        connection = await asyncpg.connect(dsn, timeout=30)
        await connection.execute(session)
        return connection

    def run(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(run)
