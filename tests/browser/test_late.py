"""Of a large organization what takes long comes after its page: by itself, or without scripts by a link. Spec B1."""

import pytest
from playwright.async_api import expect

from baton.doors.web.shell import late
from tests.browser.conftest import OpenRoom
from tests.browser.stages import lead
from tests.team import Team


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every organization counts as large."""
    monkeypatch.setattr(late, "LARGE", 0)


async def _some(team: Team) -> None:
    hannah = await lead(team, tags=["healthcare"])
    await team.do(team.athena, "crm.leads.qualify", leadId=str(hannah.id), reason="Director.")
    for name in ("Kestrel Health Ltd", "Kestrel Health GmbH"):
        await team.do(team.ben, "crm.companies.create", {"name": name})


@pytest.mark.usefixtures("large")
async def test_figures_follow_their_page(enter: OpenRoom, team: Team) -> None:
    await _some(team)
    room = await enter(team.ana)
    for path, shown in (
        ("/dashboard/forecast", "People and agents"),
        ("/companies/duplicates", "Kestrel Health Ltd"),
        ("/settings/tags", "healthcare"),
        (f"/agents/{team.athena.id}", "What became of it"),
    ):
        answer = await room.page.request.get(room.site + path)
        assert shown not in await answer.text(), path
        page = await room.go(path)
        await expect(page.locator("main").get_by_text(shown).first).to_be_visible()
        await expect(page.locator(".coming")).to_have_count(0)
        assert await room.axe() == []


@pytest.mark.usefixtures("large")
async def test_without_scripts_a_link_leads_to_them(enter: OpenRoom, team: Team) -> None:
    await _some(team)
    room = await enter(team.ana, java_script_enabled=False)
    page = await room.go("/settings/tags")
    await page.get_by_role("link", name="Show", exact=True).click()
    await page.get_by_role("link", name="healthcare", exact=True).click()
    await expect(page.get_by_role("link", name="Hannah Weiss", exact=True)).to_be_visible()
