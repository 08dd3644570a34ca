"""What a write costs in statements: each row of a lead is written once, with all that stands beside its facts. BENCH.md."""

import asyncio
from typing import Any

import pytest

from baton.kernel.db import Tx
from baton.kernel.perform import perform
from baton.kernel.values import new_id
from tests.team import Team


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that operations send."""
    found: list[str] = []
    for name in ("fetch", "fetchrow", "fetchval", "execute"):
        real = getattr(Tx, name)

        async def counted(tx: Tx, sql: str, *args: Any, real: Any = real) -> Any:
            found.append(" ".join(sql.split()))
            return await real(tx, sql, *args)

        monkeypatch.setattr(Tx, name, counted)
    return found


def _writes(sent: list[str]) -> list[str]:
    return [" ".join(sql.split()[:3]) for sql in sent if sql.startswith(("INSERT", "UPDATE", "DELETE"))]


async def test_a_move_writes_the_lead_once(fresh: Team, sent: list[str]) -> None:
    """Spec B7. Six statements, the stay in the new stage counted in the lead's one UPDATE."""
    pipeline = (await fresh.do(fresh.ana, "crm.pipelines.list"))[0]
    staying = next(stage for stage in pipeline.stages[1:] if stage.sla_days and not stage.closed)
    lead = await fresh.do(fresh.ana, "crm.leads.create", companyName="Acme")
    sent.clear()
    await fresh.do(fresh.ana, "crm.leads.moveStage", leadId=str(lead.id), stageId=str(staying.id))
    assert _writes(sent) == ["UPDATE leads AS", "INSERT INTO activities", "INSERT INTO stage_deltas"]
    assert len(sent) == 6
    rows = await fresh.db.relay.fetch("SELECT sla_next_at FROM leads WHERE org_id = $1", fresh.org_id)
    assert rows[0]["sla_next_at"] is not None


async def test_a_move_to_the_end_forgets_the_stay(fresh: Team, sent: list[str]) -> None:
    """Spec A4, B7. What is done is never late."""
    pipeline = (await fresh.do(fresh.ana, "crm.pipelines.list"))[0]
    staying = next(stage for stage in pipeline.stages if stage.sla_days and not stage.closed)
    won = next(stage for stage in pipeline.stages if stage.outcome == "won")
    lead = await fresh.do(fresh.ana, "crm.leads.create", companyName="Acme", stageId=str(staying.id))
    sent.clear()
    await fresh.do(fresh.ana, "crm.leads.moveStage", leadId=str(lead.id), stageId=str(won.id))
    assert len(sent) == 5
    rows = await fresh.db.relay.fetch("SELECT sla_next_at FROM leads WHERE org_id = $1", fresh.org_id)
    assert rows[0]["sla_next_at"] is None


async def test_a_new_lead_is_written_once_with_its_stay_and_its_indexed_field(fresh: Team, sent: list[str]) -> None:
    """Spec A5, B7. Neither the stay nor an indexed field is a second version of the row, however many leads there are."""
    pipeline = (await fresh.do(fresh.ana, "crm.pipelines.list"))[0]
    staying = next(stage for stage in pipeline.stages if stage.sla_days and not stage.closed)
    field = await fresh.do(fresh.ana, "crm.fields.create", key="seats", label="Seats", type="integer")
    cursor: dict[str, Any] = {}
    while (step := await fresh.do(fresh.ana, "crm.fields.index", fieldId=str(field.id), **cursor)).next_cursor:
        cursor = {"cursor": step.next_cursor}
    sent.clear()
    rows = [{"companyName": f"Acme {n}", "stageId": str(staying.id), "fields": {"seats": n}} for n in range(20)]
    await fresh.do(fresh.ana, "crm.imports.load", pipelineId=str(pipeline.id), leads=rows)
    assert [write for write in _writes(sent) if " leads" in write] == ["INSERT INTO leads"]
    many = {"field": "field.seats", "op": ">=", "value": 15}
    found = await fresh.do(fresh.ana, "crm.leads.find", where=many)
    assert sorted(lead.fields["seats"] for lead in found.items) == [15, 16, 17, 18, 19]
    stays = await fresh.db.relay.fetchval("SELECT count(sla_next_at) FROM leads WHERE org_id = $1", fresh.org_id)
    assert stays == 20


async def test_a_group_of_captures_sends_what_one_sends(fresh: Team, sent: list[str]) -> None:
    """Spec B4. Four statements read, then each table is written once, however many captures came together."""
    for many in (1, 40):
        await _captured(fresh, many)
        sent.clear()
        await _captured(fresh, many)
        groups = sum(sql.startswith("INSERT INTO leads") for sql in sent)
        assert groups <= 3
        assert len(sent) <= groups * 13
        assert sum(" leads" in write for write in _writes(sent)) == groups


async def _captured(team: Team, many: int) -> None:
    bodies = (
        {"orgId": str(team.org_id), "firstName": "Ada", "lastName": f"Rey {n}", "email": f"ada{n}@{new_id()}.example", "company": "Rey"}
        for n in range(many)
    )  # fmt: skip
    await asyncio.gather(*(perform(team.db, team.form, "crm.leads.capture", body) for body in bodies))


async def test_rules_are_read_each_time(fresh: Team) -> None:
    """Spec B6. A changed rule counts from the next calculation on, one that looks at the day too."""
    lead = await fresh.do(fresh.ana, "crm.leads.create", companyName="Acme", title="CTO", source="partner")
    for points, op in ((5, "within_last"), (9, "within_last"), (9, "older_than")):
        new = {"field": "createdAt", "op": op, "value": {"days": 2}}
        rules = [{"name": "new", "condition": new, "points": points}]
        await fresh.do(
            fresh.ana, "crm.scoring.setRules", factors=[{"key": "age", "label": "Age", "maxPoints": 50, "rules": rules}]
        )
        found = await fresh.do(fresh.ana, "crm.leads.score", leadId=str(lead.id))
        assert found.score == (points if op == "within_last" else 0)
