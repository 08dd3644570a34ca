"""Reports and lists ask the database as often for many leads as for few."""

from typing import Any

import pytest

from baton.kernel.db import Tx
from tests.reports.past import day, inbound, lead_at
from tests.team import Team

ASKED = {
    "crm.reports.conversion": 6, "crm.reports.sources": 5, "crm.reports.overview": 5, "crm.reports.funnel": 5, "crm.reports.velocity": 6,
    "crm.reports.forecast": 5, "crm.reports.people": 9, "crm.leads.analytics": 9,
}  # fmt: skip
LISTED = {
    "crm.contacts.find": 1, "crm.companies.find": 1, "crm.customers.find": 1, "crm.contacts.duplicates": 1, "crm.companies.duplicates": 1,
}  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that operations send."""
    found: list[str] = []
    for name in ("fetch", "fetchrow", "fetchval", "execute"):
        real = getattr(Tx, name)

        async def counted(tx: Tx, sql: str, *args: Any, real: Any = real) -> Any:
            found.append(sql)
            return await real(tx, sql, *args)

        monkeypatch.setattr(Tx, name, counted)
    return found


async def test_a_board_and_a_summary_ask_little(fresh: Team, asked: list[str]) -> None:
    """Spec A11, B8: beside who asks, and the session; so many columns, cards and currencies there may be."""
    for number in range(5):
        await fresh.capture(email=f"{number}@acme.example")
    asked.clear()
    board = await fresh.do(fresh.vera, "crm.leads.board", limit=40)
    assert sum(len(column.cards) for column in board.columns) == 5
    assert len(asked) <= 5
    asked.clear()
    await fresh.do(fresh.vera, "crm.leads.pipelineSummary")
    assert len(asked) == 3


@pytest.mark.parametrize("past", [None, "2026-03-04"])
async def test_the_statements_of_a_report_do_not_grow(fresh: Team, asked: list[str], past: str | None) -> None:
    """Spec B1: each report by its number, now and as of a past day."""
    pipeline = await inbound(fresh)
    for many in (1, 7):
        for number in range(many):
            await lead_at(
                fresh, day(number % 2), email=f"{many}.{number}@acme.example", companyName=f"Acme {many}{number}"
            )
        for name, most in ASKED.items():
            asked.clear()
            await fresh.do(fresh.vera, name, pipelineId=pipeline, asOf=past)
            assert len(asked) == most + (past is not None), name  # the stages of then
        for name, most in LISTED.items():
            asked.clear()
            await fresh.do(fresh.vera, name)
            assert len(asked) == most, name


async def test_a_merge_asks_no_more_for_more_leads(fresh: Team, asked: list[str]) -> None:
    """Spec A5: what points to the merged one follows in a bounded number of statements."""
    counts = []
    for many in (1, 9):
        leads = [await lead_at(fresh, day(0), email=f"{many}@acme.example", lastName=f"Rey {n}") for n in range(many)]
        other = await lead_at(fresh, day(0), email=f"{many}@home.example")
        asked.clear()
        body = {"survivorId": str(other.contact_id), "mergedId": str(leads[0].contact_id)}
        done = await fresh.do(fresh.ben, "crm.contacts.merge", body)
        assert done.moved["leads"] == many
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 24
