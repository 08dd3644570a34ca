"""The dashboard: figures that open the leads behind them, inline status, a fixed number of statements. Spec B1, B8."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.async_api import expect

from baton.kernel.db import Tx
from tests.browser.conftest import OpenRoom
from tests.browser.stages import inbound, lead
from tests.team import Team


async def test_every_figure_opens_the_leads_behind_it(enter: OpenRoom, team: Team) -> None:
    """Spec B1. The six figures, the funnel and the sources, each a link to exactly as many leads."""
    hannah = await lead(team, source="referral")
    owen = await lead(team, "Owen", "Clarke", source="event")
    await lead(team, "Wei", "Zhang", source="event")
    await team.do(team.ben, "crm.leads.setStatus", leadId=str(hannah.id), status="won")
    await team.do(team.ben, "crm.leads.setStatus", leadId=str(owen.id), status="lost")
    room = await enter(team.ben)
    page = await room.go("/dashboard/crm")
    assert (await page.locator(".kpis b").all_inner_texts())[:2] == ["3", "1"]
    for label, count in (("Total leads", 3), ("Active", 1), ("Won deals", 1)):
        await page.locator(".kpis a", has_text=label).click()
        await expect(page.locator("tbody tr")).to_have_count(count)
        await page.go_back()
    await expect(page.locator(".kpis a", has_text="Conversion").locator("b")).to_have_text("33.3%")
    await page.locator(".funnel a", has_text="New lead").click()
    await expect(page.locator("tbody tr td.name")).to_have_text(["Wei Zhang"])
    await page.go_back()
    await team.do(team.ben, "crm.leads.qualify", leadId=str((await lead(team, "Ada", "Rey")).id))
    await page.locator(".funnel a", has_text="Qualified").filter(has_text="−50%").wait_for()
    await page.locator(".sources a", has_text="Event").first.click()
    await expect(page.locator("tbody tr")).to_have_count(2)
    await page.go_back()
    await page.get_by_role("link", name="100% of Referral won").click()
    await expect(page.locator("tbody tr td.name")).to_have_text(["Hannah Weiss"])


async def test_a_status_is_set_in_the_row_and_taken_back(enter: OpenRoom, team: Team) -> None:
    """Spec B1. By `crm.leads.setStatus`; the figures follow; Undo on the word above the page."""
    hannah = await lead(team)
    room = await enter(team.ben)
    page = await room.go("/dashboard/crm")
    await page.get_by_label("Status of Hannah Weiss").select_option("won")
    await page.get_by_text("Hannah Weiss is won now, in Closed-Won.").wait_for()
    await page.locator(".kpis a", has_text="Won deals").filter(has_text="1").wait_for()
    log = await team.log(hannah.id)
    assert (log[-1].kind, log[-1].actor_name, log[-1].via) == ("stage_changed", "Ben Okafor", "page")
    await page.get_by_role("button", name="Undo").click()
    await page.get_by_text("Taken back.").wait_for()
    assert (await team.do(team.ana, "crm.leads.get", leadId=str(hannah.id))).status == "new"
    await page.locator(".kpis a", has_text="Won deals").filter(has_text="0").wait_for()


async def test_pickers_and_filters_stay_in_the_address(enter: OpenRoom, team: Team) -> None:
    """Spec B1, A2. Another pipeline's leads are never mixed in."""
    await lead(team)
    await lead(team, "Wei", "Zhang", source="event")
    room = await enter(team.vera)
    page = await room.go("/dashboard/crm")
    await page.locator("select[name=source]").select_option("event")
    await page.wait_for_url("**source=event**")
    assert await page.locator("#leads tbody td.name").all_inner_texts() == ["Wei Zhang"]
    assert await page.locator("#leads select.pill").count() == 0  # a viewer reads
    await page.locator("select[name=period]").select_option("all")
    await page.wait_for_url("**period=all**")
    assert await page.locator(".kpis .change").count() == 0
    await page.locator(".picks select[name=pipeline]").select_option(label="Renewal")
    await page.get_by_text("No lead in this period").wait_for()
    assert (await page.locator(".kpis b").first.inner_text()) == "0"


async def test_forecast_velocity_people_and_agents(enter: OpenRoom, team: Team) -> None:
    """Spec A6, B2, C9. Open value by month, weighted; each owner's leads are a link away."""
    hannah = await lead(team, expectedCloseDate="2031-03-15")
    await team.do(team.ben, "crm.leads.setStatus", leadId=str(hannah.id), status="qualified")
    won = await lead(team, "Wei", "Zhang")
    await team.do(team.ana, "crm.leads.assign", leadId=str(won.id), ownerId=str(team.marcus.id))
    await team.do(team.ben, "crm.leads.setStatus", leadId=str(won.id), status="won")
    room = await enter(team.ben)
    page = await room.go("/dashboard/crm")
    await page.get_by_role("link", name="Forecast and people").click()
    month = await page.locator(".months li", has_text="March 2031").inner_text()
    assert [part for part in month.split() if part.startswith("$")] == ["$42k", "$8.4k"]
    await page.get_by_role("link", name="Marcus").click()
    assert await page.locator("tbody td.name").all_inner_texts() == ["Wei Zhang"]


async def test_a_lead_is_added_from_the_dashboard(enter: OpenRoom, team: Team) -> None:
    """Spec B1. First name, last name and e-mail are required."""
    room = await enter(team.ben)
    page = await room.go("/dashboard/crm")
    await page.get_by_role("link", name="Add lead").click()
    await page.get_by_label("First name").fill("Sofia")
    await page.get_by_role("button", name="Add lead").click()
    await page.get_by_text("Last name is required.").first.wait_for()
    await page.get_by_label("Last name").fill("Marino")
    await page.get_by_label("Email").fill("sofia@vela.example")
    await page.get_by_role("button", name="Add lead").click()
    await page.locator("#leads td.name", has_text="Sofia Marino").wait_for()


@contextmanager
def _counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements of operations while it is open."""
    told: list[str] = []
    with monkeypatch.context() as patch:
        for name in ("fetch", "fetchrow", "fetchval", "execute"):
            patch.setattr(Tx, name, _noting(getattr(Tx, name), told))
        yield told


def _noting(real: Any, told: list[str]) -> Any:
    async def statement(self: Tx, sql: str, *args: Any) -> Any:
        told.append(sql)
        return await real(self, sql, *args)

    return statement


async def test_pages_ask_a_fixed_number_of_statements(
    enter: OpenRoom, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spec B1. Forty leads cost the dashboard, the history and the agent's page not one statement more than two."""
    pipeline = (await inbound(team)).id
    room = await enter(team.ana)
    paths = [
        "/dashboard/crm",
        "/dashboard/forecast",
        f"/history/{pipeline}",
        f"/agents/{team.athena.id}",
        "/settings/routing",
    ]

    async def cost() -> list[int]:
        costs = []
        for path in paths:
            with _counted(monkeypatch) as told:
                answer = await room.context.request.get(room.site + path)
            assert answer.ok
            costs.append(len(told))
        return costs

    async def some(count: int) -> None:
        for number in range(count):
            made = await lead(team, f"Lead{number:02}", "Test", source="event" if number % 2 else "website")
            captured = await team.capture(lastName=f"Visitor{number}")
            if number % 2:
                await team.do(team.ben, "crm.leads.setStatus", leadId=str(made.id), status="won")
                await team.do(team.ben, "crm.leads.disqualify", leadId=str(captured.id), reason="No")
        await team.run_due()

    await some(2)
    few = await cost()
    await some(20)
    assert await cost() == few
    assert few[0] < 40
