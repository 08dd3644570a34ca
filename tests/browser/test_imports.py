"""The import wizard: a file is brought, looked over, imported, reported, and taken back. Spec A11."""

from pathlib import Path

from tests.browser.conftest import OpenRoom
from tests.browser.stages import lead
from tests.team import Team

FILE = """Full name,E-mail,Firm,Deal,Shoe size
Amara Osei,amara@lumen.example,Lumen Analytics,18000,38
Tomás Rey,tomas@rey.example,Rey Logistics,6500,43
Nobody,x@y.example,A,1,2,3,4,5
Hannah Weiss,hannah@kestrel.example,Kestrel Health,42000,39
"""


async def test_a_file_is_brought_looked_over_imported_and_taken_back(
    enter: OpenRoom, team: Team, tmp_path: Path
) -> None:
    """Spec A11."""
    await lead(team, "Hannah", "Weiss", email="hannah@kestrel.example")
    file = tmp_path / "leads.csv"
    file.write_text(FILE)
    room = await enter(team.ben)
    page = await room.go("/imports/new")
    await page.get_by_label("Choose a file").set_input_files(file)
    assert await room.axe() == []
    await page.get_by_role("button", name="Read the file").click()
    await page.get_by_text("Reading leads.csv").wait_for()
    await team.run_due()
    tiles = page.get_by_role("list", name="What would become of 4 rows")
    await tiles.get_by_text("New leads 2").or_(tiles.locator("li")).first.wait_for()
    assert await tiles.locator("b").all_inner_texts() == ["2", "0", "1", "1"]
    assert await room.axe() == []
    await page.get_by_label("Shoe size becomes").select_option("ignore")
    await page.get_by_label("Deal becomes").select_option("value")
    await page.get_by_label("Firm becomes").select_option("companyName")
    await page.get_by_role("button", name="Read it this way").click()
    await page.get_by_text("Reading leads.csv").wait_for()
    await team.run_due()
    await page.get_by_role("button", name="Import 2 leads").click()
    await page.get_by_text("of 4 rows are in").wait_for()
    await team.run_due()
    report = page.get_by_role("list", name="Report")
    await report.wait_for()
    assert await report.locator("b").all_inner_texts() == ["2", "0", "1", "1"]
    found = (await team.do(team.ana, "crm.leads.find", search="amara")).items[0]
    assert (found.company_name, found.via, found.fields) == ("Lumen Analytics", "csv", {})
    async with page.expect_download() as started:
        await page.get_by_role("link", name="Download the refused rows").click()
    text = Path(await (await started.value).path()).read_text(encoding="utf-8-sig")
    assert "x@y.example" in text
    await page.get_by_role("button", name="Undo the import").click()
    await page.get_by_text("Taking back").wait_for()
    await team.run_due()
    await page.get_by_text("The import was undone").wait_for()
    assert (await team.do(team.ana, "crm.leads.find", search="amara")).items == []
    await page.get_by_role("link", name="Past imports").click()
    await page.get_by_role("row", name="leads.csv").get_by_text("Undone").wait_for()


async def test_viewers_and_strangers_bring_nothing(enter: OpenRoom, team: Team) -> None:
    """Spec B9."""
    vera = await enter(team.vera)
    assert (await vera.context.request.get(vera.site + "/imports/new")).status == 403
    ben = await enter(team.ben)
    files = {"file": {"name": "a.csv", "mimeType": "text/csv", "buffer": b"Name\nX\n"}}
    answer = await ben.context.request.post(ben.site + "/imports/new", multipart=files)  # type: ignore[arg-type]
    assert answer.status == 403
    assert (await team.do(team.ben, "crm.imports.list")).items == []
