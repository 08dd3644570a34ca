"""The board as of a past moment: cards, counts and sums as they stood, from the log. Spec A8."""

from datetime import timedelta
from typing import Any

import pytest

from baton.kernel.errors import Invalid
from baton.kernel.values import utc_now
from tests.team import Team


def told(board: Any) -> list[tuple[str, int, list[tuple[str, int, str | None]], list[int]]]:
    return [
        (c.stage.name, c.count, [(k.name, k.version, k.owner.name if k.owner else None) for k in c.cards], [s.value_cents for s in c.sums])
        for c in board.columns
    ]  # fmt: skip


async def test_the_board_is_found_as_it_was(fresh: Team) -> None:
    """A8, A11: whatever was moved, closed, edited, deleted or restored since."""
    seen = []
    leads = [
        await fresh.capture(firstName=name, lastName="Lead", estimatedValue=n * 1000)
        for n, name in enumerate("ABCDE", start=1)
    ]
    acts: list[tuple[str, dict[str, Any]]] = [
        ("crm.leads.qualify", {}), ("crm.leads.update", {"valueCents": 77_000}), ("crm.leads.assign", {"ownerId": str(fresh.ben.id)}),
        ("crm.leads.setStatus", {"status": "won"}), ("crm.leads.delete", {}),
    ]  # fmt: skip
    for lead, (name, fields) in zip(leads, acts, strict=True):
        seen.append((utc_now(), told(await fresh.do(fresh.ana, "crm.leads.board"))))
        await fresh.do(fresh.ana, name, {"leadId": str(lead.id)} | fields)
    await fresh.do(fresh.ana, "crm.leads.restore", leadId=str(leads[4].id))
    for moment, board in seen:
        assert told(await fresh.do(fresh.vera, "crm.leads.board", {"asOf": moment.isoformat()})) == board
    where = {"field": "valueCents", "op": ">=", "value": 4000}
    filtered = await fresh.do(fresh.vera, "crm.leads.board", {"asOf": seen[0][0].isoformat(), "where": where})
    assert [card.name for card in filtered.columns[0].cards] == ["E Lead", "D Lead"]
    before = (leads[0].created_at - timedelta(seconds=1)).isoformat()
    assert {c.count for c in (await fresh.do(fresh.vera, "crm.leads.board", {"asOf": before})).columns} == {0}


@pytest.mark.parametrize(
    "input",
    [
        {"asOf": "2999-01-01T00:00:00Z"},
        {"asOf": "2026-01-01T00:00:00"},
        {"asOf": "2026-01-01T00:00:00Z", "search": "x"},
    ],
)
async def test_no_board_of_the_future(team: Team, input: dict[str, str]) -> None:
    """What nobody can know is refused, with a word."""
    with pytest.raises(Invalid):
        await team.do(team.vera, "crm.leads.board", input)
