"""Agents: profile, playbook in words, runs with receipts, the switch, and what is taken back. Spec A6, A9."""

from tests.browser.conftest import OpenRoom
from tests.browser.stages import lead
from tests.team import Team


async def test_the_playbook_is_told_in_words_and_changed_by_an_admin(enter: OpenRoom, team: Team) -> None:
    """Spec A6. What the form says is what the next lead meets, with no restart."""
    room = await enter(team.ana)
    page = await room.go("/settings/agents")
    await page.get_by_role("link", name="Athena").click()
    told = await page.locator(".rules").inner_text()
    assert "When a lead comes in and it came by website form, API, lead search" in told
    assert "score is at least 40 and it is not yet qualified" in told
    await page.get_by_role("link", name="New rule").click()
    await page.get_by_label("Name").fill("Call referrals")
    await page.get_by_label("Field 1").select_option("source")
    await page.get_by_label("Value 1").fill("Nowhere")
    await page.get_by_label("Step 1", exact=True).select_option("crm.leads.logActivity")
    await page.get_by_label("What step 1 is given, as JSON").fill('{"type": "note", "notes": "Call {{ lead.name }}"}')
    await page.get_by_role("button", name="Save the rule").click()
    await page.get_by_text("There is no source “Nowhere”.").first.wait_for()
    await page.get_by_label("Value 1").fill("referral")
    await page.get_by_role("button", name="Save the rule").click()
    await page.get_by_text("Athena works by “Call referrals” from now on.").wait_for()
    rules = await team.do(team.ana, "crm.agents.playbook", agentId=str(team.athena.id))
    assert rules[-1].condition == {"all": [{"field": "source", "op": "=", "value": "referral"}]}
    captured = await team.capture(source="referral")
    await team.run_due()
    assert any(a.payload.get("notes") == "Call Jane Smith" for a in await team.log(captured.id))


async def test_a_rule_is_changed_and_removed_without_touching_the_others(enter: OpenRoom, team: Team) -> None:
    """Spec A6."""
    before = await team.do(team.ana, "crm.agents.playbook", agentId=str(team.athena.id))
    room = await enter(team.ana)
    page = await room.go(f"/agents/{team.athena.id}")
    await page.get_by_role("link", name="Change the rule Give every new lead an owner").click()
    await page.get_by_label("The rule is on").uncheck()
    await page.get_by_role("button", name="Save the rule").click()
    await page.get_by_role("dialog").wait_for(state="hidden")
    after = await team.do(team.ana, "crm.agents.playbook", agentId=str(team.athena.id))
    assert [(r.name, r.trigger, r.condition, r.steps) for r in after] == [
        (r.name, r.trigger, r.condition, r.steps) for r in before
    ]
    assert [rule.enabled for rule in after] == [True, False, True]
    await page.reload()
    await page.get_by_role("link", name="Change the rule Give every new lead an owner").click()
    await page.get_by_role("button", name="Remove the rule").click()
    await page.get_by_role("dialog").wait_for(state="hidden")
    left = await team.do(team.ana, "crm.agents.playbook", agentId=str(team.athena.id))
    assert [rule.name for rule in left] == [before[0].name, before[2].name]


async def test_a_paused_agent_begins_nothing(enter: OpenRoom, team: Team) -> None:
    """Spec A6. The switch that stops an agent at once."""
    room = await enter(team.ana)
    page = await room.go(f"/agents/{team.athena.id}")
    await page.get_by_role("button", name="Pause at once").click()
    await page.get_by_text("Athena is paused").wait_for()
    captured = await team.capture()
    await team.run_due()
    assert "qualified" not in {a.kind for a in await team.log(captured.id)}
    assert await team.do(team.ana, "crm.agents.runs", agentId=str(team.athena.id)) == []
    await page.get_by_role("button", name="Let it work again").click()
    await page.get_by_role("button", name="Pause at once").wait_for()


async def test_a_run_shows_its_receipt_and_is_taken_back(enter: OpenRoom, team: Team) -> None:
    """Spec A6. What others changed since is kept, and said."""
    captured = await team.capture(title="Director", companySize=400, source="referral", company="Kestrel")
    await team.run_due()
    was = await team.do(team.ana, "crm.leads.get", leadId=str(captured.id))
    assert was.qualified_at
    await team.do(team.ben, "crm.leads.assign", leadId=str(captured.id), ownerId=str(team.ana.id))
    room = await enter(team.ben)
    page = await room.go(f"/agents/{team.athena.id}")
    receipt = await page.locator("#runs").inner_text()
    assert "Qualify who is worth a call" in receipt
    assert "done" in receipt
    await page.get_by_role("link", name="Undo this run").click()
    await page.get_by_role("button", name="Take back").click()
    effects = page.get_by_role("dialog").locator(".effects")
    await effects.get_by_text("taken back").first.wait_for()
    assert await room.axe() == []
    found = await team.do(team.ana, "crm.leads.get", leadId=str(captured.id))
    assert (found.qualified_at, found.stage_id != was.stage_id) == (None, True)
    assert found.owner_id == team.ana.id


async def test_an_act_is_taken_back_from_the_timeline(enter: OpenRoom, team: Team) -> None:
    """Spec A7, A9. The log keeps both."""
    hannah = await lead(team)
    await team.do(team.marcus, "crm.leads.assign", leadId=str(hannah.id), ownerId=str(team.marcus.id))
    room = await enter(team.ben)
    page = await room.go(f"/leads/{hannah.id}")
    await page.locator("#timeline li", has_text="took this on").hover()
    await page.locator("#timeline li", has_text="took this on").get_by_role("link", name="Undo").click()
    await page.get_by_role("button", name="Take back").click()
    await page.get_by_role("dialog").get_by_text("the owner").wait_for()
    await page.get_by_role("dialog").get_by_role("link", name="Done").click()
    await page.locator("#fact-owner", has_text="Marcus").wait_for(state="detached")
    kinds = [activity.kind for activity in await team.log(hannah.id)]
    assert kinds[-2:] == ["assignment_changed", "undone"]


async def test_who_may_not_change_agents_is_told_so(enter: OpenRoom, team: Team, carla: Team) -> None:
    """Spec B9. A member reads; another organization finds nothing."""
    room = await enter(team.ben)
    page = await room.go(f"/agents/{team.athena.id}")
    assert await page.get_by_role("link", name="New rule").count() == 0
    assert await page.get_by_role("button", name="Pause at once").count() == 0
    stranger = await enter(carla.ana)
    for path in (f"/agents/{team.athena.id}", f"/agents/{team.athena.id}/rules/new", f"/agents/{team.ben.id}"):
        assert (await stranger.context.request.get(stranger.site + path)).status == 404


async def test_nothing_is_taken_back_by_strangers_or_readers(enter: OpenRoom, team: Team, carla: Team) -> None:
    """Spec A1, B9. Another organization finds no such operation; a viewer may not; a form without proof does nothing."""
    hannah = await lead(team)
    await team.do(team.ben, "crm.leads.setStatus", leadId=str(hannah.id), status="won")
    operation = (await team.log(hannah.id))[-1].operation_id
    stranger, viewer, ben = await enter(carla.ana), await enter(team.vera), await enter(team.ben)
    for room, status in ((stranger, 404), (viewer, 403)):
        assert (await room.context.request.get(f"{room.site}/undo/{operation}")).status == status
        page = await room.go("/board")
        proof = await page.locator("meta[name=csrf]").get_attribute("content")
        assert proof
        form: dict[str, str | float | bool] = {"csrf": proof}
        answer = await room.context.request.post(
            f"{room.site}/undo/{operation}", form=form, headers={"accept": "application/json"}
        )
        assert answer.status == status
    assert (await ben.context.request.post(f"{ben.site}/undo/{operation}")).status == 403
    assert (await team.do(team.ana, "crm.leads.get", leadId=str(hannah.id))).status == "won"


async def test_names_that_are_markup_stay_text(enter: OpenRoom, team: Team) -> None:
    """What people and leads are called is shown, never run; the fixture fails on any complaint of the policy."""
    evil = "<img src=x onerror=alert(1)>{{ 7*7 }}"
    hostile = await team.do(team.ben, "crm.leads.create", firstName=evil, lastName="Weiss")
    await team.do(team.marcus, "crm.leads.disqualify", leadId=str(hostile.id), reason=evil)
    rule = {"name": evil, "trigger": "lead_imported", "steps": [{"operation": "crm.leads.route"}]}
    await team.do(team.ana, "crm.agents.setPlaybook", agentId=str(team.athena.id), rules=[rule])
    await team.do(team.ana, "crm.routing.setRules", rules=[{"name": evil, "pool": [str(team.ben.id)]}])
    await team.do(team.ana, "crm.pipelines.create", {"name": evil, "stages": [{"name": evil}]})
    await team.capture(firstName=evil)
    await team.run_due()
    room = await enter(team.ana)
    pipeline = str(hostile.pipeline_id)
    for path in ("/dashboard/crm", f"/history/{pipeline}", f"/agents/{team.athena.id}", "/settings/routing",
                 "/settings/pipelines", f"/palette?q={evil}"):  # fmt: skip
        page = await room.go(path)
        await page.wait_for_timeout(100)
        assert await page.locator("img[src=x]").count() == 0, path
        assert evil in await page.locator("body").inner_text(), path
