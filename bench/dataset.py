"""The data set: a million leads in one organization and a tenth of it over nine others, built once and kept in a folder of its own."""

import asyncio
import contextlib
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import uvloop
from tests.team import Team, make_team

from baton.accounts.members import AddPerson
from baton.fields import lead as lead_fields
from baton.kernel import settings as configuration
from baton.kernel.data_dir import Lock
from baton.kernel.db import Database, Tx
from baton.kernel.embedded import EmbeddedPostgres
from baton.kernel.installation import installation
from baton.kernel.migrate import migrate
from baton.kernel.perform import perform
from baton.kernel.revisions import folder as migrations
from baton.kernel.settings import Settings
from baton.kernel.values import utc_now
from baton.scoring import rules
from baton.scoring import score as scoring
from baton.scoring.formula import formula
from bench import rows

GENERATOR = 1  # raise it when the rows that are made change
OTHERS = 9
DAYS = 730
LONG, CHANGED = 10_000, 1_000
SMALL = 200_000
_PEOPLE = ("Nora Quist", "Iker Sol", "Mei Tan", "Paul Adler", "Dana Reyes", "Tariq Aziz")
_LOADED = ("leads", "activities", "lead_scores", "contacts", "companies")
_FAST = ("fsync = off", "full_page_writes = off", "max_wal_size = '16GB'", "autovacuum = off")


class Organization(msgspec.Struct, kw_only=True):
    """An organization of the data set, and what a client needs: lead i has the id that `lead(i)` tells."""

    id: UUID
    k: int
    leads: int
    base: int
    step: int
    ana: UUID
    person: UUID
    api_key: str
    pipeline: UUID
    stages: list[UUID]
    owners: list[UUID]
    email: str

    def lead(self, i: int) -> UUID:
        """The id of lead i, from 1 on; the last two are the lead of 10,000 activities and that of 1,000 changes."""
        return UUID(f"{self.base + i * self.step:012x}7{self.k:03d}8000{i:012d}")

    @property
    def busy(self) -> UUID:
        """The lead of ten thousand activities."""
        return self.lead(self.leads // 2)

    @property
    def changed(self) -> UUID:
        """The lead of a thousand changes."""
        return self.lead(self.leads // 2 + 1)


class Dataset(msgspec.Struct, kw_only=True):
    """Where it is, how large it is, and its organizations, the largest first."""

    folder: str
    leads: int
    seconds: float
    organizations: list[Organization]

    @property
    def main(self) -> Organization:
        """The organization of a million leads."""
        return self.organizations[0]


def cache() -> Path:
    """`BATON_BENCH_DATA`, else the user's cache folder."""
    named = os.environ.get("BATON_BENCH_DATA")
    return Path(named or os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / ("" if named else "baton-bench")


def key() -> str:
    """What the data follows from: the migrations, and the version of this generator."""
    digest = hashlib.sha256(f"generator {GENERATOR}".encode())
    for file in sorted((migrations() / "sql").glob("*.sql")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


@contextlib.contextmanager
def dataset(leads: int, tell: Callable[[str], None]) -> Iterator[Dataset]:
    """The data set in a folder to use: a small one in a copy, which is removed afterwards, a large one where it is."""
    kept = cache() / f"{leads}-{key()}"
    if not (kept / "bench.json").exists():
        for other in cache().glob(f"{leads}-*"):
            if _unused(other):
                _remove(other)
        kept.parent.mkdir(parents=True, exist_ok=True)
        tell(f"Building {leads:,} + {leads // 10:,} leads in {kept} …")
        built = build(kept, leads)
        tell(f"Built in {built.seconds:.0f} s.")
    used = kept
    if leads <= SMALL:
        used = cache() / f"used-{os.getpid()}"
        subprocess.run(["cp", "-a", str(kept), str(used)], check=True)
        _own_cluster(kept, used)
    try:
        found = msgspec.json.decode((used / "bench.json").read_bytes(), type=Dataset)
        yield msgspec.structs.replace(found, folder=str(used))
    finally:
        if used != kept:
            _remove(used)


def _unused(folder: Path) -> bool:
    """Whether no process uses the database of a data set: another bench may run on one of older migrations."""
    users = Lock(folder / "postgres.users")
    try:
        return users.take()
    finally:
        users.release()


def _own_cluster(kept: Path, used: Path) -> None:
    """Where root's database lives elsewhere (`postgres.at`), the copy gets a cluster of its own too."""
    pointer = used / "postgres.at"
    if pointer.exists():
        theirs = Path(pointer.read_text().strip())
        ours = theirs.with_name(f"{used.name}-{os.getpid()}")
        subprocess.run(["cp", "-a", str(theirs), str(ours)], check=True)
        pointer.write_text(f"{ours}\n")


def _remove(folder: Path) -> None:
    pointer = folder / "postgres.at"
    if pointer.exists():
        shutil.rmtree(pointer.read_text().strip(), ignore_errors=True)
    shutil.rmtree(folder)


def build(folder: Path, leads: int) -> Dataset:
    """Make the data set; what is half built when this is interrupted is built anew the next time."""
    if folder.exists():
        _remove(folder)
    folder.mkdir(parents=True)
    folder.chmod(0o711)
    began = time.perf_counter()
    with EmbeddedPostgres(folder) as server, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        organizations = runner.run(_build(server, leads))
    made = Dataset(folder=str(folder), leads=leads, seconds=time.perf_counter() - began, organizations=organizations)
    (folder / "bench.json").write_bytes(msgspec.json.encode(made))
    return made


def settings_of(folder: Path, server: EmbeddedPostgres) -> Settings:
    """The settings of a data set's server."""
    return configuration.load(data=folder, environ={}).with_database(server.dsn())


def database(settings: Settings) -> Database:
    """The product's pools on it, not opened yet."""
    return Database(settings.app_dsn or "", settings.relay_dsn or "", installation=installation(settings))


async def _build(server: EmbeddedPostgres, leads: int) -> list[Organization]:
    settings = settings_of(server.folder, server)
    await migrate(server.dsn(), settings)
    db = database(settings)
    await db.open()
    root = await asyncpg.connect(server.dsn(user="postgres"))
    for setting in _FAST:
        await root.execute(f"ALTER SYSTEM SET {setting}")
    await root.execute("SELECT pg_reload_conf()")
    await root.execute(rows.SUPPORT)
    await root.set_type_codec("jsonb", schema="pg_catalog", encoder=_json, decoder=msgspec.json.decode)
    sizes = [leads, *[leads // 10 // OTHERS] * OTHERS]
    teams = [(await make_team(db, f"Bench{k}"), k, size) for k, size in enumerate(sizes)]
    made = [await _organization(db, root, team, k, size) for team, k, size in teams]
    await db.close()
    indexes = await _drop_indexes(root)
    for (team, _, _), organization in zip(teams, made, strict=True):
        await _fill(server, root, team, organization)
    await _both(server, [index["indexdef"] for index in indexes])
    await _special(root, made[0])
    await root.execute(rows.TOTALS)
    await root.execute("DROP SCHEMA bench CASCADE")
    await root.execute("VACUUM (ANALYZE)")
    await root.execute(
        """INSERT INTO log_cursors (name, cluster, txid, id)
           SELECT 'relay', system_identifier::text, pg_snapshot_xmin(pg_current_snapshot()), '00000000-0000-0000-0000-000000000000'
             FROM pg_control_system() ON CONFLICT (name) DO UPDATE SET txid = excluded.txid, id = excluded.id"""
    )
    await root.execute("ALTER SYSTEM RESET ALL")
    await root.execute("SELECT pg_reload_conf()")
    await root.execute("CHECKPOINT")
    await root.close()
    os.sync()  # what was written without fsync is on disk before the data set counts as built
    return made


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


async def _organization(db: Database, root: Any, team: Team, k: int, leads: int) -> Organization:
    """People, an API key, custom fields, one of them indexed, an exchange rate: by the product's own operations."""
    owners = [team.ana.id, team.ben.id, team.athena.id, team.marcus.id]
    for name in _PEOPLE:
        email = f"{name.split()[0].lower()}.{team.org_id.hex[-8:]}@bench.example"
        person = AddPerson(name=name, email=email, role=team.ben.role, password="a long enough password")
        owners.append((await perform(db, team.ana, "crm.members.addPerson", person)).id)
    seats = await team.do(team.ana, "crm.fields.create", label="Seats", type="integer", key="seats")
    await team.do(
        team.ana, "crm.fields.create", label="Region", type="select", key="region", options=["Americas", "APAC", "EMEA"]
    )
    indexing = await team.do(team.ana, "crm.fields.index", fieldId=str(seats.id))
    while indexing.next_cursor:
        indexing = await team.do(team.ana, "crm.fields.index", fieldId=str(seats.id), cursor=indexing.next_cursor)
    await team.do(team.ana, "crm.organization.setRates", rates={"EUR": 1.1})
    key = await team.do(team.ana, "crm.credentials.create", {"name": "Bench"})
    person_id = await root.fetchval(
        "SELECT person_id FROM members WHERE org_id = $1 AND id = $2", team.org_id, team.ana.id
    )
    stages = await root.fetch(
        """SELECT p.id AS pipeline, s.id FROM pipelines p JOIN stages s ON s.org_id = p.org_id AND s.pipeline_id = p.id
            WHERE p.org_id = $1 AND p.is_intake ORDER BY s.position""",
        team.org_id,
    )  # fmt: skip
    step = DAYS * 86_400_000 // leads
    base = int(utc_now().timestamp() * 1000) - (DAYS + 9) * 86_400_000
    return Organization(
        id=team.org_id, k=k, leads=leads, base=base, step=step, ana=team.ana.id or team.org_id, person=person_id, api_key=key.token,
        pipeline=stages[0]["pipeline"], stages=[row["id"] for row in stages], owners=[id for id in owners if id],
        email=team.emails["ana"],
    )  # fmt: skip


async def _fill(server: EmbeddedPostgres, root: Any, team: Team, org: Organization) -> None:
    members = await root.fetch(
        "SELECT id, name, kind FROM members WHERE org_id = $1 AND id = ANY ($2)", org.id, org.owners
    )
    pipes = await root.fetchval(
        """SELECT jsonb_agg(jsonb_build_object('id', id, 'first', stages -> 0 ->> 'id', 'stages', stages) ORDER BY position)
             FROM (SELECT p.id, p.position, jsonb_agg(jsonb_build_object('id', s.id, 'name', s.name, 'outcome', s.outcome, 'status', s.status)
                                                      ORDER BY s.position) AS stages
                     FROM pipelines p JOIN stages s ON s.org_id = p.org_id AND s.pipeline_id = p.id
                    WHERE p.org_id = $1 GROUP BY 1, 2 ORDER BY p.position LIMIT 2) p""",
        org.id,
    )  # fmt: skip
    owners = [[row[name] for row in members] for name in ("id", "name", "kind")]
    middle = org.leads // 2
    halves = [(1, middle), (middle + 1, org.leads)]
    await _both(
        server,
        [
            (rows.MADE, org.id, org.k, org.base, org.step, *half, max(org.leads // 20, 1), *owners, pipes)
            for half in halves
        ],
    )
    await root.execute("ANALYZE bench.made")
    await _score(root, org)
    types = await root.fetch(
        """SELECT attname FROM pg_attribute WHERE attrelid = 'leads'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"""
    )
    names = [row["attname"] for row in types]
    leads = rows.LEADS.format(
        columns=", ".join(names), selected=", ".join("s.score" if n == "score" else f"m.{n}" for n in names)
    )
    # The log's references hold by construction, and are counted when all is done: nothing is checked row by row meanwhile.
    work: list[Any] = [(rows.COMPANIES, org.id), (rows.CONTACTS, org.id)]
    work += [(leads, org.id, *half) for half in halves] + [(rows.HISTORY, org.id, *half) for half in halves]
    for number, sql in enumerate(rows.ACTIVITIES):
        more = {2: (team.athena.id,), 3: (team.ana.id,)}.get(number, ())
        work += [(sql, org.id, *half, *more) for half in halves]
    work.append((rows.COMPANY_ACTIVITIES, org.id))
    await _both(server, work)
    await root.execute("TRUNCATE bench.made, bench.scores, bench.reasons")


async def _score(root: Any, org: Organization) -> None:
    """Scores by the product's own formula, over the rows that are to become leads; the words by the product's own functions."""
    tx = Tx(root, org.id, utc_now(), "bench")
    factors, bands = await rules.read_all(tx)
    asked = formula(
        factors, await lead_fields.of(tx, *(r.condition for f in factors for r in f.rules)), now=tx.now, first=2
    )
    await root.execute(
        f"""INSERT INTO bench.scores SELECT $1, c.id, {asked.score}, {asked.reasons} FROM {asked.over("bench.made", "l.org_id = $1")}""",
        org.id, *asked.args,
    )  # fmt: skip
    await root.execute("ANALYZE bench.scores")
    told = []
    for row in await root.fetch("SELECT DISTINCT score, reasons FROM bench.scores"):
        reasons = msgspec.convert(row["reasons"], list[scoring.Reason])
        found = scoring.Score(lead_id=org.id, score=row["score"], band=bands.of(row["score"]), reasons=reasons)
        canonical = msgspec.json.encode(msgspec.to_builtins(reasons), order="sorted").decode()
        told.append((row["score"], row["reasons"], canonical, found.band, scoring.explained(found)))
    await root.executemany("INSERT INTO bench.reasons VALUES ($1, $2, $3, $4, $5)", told)
    await root.execute("ANALYZE bench.reasons")


async def _special(root: Any, org: Organization) -> None:
    """The lead of ten thousand activities, and that of a thousand changes."""
    await root.execute("SET session_replication_role = replica")
    await root.execute(rows.NOTES, org.id, org.busy, LONG - 4, org.ana)
    await root.execute(rows.CHANGES, org.id, org.changed, CHANGED - 4, org.ana)
    await root.execute(
        """UPDATE leads SET last_activity_at = last_activity_at + interval '1 minute' * $3::int, version = version + $4::int,
                  value_cents = CASE WHEN $4::int > 0 THEN 1000000 + 100 * $4::int ELSE value_cents END WHERE org_id = $1 AND id = $2""",
        org.id, org.busy, LONG - 4, 0,
    )  # fmt: skip
    await root.execute(
        """UPDATE leads SET last_activity_at = last_activity_at + interval '1 minute' * $3::int, version = version + $3::int,
                  value_cents = 1000000 + 100 * $3::int WHERE org_id = $1 AND id = $2""",
        org.id, org.changed, CHANGED - 4,
    )  # fmt: skip
    await root.execute("RESET session_replication_role")


async def _drop_indexes(root: Any) -> list[Any]:
    """Drop what is no constraint; answers how to make it again."""
    found: list[Any] = await root.fetch(
        """SELECT i.indexname, i.indexdef FROM pg_indexes i
            WHERE i.schemaname = 'public' AND i.tablename = ANY ($1)
              AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = format('public.%I', i.indexname)::regclass)""",
        list(_LOADED),
    )
    for row in found:
        await root.execute(f'DROP INDEX "{row["indexname"]}"')
    return sorted(found, key=lambda row: "gin" not in row["indexdef"])


async def _both(server: EmbeddedPostgres, work: list[Any]) -> None:
    """Do statements on two connections, each taking the next that is left."""
    left = list(reversed(work))

    async def one() -> None:
        conn = await asyncpg.connect(server.dsn(user="postgres"))
        await conn.set_type_codec("jsonb", schema="pg_catalog", encoder=_json, decoder=msgspec.json.decode)
        await conn.execute(
            "SET session_replication_role = replica; SET synchronous_commit = off; SET work_mem = '256MB'"
        )
        await conn.execute("SET maintenance_work_mem = '1GB'; SET max_parallel_maintenance_workers = 1")
        while left:
            statement = left.pop()
            sql, *args = statement if isinstance(statement, tuple) else (statement,)
            await conn.execute(sql, *args, timeout=3600)
        await conn.close()

    await asyncio.gather(one(), one())
