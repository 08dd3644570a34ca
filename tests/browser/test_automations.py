"""The pages of automations and sequences: written, tried, switched on, followed; accessible, in both themes and three widths."""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from baton.jobs import lanes
from tests.browser.conftest import OpenRoom
from tests.browser.stages import lead
from tests.browser.test_looks import WIDTHS
from tests.team import Team

NOTE = {
    "do": "operation",
    "operation": "crm.leads.logActivity",
    "input": {"type": "note", "notes": "Hello {{ lead.firstName }}"},
}
MOVE = {"do": "operation", "operation": "crm.leads.moveStage", "input": {"stageId": "{{ lead.fields.stage }}"}}
WAIT = {"do": "wait", "span": "2d"}
ASK = {"do": "task", "title": "Ask {{ lead.name }} again"}
TELL = {"do": "notify", "title": "Silent"}
BRANCH = {"do": "branch", "condition": {"field": "score", "op": ">=", "value": 70}, "then": [NOTE], "otherwise": []}


async def _work(team: Team) -> None:
    for _ in range(4):
        await team.run_due()
        await lanes.step(team.db, only=team.org_id)


async def _paths(team: Team) -> dict[str, str]:
    hannah = await lead(team)
    silent = {"on": "quiet", "days": 14}
    rules: dict[str, Any] = {
        "Welcome every caller": {
            "trigger": {"on": "activity", "kind": "call_logged"},
            "steps": [NOTE, BRANCH, WAIT],
        },
        "Move it on": {"trigger": {"on": "activity", "kind": "call_logged"}, "steps": [MOVE]},
        "Wake who sleeps": {
            "trigger": silent,
            "steps": [ASK, TELL],
        },
    }
    made = {
        name: await team.do(team.ana, "crm.automations.create", {"name": name} | rule) for name, rule in rules.items()
    }
    for name in ("Welcome every caller", "Move it on"):
        await team.do(team.ana, "crm.automations.setState", automationId=str(made[name].id), state="on")
    await team.do(team.ben, "crm.leads.logActivity", leadId=str(hannah.id), type="call", notes="Rang")
    steps = [{"do": "wait", "span": "1d"}, {"do": "email", "subject": "Hello {{ lead.firstName }}", "text": "Dear."},
             {"do": "task", "title": "Call"}]  # fmt: skip
    sequence = await team.do(team.ana, "crm.sequences.create", {"name": "First contact", "plan": {"steps": steps}})
    await team.do(team.ana, "crm.sequences.setState", sequenceId=str(sequence.id), state="on")
    await team.do(team.ben, "crm.sequences.enrol", sequenceId=str(sequence.id), leadId=str(hannah.id))
    await _work(team)
    welcome, waker = made["Welcome every caller"].id, made["Wake who sleeps"].id
    return {
        "automations": "/automations",
        "automation": f"/automations/{welcome}?days=30",
        "automation-draft": f"/automations/{waker}",
        "automation-new": "/automations/new",
        "automation-edit": f"/automations/{welcome}/edit",
        "automation-edit-quiet": f"/automations/{waker}/edit",
        "sequences": "/sequences",
        "sequence": f"/sequences/{sequence.id}",
        "sequence-new": "/sequences/new",
        "sequence-edit": f"/sequences/{sequence.id}/edit",
        "sequence-enrol": f"/sequences/{sequence.id}/enrol",
    }


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_pages_are_accessible_and_fit(enter: OpenRoom, team: Team, theme: str) -> None:
    """Axe finds nothing, nothing overflows. Pictures go to BATON_PICTURES."""
    empty = await enter(team.ana, color_scheme=theme)
    wrong: list[str] = []
    for path in ("/automations", "/sequences"):
        await empty.go(path)
        wrong += [f"{path} empty: {finding}" for finding in await empty.axe()]
    paths = await _paths(team)
    folder = os.environ.get("BATON_PICTURES")
    for width, (across, down) in WIDTHS.items():
        room = await enter(team.ana, viewport={"width": across, "height": down}, color_scheme=theme)
        for name, path in paths.items():
            page = await room.go(path)
            if folder:
                await page.screenshot(path=Path(folder) / f"{name}-{theme}-{width}.png", full_page=True)
            beyond = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if beyond > 0:
                wrong.append(f"{name} {width}: {beyond} px too wide")
            if width != "tablet":
                wrong += [f"{name} {theme} {width}: {finding}" for finding in await room.axe()]
    assert wrong == []


async def test_an_automation_is_written_tried_switched_on_and_followed(enter: OpenRoom, team: Team) -> None:
    """A draft, what it would have done, on, a run with its steps; a held run is tried again from the page."""
    hannah = await lead(team)
    await team.do(team.ben, "crm.leads.logActivity", leadId=str(hannah.id), type="call", notes="Rang")
    room = await enter(team.ana)
    page = await room.go("/automations")
    await page.get_by_role("link", name="Draft an automation").click()
    sheet = page.locator("#sheet")
    await sheet.get_by_label("Name").fill("Tag callers")
    await sheet.get_by_label("When", exact=True).select_option("call_logged")
    await sheet.get_by_label("Step 1", exact=True).select_option("tags")
    await sheet.get_by_label("What step 1 is given").fill("caller, warm")
    await sheet.get_by_role("button", name="Save the draft").click()
    await expect(page.locator("header.page h1")).to_have_text("Tag callers")
    await page.get_by_role("button", name="Try it").click()
    await expect(page.get_by_text("It would have fired 1 time, on 1 lead.")).to_be_visible()
    await page.get_by_role("button", name="Switch on").click()
    await expect(page.locator("header.page .chip")).to_have_text("On")
    await team.do(team.ben, "crm.leads.logActivity", leadId=str(hannah.id), type="call", notes="Rang again")
    await _work(team)
    await page.reload()
    await expect(page.locator("#runs .chip").first).to_have_text("done")
    assert (await team.do(team.ana, "crm.leads.get", leadId=str(hannah.id))).tags == ["caller", "warm"]
    await page.get_by_role("link", name="Change").click()
    await expect(page.locator("#sheet").get_by_label("What step 1 is given")).to_have_value("caller, warm")
    await page.locator("#sheet").get_by_label("What step 1 is given").fill("caller")
    await page.locator("#sheet").get_by_role("button", name="Save").click()
    await expect(page.get_by_text("version 2", exact=True)).to_be_visible()


async def test_a_held_run_is_decided_on_the_page(enter: OpenRoom, team: Team) -> None:
    """What needs a person stands on top, and is dropped there."""
    await _paths(team)
    room = await enter(team.ben)
    page = await room.go("/automations")
    await expect(page.get_by_role("heading", name="Waiting for a person")).to_be_visible()
    await page.get_by_role("button", name="Drop: Move it on").click()
    await expect(page.get_by_role("heading", name="Waiting for a person")).to_have_count(0)


async def test_a_sequence_is_written_and_leads_are_put_in(enter: OpenRoom, team: Team) -> None:
    """Written in rows, switched on, filled by a condition; a lead waits and goes on from the list."""
    for _ in range(3):
        await lead(team)
    room = await enter(team.ana)
    page = await room.go("/sequences/new")
    await page.get_by_label("Name").fill("Three touches")
    await page.get_by_label("Step 1", exact=True).select_option("wait")
    await page.get_by_label("What step 1 is given").fill("2d")
    await page.get_by_label("Step 2", exact=True).select_option("email")
    await page.get_by_label("What step 2 is given").fill("Hello {{ lead.firstName }}\n\nMay I call you?")
    await page.get_by_role("button", name="Save the draft").click()
    await page.get_by_role("button", name="Switch on").click()
    await page.get_by_role("link", name="Put leads in").click()
    sheet = page.locator("#sheet")
    await sheet.get_by_label("Field 1").select_option("open")
    await sheet.get_by_label("Test 1").select_option("=")
    await sheet.get_by_label("Value 1").fill("yes")
    await sheet.get_by_role("button", name="Put them in").click()
    await expect(page.locator("#sequence tbody").nth(1).locator("tr")).to_have_count(3)
    await page.get_by_role("button", name="Wait:").first.click()
    await expect(page.get_by_role("button", name="Go on:")).to_have_count(1)


async def test_a_branch_is_written_in_rows(enter: OpenRoom, team: Team) -> None:
    """“If” with two tests, “else” and its end stand in rows, indented; WhatsApp too; opened again they are the same rows."""
    room = await enter(team.ana)
    page = await room.go("/automations/new")
    await page.get_by_label("Name").fill("Sort callers")
    await page.get_by_label("When", exact=True).select_option("call_logged")
    acts = ["if", "and", "whatsapp", "else", "tags", "end", "note"]
    for number, act in enumerate(acts, start=1):
        await page.get_by_label(f"Step {number}", exact=True).select_option(act)
    for number, field, test, value in ((1, "score", ">=", "70"), (2, "companyName", "is_set", "")):
        await page.get_by_label(f"What step {number} asks").select_option(field)
        await page.get_by_label(f"Test of step {number}").select_option(test)
        if value:
            await page.get_by_label(f"Value for step {number}").fill(value)
    for number, text in ((3, "hello de\n{{ lead.firstName }}"), (5, "cold"), (7, "Called.")):
        await page.get_by_label(f"What step {number} is given").fill(text)
    depths = await page.locator(".act-row").evaluate_all("rows => rows.map((row) => row.dataset.depth)")
    assert depths[:7] == ["0", "0", "1", "0", "1", "0", "0"]
    assert await room.axe() == []
    if folder := os.environ.get("BATON_PICTURES"):
        await page.screenshot(path=Path(folder) / "automation-branch.png", full_page=True)
    await page.get_by_role("button", name="Save the draft").click()
    await expect(page.locator("header.page h1")).to_have_text("Sort callers")
    (made,) = await team.do(team.ana, "crm.automations.list")
    branch, note = (await team.do(team.ana, "crm.automations.get", automationId=str(made.id))).steps
    assert branch.condition == {
        "all": [{"field": "score", "op": ">=", "value": 70}, {"field": "companyName", "op": "is_set"}]
    }
    assert (branch.then[0].template, branch.then[0].language, branch.then[0].variables) == (
        "hello",
        "de",
        ["{{ lead.firstName }}"],
    )
    assert branch.otherwise[0].input == {"tags": ["cold"]}
    assert note.input["notes"] == "Called."
    await page.get_by_role("link", name="Change").click()
    rows = page.locator("#sheet .act-row")
    await expect(rows.first).to_be_visible()
    said = await rows.locator("[name=stepAct]").evaluate_all(
        "fields => fields.map((field) => field.value).filter(Boolean)"
    )
    assert said == acts
    await rows.nth(5).locator("[name=stepAct]").select_option("")
    await rows.nth(6).locator("[name=stepAct]").select_option("else")
    await page.locator("#sheet").get_by_role("button", name="Save").click()
    await expect(page.locator("#sheet").get_by_text("this “if” has no end").first).to_be_visible()


async def test_a_gate_is_written_in_rows(enter: OpenRoom, team: Team) -> None:
    """A sequence goes on only with leads that meet a test; the rows say so again when they are opened."""
    room = await enter(team.ana)
    page = await room.go("/sequences/new")
    await page.get_by_label("Name").fill("Only the good")
    await page.get_by_label("Step 1", exact=True).select_option("gateSkip")
    await page.get_by_label("What step 1 asks").select_option("score")
    await page.get_by_label("Test of step 1").select_option(">=")
    await page.get_by_label("Value for step 1").fill("40")
    await page.get_by_label("Step 2", exact=True).select_option("task")
    await page.get_by_label("What step 2 is given").fill("Call {{ lead.name }}")
    await page.get_by_role("button", name="Save the draft").click()
    await expect(page.locator("header.page h1")).to_have_text("Only the good")
    (made,) = await team.do(team.ana, "crm.sequences.list")
    gate = made.plan.steps[0]
    assert (gate.otherwise, gate.condition) == ("skip", {"all": [{"field": "score", "op": ">=", "value": 40}]})
    await page.get_by_role("link", name="Change").click()
    await expect(page.locator("#sheet").get_by_label("Value for step 1")).to_have_value("40")
