"""Leads go out as CSV, XLSX and JSON lines, and what went out comes in again as the same leads. Spec A10, A11."""

import asyncio
import contextlib
import csv
import io
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from baton.exports.stream import stream
from baton.leads.lead import Lead, facts
from tests.imports.desk import V1, Desk, open_desk
from tests.team import make_team

OWN = {"id", "createdAt", "stageEnteredAt", "assignedAt", "closedAt", "stageId", "pipelineId", "ownerId", "contactId", "companyId",
       "externalId", "via", "score", "qualifiedAt", "nextActionAt"}  # fmt: skip
"""What another organization gives its own lead."""

ODD: list[dict[str, Any]] = [
    {"name": "Acme Corp", "companyName": "Acme Corp", "phone": "+49 30 1234", "website": "acme.example/x", "tags": ["a;b", 'c,"d"']},
    {"firstName": "=cmd|' /C calc'!A0", "lastName": "O'Neil; =1", "email": "x@y.example", "title": "None", "location": "-"},
    {"firstName": "Jo", "lastName": "Rey", "valueCents": 1_234, "currency": "KWD", "expectedCloseDate": "2026-04-03"},
    {"firstName": "Ko", "lastName": "Rey", "valueCents": 5_000, "currency": "JPY", "status": "disqualified", "companySize": 12},
    {"name": "Ünï  Code\u00a0名前", "fields": {"Email": "not one", "Colour": "=1", "Minus": "-5", "Website": "-2+3+cmd", "Zip": "00123"}},
    {"name": "Same", "email": "same@y.example"},
    {"name": "Same", "email": "same@y.example", "message": "a second request"},
]  # fmt: skip


async def make(desk: Desk) -> None:
    for lead in ODD:
        await desk.ben.ok(
            "POST", f"{V1}/crm.leads.create", lead | {"ownerId": str(desk.team.ben.id), "source": "event"}
        )


def said(lead: Lead) -> dict[str, Any]:
    return {name: value for name, value in facts(lead).items() if name not in OWN}


async def download(desk: Desk, format: str, query: str = "") -> bytes:
    answer = await desk.ben.call("GET", f"{V1}/exports/leads.{format}{query}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"] == f'attachment; filename="leads.{format}"'
    return answer.content


@pytest.mark.parametrize("format", ["csv", "xlsx", "jsonl"])
async def test_what_was_exported_is_the_same_leads(desk: Desk, app: Any, http: Any, db: Any, format: str) -> None:
    """In the same organization every row is known; in another one each becomes the lead that it was."""
    await make(desk)
    content = await download(desk, format, "?sort=name")
    again = await desk.bring(content, name=f"leads.{format}", onDuplicate="update")
    preview = again["found"]["preview"]
    assert (preview["system"], preview["created"], preview["updated"], preview["duplicates"]) == (
        "Baton",
        0,
        0,
        len(ODD),
    ), preview
    other = await open_desk(app, http, await make_team(db, "Elsewhere"))
    done = await other.act("run", await other.bring(content, name=f"leads.{format}"))
    assert (done["created"], done["refused"]) == (len(ODD), 0), done["found"]["preview"]
    before = sorted((said(lead) for lead in await desk.leads()), key=str)
    after = sorted((said(lead) for lead in await other.leads()), key=str)
    for old, new in zip(before, after, strict=True):
        assert new == old


async def test_a_table_that_is_safe_to_open(desk: Desk) -> None:
    """ATTACKS: CSV formula, also after blanks and control characters; "+49…" and negative numbers survive."""
    await make(desk)
    rows = list(csv.DictReader(io.StringIO((await download(desk, "csv")).decode("utf-8-sig"))))
    by_name = {row["Name"]: row for row in rows}
    assert by_name["Acme Corp"]["Phone"] == "+49 30 1234"
    evil = next(row for row in rows if "calc" in row["First name"])
    assert evil["First name"] == "'=cmd|' /C calc'!A0"
    assert evil["Last name"] == "O'Neil; '=1"
    odd = next(row for row in rows if row["Minus"])
    assert (odd["Minus"], odd["Colour"], odd["field.Website"]) == ("-5", "'=1", "'-2+3+cmd")
    assert odd["field.Email"] == "not one", "a field that is called like a fact of the lead is told apart"
    assert by_name["Jo Rey"]["Value"] == "1.234"
    assert (by_name["Ko Rey"]["Value"], by_name["Ko Rey"]["Status"]) == ("5000", "disqualified")


async def test_leads_are_chosen_ordered_and_shaped(desk: Desk) -> None:
    """Spec A10. Any condition, search, pipeline and order; any columns."""
    await make(desk)
    where = json.dumps({"field": "valueCents", "op": ">", "value": 0})
    content = await download(
        desk, "csv", f"?where={where}&sort=name&descending=false&columns=name,value,field.Colour,owner"
    )
    assert content.decode("utf-8-sig").splitlines() == [
        "Name,Value,Colour,Owner",
        "Jo Rey,1.234,,Ben Okafor",
        "Ko Rey,5000,,Ben Okafor",
    ]
    pipelines = await desk.ben.ok("GET", f"{V1}/crm.pipelines.list")
    renewal = next(each["id"] for each in pipelines if each["name"] == "Renewal")
    assert len((await download(desk, "csv", f"?pipelineId={renewal}")).splitlines()) == 1
    lines = (await download(desk, "jsonl", "?search=Acme&columns=name,tags,companyName")).splitlines()
    assert [json.loads(line) for line in lines] == [
        {"name": "Acme Corp", "tags": ["a;b", 'c,"d"'], "companyName": "Acme Corp"}
    ]
    for query in ("columns=org_id", "columns=name,name", "where={", "sort=;drop", 'where={"field":"x"}', "limit=1"):
        answer = await desk.ben.call("GET", f"{V1}/exports/leads.csv?{query}")
        assert answer.status_code == 400, (query, answer.text)
    assert (await desk.ben.call("GET", f"{V1}/exports/leads.pdf")).status_code == 404


async def test_sql_in_a_columns_name_is_a_name(desk: Desk) -> None:
    """ATTACKS: SQL in export (SuiteCRM CVE-2024-36412)."""
    await make(desk)
    name = "field.x' || (SELECT 1/0)::text || '"
    answer = await desk.ben.call("GET", f"{V1}/exports/leads.csv", params={"columns": name})
    assert answer.status_code == 200
    assert len(answer.content.decode("utf-8-sig").splitlines()) == len(ODD) + 1


async def test_the_log_tells_who_exported_how_many(desk: Desk) -> None:
    """Spec A7, B9. Before the first lead leaves, and after the last."""
    await make(desk)
    await download(desk, "csv", "?search=Rey")
    log = await desk.ana.ok("GET", f"{V1}/crm.activities.list?limit=20")
    ended, begun = [entry for entry in log["items"] if entry["kind"].startswith("export_")]
    assert (begun["kind"], begun["payload"]["search"], begun["actorName"]) == ("export_started", "Rey", "Ben Okafor")
    assert (ended["kind"], ended["payload"]) == ("export_finished", {"leads": 2, "complete": True})
    assert begun["subjectId"] == ended["subjectId"]


async def test_deleted_leads_viewers_and_other_organizations(desk: Desk, stranger: Any) -> None:
    """Spec B9. A viewer exports nothing; nothing leaves to another organization; what is deleted stays."""
    await make(desk)
    (lead, *_) = await desk.leads()
    await desk.team.do(desk.team.ana, "crm.leads.delete", leadId=str(lead.id))
    assert len((await download(desk, "jsonl")).splitlines()) == len(ODD) - 1
    assert (await desk.vera.call("GET", f"{V1}/exports/leads.csv")).status_code == 403
    theirs = await stranger.call("GET", f"{V1}/exports/leads.jsonl")
    assert str(lead.id) not in theirs.text
    assert b"Acme Corp" not in theirs.content
    pipeline = (await desk.ben.ok("GET", f"{V1}/crm.pipelines.list"))[0]["id"]
    assert (await stranger.call("GET", f"{V1}/exports/leads.csv?pipelineId={pipeline}")).status_code == 404
    assert (await desk.ben.call("POST", f"{V1}/crm.exports.leads", {})).status_code == 404, (
        "no lead leaves without its file"
    )


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
    lambda t: t == t.strip()
)
LEADS = st.fixed_dictionaries(
    {"name": WORDS},
    optional={
        "phone": st.from_regex(r"\A[+0-9][0-9 ()-]{3,15}\Z"),
        "tags": st.lists(st.text(st.sampled_from("ab;,|\"'= "), min_size=1, max_size=5).filter(str.strip), max_size=3),
        "valueCents": st.integers(0, 10**12),
        "currency": st.sampled_from(["USD", "JPY", "KWD", "CLF"]),
        "fields": st.dictionaries(st.from_regex(r"\A[a-z]{3,8}\Z"), WORDS, max_size=3),
    },
)


@settings(
    max_examples=15, phases=[Phase.generate], deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(leads=st.lists(LEADS, min_size=1, max_size=4))
async def test_any_leads_go_out_and_come_in_unchanged(desk: Desk, leads: list[dict[str, Any]]) -> None:
    """Importing an export into the organization that it came from would change nothing."""
    for lead in leads:
        await desk.team.do(desk.team.ben, "crm.leads.create", lead)
    found = await desk.bring(await download(desk, "csv"), onDuplicate="update")
    preview = found["found"]["preview"]
    assert (preview["created"], preview["updated"], preview["refused"]) == (0, 0, []), preview["examples"]
    await desk.team.do(desk.team.ben, "crm.imports.run", importId=found["id"])
    await desk.team.run_due()


@pytest.mark.parametrize("format", ["csv", "jsonl", "xlsx"])
async def test_a_reader_who_goes_away_is_told_and_holds_nothing(desk: Desk, format: str) -> None:
    """ATTACKS: Work. The connection comes back, and the log says how many leads had left."""
    leads = [{"lastName": f"Rey {n}", "message": None, "fields": {"Long": "x" * 2_000}} for n in range(900)]
    pipeline = (await desk.team.do(desk.team.ben, "crm.pipelines.list"))[0].id
    await desk.team.do(desk.team.ben, "crm.imports.load", pipelineId=str(pipeline), leads=leads)
    for _ in range(8):
        export = await desk.team.do(desk.team.ben, "crm.exports.leads", format=format)
        parts = stream(desk.team.db, desk.team.ben, export)
        async with asyncio.timeout(60), contextlib.aclosing(parts):
            for _ in range(2 if format == "csv" else 1):  # of a CSV file the headers come first
                assert await anext(parts)
    log = await desk.ana.ok("GET", f"{V1}/crm.activities.list?kind=export_finished")
    assert len(log["items"]) == 8
    assert {entry["payload"]["complete"] for entry in log["items"]} == {False}
    assert all(0 <= entry["payload"]["leads"] <= 900 for entry in log["items"])
    assert len(await desk.leads()) == 200, "the pool still answers"
