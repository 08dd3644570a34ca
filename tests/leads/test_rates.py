"""Sums of several currencies: by the organization's own rates, or told apart, never added silently."""

from decimal import Decimal
from typing import Any

import pytest

from baton.accounts.rates import Rates
from baton.kernel.errors import Forbidden, Invalid
from tests.doors.conftest import Caller
from tests.team import Team

V1 = "/api/v1"


@pytest.mark.parametrize(
    ("minor", "currency", "own", "rate", "converted"),
    [(100, "EUR", "USD", "1.08", 108), (1000, "JPY", "USD", "0.0067", 670), (1000, "KWD", "USD", "3.25", 325),
     (100, "USD", "JPY", "150.5", 150),
     (250, "USD", "JPY", "1", 2), (350, "USD", "JPY", "1", 4), (7, "USD", "USD", "9", 7)],
)  # fmt: skip
def test_conversion_counts_in_minor_units(minor: int, currency: str, own: str, rate: str, converted: int) -> None:
    """ISO 4217: JPY has no decimals, KWD three. Halves go to the even side."""
    assert Rates(own, {currency: Decimal(rate)}).convert(minor, currency) == converted
    assert Rates(own, {}).convert(minor, "CHF") is None


async def test_sums_convert_or_say_what_they_leave_out(fresh: Team, boss: Caller) -> None:
    """Where the three disagree: sums convert by the organization's own rates, or report per currency."""
    for cents, currency in ((10_000, "USD"), (10_000, "EUR"), (5_000, "JPY")):
        await fresh.do(fresh.ben, "crm.leads.create", {"name": currency, "valueCents": cents, "currency": currency})

    async def told() -> tuple[Any, Any, Any]:
        summary = await boss.ok("POST", f"{V1}/crm.leads.pipelineSummary", {})
        board = await boss.ok("POST", f"{V1}/crm.leads.board", {})
        column = next(column for column in board["columns"] if column["count"])
        stage = next(stage for stage in summary["byStage"] if stage["count"])
        assert stage["value"] == column["valueCents"] == summary["totalPipelineValue"]
        assert column["unconverted"] == summary["unconverted"]
        return (
            summary["totalPipelineValue"],
            summary["unconverted"],
            [each["converted"] for each in summary["byCurrency"]],
        )

    assert await told() == (10_000, ["EUR", "JPY"], [10_000, None, None])
    await boss.ok("POST", f"{V1}/crm.organization.setRates", {"rates": {"eur": 1.1}})
    assert await told() == (21_000, ["JPY"], [10_000, 11_000, None])
    await boss.ok("POST", f"{V1}/crm.organization.setRates", {"rates": {"EUR": 1.1, "JPY": 0.01}})
    assert await told() == (26_000, [], [10_000, 11_000, 5_000])
    table = await boss.ok("GET", f"{V1}/crm.organization.rates")
    assert [(rate["currency"], rate["rate"]) for rate in table["rates"]] == [("EUR", 1.1), ("JPY", 0.01)]
    await fresh.do(fresh.ana, "crm.organization.update", currency="EUR")
    assert (await told())[:2] == (10_000, ["JPY", "USD"])  # rates into dollars say nothing of euros
    with pytest.raises(Forbidden):
        await fresh.do(fresh.ben, "crm.organization.setRates", rates={"USD": 1})


@pytest.mark.parametrize(
    "rates", [{"USD": 1.0}, {"EUR": 0}, {"EUR": -1}, {"EURO": 1}, {"E1R": 1}, {"EUR": 1e12}, {"EUR": 1e-12}, {"": 1}]
)
async def test_rates_that_make_no_sense(fresh: Team, rates: dict[str, float]) -> None:
    with pytest.raises(Invalid):
        await fresh.do(fresh.ana, "crm.organization.setRates", rates=rates)
