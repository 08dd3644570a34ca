"""Rows a second of an import and of an export, beside their limits in the same run: `python -m bench.files [rows]`.

The limit of an export is COPY of the table as it is; that of an import is the bare INSERT … SELECT of the very rows that it
wrote (leads, their activities and their scores) into the same tables, with their indexes.
"""

import asyncio
import io
import shutil
import sys
import tempfile
import time
from pathlib import Path

import asyncpg
import uvloop
from tests.team import make_team

from baton.exports.stream import stream
from baton.imports.load import load
from baton.kernel import settings as configuration
from baton.kernel.actor import Actor
from baton.kernel.db import Database
from baton.kernel.embedded import EmbeddedPostgres
from baton.kernel.installation import installation
from baton.kernel.migrate import migrate
from baton.kernel.operation import perform

HEADERS = "First Name,Last Name,Email,Phone,Company,Job Title,Website,City,Lead Source,Status,Amount,Employees,Tags,Favourite colour"
TITLES, SOURCES, STATUSES = (
    ("CTO", "Sales Manager", "Engineer"),
    ("Web", "Referral", "Event"),
    ("New", "Contacted", "Qualified"),
)
_NEW = {"id": "m.new", "lead_id": "m.new", "subject_id": "m.new"}
_NONE = ("external_id", "contact_id", "company_id", "converted_from_id", "converted_to_id")


def write(path: Path, rows: int) -> None:
    """A file of leads, five thousand companies at most."""
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADERS + "\n")
        for n in range(rows):
            firm, third = n % 5_000, n % 3
            file.write(
                f"Ana{n},Silva{n % 977},ana{n}@acme{firm}.example,+351 21 {n:07d},Acme {firm},{TITLES[third]},"
                f'https://acme{firm}.example,Lisbon,{SOURCES[third]},{STATUSES[third]},"{n % 9_000 + 1}.50",{n % 900},hot; t{n % 20},blue\n'
            )


async def bare(owner: asyncpg.Connection) -> float:
    """Seconds of writing the same rows again by INSERT … SELECT, in one transaction."""
    await owner.execute("CREATE TEMP TABLE made AS SELECT id AS old, uuidv7() AS new FROM leads")
    began = time.perf_counter()
    async with owner.transaction():
        for table, join in (("leads", "t.id"), ("activities", "t.lead_id"), ("lead_scores", "t.lead_id")):
            found = await owner.fetch(
                """SELECT attname FROM pg_attribute
                    WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum""",
                table,
            )
            names = [row["attname"] for row in found]
            own = _NEW if table == "leads" else _NEW | {"id": "uuidv7()"}
            values = ("NULL" if name in _NONE else own.get(name, f"t.{name}") for name in names)
            await owner.execute(
                f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)} FROM {table} t JOIN made m ON m.old = {join}"
            )
    return time.perf_counter() - began


async def export(db: Database, actor: Actor, format: str) -> float:
    """Seconds of an export."""
    began = time.perf_counter()
    begun = await perform(db, actor, "crm.exports.leads", {"format": format})
    async for _ in stream(db, actor, begun):
        pass
    return time.perf_counter() - began


async def measure(server: EmbeddedPostgres, rows: int) -> None:
    """Import, export and their limits, told in rows a second and as ratios."""
    settings = configuration.load(data=server.folder, environ={}).with_database(server.dsn())
    await migrate(server.dsn(), settings)
    assert settings.app_dsn
    assert settings.relay_dsn
    db = Database(settings.app_dsn, settings.relay_dsn, installation=installation(settings))
    await db.open()
    team = await make_team(db, "Bench")
    write(server.folder / "leads.csv", rows)
    began = time.perf_counter()
    report = await load(db, team.ana, server.folder / "leads.csv")
    imported = time.perf_counter() - began
    owner = await asyncpg.connect(server.dsn())
    await owner.execute("VACUUM ANALYZE")
    for _ in range(3):
        began = time.perf_counter()
        await owner.copy_from_query("SELECT * FROM leads", output=io.BytesIO(), format="csv")
        copy = time.perf_counter() - began
        for format in ("csv", "jsonl"):
            took = await export(db, team.ana, format)
            print(
                f"export {format:5} {rows / took:>9,.0f} rows/s   COPY TO {rows / copy:>9,.0f}   ratio {copy / took:.2f}"
            )
    limit = await bare(owner)
    done = report.created / imported
    print(f"import       {done:>9,.0f} rows/s   INSERT  {rows / limit:>9,.0f}   ratio {limit / imported:.2f}")
    await owner.close()
    await db.close()


def main() -> None:
    """Measure on an embedded server of its own, which is removed afterwards."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    folder = Path(tempfile.mkdtemp(prefix="baton-bench-"))
    folder.chmod(0o711)
    try:
        with EmbeddedPostgres(folder) as server, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(measure(server, rows))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
