"""Building a data set: a million leads in one organization and a tenth of it over nine others, made in SQL."""

import asyncio
import os
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import uvloop
from tests.team import Team, make_team

from baton.accounts.members import AddPerson
from baton.fields import lead as lead_fields
from baton.kernel.db import Database, Tx
from baton.kernel.embedded import EmbeddedPostgres
from baton.kernel.migrate import migrate
from baton.kernel.perform import perform
from baton.kernel.values import utc_now
from baton.scoring import rules
from baton.scoring import score as scoring
from baton.scoring.formula import formula
from bench import rows
from bench.made import Organization, database, settings_of

OTHERS = 9
DAYS = 730
_PEOPLE = ("Nora Quist", "Iker Sol", "Mei Tan", "Paul Adler", "Dana Reyes", "Tariq Aziz")
_LOADED = ("leads", "lead_words", "activities", "lead_scores", "contacts", "companies")
_FAST = ("fsync = off", "full_page_writes = off", "max_wal_size = '16GB'", "autovacuum = off")
LONG, CHANGED = 10_000, 1_000


def build(folder: Path, leads: int) -> list[Organization]:
    """Fill the database of a folder, as fast as it takes it. Answers the organizations, the largest first."""
    with EmbeddedPostgres(folder) as server, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_build(server, leads))


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
    await root.execute(rows.WORDS, org.id)
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
        made = scoring.why(msgspec.json.encode(row["reasons"]).decode())
        found = scoring.Score(lead_id=org.id, score=row["score"], band=bands.of(row["score"]), why=made)
        told.append((row["score"], row["reasons"], made.written.decode(), found.band, scoring.explained(found)))
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
