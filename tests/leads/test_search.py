"""Search over names, companies, e-mails, phones and notes, by an index, as the application's role. Spec A10."""

import asyncio
import time
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from baton.kernel.db import Database, Tx
from baton.kernel.embedded import EmbeddedPostgres
from baton.kernel.values import utc_now
from baton.leads.matching import matching
from tests.doors.conftest import Caller
from tests.leads.crowd import crowd
from tests.leads.words import unlike
from tests.team import Team, make_team

MANY = 50_000


@pytest_asyncio.fixture(scope="module")
async def large(db: Database, server: EmbeddedPostgres) -> Team:
    """An organization with 50,000 leads."""
    team = await make_team(db, "Large")
    await crowd(team, MANY)
    owner = await asyncpg.connect(server.dsn())
    await owner.execute("VACUUM ANALYZE leads")
    await owner.close()
    return team


async def found(team: Team, query: str) -> list[str]:
    page = await team.do(team.ben, "crm.leads.find", search=query, sort="name", descending=False)
    return [lead.name for lead in page.items]


async def test_what_is_found(fresh: Team, boss: Caller) -> None:
    """Beginnings of words, accents and case, phones with and without their country, e-mails, notes, one wrong letter."""
    tomas = await fresh.capture(
        firstName="Tomás",
        lastName="Großmann",
        company="Łódź Maschinen",
        email="tomas.g@lodz.example",
        phone="+49 (0)30 5550-0142",
    )
    await fresh.capture(firstName="Wei", lastName="Zhang", company="Acme", message="We need a fleet of zeppelins")
    ref = {"leadId": str(tomas.id)}
    await fresh.do(
        fresh.ben, "crm.leads.logActivity", ref | {"type": "call", "notes": "Asked about Überführung in Malmö"}
    )
    for query in (
        "tom", "TOMÁS", "grossm", "tomas großmann", "grossmann tomas", "lodz", "masch łodź", "tomas.g@lodz.example", "tomas.g@",
        "lodz.example",
        "+49 30 55500142", "030 5550 0142", "5550-0142", "+49 (0)30 5550-0142", "uberfuhrung", "malmo", "  tomás ",
        "tomsa", "grosmann", "gorssmann", "grosssmann", "großmenn", "maschinne",
    ):  # fmt: skip
        assert await found(fresh, query) == ["Tomás Großmann"], query
    assert await found(fresh, "zeppelin") == ["Wei Zhang"]
    for query in ("ossmann", "tomas zhang", "malmoe", "30555999", "''", "%", "x'; DROP TABLE leads; --", "& | !", ":*"):
        assert await found(fresh, query) == [], query
    hits = await boss.ok("POST", "/api/v1/crm.search", {"query": "tomas"})
    assert [[hit["name"] for hit in hits[kind]] for kind in ("leads", "contacts", "companies")] == [
        ["Tomás Großmann"]
    ] * 2 + [[]]
    hits = await boss.ok("POST", "/api/v1/crm.search", {"query": "acme"})
    assert [hit["name"] for hit in hits["companies"]] == ["Acme"]
    await fresh.do(fresh.ana, "crm.leads.delete", ref)
    assert await found(fresh, "tom") == []
    assert not (await fresh.do(fresh.ben, "crm.search", query="tomas")).leads


async def test_whole_words_come_before_beginnings(fresh: Team) -> None:
    """Spec A10. Where fifty leads have the word itself the search looks at those; a list still finds every one."""
    await fresh.capture(firstName="Maria", lastName="Silva")

    async def names(query: str) -> set[str]:
        return {hit.name for hit in (await fresh.do(fresh.ben, "crm.search", query=query, limit=50)).leads}

    async def more(count: int) -> None:
        await asyncio.gather(*(fresh.capture(firstName="Mar", lastName=f"Silveira {n % 3}") for n in range(count)))

    await more(10)
    assert "Maria Silva" in await names("mar")
    await more(45)
    assert await names("mar") == {f"Mar Silveira {n}" for n in range(3)}
    assert await names("mari") == await names("mar silva") == {"Maria Silva"}
    assert await names("mar silv") == await names("silv mar") == await names("mar")
    assert await names("ma silva") == {"Maria Silva"}
    page = await fresh.do(fresh.ben, "crm.leads.find", search="mar", count=True, limit=100)
    assert (len(page.items), page.total) == (56, 56)


async def test_a_search_follows_every_change(fresh: Team) -> None:
    """There is nothing to rebuild: what changed is found at once, what was there before is not."""
    lead = await fresh.capture(firstName="Ann", lastName="Lee")
    await fresh.do(fresh.ben, "crm.leads.update", leadId=str(lead.id), lastName="Okonkwo", phone="+1 212 555 0199")
    assert await found(fresh, "okon") == await found(fresh, "2125550199") == ["Ann Okonkwo"]
    assert await found(fresh, "lee") == []
    await fresh.do(fresh.ana, "crm.leads.delete", leadId=str(lead.id))
    assert await found(fresh, "okon") == []
    await fresh.do(fresh.ana, "crm.leads.restore", leadId=str(lead.id))
    assert await found(fresh, "okon") == ["Ann Okonkwo"]
    stages = (await fresh.do(fresh.ana, "crm.pipelines.list"))[0].stages
    await fresh.do(fresh.ana, "crm.leads.moveStage", leadId=str(lead.id), stageId=str(stages[1].id))
    assert await unlike(fresh.db, fresh.org_id) == []


async def test_what_else_changes_leaves_the_words_alone(fresh: Team) -> None:
    """Moves, scores, owners: the row of words stays the one that it was, and so does its index."""
    lead = await fresh.capture(firstName="Ann", lastName="Lee")
    stages = (await fresh.do(fresh.ana, "crm.pipelines.list"))[0].stages

    async def row() -> Any:
        async with fresh.db.transaction(fresh.org_id, read_only=True) as conn:
            return await conn.fetchval("SELECT ctid::text || xmin FROM lead_words WHERE lead_id = $1", lead.id)

    first = await row()
    await asyncio.gather(*(
        fresh.do(fresh.ana, "crm.leads.moveStage", leadId=str(lead.id), stageId=str(stages[n].id)) for n in (1, 2, 3)
    ))  # fmt: skip
    await fresh.do(fresh.ana, "crm.leads.score", leadId=str(lead.id))
    await fresh.do(fresh.ana, "crm.leads.assign", leadId=str(lead.id), ownerId=str(fresh.ben.id))
    await fresh.do(fresh.ana, "crm.leads.update", leadId=str(lead.id), title="Buyer", tags=["hot"])
    assert await row() == first


async def numbers(conn: Any, index: str) -> tuple[int, int]:
    """How often this transaction has used an index, and has read the whole table of leads."""
    used: int = await conn.fetchval("SELECT pg_stat_get_xact_numscans($1::regclass)", index)
    whole: int = await conn.fetchval("SELECT pg_stat_get_xact_numscans('leads'::regclass)")
    return used, whole


@pytest.mark.parametrize("query", ["company4999", "lead4711@mail11", "hannah 31", "+49 30 0004711", "compamy4999"])
async def test_the_index_is_used_under_row_level_security(large: Team, query: str) -> None:
    """As `baton_app`, at 50,000 leads: the index is read, the table is not, and it is quick."""
    async with large.db.transaction(large.org_id, read_only=True) as conn:
        assert await conn.fetchval("SELECT current_user") == "baton_app"
        await conn.fetch("SELECT search_leads($1)", "warm")
        used, whole = await numbers(conn, "lead_words_search")
        begun = time.perf_counter()
        rows = await conn.fetch("SELECT search_leads($1)", query)
        took = time.perf_counter() - begun
        assert rows
        after = await numbers(conn, "lead_words_search")
    assert after[0] > used
    assert after[1] == whole
    assert took < 0.25


async def test_a_list_that_is_searched_reads_what_was_found(large: Team) -> None:
    begun = time.perf_counter()
    page = await large.do(large.ben, "crm.leads.find", search="company499", sort="name", descending=False, count=True)
    took = time.perf_counter() - begun
    assert page.total == 110
    assert took < 0.5


async def plan(team: Team, sql: str, *args: Any) -> str:
    """How the database answers a statement, as the application's role."""
    async with team.db.transaction(team.org_id, read_only=True) as conn:
        return "\n".join(row[0] for row in await conn.fetch(f"EXPLAIN (COSTS off) {sql}", *args))


@pytest.mark.parametrize(
    ("column", "value", "direction", "index"),
    [
        ("l.name_key", "'kofi'", "ASC", "leads_by_name"),
        ("l.name_key", "'kofi'", "DESC", "leads_by_name"),
        ("l.value_key", "4000000", "DESC", "leads_by_value"),
        ("l.created_at", "now() - interval '9 days'", "DESC", "leads_newest"),
        ("l.last_activity_at", "now() - interval '9 days'", "DESC", "leads_by_last_activity"),
        ("l.last_activity_at", "now() - interval '9 days'", "ASC", "leads_by_last_activity"),
        ("l.next_action_at", "now() - interval '9 days'", "ASC", "leads_by_next_action"),
        ("l.expected_close_date", "current_date", "DESC", "leads_by_close_date"),
        ("l.score", "50::smallint", "DESC", "leads_by_score"),
        ("l.score", "50", "DESC", "leads_by_score"),
        ("l.score", "50", "ASC", "leads_by_score"),
        ("l.company_key", "'company4'", "ASC", "leads_by_company"),
    ],
)
async def test_orders_have_an_index(large: Team, column: str, value: str, direction: str, index: str) -> None:
    """Pages at any depth: the cursor is a place in the index."""
    beyond = "<" if direction == "DESC" else ">"
    told = await plan(
        large,
        f"""SELECT l.id FROM leads l WHERE l.org_id = $1 AND l.deleted_at IS NULL
               AND ({column}, l.id) {beyond} ({value}, '01900000-0000-7000-8000-000000000000'::uuid)
             ORDER BY {column} {direction}, l.id {direction} LIMIT 50""",
        large.org_id,
    )
    assert index in told, told
    assert "Sort" not in told, told
    assert "ROW(" in told.split("Index Cond", 1)[1].split("\n", 1)[0], told


@pytest.mark.parametrize(
    ("field", "op", "value", "index"),
    [
        ("ownerId", "=", "owner", "leads_owner"),
        ("stageId", "=", "none", "leads_stage_owner"),
        ("contactId", "=", "none", "leads_contact"),
    ],
)
async def test_filters_use_their_index(large: Team, field: str, op: str, value: str, index: str) -> None:
    """A filter by owner, place or contact is answered by an index, also beside others and under row-level security."""
    id = {"owner": str(large.ben.id), "none": str(large.org_id)}[value]
    where = {"all": [{"field": field, "op": op, "value": id}, {"field": "tags", "op": "has_any", "value": ["t7"]}]}
    async with large.db.transaction(large.org_id, read_only=True) as conn:
        tests, args = await matching(Tx(conn, large.org_id, utc_now(), "test"), where, None)
    told = await plan(
        large, f"SELECT l.id FROM leads l WHERE {tests} ORDER BY l.created_at DESC, l.id DESC LIMIT 50", *args
    )
    assert index in told, told
    assert "coalesce" not in told.lower(), told


async def test_a_stage_and_an_owner_are_read_newest_first_from_one_index(large: Team) -> None:
    """Spec A10: nothing is sorted, however many leads the stage has."""
    told = await plan(
        large,
        """SELECT l.id FROM leads l WHERE l.org_id = $1 AND l.deleted_at IS NULL AND l.stage_id = $2 AND l.owner_id = $3
            ORDER BY l.created_at DESC, l.id DESC LIMIT 50""",
        large.org_id, large.org_id, large.ben.id,
    )  # fmt: skip
    assert "leads_stage_owner" in told, told
    assert "Sort" not in told, told


async def test_reads_are_planned_for_what_they_ask(large: Team) -> None:
    """A statement that was asked often is planned anew for each stage, owner and tag; a write keeps its plans."""
    async with large.db.transaction(large.org_id, read_only=True) as conn:
        assert await conn.fetchval("SHOW plan_cache_mode") == "force_custom_plan"
    async with large.db.transaction(large.org_id) as conn:
        assert await conn.fetchval("SHOW plan_cache_mode") == "auto"


async def test_a_field_that_is_asked_often_has_an_index(large: Team) -> None:
    """Spec A5: indexed on demand, call by call; then a filter is answered by the index, as the application's role."""
    made = await large.do(large.ana, "crm.fields.create", label="Trucks", type="integer")
    where = {"field": "field.trucks", "op": "between", "value": [990, 991]}

    async def answer() -> tuple[str, int]:
        async with large.db.transaction(large.org_id, read_only=True) as conn:
            tests, args = await matching(Tx(conn, large.org_id, utc_now(), "test"), where, None)
        told = await plan(large, f"SELECT count(*) FROM leads l WHERE {tests}", *args)
        page = await large.do(large.ben, "crm.leads.find", where=where, count=True)
        return told, page.total

    before, found = await answer()
    assert "hot_integer" not in before
    calls, done = 0, await large.do(large.ana, "crm.fields.index", fieldId=str(made.id))
    while done.next_cursor:
        assert "hot_integer" not in (await answer())[0]
        done = await large.do(large.ana, "crm.fields.index", fieldId=str(made.id), cursor=done.next_cursor)
        calls += 1
    assert (done.indexed, calls) == (True, 3)
    after, again = await answer()
    assert "leads_by_hot_integer_1" in after, after
    assert found == again == 100


async def test_a_search_is_quick_before_the_statistics_know_of_it(db: Database) -> None:
    """A fresh organization with long messages: each table's index is read, no row's words are computed, at ten thousand rows."""
    team = await make_team(db, "Stale")
    await crowd(team, 10_000)
    async with team.db.transaction(team.org_id) as conn:
        await conn.execute(
            """INSERT INTO activities (org_id, id, kind, actor_type, actor_name, via, lead_id, subject_type, subject_id, payload,
                                       operation, operation_id, occurred_at, salt, digest)
               SELECT $1, uuidv7(), 'note_added', 'system', 'Test', 'api', l.id, 'lead', l.id,
                      jsonb_build_object('notes', (SELECT string_agg('word' || (n * 7 + length(l.name)) % 500, ' ')
                                                     FROM generate_series(1, 80) n) || ' unique' || l.value_cents),
                      'test', uuidv7(), now(), 'x', 'y' FROM leads l WHERE l.org_id = $1""",
            team.org_id,
        )
    async with team.db.transaction(team.org_id, read_only=True) as conn:
        whole = (
            "SELECT pg_stat_get_xact_numscans('leads'::regclass) + pg_stat_get_xact_numscans('activities'::regclass)"
        )
        before = (*await numbers(conn, "activities_search"), await conn.fetchval(whole))
        begun = time.perf_counter()
        found_by_note = await conn.fetch("SELECT search_leads($1)", "unique471100")
        found_by_name = await conn.fetch("SELECT search_leads($1)", "hannah company471")
        took = time.perf_counter() - begun
        after = (*await numbers(conn, "activities_search"), await conn.fetchval(whole))
    assert (len(found_by_note), len(found_by_name) > 0) == (1, True)
    assert after[0] >= before[0] + 2
    assert after[1:] == before[1:], "no table was read from end to end"
    assert took < 1


async def test_another_organization_finds_nothing(large: Team, carla: Team) -> None:
    """The functions know the organization of the transaction alone; without one there is nothing."""
    assert await found(carla, "company4999") == []
    answer = await carla.do(carla.ben, "crm.search", query="company4999")
    assert not answer.leads
    async with large.db.app.acquire() as conn:
        assert await conn.fetch("SELECT search_leads($1)", "company4999") == []
    async with large.db.transaction(large.org_id) as conn:
        for table in ("leads", "contacts", "companies", "activities"):
            definer = await conn.fetchval("SELECT has_table_privilege('baton_app', $1, 'TRUNCATE')", table)
            assert not definer
