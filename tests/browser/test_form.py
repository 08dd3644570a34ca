"""The hosted form, from the website's side. Spec A12, B4."""

from tests.browser.conftest import OpenRoom
from tests.browser.stages import inbound
from tests.team import Team


async def test_a_submission_thanks_and_appears_on_the_board(enter: OpenRoom, team: Team) -> None:
    ben, visitor = await enter(team.ben), await enter(java_script_enabled=False)
    board = await ben.go("/board")
    page = await visitor.go(f"/f/{team.started.form_address}")
    await page.get_by_label("First name").fill("Hannah")
    await page.get_by_label("Last name").fill("Weiss")
    await page.get_by_label("Work e-mail").fill("hannah@kestrel.example")
    await page.get_by_label("Company").fill("Kestrel Health")
    await page.get_by_label("How can we help?").fill("We are opening 40 sites next year.")
    await page.get_by_role("button", name="Send").click()
    await page.get_by_role("heading", name="Thank you").wait_for()
    assert "We will be in touch" in await page.locator("main").inner_text()
    first = (await inbound(team)).stages[0]
    card = board.locator(f"#col-{first.id} .card", has_text="Hannah Weiss")
    await card.wait_for()
    await card.get_by_role("link", name="Hannah Weiss").click()
    await board.locator("#timeline", has_text="Website form captured this lead").wait_for()


async def test_what_is_wrong_is_told_beside_the_field_and_nothing_is_lost(enter: OpenRoom, team: Team) -> None:
    room = await enter(java_script_enabled=False)
    page = await room.go(f"/f/{team.started.form_address}")
    await page.get_by_label("First name").fill("Hannah")
    await page.get_by_label("Last name").fill("Weiss")
    await page.get_by_label("Work e-mail").fill("hannah@nowhere.")
    await page.locator("form").evaluate("form => form.noValidate = true")
    await page.get_by_role("button", name="Send").click()
    await page.get_by_role("alert").wait_for()
    assert "is not an e-mail address" in await page.get_by_role("alert").inner_text()
    assert await page.get_by_label("First name").input_value() == "Hannah"
    found = await team.do(team.ana, "crm.leads.find", count=True)
    assert found.total == 0


async def test_a_browser_does_its_proof_of_work_while_the_visitor_writes(enter: OpenRoom, team: Team) -> None:
    """B4: with scripts the lead is in; without them it waits for a person."""
    form = await team.do(team.ana, "crm.forms.create", {"name": "Demo", "proofOfWork": True})
    for scripts, name in ((True, "Sofia"), (False, "Plain")):
        room = await enter(java_script_enabled=scripts)
        page = await room.go(f"/f/{form.address}")
        await page.get_by_label("First name").fill(name)
        await page.get_by_label("Last name").fill("Marino")
        await page.get_by_label("Work e-mail").fill(f"{name.lower()}@vela.example")
        await page.get_by_role("button", name="Send").click()
        await page.get_by_role("heading", name="Thank you").wait_for()
    assert [lead.name for lead in (await team.do(team.ana, "crm.leads.find")).items] == ["Sofia Marino"]
    (held,) = (await team.do(team.ana, "crm.quarantine.list")).items
    assert (held.answers["firstName"], held.reasons) == ("Plain", ["The browser did no proof of work."])


async def test_a_bot_that_fills_the_trap_is_thanked_and_waits_for_a_person(enter: OpenRoom, team: Team) -> None:
    room = await enter()
    answer = await room.context.request.post(
        f"{room.site}/f/{team.started.form_address}",
        form={"firstName": "Bot", "lastName": "Net", "email": "bot@example.com", "nickname": "me"},
    )
    assert "Thank you" in await answer.text()
    assert (await team.do(team.ana, "crm.leads.find", count=True)).total == 0
    assert len((await team.do(team.ana, "crm.quarantine.list")).items) == 1


async def test_sending_twice_captures_once(enter: OpenRoom, team: Team) -> None:
    room = await enter()
    for _ in range(2):
        await room.context.request.post(
            f"{room.site}/f/{team.started.form_address}",
            form={"firstName": "Eva", "lastName": "Diaz", "email": "eva@example.com", "once": "abc"},
        )
    assert (await team.do(team.ana, "crm.leads.find", count=True)).total == 1


async def test_the_form_may_stand_in_another_sites_frame_and_other_pages_may_not(enter: OpenRoom, team: Team) -> None:
    room = await enter(team.ana)
    form = await room.context.request.get(f"{room.site}/f/{team.started.form_address}?embed=1")
    board = await room.context.request.get(f"{room.site}/board")
    assert "frame-ancestors *" in form.headers["content-security-policy"]
    assert "x-frame-options" not in form.headers
    assert "frame-ancestors 'none'" in board.headers["content-security-policy"]
    for answer in (form, board):
        assert "unsafe-inline" not in answer.headers["content-security-policy"]


async def test_an_admin_makes_a_form_and_copies_its_snippet(enter: OpenRoom, team: Team) -> None:
    room = await enter(team.ana)
    await room.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=room.site)
    page = await room.go("/settings/forms")
    await page.get_by_role("link", name="New form").click()
    await page.get_by_role("textbox", name="Name", exact=True).fill("Book a demo")
    await page.get_by_label("Phone").check()
    await page.get_by_role("button", name="Make the form").click()
    await page.get_by_text("The form “Book a demo” is live.").wait_for()
    await page.reload()
    panel = page.locator(".panel", has_text="Book a demo")
    await panel.get_by_role("button", name="Copy").first.click()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("<iframe src=")
    async with page.expect_popup() as opened:
        await panel.get_by_role("link", name="Open the form").click()
    form = await opened.value
    await form.get_by_label("Phone").wait_for()
    assert await form.locator('input[type=hidden][name="field.utm_source"]').count() == 1


async def test_a_member_releases_what_was_held_and_discards_the_rest(enter: OpenRoom, team: Team) -> None:
    room = await enter(team.ben)
    url = f"{room.site}/f/{team.started.form_address}"
    for name in ("Real", "Robot"):
        answers: dict[str, str | float | bool] = {
            "firstName": name,
            "lastName": "Person",
            "email": f"{name.lower()}@example.com",
            "nickname": "me",
        }
        await room.context.request.post(url, form=answers)
    page = await room.go("/settings/forms")
    await page.get_by_text("A field that people do not see was filled in.").first.wait_for()
    assert await room.axe() == []
    await page.get_by_role("button", name="Discard Robot Person").click()
    await page.get_by_role("button", name="Release Real Person").click()
    await page.get_by_role("heading", name="Real Person").wait_for()
    assert [lead.name for lead in (await team.do(team.ana, "crm.leads.find")).items] == ["Real Person"]
    await room.go("/settings/forms")
    assert await page.locator("#held").count() == 0
