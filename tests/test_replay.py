"""Folding a lead's activities gives exactly its row, and the running counts are the counts, whatever was done."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baton.kernel.db import Tx
from baton.kernel.errors import BatonError
from baton.kernel.values import utc_now
from baton.leads import totals
from baton.leads.lead import COLUMNS, from_row, replayed
from tests.team import Team

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


def step(name: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    return st.tuples(st.just(name), st.fixed_dictionaries({}, optional=fields))


STAGE = st.integers(0, 6)
STATUS = st.sampled_from(["new", "won", "disqualified", "lost"])
steps = st.lists(
    st.one_of(
        step(
            "crm.leads.update", title=st.none() | TEXT, companySize=st.none() | st.integers(0, 3000),
            email=st.none() | st.just("a@b.example"),
            valueCents=st.none() | st.integers(0, 10**9), currency=st.sampled_from(["USD", "EUR", "jpy"]), phone=st.none() | TEXT,
            tags=st.lists(TEXT, max_size=3), companyName=st.none() | TEXT,
            fields=st.dictionaries(TEXT, st.none() | TEXT | st.integers(-9, 9)),
            expectedCloseDate=st.none() | st.dates().map(str), firstName=TEXT, source=st.sampled_from(["event", "partner"]),
        ),
        st.tuples(st.just("crm.leads.moveStage"), st.fixed_dictionaries({"stage": STAGE})),
        st.tuples(st.just("crm.leads.setStatus"), st.fixed_dictionaries({"status": STATUS})),
        step("crm.leads.qualify"), step("crm.leads.disqualify", reason=TEXT), step("crm.leads.route"), step("crm.leads.score"),
        step("crm.leads.assign", ownerId=st.just(None)), step("crm.leads.delete"), step("crm.leads.restore"),
        st.tuples(st.just("crm.leads.logActivity"), st.just({"type": "note", "notes": "Said hello"})),
        st.tuples(st.just("crm.leads.followUp"), st.just({"dueIn": "1h"})),
    ),
    max_size=12,
)  # fmt: skip


async def perform_all(team: Team, lead_id: str, todo: list[tuple[str, dict[str, Any]]]) -> None:
    stages = (await team.do(team.ana, "crm.pipelines.list"))[0].stages
    for name, fields in todo:
        given_fields = {k: v for k, v in fields.items() if k != "stage"}
        if "stage" in fields:
            given_fields["stageId"] = str(stages[fields["stage"]].id)
        try:
            await team.do(
                team.ana,
                name,
                {"leadId": lead_id, "ownerId": None} | given_fields
                if name == "crm.leads.assign"
                else {"leadId": lead_id} | given_fields,
            )
        except BatonError:
            continue  # refused: then it must have left nothing behind, which is what is looked at


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(todo=steps)
async def test_replay_equals_the_row(team: Team, todo: list[tuple[str, dict[str, Any]]]) -> None:
    """Spec A8."""
    lead = await team.capture(company="Acme", title="CFO", phone="+49 30 5550 0142")
    await perform_all(team, str(lead.id), todo)
    async with team.db.transaction(team.org_id) as conn:
        row = await conn.fetchrow(f"SELECT {COLUMNS} FROM leads l WHERE org_id = $1 AND id = $2", team.org_id, lead.id)
        log = await conn.fetch(
            """SELECT changes, lead_version, occurred_at FROM activities WHERE org_id = $1 AND lead_id = $2
                ORDER BY lead_version NULLS FIRST, id""",
            team.org_id, lead.id,
        )  # fmt: skip
    folded = replayed(
        [entry["changes"] for entry in log],
        version=max(entry["lead_version"] or 0 for entry in log),
        last_activity_at=max(entry["occurred_at"] for entry in log),
    )
    assert folded == from_row(row)
    versions = [entry["lead_version"] for entry in log if entry["lead_version"]]
    assert sorted(versions) == list(range(1, len(versions) + 1))


async def counted(team: Team, sql: str) -> list[tuple[Any, ...]]:
    async with team.db.transaction(team.org_id) as conn:
        return [tuple(row) for row in await conn.fetch(sql, team.org_id)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(todo=steps)
async def test_counts_are_exact(team: Team, todo: list[tuple[str, dict[str, Any]]]) -> None:
    """The running totals equal a full count, before and after folding; deleted leads do not count."""
    lead = await team.capture(company="Acme", title="CFO")
    await perform_all(team, str(lead.id), todo)
    full = await counted(
        team,
        """SELECT stage_id, currency, count(*), coalesce(sum(value_cents), 0)::bigint, count(score), coalesce(sum(score), 0)
             FROM leads WHERE org_id = $1 AND deleted_at IS NULL GROUP BY 1, 2 ORDER BY 1, 2""",
    )
    for _ in range(2):
        async with team.db.transaction(team.org_id) as conn:
            tx = Tx(conn, team.org_id, utc_now(), "test")
            found = sorted(
                (
                    (t.stage_id, t.currency, t.leads, t.value_cents, t.scored, t.score_sum)
                    for t in await totals.read(tx)
                ),
                key=lambda t: (t[0].bytes, t[1]),
            )
            assert found == full
            await totals.settle(tx)
    assert await counted(team, "SELECT 1 FROM stage_deltas WHERE org_id = $1") == []
