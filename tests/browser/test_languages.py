"""The whole interface in Portuguese: chosen on the profile, without an English word in the navigation, nothing overflows. Spec A9, B1."""

import re

from playwright.async_api import expect

from tests.browser.conftest import OpenRoom
from tests.browser.stages import lead
from tests.team import Team

PAGES = (
    "/board", "/leads", "/history", "/dashboard/crm", "/dashboard/forecast", "/inbox", "/tasks", "/calendar", "/contacts", "/companies",
    "/approvals", "/notifications", "/settings/agents", "/automations", "/sequences", "/settings/scoring", "/settings/routing",
    "/settings/pipelines", "/settings/organization", "/settings/fields", "/settings/tags", "/settings/members", "/settings/forms",
    "/settings/mail", "/settings/enrichment", "/settings/webhooks", "/settings/keys", "/settings/health", "/settings/log", "/profile",
    "/imports", "/segments",
)  # fmt: skip
ENGLISH = re.compile(
    r"\b(Board|Contacts|Tasks|Approvals|Dashboard|Agents|Automations|Settings|Notifications|Search|Add lead|Save|Cancel|Owner|Filter"
    r"|Nobody|Members|Pipelines|Sequences|Forms|Profile|Undo|Sign out|today|yesterday|ago|overdue|any|anyone|nothing)\b"
)


async def test_every_page_in_portuguese(enter: OpenRoom, team: Team) -> None:
    """Spec A9, B1."""
    hannah = await lead(team, tags=["saúde"], phone="+49 30 5550 0142")
    await team.do(team.athena, "crm.leads.qualify", leadId=str(hannah.id), reason="Bom cargo.")
    intake = next(p for p in await team.do(team.ana, "crm.pipelines.list") if p.is_intake)
    for width, height in ((1440, 900), (390, 844)):
        room = await enter(team.ana, locale="pt-BR", viewport={"width": width, "height": height})
        for path in (*PAGES, f"/leads/{hannah.id}"):
            page = await room.go(path.replace("/history", f"/history/{intake.id}"))
            assert await page.locator("html").get_attribute("lang") == "pt", path
            said = await page.locator("body").inner_text()
            for name in ("Baton", *(stage.name for stage in intake.stages)):
                said = said.replace(name, "")
            said = re.sub(r"^.*(\{\{|Europe/|“Nurture).*$", "", said, flags=re.MULTILINE)
            assert sorted(set(ENGLISH.findall(said))) == [], path
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


async def test_one_chooses_portuguese_and_everything_speaks_it(enter: OpenRoom, team: Team) -> None:
    """Spec A9, B9."""
    hannah = await lead(team)
    room = await enter(team.ben, locale="en-GB")
    page = await room.go("/profile")
    await page.get_by_label("Language").select_option(label="Português")
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_url("**said=saved")
    await expect(page.get_by_text("Seu perfil foi salvo.")).to_be_visible()
    await room.go(f"/leads/{hannah.id}")
    await page.locator("#composer textarea").fill("Prefere o telefone.")
    await page.get_by_role("button", name="Salvar").first.click()
    await expect(page.locator("#timeline")).to_contain_text("Ben Okafor escreveu uma nota")
    await expect(page.locator("#fact-valueCents")).to_contain_text("US$ 42.000")
    await room.go("/board")
    await page.locator(".card .move").first.click()
    await expect(page.locator("#move-title")).to_have_text("Mover Hannah Weiss para")
    await page.get_by_role("menuitem", name="Qualified").click()
    await expect(page.locator("#toasts")).to_contain_text("Hannah Weiss movido para Qualified.")
    await room.go("/leads/new")
    await page.get_by_role("button", name="Adicionar lead").click()
    await expect(page.locator(".wrong").first).to_contain_text("obrigatório")


async def test_sign_in_follows_the_browser(enter: OpenRoom) -> None:
    room = await enter(locale="pt-PT")
    page = await room.go("/sign-in")
    await expect(page.get_by_role("button", name="Entrar")).to_be_visible()
    assert await room.axe() == []
