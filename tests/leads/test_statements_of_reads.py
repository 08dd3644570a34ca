"""What a read costs in statements, and how the database answers them: as the application's role, from indexes, at any depth. BENCH.md."""

from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx2
import msgspec
import pytest
import pytest_asyncio

from baton.accounts.sign_in import memberships, open_session
from baton.doors.web.shell.visit import SESSION
from baton.kernel.db import Database, Tx
from baton.kernel.embedded import EmbeddedPostgres
from tests.doors.conftest import Caller, caller
from tests.leads.crowd import crowd
from tests.team import Team, make_team

TRPC = "/api/trpc"


@dataclass
class Sent:
    """What was sent: statements inside transactions with their arguments, and the questions who asks."""

    statements: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    asked: int = 0

    def count(self) -> int:
        """Statements beside BEGIN, COMMIT and the session, since it was asked last."""
        found = len(self.statements) + self.asked
        self.statements, self.asked = [], 0
        return found


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """What operations send, and those who ask."""
    found = Sent()
    for name in ("fetch", "fetchrow", "fetchval", "execute"):
        real = getattr(Tx, name)

        async def counted(tx: Tx, sql: str, *args: Any, real: Any = real) -> Any:
            found.statements.append((sql, args))
            return await real(tx, sql, *args)

        monkeypatch.setattr(Tx, name, counted)
    answers = Database._answers

    async def asked(db: Database, sql: str, keys: list[Any]) -> Any:
        found.asked += 1
        return await answers(db, sql, keys)

    monkeypatch.setattr(Database, "_answers", asked)
    return found


@pytest_asyncio.fixture(scope="module")
async def large(db: Database, server: EmbeddedPostgres) -> Team:
    """An organization with 10,000 leads, a number of its own in most of them, indexed."""
    team = await make_team(db, "Longlists")
    made = await team.do(team.ana, "crm.fields.create", label="Trucks", key="trucks", type="integer")
    await crowd(team, 10_000)
    async with db.transaction(team.org_id) as conn:
        await conn.execute(
            """UPDATE leads SET owner_id = CASE WHEN score % 4 = 0 THEN $2::uuid END,
                      fields = CASE WHEN score < 30 THEN '{}' ELSE fields END WHERE org_id = $1""",
            team.org_id, team.ben.id,
        )  # fmt: skip
    done = await team.do(team.ana, "crm.fields.index", fieldId=str(made.id))
    while done.next_cursor:
        done = await team.do(team.ana, "crm.fields.index", fieldId=str(made.id), cursor=done.next_cursor)
    owner = await asyncpg.connect(server.dsn())
    await owner.execute("VACUUM ANALYZE leads")
    await owner.close()
    return team


async def query(who: Caller, name: str, **input: Any) -> Any:
    """The data of a query, asked as document B's clients do."""
    address = f"{TRPC}/{name}"
    answer = await who.http.get(
        address, params={"input": msgspec.json.encode(input).decode()}, headers=dict(who.headers)
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]["data"]


async def filtered(team: Team) -> dict[str, Any]:
    """Stage, owner and tag."""
    (pipeline, *_) = [p for p in await team.do(team.ana, "crm.pipelines.list") if p.is_intake]
    return {
        "all": [
            {"field": "stageId", "op": "=", "value": str(pipeline.stages[0].id)},
            {"field": "ownerId", "op": "=", "value": str(team.ben.id)},
            {"field": "tags", "op": "has_any", "value": ["t7"]},
        ]
    }


async def test_lists_boards_and_sums_ask_as_often_for_many_leads_as_for_one(
    http: httpx2.AsyncClient, fresh: Team, large: Team, sent: Sent
) -> None:
    """Spec A10, A11, B8: who asks included. A list is two statements, three where the leads without a value begin."""
    for team in (fresh, large):
        who = await caller(http, team, "ben")
        found = {"where": await filtered(team), "limit": 50}
        asked: tuple[tuple[str, dict[str, Any], int], ...] = (
            ("crm.leads.find", found, 2),
            ("crm.leads.board", {"limit": 40}, 6),
            ("crm.leads.pipelineSummary", {}, 4),
        )
        for name, input, most in asked:
            sent.count()
            await query(who, name, **input)
            assert sent.count() <= most, name
        for sort in ("score", "valueCents", "companyName", "name"):
            await query(who, "crm.leads.find", sort=sort, limit=50)
            assert sent.count() <= 3, sort


async def test_pages_ask_as_often_for_many_leads_as_for_one(
    http: httpx2.AsyncClient, fresh: Team, large: Team, sent: Sent
) -> None:
    """Spec A11: the dashboard, the list, the board and a lead's own page, whatever there is to show."""
    await fresh.do(fresh.ben, "crm.leads.create", lastName="Only")
    costs: dict[str, list[int]] = {}
    for team in (fresh, large):
        async with team.db.transaction(team.org_id) as conn:
            person = await conn.fetchval(
                "SELECT person_id FROM members WHERE org_id = $1 AND id = $2", team.org_id, team.ben.id
            )
        (place,) = await memberships(team.db, person)
        cookie = {"cookie": f"{SESSION}={await open_session(team.db, place)}"}
        (lead, *_) = (await team.do(team.ben, "crm.leads.find", limit=1)).items
        for page in ("/dashboard/crm", "/leads", "/board", f"/leads/{lead.id}"):
            await http.get(page, headers=cookie)  # what is asked once in a while has been asked
            assert sent.count() > 0
            answer = await http.get(page, headers=cookie, follow_redirects=True)
            assert answer.status_code == 200, page
            costs.setdefault(page.replace(str(lead.id), "…"), []).append(sent.count())
    for page, (few, many) in costs.items():
        assert many <= few + 1, (page, few, many)
        assert many <= 32, (page, many)


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize(
    ("sort", "index"),
    [
        ("createdAt", "leads_newest"), ("name", "leads_by_name"), ("valueCents", "leads_by_value"), ("score", "leads_by_score"),
        ("companyName", "leads_by_company"), ("field.trucks", "leads_by_hot_integer_1"),
    ],
)  # fmt: skip
async def test_every_page_of_every_order_is_read_from_its_index(
    large: Team, sent: Sent, sort: str, index: str, descending: bool
) -> None:
    """Spec B8: the very statements of the first page, of one in the middle, and of one among the leads without a value."""
    cursor, pages = None, 0
    while pages < 60:
        sent.count()
        page = await large.do(
            large.ben,
            "crm.leads.find",
            sort=sort,
            descending=descending,
            limit=200,
            **({"cursor": cursor} if cursor else {}),
        )
        if pages in (0, 20, 48):
            for sql, args in sent.statements:
                if "ORDER BY" in sql and "FROM leads" in sql:
                    told = await plan(large, sql, args)
                    assert "Seq Scan on leads" not in told, told
                    assert "Sort" not in told, told
                    assert index in told or "IS NULL" in sql or "= -1" in sql, told
        cursor, pages = page.next_cursor, pages + 1
        if cursor is None:
            break
    assert pages == 50


async def test_stage_owner_and_tag_are_one_walk_of_one_index(large: Team, sent: Sent) -> None:
    """Spec A10: as the application's role, under row-level security, newest first, with nothing sorted."""
    where = await filtered(large)
    sent.count()
    page = await large.do(large.ben, "crm.leads.find", where=where, limit=50)
    assert len(page.items) == 50
    assert page.next_cursor
    ((sql, args),) = sent.statements
    told = await plan(large, sql, args)
    assert "Index Scan" in told, told
    assert "Sort" not in told, told
    assert "Bitmap" not in told, told


async def plan(team: Team, sql: str, args: tuple[Any, ...]) -> str:
    """How the database answers a statement, as the application's role."""
    async with team.db.transaction(team.org_id, read_only=True) as conn:
        assert await conn.fetchval("SELECT current_user") == "baton_app"
        return "\n".join(row[0] for row in await conn.fetch(f"EXPLAIN (COSTS off) {sql}", *args))
