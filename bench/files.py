"""Rows a second of an import, an export and a re-score, beside COPY and the bare statements that write the very same rows."""

import io
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from baton.exports.stream import stream
from baton.imports.load import load
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Database
from baton.kernel.perform import perform
from baton.leads.score_batch import refresh_organization
from bench.client import median
from bench.lines import Line, at_least, per_second
from bench.load import numbers
from bench.made import database
from bench.server import Place

HEADERS = "First Name,Last Name,Email,Phone,Company,Job Title,Website,City,Lead Source,Status,Amount,Employees,Tags"
TITLES, SOURCES, STATUSES = (
    ("CTO", "Sales Manager", "Engineer"),
    ("Web", "Referral", "Event"),
    ("New", "Contacted", "Qualified"),
)
IMPORTED = 200_000


def write(path: Path, rows: int) -> None:
    """A file of new leads, five thousand companies at most."""
    first = next(numbers)
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADERS + "\n")
        for n in range(rows):
            firm, third = n % 5_000, n % 3
            file.write(
                f"Ana{n},Silva{n % 977},ana{first + n}@acme{firm}.example,+351 21 {n:07d},Acme {firm},{TITLES[third]},"
                f'https://acme{firm}.example,Lisbon,{SOURCES[third]},{STATUSES[third]},"{n % 9_000 + 1}.50",{n % 900},hot; t{n % 20}\n'
            )


def _admin(place: Place) -> Actor:
    org = place.data.main
    return Actor(type="user", org_id=org.id, role=Role.ADMIN, name="Ana Duarte", id=org.ana, via="page")


async def export(place: Place) -> list[Line]:
    """All leads of the large organization to CSV, beside COPY of the same rows of the table as it is."""
    db, owner = database(place.settings), await asyncpg.connect(place.root())
    await db.open()
    ours, bare = [], []
    count = await owner.fetchval(
        "SELECT count(*) FROM leads WHERE org_id = $1 AND deleted_at IS NULL", place.data.main.id
    )
    for _ in range(place.rounds):
        began = time.perf_counter()
        sql = f"SELECT * FROM leads WHERE org_id = '{place.data.main.id}' AND deleted_at IS NULL"
        await owner.copy_from_query(sql, output=_Nowhere(), format="csv", timeout=3600)
        bare.append(count / (time.perf_counter() - began))
        began = time.perf_counter()
        begun = await perform(db, _admin(place), "crm.exports.leads", {"format": "csv"})
        async for _ in stream(db, _admin(place), begun):
            pass
        ours.append(count / (time.perf_counter() - began))
    await owner.close()
    await db.close()
    return [_line(f"export of {count:,} leads to CSV", "rows/s ÷ COPY TO", ours, bare, 0.4)]


class _Nowhere(io.RawIOBase):
    def write(self, part: Any) -> int:
        return len(part)


async def import_(place: Place) -> list[Line]:
    """200,000 rows in as many files as there are rounds: deduplicated, logged, scored; beside the bare INSERT … SELECT of what they wrote."""
    db, owner = database(place.settings), await asyncpg.connect(place.root())
    await db.open()
    each = max(2_000, min(IMPORTED, place.data.leads // 5) // place.rounds)
    ours, bare = [], []
    for _ in range(place.rounds):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "leads.csv"
            write(file, each)
            began = time.perf_counter()
            report = await load(db, _admin(place), file)
            ours.append(report.created / (time.perf_counter() - began))
        bare.append(report.created / await _bare(owner, place.data.main.id, report.operation_id))
    await owner.close()
    await db.close()
    return [_line(f"import of {each:,} rows", "rows/s ÷ INSERT … SELECT", ours, bare, 0.5)]


async def _bare(owner: asyncpg.Connection, org_id: UUID, operation_id: UUID | None) -> float:
    """Seconds of writing what an import wrote once more by INSERT … SELECT: the same rows of the same tables, keys filled; nothing stays."""
    await owner.execute("DROP TABLE IF EXISTS made")
    await owner.execute("CREATE TEMP TABLE made (old uuid PRIMARY KEY, new uuid)")
    await owner.execute(
        """INSERT INTO made SELECT subject_id, uuidv7() FROM activities
            WHERE org_id = $1 AND operation_id = $2 AND kind IN ('lead_imported', 'contact_created', 'company_created') ORDER BY subject_id""",
        org_id, operation_id,
    )  # fmt: skip
    await owner.execute("ANALYZE made")
    written = {
        "companies": "t.id",
        "contacts": "t.id",
        "leads": "t.id",
        "lead_words": "t.lead_id",
        "activities": "t.subject_id",
        "lead_scores": "t.lead_id",
    }
    statements = [await _again(owner, table, by) for table, by in written.items()]
    whole = owner.transaction()
    await whole.start()
    began = time.perf_counter()
    for statement in statements:
        await owner.execute(statement, org_id, timeout=3600)
    seconds = time.perf_counter() - began
    await whole.rollback()
    return seconds


async def _again(owner: asyncpg.Connection, table: str, by: str) -> str:
    """The statement that writes the rows of a table again which belong to a record of `made`, under its new id and a new unique key."""
    found = await owner.fetch(
        """SELECT attname FROM pg_attribute
            WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum""",
        table,
    )
    own = {"id": "m.new" if by == "t.id" else "uuidv7()", "subject_id": "m.new", "external_id": "t.external_id || '~'"}
    own |= {"email_norm": "t.email_norm || '~'"} if table == "contacts" else {"name_norm": "t.name_norm || '~'"}
    joined = []
    for name in ("lead_id", "contact_id", "company_id"):
        if any(row["attname"] == name for row in found):
            joined.append(f"LEFT JOIN made {name} ON {name}.old = t.{name}")
            own[name] = f"coalesce({name}.new, t.{name})"
    names = [row["attname"] for row in found]
    values = ", ".join(own.get(name, f"t.{name}") for name in names)
    return (
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM made m JOIN {table} t ON t.org_id = $1 AND m.old = {by} "
        + " ".join(joined)
    )


async def rescore(place: Place) -> list[Line]:
    """All open leads scored after one rule of a source changed; beside the bare UPDATE and the INSERT of the history that it wrote."""
    db, owner, org = database(place.settings), await asyncpg.connect(place.root()), place.data.main
    await db.open()
    ours, bare = [], []
    await refresh_organization(db, org.id)
    for _ in range(place.rounds):
        await _change_rule(db, place)
        began = time.perf_counter()
        done = await refresh_organization(db, org.id)
        ours.append(done.scored / (time.perf_counter() - began))
        bare.append(done.scored / await _bare_scores(owner, org.id, done.changed))
    await owner.close()
    await db.close()
    return [
        _line(
            f"re-score of {done.scored:,} open leads, {done.changed:,} changed",
            "leads/s ÷ UPDATE + INSERT",
            ours,
            bare,
            0.7,
        )
    ]


async def _change_rule(db: Database, place: Place) -> None:
    factors = await perform(db, _admin(place), "crm.scoring.rules", {})
    for factor in factors:
        for rule in factor.rules:
            if rule.name == "source partner":
                rule.points = 17 if rule.points == 18 else 18
    given = [
        {"key": f.key, "label": f.label, "maxPoints": f.max_points, "combine": f.combine, "weight": f.weight,
         "rules": [{"name": r.name, "condition": r.condition, "points": r.points, "enabled": r.enabled} for r in f.rules]}
        for f in factors
    ]  # fmt: skip
    await perform(db, _admin(place), "crm.scoring.setRules", {"factors": given})


async def _bare_scores(owner: asyncpg.Connection, org_id: UUID, changed: int) -> float:
    """Seconds of looking all open leads over, updating as many and writing as much history as the re-score did; nothing stays."""
    whole = owner.transaction()
    await whole.start()
    await owner.execute(
        """CREATE TEMP TABLE changed ON COMMIT DROP AS SELECT lead_id, score, band, reasons, number, operation_id, created_at FROM lead_scores
            WHERE org_id = $1 AND cause = 'batch' ORDER BY id DESC LIMIT $2""",
        org_id, changed,
    )  # fmt: skip
    began = time.perf_counter()
    await owner.execute(
        """UPDATE leads l SET score = (c.score + 1) % 100, version = l.version + 1 FROM changed c WHERE l.org_id = $1 AND l.id = c.lead_id""",
        org_id, timeout=3600,
    )  # fmt: skip
    await owner.execute(
        """INSERT INTO lead_scores (org_id, id, lead_id, number, score, band, reasons, cause, operation_id, created_at)
           SELECT $1, uuidv7(), lead_id, number + 1, score, band, reasons, 'batch', operation_id, created_at FROM changed""",
        org_id, timeout=3600,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    await whole.rollback()
    return seconds


def _line(path: str, figure: str, ours: list[float], bare: list[float], required: float) -> Line:
    rate, limit = median(ours), median(bare)
    return at_least(path, figure, rate / limit, required, ours=per_second(rate), limit=per_second(limit))
