"""Rows become leads, once: created, duplicate or refused by line and reason, under one operation. Spec A7, A11."""

import asyncio
import csv
import json
from datetime import date
from pathlib import Path

import msgspec
import pytest
from tests.imports.conftest import Office

from baton.imports import entries as chunking
from baton.imports import load as loading
from baton.imports.entries import Entry
from baton.imports.guard import harmless
from baton.imports.load import load
from baton.imports.options import ImportReport, Options, mapping_from
from baton.imports.read import open_table
from baton.imports.refused import write_refused
from baton.imports.rows import LoadRows
from baton.imports.write import Write
from baton.kernel.actor import Role
from baton.kernel.db import Tx
from baton.kernel.errors import Forbidden, Invalid, NotFound, TooLarge, Unavailable
from baton.kernel.perform import perform
from baton.kernel.values import utc_now
from baton.leads import totals as stage_totals
from baton.leads.create import NewLead
from baton.leads.lead import COLUMNS, Lead, replayed

PEOPLE = """First Name,Last Name,Email,Phone,Company,Lead Source,Status,Amount,Tags,Notes,Favourite colour
Ana,Silva,ana@acme.example,+351 21 000 1111,Acme,Referral,Qualified,"$1,234.50",hot; vip,Call me,blue
Bo,Li,BO@globex.example,,Globex,Carrier pigeon,Waiting,n/a,,,
,,,,,Web,,,,,green
Cy,,not-an-address,,Initech,Web,Closed Won,abc,,,
,,broken@,,,Web,,,,,
Ana,Silva,Ana@ACME.example,,Acme,,,,,,
"""


def write(folder: Path, text: str, name: str = "leads.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def counts(report: ImportReport) -> tuple[int, int, int, int]:
    """Rows, created, duplicates, refused; which always add up."""
    assert report.created + report.updated + report.duplicates + len(report.refused) == report.rows
    assert len(report.repeated) == report.duplicates
    return report.rows, report.created, report.duplicates, len(report.refused)


async def test_every_row_is_a_lead_a_duplicate_or_named_with_its_line(office: Office, tmp_path: Path) -> None:
    report = await load(office.db, office.ana, write(tmp_path, PEOPLE))
    assert counts(report) == (6, 3, 1, 2)
    assert [(named.line, named.reason) for named in report.refused] == [
        (4, "It has neither a name nor a company, e-mail, phone or id"),
        (6, "“broken@” is no e-mail address, and nothing else says who this is"),
    ]
    assert [(named.line, named.reason) for named in report.repeated] == [
        (7, "It repeats line 2: the same e-mail, Ana@acme.example")
    ]
    ana, bo, cy = await office.leads()
    assert (ana["name"], ana["email"], ana["phone"], ana["company_name"]) == (
        "Ana Silva",
        "ana@acme.example",
        "+351210001111",
        "Acme",
    )
    assert (ana["source"], ana["stage"], ana["status"], ana["value_cents"], ana["tags"]) == (
        "referral", "Qualified", "qualified", 123_450, ["hot", "vip"],
    )  # fmt: skip
    assert ana["fields"] == {"Lead Source": "Referral", "Favourite colour": "blue"}
    assert (bo["source"], bo["stage"], bo["value_cents"]) == ("other", "New lead", None)
    assert bo["fields"] == {"Lead Source": "Carrier pigeon", "Status": "Waiting"}
    assert (cy["stage"], cy["email"], cy["closed_at"] is not None) == ("Closed-Won", None, True)
    assert cy["fields"] == {"Email": "not-an-address", "Lead Source": "Web", "Amount": "abc"}


async def test_a_second_run_creates_nothing(office: Office, tmp_path: Path) -> None:
    path = write(tmp_path, PEOPLE)
    first = await load(office.db, office.ana, path)
    before = await office.count("activities")
    second = await load(office.db, office.ana, path)
    assert counts(second) == (6, 0, 4, 2)
    assert await office.count("activities") == before
    assert first.operation_id != second.operation_id
    leads = await office.leads()
    assert f"as lead {leads[0]['id']}" in next(named.reason for named in second.repeated if named.line == 2)


async def test_each_lead_is_logged_and_scored_once_and_the_log_replays_to_its_row(
    office: Office, tmp_path: Path
) -> None:
    report = await load(office.db, office.ana, write(tmp_path, PEOPLE))
    log = await office.rows(
        "SELECT * FROM activities WHERE org_id = $1 AND lead_id IS NOT NULL ORDER BY occurred_at, id"
    )
    assert {entry["kind"] for entry in log} == {"lead_imported", "lead_scored"}
    assert {(entry["actor_type"], entry["actor_id"], entry["via"]) for entry in log} == {("user", office.ana.id, "csv")}
    assert {entry["operation_id"] for entry in log} == {report.operation_id}
    assert next(entry["payload"]["message"] for entry in log if "message" in entry["payload"]) == "Call me"
    assert await office.count("lead_scores") == 3
    for row in await office.rows(f"SELECT {COLUMNS} FROM leads l WHERE l.org_id = $1"):
        steps = [entry["changes"] for entry in log if entry["lead_id"] == row["id"]]
        assert replayed(steps, version=row["version"], last_activity_at=row["last_activity_at"]) == Lead(**row)
    async with office.db.transaction(office.ana.org_id) as conn:
        found = await stage_totals.read(Tx(conn, office.ana.org_id, utc_now(), "test"))
    assert sum(total.leads for total in found) == 3


async def test_a_preview_counts_the_same_and_writes_nothing(office: Office, tmp_path: Path) -> None:
    path = write(tmp_path, PEOPLE)
    preview = await load(office.db, office.ana, path, dry_run=True)
    assert counts(preview) == (6, 3, 1, 2)
    assert preview.operation_id is None
    assert await office.leads() == []
    await load(office.db, office.ana, path)
    assert counts(await load(office.db, office.ana, path, dry_run=True)) == (6, 0, 4, 2)


async def test_identity_is_the_id_then_the_email_then_who_it_is_about_then_all_of_it(
    office: Office, tmp_path: Path
) -> None:
    text = "Lead ID,Name,Email,Company,Phone,Remark\nL1,A B,x@acme.example,,,1\nL2,A B,x@acme.example,,,2\n,C D,y@acme.example,,,3\n"
    text += ",E F,,Acme,,4\n,E F,,acme,,5\n,G,,,,6\n,G,,,,7\n,G,,,,6\n"
    report = await load(office.db, office.ana, write(tmp_path, text))
    assert counts(report) == (8, 6, 2, 0)
    assert [named.line for named in report.repeated] == [6, 9]
    leads = await office.leads()
    assert [lead["external_id"] for lead in leads[:3]] == ["L1", "L2", None]
    assert all(lead["external_id"].startswith("row:") for lead in leads[3:])
    again = write(tmp_path, "Name,Company,Remark\nE F,ACME,new words\n", "other.csv")
    assert counts(await load(office.db, office.ana, again)) == (1, 0, 1, 0)


async def test_an_email_counts_within_its_pipeline(office: Office, tmp_path: Path) -> None:
    path = write(tmp_path, "Email\nx@acme.example\n")
    await load(office.db, office.ana, path)
    report = await load(office.db, office.ana, path, Options(pipeline="renewal"))
    assert counts(report) == (1, 1, 0, 0)
    assert report.pipeline == "Renewal"


async def test_a_column_that_repeats_itself_is_no_identity(office: Office, tmp_path: Path) -> None:
    path = write(tmp_path, "unique_id,Name\n" + "".join(f"todo,Person {n} Name\n" for n in range(20)))
    report = await load(office.db, office.ana, path)
    assert counts(report) == (20, 20, 0, 0)
    assert any("unique_id" in warning for warning in report.warnings)
    numbered = await load(office.db, office.ana, write(tmp_path, "ID,Name\n1,Other One\n2,Other Two\n", "b.csv"))
    assert numbered.created == 2
    assert {lead["fields"].get("ID") for lead in await office.leads()} >= {"1", "2"}


async def test_ambiguous_dates_and_amounts_are_asked_and_kept_as_they_are(office: Office, tmp_path: Path) -> None:
    path = write(tmp_path, 'Name,Close Date,Value\nA B,03/04/2024,"1,234"\nC D,05/06/2024,"2,500"\n')
    report = await load(office.db, office.ana, path, Options(currency="KWD"))
    assert [(q.column, q.asks, q.choices, q.examples[0]) for q in report.questions] == [
        ("Close Date", "dateOrder", ["dmy", "mdy"], "03/04/2024"),
        ("Value", "decimalMark", ["point", "comma"], "1,234"),
    ]
    (lead, _) = await office.leads()
    assert (lead["expected_close_date"], lead["value_cents"]) == (None, None)
    assert lead["fields"] == {"Close Date": "03/04/2024", "Value": "1,234"}


@pytest.mark.parametrize(("order", "day"), [("dmy", date(2024, 4, 3)), ("mdy", date(2024, 3, 4))])
async def test_an_answer_settles_it(office: Office, tmp_path: Path, order: str, day: date) -> None:
    path = write(tmp_path, 'Name,Close Date,Value\nA B,03/04/2024,"1,234"\nC D,05/06/2024,"2,500"\n')
    options = msgspec.convert({"dateOrder": order, "decimalMark": "comma", "currency": "KWD"}, Options)
    report = await load(office.db, office.ana, path, options)
    assert report.questions == []
    lead = (await office.leads())[0]
    assert (lead["expected_close_date"], lead["value_cents"], lead["currency"], lead["fields"]) == (
        day,
        1234,
        "KWD",
        {},
    )


async def test_three_short_numbers_can_be_meant_in_three_ways(office: Office, tmp_path: Path) -> None:
    path = write(tmp_path, "Name,Close Date\nA B,05/06/07\nC D,08/09/10\n")
    (question,) = (await load(office.db, office.ana, path, dry_run=True)).questions
    assert question.choices == ["dmy", "mdy", "ymd"]
    same = write(tmp_path, "Name,Close Date,Value\nA B,05/05/2024,500\n", "same.csv")
    assert (await load(office.db, office.ana, same, dry_run=True)).questions == []


async def test_one_value_decides_for_its_column_even_against_the_answer(office: Office, tmp_path: Path) -> None:
    path = write(tmp_path, "Name,Close Date\nA B,03/04/2024\nC D,13/04/2024\n")
    report = await load(office.db, office.ana, path, Options(date_order="mdy"))
    assert "can only be read as dmy" in report.warnings[0]
    assert [lead["expected_close_date"] for lead in await office.leads()] == [date(2024, 4, 3), date(2024, 4, 13)]


async def test_a_files_own_dates_are_told_apart_from_the_logs(office: Office, tmp_path: Path) -> None:
    await load(
        office.db,
        office.ana,
        write(tmp_path, "Name,Created Date,Last Activity Date\nA B,2019-05-03,2020-01-01 10:00\n"),
    )
    (lead,) = await office.leads()
    assert lead["created_at"].year >= 2024
    assert lead["fields"] == {
        "sourceCreatedAt": "2019-05-03T00:00:00+00:00",
        "sourceLastActivityAt": "2020-01-01T10:00:00+00:00",
    }


async def test_the_mapping_can_be_changed(office: Office, tmp_path: Path) -> None:
    path = write(tmp_path, "Who,Colour,Status,Email,Code=X\nAna Rey,blue,Won,a@acme.example,7\n")
    mapping = mapping_from(["who=name", "Status=keep", "Colour=ignore", "Email=", "Code=X=externalId"])
    report = await load(office.db, office.ana, path, Options(mapping=mapping))
    (lead,) = await office.leads()
    assert (lead["first_name"], lead["last_name"], lead["stage"], lead["email"], lead["external_id"]) == (
        "Ana",
        "Rey",
        "New lead",
        None,
        "7",
    )
    assert lead["fields"] == {"Status": "Won"}
    assert [column.becomes for column in report.columns] == ["name", "ignore", "keep", "ignore", "externalId"]
    for wrong in ({"Nobody": "name"}, {"Who": "score"}, {"Who": "org_id"}):
        with pytest.raises(Invalid, match=r"column|field"):
            await load(office.db, office.ana, path, Options(mapping=wrong))
    with pytest.raises(Invalid, match="form"):
        mapping_from(["no mark"])


async def test_owners_are_members_by_name_or_email(office: Office, tmp_path: Path) -> None:
    text = f"Name,Owner\nA B,ana rey\nC D,ana-{office.ana.org_id}@acme.example\nE F,Nobody Known\n"
    report = await load(office.db, office.ana, write(tmp_path, text))
    leads = await office.leads()
    assert [lead["owner_id"] for lead in leads] == [office.ana.id, office.ana.id, None]
    assert leads[2]["fields"] == {"Owner": "Nobody Known"}
    assert any("member of the organization" in warning for warning in report.warnings)


async def test_chunks_that_meet_a_rule_lose_only_the_row_at_fault(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunking, "CHUNK", 8)
    rows = "".join(
        f"Person {n} Name,p{n}@acme.example,{'t' * 499 if n != 11 else 't' * 499 + 'x'}\n" for n in range(20)
    )
    path = write(tmp_path, "Name,Email,Industry\n" + rows)
    done: list[tuple[int, int]] = []
    report = await load(office.db, office.ana, path, progress=lambda now, total: done.append((now, total)))
    assert counts(report) == (20, 20, 0, 0)
    assert done == [(8, 20), (16, 20), (20, 20), (20, 20)]
    entries = [
        Entry(n, n, NewLead(name=f"N {n}", value_cents=-1 if n == 5 else 1, external_id=f"x{n}"), f"x{n}")
        for n in range(8)
    ]
    pipeline = await loading._pipeline(office.db, office.ana, Options())
    fresh = msgspec.structs.replace(report, created=0, refused=[], repeated=[], duplicates=0)
    await Write(office.db, office.ana, fresh, pipeline, "skip").chunk(entries)
    assert fresh.created == 7
    assert [named.line for named in fresh.refused] == [5]


async def test_an_interrupted_import_goes_on_where_it_stopped(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunking, "CHUNK", 10)
    path = write(tmp_path, "Name,Email\n" + "".join(f"Person {n},p{n}@acme.example\n" for n in range(35)))
    stopped = 20

    def stop(done: int, _: int) -> None:
        if done >= stopped:
            raise Unavailable("The database is restarting.")

    with pytest.raises(Unavailable, match="20 rows are in"):
        await load(office.db, office.ana, path, progress=stop)
    assert len(await office.leads()) == stopped
    assert counts(await load(office.db, office.ana, path)) == (35, 15, 20, 0)


async def test_two_runs_at_once_make_each_lead_once(office: Office, tmp_path: Path) -> None:
    path = write(tmp_path, "Name,Email\n" + "".join(f"Person {n},p{n}@acme.example\n" for n in range(700)))
    reports = await asyncio.gather(*(load(office.db, office.ana, path) for _ in range(3)))
    assert sum(report.created for report in reports) == len(await office.leads()) == 700


async def test_a_viewer_may_not_import_and_nothing_crosses_organizations(office: Office, tmp_path: Path) -> None:
    path = write(tmp_path, PEOPLE)
    viewer = msgspec.structs.replace(office.ana, role=Role.VIEWER)
    with pytest.raises(Forbidden):
        await load(office.db, viewer, path)
    with pytest.raises(Forbidden):
        await load(office.db, viewer, path, dry_run=True)
    with pytest.raises(NotFound, match="there are: Inbound"):
        await load(office.db, office.ana, path, Options(pipeline="Elsewhere"))
    with pytest.raises(NotFound):
        await perform(office.db, office.ana, "crm.imports.load", LoadRows(pipeline_id=str(office.ana.org_id), leads=[]))
    wrong = LoadRows(pipeline_id="x", leads=[NewLead()] * 1001)
    for name in ("crm.imports.load", "crm.imports.check"):
        with pytest.raises(TooLarge):
            await perform(office.db, office.ana, name, wrong)
    assert await office.leads() == []


@pytest.mark.parametrize(
    "wrong", [{"date_order": "ydm"}, {"decimal_mark": "dot"}, {"currency": "dollars"}, {"source": "pigeon"}]
)
async def test_options_that_do_not_exist_are_refused(office: Office, tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        await load(office.db, office.ana, write(tmp_path, PEOPLE), Options(**wrong))  # type: ignore[arg-type]


async def test_refused_rows_are_written_to_be_mended_and_imported_again(office: Office, tmp_path: Path) -> None:
    path = write(tmp_path, PEOPLE + '"=HYPERLINK(""x"")",,bad@,+49 30 1234,,,,,,,\nshort,row\n')
    report = await load(office.db, office.ana, path)
    out = tmp_path / "refused.csv"
    assert write_refused(report, open_table(path), out) == len(report.refused)
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["Not imported: line"] for row in rows] == ["4", "6", "9"]
    mended = out.read_text(encoding="utf-8-sig").replace("broken@", "mended@acme.example")
    second = await load(office.db, office.ana, write(tmp_path, mended, "mended.csv"))
    assert second.created >= 1
    newest = (await office.leads())[-1]
    assert "Not imported: why" not in newest["fields"]


async def test_only_questions_are_planned_afresh(office: Office) -> None:
    """What is written is checked by plans that are kept: the checks of foreign keys are not planned for each row."""
    async with office.db.transaction(office.ana.org_id) as conn:
        tx = Tx(conn, office.ana.org_id, utc_now(), "test")
        async with tx.planned_afresh():
            assert await tx.fetchval("SHOW plan_cache_mode") == "force_custom_plan"
        assert await tx.fetchval("SHOW plan_cache_mode") == "auto"


def test_formulas_become_harmless_and_phones_stay() -> None:
    for text in ("=1+1", " =1", "@SUM(A1)", "+cmd|x", "-2+3+cmd|' /C calc'!A0", "＝1", "\x01=1", "'=1"):
        assert harmless(text) == f"'{text}"
    assert harmless("\t=1") == "'\t'=1"
    assert harmless("a;=1\n@b") == "a;'=1\n'@b"
    for text in ("+49 30 1234", "-5", "-1,234.50", "a=b", "", "+1 (714) 430-8006"):
        assert harmless(text) == text


async def test_json_lists_and_types_arrive_as_they_are(office: Office, tmp_path: Path) -> None:
    places = [{"title": "Nordwind Air", "place_id": "p1", "categoryName": "HVAC", "totalScore": 4.9, "open": True, "hours": [1, 2],
               "location": {"lat": 1.5}, "phone": "(714) 430-8006", "city": "Anaheim", "url": None}]  # fmt: skip
    report = await load(
        office.db,
        office.ana,
        write(tmp_path, json.dumps(places), "p.json"),
        Options(pipeline="New Outbound", region="US"),
    )
    assert report.system == "Google Places"
    (lead,) = await office.leads()
    assert (lead["name"], lead["company_name"], lead["industry"], lead["phone"], lead["source"], lead["external_id"]) == (
        "Nordwind Air", "Nordwind Air", "HVAC", "+17144308006", "cold_outreach", "p1",
    )  # fmt: skip
    assert lead["fields"] == {"totalScore": 4.9, "open": True, "hours": [1, 2], "location.lat": 1.5, "city": "Anaheim"}
