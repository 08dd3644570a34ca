"""Every page in both themes and three widths: axe finds nothing, nothing overflows. Pictures go to BATON_PICTURES."""

import os
from pathlib import Path

import pytest

from tests.browser.conftest import OpenRoom
from tests.browser.stages import inbound, lead
from tests.team import Team

WIDTHS = {"wide": (1440, 900), "tablet": (820, 1100), "phone": (390, 844)}


async def _paths(team: Team) -> dict[str, str]:
    hannah = await lead(team, tags=["healthcare", "EU"], phone="+49 30 5550 0142")
    await team.do(team.athena, "crm.leads.qualify", leadId=str(hannah.id), reason="Score 88: director title.")
    await team.do(team.athena, "crm.leads.assign", leadId=str(hannah.id), ownerId=str(team.marcus.id))
    await team.do(team.marcus, "crm.leads.followUp", leadId=str(hannah.id), dueIn="2d", notes="Call about the pilot")
    await team.do(team.ben, "crm.leads.logActivity", leadId=str(hannah.id), type="note", notes="Prefers the phone.")
    await lead(team, "A very long first name indeed", "Featherstonehaugh-Cholmondeley", companyName="X" * 80)
    closed = await lead(team, "Owen", "Clarke")
    await team.do(team.ben, "crm.leads.disqualify", leadId=str(closed.id), reason="No budget")
    id = hannah.id
    intake = await inbound(team)
    stage = intake.stages[0].id
    moved = (await team.log(id))[-2].operation_id
    await team.capture()
    await team.run_due()
    return {
        "board": "/board",
        "board-empty": "/board?q=nobody",
        "lead": f"/leads/{id}",
        "lead-past": f"/leads/{id}?at={hannah.created_at.isoformat()}".replace("+", "%2B"),
        "lead-edit": f"/leads/{id}?edit=valueCents",
        "lead-closed": f"/leads/{closed.id}",
        "leads": "/leads",
        "leads-none": "/leads?q=nobody",
        "leads-columns": "/leads/columns",
        "leads-filter": "/leads/filter",
        "view-new": "/leads/views/new?owner=none",
        "segments": "/segments",
        "organization": "/settings/organization",
        "fields": "/settings/fields",
        "field-new": "/settings/fields/new",
        "tags": "/settings/tags",
        "log": "/settings/log",
        "webhooks": "/settings/webhooks",
        "webhook-new": "/settings/webhooks/new",
        "enrichment": "/settings/enrichment",
        "provider-new": "/settings/enrichment/providers/new?kind=http",
        "lead-search": "/leads/search",
        "profile": "/profile",
        "imports": "/imports",
        "import-new": "/imports/new",
        "contacts": "/contacts",
        "contact": f"/contacts/{hannah.contact_id}",
        "contact-merge": f"/contacts/{hannah.contact_id}/merge?with={closed.contact_id}",
        "contact-edit": f"/contacts/{hannah.contact_id}?edit=email",
        "company": f"/companies/{hannah.company_id}",
        "companies": "/companies",
        "duplicates": "/contacts/duplicates",
        "segment-new": "/segments/new",
        "tasks": "/tasks?whose=all",
        "tasks-none": "/tasks",
        "lead-new": "/leads/new",
        "assign": f"/leads/{id}/assign",
        "disqualify": f"/leads/{id}/disqualify",
        "follow-up": f"/leads/{id}/follow-up",
        "dashboard": "/dashboard/crm",
        "dashboard-all": "/dashboard/crm?period=all&status=qualified",
        "forecast": "/dashboard/forecast?period=all",
        "history": f"/history/{intake.id}",
        "history-none": f"/history/{intake.id}?outcome=won",
        "undo": f"/undo/{moved}",
        "agents": "/settings/agents",
        "agent": f"/agents/{team.athena.id}",
        "agent-new": "/settings/agents/new",
        "agent-edit": f"/agents/{team.athena.id}/edit",
        "agent-rule": f"/agents/{team.athena.id}/rules/new",
        "pipelines": "/settings/pipelines",
        "pipeline-new": "/settings/pipelines/new",
        "pipeline-remove": f"/settings/pipelines/{intake.id}/remove",
        "stage": f"/settings/pipelines/{intake.id}/stages/{stage}",
        "members": "/settings/members",
        "member-new": "/settings/members/new",
        "keys": "/settings/keys",
        "key-new": "/settings/keys/new",
        "scoring": "/settings/scoring",
        "scoring-test": "/settings/scoring/test",
        "forecast-past": "/dashboard/forecast?asOf=2026-01-02",
        "scoring-bands": "/settings/scoring/bands",
        "routing": "/settings/routing",
        "routing-rule": "/settings/routing/new",
        "forms": "/settings/forms",
        "form-new": "/settings/forms/new",
        "form": f"/f/{team.started.form_address}",
        "form-sent": f"/f/{team.started.form_address}?sent=1",
        "form-embedded": f"/f/{team.started.form_address}?embed=1",
        "not-found": "/leads/00000000-0000-0000-0000-000000000000",
    }


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_page_is_accessible_and_fits(enter: OpenRoom, team: Team, theme: str) -> None:
    paths = await _paths(team)
    wrong: list[str] = []
    for width, (across, down) in WIDTHS.items():
        room = await enter(
            team.ana, viewport={"width": across, "height": down}, color_scheme=theme, has_touch=width == "phone"
        )
        nobody = await enter(viewport={"width": across, "height": down}, color_scheme=theme)
        for name, path in {**paths, "sign-in": "/sign-in"}.items():
            here = nobody if name == "sign-in" else room
            page = await here.go(path)
            await page.wait_for_timeout(60)
            await _picture(here, f"{name}-{theme}-{width}")
            beyond = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if beyond > 0:
                wrong.append(f"{name} {width}: {beyond} px too wide")
            if width != "tablet":
                wrong += [f"{name} {theme} {width}: {finding}" for finding in await here.axe()]
    assert wrong == []


async def test_dialogs_and_menus_are_accessible(enter: OpenRoom, team: Team) -> None:
    hannah = await lead(team)
    room = await enter(team.ana)
    page = await room.go("/board")
    await page.get_by_role("link", name="Add lead").click()
    await page.get_by_role("dialog").wait_for()
    wrong = await room.axe()
    await _picture(room, "dialog")
    await page.keyboard.press("Escape")
    await page.locator(f"#card-{hannah.id} h3 a").focus()
    await page.keyboard.press("m")
    await page.get_by_role("menu").wait_for()
    wrong += await room.axe()
    await _picture(room, "menu")
    assert wrong == []


async def test_the_theme_is_chosen_and_kept(enter: OpenRoom, team: Team) -> None:
    room = await enter(team.ben, color_scheme="light")
    page = await room.go("/board")
    light = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    await page.get_by_role("button", name="Dark").click()
    dark = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert light != dark
    await page.reload()
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    await page.get_by_role("button", name="As the system").click()
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == light


async def test_the_navigation_of_a_phone_opens_and_closes(enter: OpenRoom, team: Team) -> None:
    room = await enter(team.ben, viewport={"width": 390, "height": 844}, has_touch=True)
    page = await room.go("/board")
    assert not await page.get_by_role("link", name="Leads", exact=True).is_visible()
    await page.get_by_role("button", name="Open the navigation").click()
    await page.wait_for_timeout(100)
    await _picture(room, "navigation-phone")
    assert await room.axe() == []
    await page.get_by_role("link", name="Leads", exact=True).click()
    await page.get_by_role("heading", name="Leads", exact=True).wait_for()


async def _picture(room: "object", name: str) -> None:
    folder = os.environ.get("BATON_PICTURES")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        await room.page.screenshot(path=f"{folder}/{name}.png")  # type: ignore[attr-defined]
