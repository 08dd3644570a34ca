"""Settings: pipelines and stages, members, keys; scoring and routing rules. Spec A3, B2, B6, B9, C4."""

from tests.browser.conftest import OpenRoom
from tests.browser.stages import inbound, lead
from tests.team import Team


async def test_stages_are_added_changed_ordered_and_removed(enter: OpenRoom, team: Team) -> None:
    """Spec A3, B2. Where the leads of a removed stage go is asked."""
    hannah = await lead(team)
    room = await enter(team.ana)
    page = await room.go("/settings/pipelines")
    await page.get_by_role("link", name="Add stage to Inbound").click()
    await page.get_by_label("Name").fill("Demo booked")
    await page.get_by_label("Probability, percent").fill("lots")
    await page.get_by_role("button", name="Add the stage").click()
    await page.get_by_text("The probability is a whole number.").first.wait_for()
    await page.get_by_label("Probability, percent").fill("55")
    await page.get_by_label("Expected within days").fill("4")
    await page.get_by_role("button", name="Add the stage").click()
    await page.get_by_text("“Demo booked” is a stage of Inbound.").wait_for()
    await page.get_by_role("button", name="Move Demo booked up").click()
    await page.locator("[data-stage]:nth-child(5)", has_text="Demo booked").wait_for()
    made = next(stage for stage in (await inbound(team)).stages if stage.name == "Demo booked")
    assert (made.probability, made.sla_days, made.position) == (55, 4, 4)
    await page.get_by_role("link", name="Change Demo booked of Inbound").click()
    await page.get_by_label("Name").fill("Demo held")
    await page.get_by_label("Colour").fill("#112233")
    await page.get_by_label("Write to each lead that enters").check()
    await page.get_by_role("button", name="Save").click()
    await page.get_by_text("“Demo held” is changed.").wait_for()
    held = next(stage for stage in (await inbound(team)).stages if stage.id == made.id)
    assert (held.colour, held.auto_nurture) == ("#112233", True)
    await page.get_by_text("expected within 4 days · writes to each that enters").wait_for()
    first = (await inbound(team)).stages[0]
    await room.go(f"/settings/pipelines/{(await inbound(team)).id}/stages/{first.id}/remove")
    await page.get_by_role("button", name="Remove the stage").click()
    await page.get_by_text("holds a lead").first.wait_for()
    await page.get_by_label("Its leads go to").select_option(label="Qualified")
    await page.get_by_role("button", name="Remove the stage").click()
    await page.wait_for_url("**/settings/pipelines")
    stages = (await inbound(team)).stages
    assert first.id not in {stage.id for stage in stages}
    assert (await team.do(team.ana, "crm.leads.get", leadId=str(hannah.id))).stage_id == stages[0].id


async def test_stages_are_dragged_into_another_order(enter: OpenRoom, team: Team) -> None:
    """Spec A3."""
    pipeline = await inbound(team)
    first, third = pipeline.stages[0], pipeline.stages[2]
    room = await enter(team.ana)
    page = await room.go("/settings/pipelines")
    stage = f"#pipeline-{pipeline.id} [data-stage='%s'] .name"
    await page.drag_and_drop(stage % third.id, stage % first.id)
    await page.get_by_text("The stages of Inbound are in their new order.").wait_for()
    assert (await inbound(team)).stages[0].id == third.id


async def test_a_pipeline_is_made_and_members_only_read(enter: OpenRoom, team: Team) -> None:
    """Spec A2, B9."""
    room = await enter(team.ana)
    page = await room.go("/settings/pipelines")
    await page.get_by_role("link", name="New pipeline").click()
    await page.get_by_label("Name").fill("Partners")
    await page.get_by_role("button", name="Make the pipeline").click()
    await page.get_by_text("The pipeline “Partners” is there.").wait_for()
    made = next(p for p in await team.do(team.ana, "crm.pipelines.list") if p.name == "Partners")
    assert [stage.outcome for stage in made.stages] == ["open"] * 4 + ["won", "lost"]
    member = await enter(team.ben)
    read = await member.go("/settings/pipelines")
    assert await read.get_by_role("link", name="Add stage to Partners").count() == 0
    for path in (f"/settings/pipelines/{made.id}/edit", "/settings/routing/new", "/settings/scoring/bands"):
        assert (await member.context.request.get(member.site + path)).status == 403


async def test_a_person_is_added_given_a_role_and_deactivated(enter: OpenRoom, team: Team) -> None:
    """Spec B9."""
    room = await enter(team.ana)
    page = await room.go("/settings/members")
    await team.do(team.ana, "crm.members.addPerson", {"name": "Dora Keller", "email": f"dora@{team.org_id}.example"})
    await page.reload()
    await page.get_by_label("Role of Dora Keller").select_option("viewer")
    await page.get_by_text("Dora Keller is a viewer now.").wait_for()
    await page.get_by_role("link", name="Deactivate Dora Keller").click()
    await page.get_by_role("dialog").get_by_role("button", name="Deactivate").click()
    await page.get_by_text("Dora Keller can not come in any more.").wait_for()
    assert "Dora Keller" not in {member.name for member in await team.do(team.ana, "crm.members.list")}


async def test_a_form_is_changed_closed_and_opened_again(enter: OpenRoom, team: Team) -> None:
    """Spec A12, B4. Its address stays; closed it takes no answer, neither by its page nor by a program."""
    made = await team.do(team.ana, "crm.forms.create", {"name": "Ask us", "fields": [
        {"name": "email", "label": "Work e-mail", "required": True}, {"name": "field.utm_source", "label": "utm"},
    ]})  # fmt: skip
    room = await enter(team.ana)
    page = await room.go("/settings/forms")
    await page.get_by_role("link", name="Change Ask us").click()
    sheet = page.get_by_role("dialog")
    await sheet.locator("#form-name").fill("Ask us anything")
    await sheet.get_by_label("Phone").check()
    assert await room.axe() == []
    await sheet.locator("#form-name").press("Enter")  # saves, and closes no form
    await page.get_by_text("“Ask us anything” is changed.").wait_for()
    now = next(each for each in await team.do(team.ana, "crm.forms.list") if each.id == made.id)
    assert [field.name for field in now.fields] == ["email", "phone", "field.utm_source"]
    assert (now.fields[0].label, now.address, now.status) == ("Work e-mail", made.address, "live")
    visitor = (await enter()).context.request
    answer: dict[str, str | float | bool] = {"email": "jane@acme.example"}
    for act, status in (("Close the form", 404), ("Open it again", 200)):
        page = await room.go(f"/settings/forms/{made.id}/edit")
        await page.get_by_role("button", name=act).click()
        await page.wait_for_url("**/settings/forms*")
        assert (await visitor.get(f"{room.site}/f/{made.address}")).status == status
        assert (await visitor.post(f"{room.site}/f/{made.address}", form=answer)).status == status
    assert (
        await (await enter(team.ben)).context.request.get(f"{room.site}/settings/forms/{made.id}/edit")
    ).status == 403


async def test_a_key_is_shown_once_works_and_is_revoked(enter: OpenRoom, team: Team) -> None:
    """Spec B9. The secret works through the API until it is revoked, and stands nowhere afterwards."""
    room = await enter(team.ana)
    page = await room.go("/settings/keys")
    await page.get_by_role("link", name="New key").click()
    await page.get_by_label("Name").fill("Reports")
    await page.get_by_label("May do").select_option("query:*")
    await page.get_by_role("button", name="Make the key").click()
    token = await page.locator("#key-secret").inner_text()
    await page.get_by_role("dialog").get_by_role("link", name="Done").click()

    program = (await enter()).context.request

    async def ask() -> int:
        url, headers = f"{room.site}/api/v1/crm.pipelines.list", {"authorization": f"Bearer {token}"}
        return (await program.post(url, headers=headers, data={})).status

    assert await ask() == 200
    await page.reload()
    assert token not in await page.content()
    await page.get_by_role("button", name="Revoke Reports").click()
    await page.get_by_text("The key “Reports” opens nothing any more.").wait_for()
    assert await ask() == 401


async def test_a_scoring_rule_is_changed_and_the_next_score_uses_it(enter: OpenRoom, team: Team) -> None:
    """Spec B6, C7. Rules are rows."""
    before = (await lead(team, source="event")).score
    room = await enter(team.ana)
    page = await room.go("/settings/scoring")
    await page.get_by_role("link", name="Change the rule source event").click()
    await page.get_by_label("Points").fill("1")
    await page.get_by_role("button", name="Save the rule").click()
    await page.get_by_text("“source event” counts from the next score on.").wait_for()
    assert (await lead(team, "Wei", "Zhang", source="event")).score == before - 14


async def test_a_routing_rule_is_made_and_tried(enter: OpenRoom, team: Team) -> None:
    """Spec C4. Who would get the leads that wait, before they are routed."""
    hannah = await lead(team)
    room = await enter(team.ana)
    page = await room.go("/settings/routing")
    await page.get_by_role("link", name="New rule").click()
    await page.get_by_label("Name").fill("Big ones")
    await page.get_by_label("Field 1").select_option("valueCents")
    await page.get_by_label("Test 1").select_option(">=")
    await page.get_by_label("Value 1").fill("40,000")
    await page.get_by_role("button", name="Save the rule").click()
    await page.get_by_text("Choose at least one who takes the leads.").first.wait_for()
    await page.get_by_label("Ben Okafor").check()
    await page.get_by_role("button", name="Save the rule").click()
    await page.get_by_text("“Big ones” decides from the next lead on.").wait_for()
    rules = await team.do(team.ana, "crm.routing.rules")
    made = next(rule for rule in rules if rule.name == "Big ones")
    assert made.condition == {"all": [{"field": "valueCents", "op": ">=", "value": 4_000_000}]}
    assert made.pool == [team.ben.id]
    for _ in range(len(rules)):
        earlier = page.get_by_role("button", name="Ask Big ones earlier")
        if await earlier.is_enabled():
            await earlier.click()
    await page.locator("tr", has_text="Hannah Weiss").filter(has_text="Ben Okafor").wait_for()
    assert (await team.do(team.ana, "crm.leads.get", leadId=str(hannah.id))).owner_id is None
