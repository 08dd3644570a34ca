"""Imports as records, through the native REST door and the worker's jobs: brought, previewed, run, resumed, undone. Spec A11."""

import asyncio
import csv
import io
from typing import Any

import pytest
from tests.imports.desk import V1, Desk

from baton.imports import entries as chunking
from baton.imports import work
from baton.jobs import work_imports
from baton.kernel.errors import Unavailable
from baton.leads.lead import facts

PEOPLE = (
    "First Name,Last Name,Email,Phone,Company,Amount,Favourite colour\n"
    'Ana,Silva,ana@acme.example,+351 21 000 1111,Acme,"$1,234.50",blue\n'
    "Bo,Li,bo@globex.example,,Globex,,\n"
    ",,,,,,green\n"
    "Ana,Silva,ANA@acme.example,,Acme,,\n"
)


def counts(found: Any) -> tuple[int, ...]:
    return tuple(found[name] for name in ("created", "updated", "duplicates", "refused"))


async def test_a_file_is_read_previewed_and_run(desk: Desk) -> None:
    """Spec A11. Nothing is written before it is run; then what the preview counted happens."""
    found = await desk.bring(PEOPLE, name="C:\\fakepath\\our leads.csv")
    assert (found["state"], found["file"], found["position"]) == ("ready", "our leads.csv", 0)
    assert found["found"]["headers"][:2] == ["First Name", "Last Name"]
    assert found["found"]["sample"][0][1] == "Silva"
    preview = await desk.ben.ok("POST", f"{V1}/crm.imports.preview", {"importId": found["id"]})
    assert (preview["rows"], *counts(preview)[:3], len(preview["refused"])) == (4, 2, 0, 1, 1)
    assert [example["email"] for example in preview["examples"]] == ["ana@acme.example", "bo@globex.example"]
    assert preview["encoding"] == "utf-8"
    assert await desk.leads() == []
    done = await desk.act("run", found)
    assert (done["state"], done["position"], counts(done)) == ("done", 4, (2, 0, 1, 1))
    ana, bo = await desk.leads()
    assert (ana.value_cents, ana.fields, bo.company_name) == (123_450, {"Favourite colour": "blue"}, "Globex")
    assert ana.contact_id is not None
    (entry, *_) = await desk.team.log(ana.id)
    assert (entry.actor_id, entry.via, str(entry.operation_id)) == (desk.team.ben.id, "csv", done["operationId"])
    told = await desk.ana.ok("GET", f"{V1}/crm.activities.list?kind=import_finished")
    assert told["items"][0]["payload"]["created"] == 2
    folder = desk.folder
    assert list(folder.iterdir()) == [], "what is in need not be kept"
    again = await desk.ben.call("POST", f"{V1}/crm.imports.run", {"importId": found["id"]})
    assert again.status_code == 409


async def test_the_mapping_and_answers_can_be_changed(desk: Desk) -> None:
    """Spec A11. Every mapping is changeable; what can be meant in two ways is asked, and not run unanswered."""
    found = await desk.bring("Who,Close Date,Code\nAna Rey,03/04/2024,7\nBo Li,05/06/2024,8\n")
    assert found["found"]["preview"]["questions"][0]["asks"] == "dateOrder"
    mapping = {"Who": "name", "Code": "ignore"}
    found = await desk.act("map", found, mapping=mapping)
    assert found["options"]["mapping"] == mapping
    refused = await desk.ben.call("POST", f"{V1}/crm.imports.run", {"importId": found["id"]})
    assert refused.status_code == 409
    assert "Close Date" in refused.json()["detail"]
    found = await desk.act("map", found, dateOrder="dmy", pipeline="Renewal")
    assert found["found"]["preview"]["questions"] == []
    assert found["found"]["preview"]["pipeline"] == "Renewal"
    await desk.act("run", found)
    lead = (await desk.leads())[0]
    assert (lead.name, str(lead.expected_close_date), lead.fields) == ("Ana Rey", "2024-04-03", {})
    wrong = await desk.ben.call("POST", f"{V1}/crm.imports.map", {"importId": found["id"], "mapping": {"X": "name"}})
    assert wrong.status_code == 409, "it is done"


async def test_what_cannot_be_read_fails_with_its_reason_and_can_be_read_otherwise(desk: Desk) -> None:
    failed = await desk.bring("Name\nA B\n", pipeline="Nowhere")
    assert (failed["state"], failed["found"]) == ("failed", None)
    assert "no pipeline “Nowhere”" in failed["error"]
    assert (await desk.act("map", failed, pipeline=None))["state"] == "ready"
    for text, words in ((b"PK\x03\x04 no archive", "no workbook"), ("[{}]", "no objects")):
        broken = await desk.bring(text, name="leads.csv")
        assert words in broken["error"], broken


async def test_fields_of_the_organization_take_their_columns(desk: Desk) -> None:
    """Spec A5. By label or key, in the field's own form; what does not fit is kept as text."""
    await desk.ana.ok("POST", f"{V1}/crm.fields.create", {"label": "Seats wanted", "type": "integer"})
    found = await desk.bring("Name,Seats wanted,Fit\nA B,12,x\nC D,a dozen,y\n")
    await desk.act("run", found)
    first, second = await desk.leads()
    assert first.fields == {"seats_wanted": 12, "Fit": "x"}
    assert second.fields == {"Seats wanted": "a dozen", "Fit": "y"}


@pytest.mark.parametrize("mode", ["update", "fill"])
async def test_known_leads_are_updated_or_filled(desk: Desk, mode: str) -> None:
    """Spec A7. Each update is an activity of its own under the import's operation; skip is the default."""
    await desk.act("run", await desk.bring("Email,Name,Job title,Tags\na@x.example,Ana Rey,CTO,hot\n"))
    second = "Email,Name,Job title,Company,Tags,Status,Owner,City\na@x.example,Ana Rey,CFO,Acme,eu,Closed-Won,Ben Okafor,Porto\n"
    skipped = await desk.bring(second)
    assert counts(skipped["found"]["preview"])[:3] == (0, 0, 1)
    found = await desk.bring(second, onDuplicate=mode)
    assert counts(found["found"]["preview"])[:3] == (0, 1, 0)
    done = await desk.act("run", found)
    assert counts(done) == (0, 1, 0, 0)
    (lead,) = await desk.leads()
    assert (lead.company_name, lead.owner_id, lead.fields) == ("Acme", desk.team.ben.id, {"City": "Porto"})
    told = {entry.kind for entry in await desk.team.log(lead.id) if str(entry.operation_id) == done["operationId"]}
    if mode == "update":
        assert (lead.title, lead.status, lead.tags) == ("CFO", "won", ["hot", "eu"])
        assert told - {"contact_updated"} == {"field_updated", "lead_scored", "stage_changed", "assignment_changed"}
    else:
        assert (lead.title, lead.status, lead.tags) == ("CTO", "new", ["hot"])
        assert told - {"contact_updated"} == {"field_updated", "lead_scored", "assignment_changed"}
    same = await desk.bring(second, onDuplicate=mode)
    assert counts(same["found"]["preview"])[:3] == (0, 0, 1), "a second time there is nothing to change"


async def test_an_import_is_undone_as_a_whole_updates_included(desk: Desk) -> None:
    """Spec A11. Created leads go, updates go back, what was changed since stays and is told; the history remains."""
    await desk.act("run", await desk.bring("Email,Name,Job title\na@x.example,Ana Rey,CTO\nb@x.example,Bo Li,CFO\n"))
    before = {lead.email: facts(lead) for lead in await desk.leads()}
    text = (
        "Email,Name,Job title,Status\na@x.example,Ana Rey,CEO,Won\nb@x.example,Bo Li,COO,\n"
        "c@x.example,Cy Fox,CMO,\nd@x.example,Di Fox,,\n"
    )
    done = await desk.act("run", await desk.bring(text, onDuplicate="update"))
    assert counts(done) == (2, 2, 0, 0)
    leads = {lead.email: lead for lead in await desk.leads()}
    for email, title in (("b@x.example", "President"), ("d@x.example", "Founder")):
        await desk.team.do(desk.team.ana, "crm.leads.update", leadId=str(leads[email].id), title=title)
    undone = await desk.act("undo", done, reason="The wrong file.")
    assert (undone["state"], undone["impossible"]) == ("undone", 0)
    after = {lead.email: lead for lead in await desk.leads()}
    assert set(after) == {"a@x.example", "b@x.example", "d@x.example"}
    went_back, first = facts(after["a@x.example"]), before["a@x.example"]
    assert went_back | {"score": None} == first | {"score": None}
    assert after["b@x.example"].title == "President"
    remains = await desk.ben.ok("POST", f"{V1}/crm.imports.remains", {"importId": done["id"]})
    assert len(remains["items"]) == undone["kept"]
    assert {(each["what"], each["why"]) for each in remains["items"] if each["outcome"] == "kept"} >= {
        ("title", "It was changed since."),
        ("lead", "It was worked on since."),
    }
    history = await desk.ana.ok("GET", f"{V1}/crm.activities.list?kind=lead_deleted")
    assert {entry["leadId"] for entry in history["items"]} == {str(leads["c@x.example"].id)}
    again = await desk.ben.call("POST", f"{V1}/crm.imports.undo", {"importId": done["id"]})
    assert again.status_code == 409


async def test_a_large_import_is_undone_in_chunks_and_goes_on_where_it_stopped(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spec A11. A worker that dies between two chunks loses nothing and repeats nothing."""
    monkeypatch.setattr(work_imports, "CHUNK", 7)
    monkeypatch.setattr(chunking, "CHUNK", 10)
    text = "Name,Email\n" + "".join(f"Person {n},p{n}@x.example\n" for n in range(45)) + ",broken\n"
    found = await desk.bring(text)
    await desk.ben.ok("POST", f"{V1}/crm.imports.run", {"importId": found["id"]})
    loads = 0
    load = work.Keep.load

    async def dies(self: Any, entries: Any) -> Any:
        nonlocal loads
        loads += 1
        if loads == 3:
            raise Unavailable("The database is restarting.")
        return await load(self, entries)

    monkeypatch.setattr(work.Keep, "load", dies)
    with pytest.raises(Unavailable):
        await desk.team.run_due()
    halfway = await desk.ben.ok("GET", f"{V1}/imports/{found['id']}")
    assert (halfway["state"], halfway["position"], halfway["created"]) == ("running", 20, 20)
    await work.advance(desk.team.db, desk.team.org_id, found["id"])
    done = await desk.ben.ok("GET", f"{V1}/imports/{found['id']}")
    assert (done["state"], done["position"], counts(done)) == ("done", 46, (45, 0, 0, 1))
    assert len(await desk.leads()) == 45
    undone = await desk.act("undo", done)
    assert (undone["state"], undone["reversed"], undone["kept"]) == ("undone", 90, 0), (
        "leads, and the contacts made for them"
    )
    assert await desk.leads() == []


async def test_two_workers_at_one_import_load_each_row_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunking, "CHUNK", 10)
    found = await desk.bring("Name,Company\n" + "".join(f"Person {n},Firm {n}\n" for n in range(60)))
    await desk.ben.ok("POST", f"{V1}/crm.imports.run", {"importId": found["id"]})
    await asyncio.gather(*(work.advance(desk.team.db, desk.team.org_id, found["id"]) for _ in range(3)))
    await desk.team.run_due()
    done = await desk.ben.ok("GET", f"{V1}/imports/{found['id']}")
    assert (done["state"], counts(done)) == ("done", (60, 0, 0, 0))
    assert len(await desk.leads()) == 60


async def test_who_may_no_longer_import_does_not(desk: Desk) -> None:
    """Spec B9. The role counts that its importer has when the rows go in."""
    found = await desk.bring(PEOPLE)
    await desk.ben.ok("POST", f"{V1}/crm.imports.run", {"importId": found["id"]})
    await desk.team.do(desk.team.ana, "crm.members.update", memberId=str(desk.team.ben.id), role="viewer")
    await desk.team.run_due()
    failed = await desk.ana.ok("GET", f"{V1}/imports/{found['id']}")
    assert failed["state"] == "failed"
    assert "needs the role member" in failed["error"]
    assert await desk.leads() == []


async def test_the_same_request_again_is_the_same_import(desk: Desk) -> None:
    """An Idempotency-Key with the same file answers the first import; with another file it is refused."""
    first = await desk.post(PEOPLE, key="k1")
    again = await desk.post(PEOPLE, key="k1")
    other = await desk.post(PEOPLE + "Cy,Fox,,,,,\n", key="k1")
    assert (first.json()["id"], other.status_code) == (again.json()["id"], 422)


async def test_refused_rows_come_back_to_be_mended(desk: Desk) -> None:
    """The file of refused rows holds no formula, keeps phones, and imports again once it is mended."""
    text = 'Name,Email,Phone,Note\n,bad@,+49 30 1234,"=HYPERLINK(""http://x"")"\n,bad2@,,\t=1\n'
    done = await desk.act("run", await desk.bring(text, mapping='{"Phone": "keep"}'))
    assert counts(done) == (0, 0, 0, 2)
    answer = await desk.ben.call("GET", f"{V1}/imports/{done['id']}/refused.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row["Phone"], row["Note"], row["Not imported: line"]) for row in rows] == [
        ("+49 30 1234", '\'=HYPERLINK("http://x")', "2"),
        ("", "'=1", "3"),
    ]
    mended = answer.content.replace(b"bad@", b"good@x.example")
    again = await desk.act("run", await desk.bring(mended, mapping='{"Note": "keep"}'))
    assert counts(again) == (1, 0, 0, 1)
    (lead,) = await desk.leads()
    assert lead.fields["Note"] == '=HYPERLINK("http://x")'


async def test_people_are_told_apart_as_the_organization_says(desk: Desk) -> None:
    """Spec A5, A11. Plus-addressing and capitals, in the file and against what is in, in the preview's counts and in the run."""
    text = "Name,Email\nRita Rey,rita+news@rey.example\nRita R.,RITA@rey.example\nBo Li,bo@li.example\n"
    found = await desk.bring(text)
    assert counts(found["found"]["preview"])[:3] == (3, 0, 0)
    await desk.ana.ok("POST", f"{V1}/crm.contacts.setMatching", {"ignorePlus": True, "defaultRegion": "DE"})
    found = await desk.bring(text)
    assert counts(found["found"]["preview"])[:3] == (2, 0, 1)
    done = await desk.act("run", found)
    assert counts(done)[:3] == (2, 0, 1)
    again = await desk.bring(
        "Name,Email,Phone,Job title\nRita,rita+shop@rey.example,030 5550 0142,CEO\n", onDuplicate="update"
    )
    assert counts(again["found"]["preview"])[:3] == (0, 1, 0)
    await desk.act("run", again)
    rita = (await desk.leads())[0]
    assert (rita.title, rita.phone) == ("CEO", "+493055500142"), (
        "a phone without its country is where the organization is"
    )
    await desk.ana.ok("POST", f"{V1}/crm.contacts.setMatching", {"ignoreCase": False})
    found = await desk.bring("Name,Email\nBo,BO@li.example\nBo,bo@li.example\n")
    assert counts(found["found"]["preview"])[:3] == (1, 0, 1), "the other is somebody else"


async def test_what_was_undone_can_be_brought_again(desk: Desk) -> None:
    """Spec A11. An undone import leaves nothing in the way of the same file, read otherwise; contacts and companies too."""
    text = (
        "Lead ID,Name,Email,Company\nx-1,Rita Rey,rita@rey.example,Rey Ltd\n,Bo Li,bo@li.example,Li Inc\n,Cy Fox,,Fox\n"
    )
    done = await desk.act("run", await desk.bring(text))
    assert counts(done) == (3, 0, 0, 0)
    undone = await desk.act("undo", done)
    assert (undone["state"], undone["kept"], undone["impossible"]) == ("undone", 0, 0)
    for noun in ("contacts", "companies"):
        assert (await desk.ben.ok("POST", f"{V1}/crm.{noun}.find", {}))["items"] == []
    again = await desk.bring(text)
    assert counts(again["found"]["preview"])[:3] == (3, 0, 0)
    assert counts(await desk.act("run", again)) == (3, 0, 0, 0)
    assert len(await desk.leads()) == 3
    await desk.team.do(desk.team.ana, "crm.leads.delete", leadId=str((await desk.leads())[1].id))
    assert counts((await desk.bring(text))["found"]["preview"])[:3] == (0, 0, 3), (
        "what somebody deleted is not brought back"
    )


async def test_an_import_is_put_into_a_sequence(desk: Desk) -> None:
    """Spec A11: by the import alone, through the door: its leads and no others, once, under one operation; undone, they are out."""
    team = desk.team
    step = {"do": "email", "subject": "Hello", "text": "Hello."}
    plan = {"steps": [{"do": "wait", "span": "3d"}, step]}
    made = await desk.ben.ok("POST", f"{V1}/crm.sequences.create", {"name": "Drip", "plan": plan})
    await desk.ana.ok("POST", f"{V1}/crm.sequences.setState", {"sequenceId": made["id"], "state": "on"})
    await team.capture()
    found = await desk.act("run", await desk.bring(PEOPLE))
    ask = {"sequenceId": made["id"], "importId": found["id"]}
    answer = await desk.ben.ok("POST", f"{V1}/crm.sequences.enrolMany", ask)
    assert answer["nextCursor"] is None
    enrolled = await desk.ben.ok("POST", f"{V1}/crm.enrolments.list", {"sequenceId": made["id"]})
    assert sorted(each["lead"] for each in enrolled["items"]) == ["Ana Silva", "Bo Li"]
    again = await desk.ben.ok("POST", f"{V1}/crm.sequences.enrolMany", ask)
    assert {each["outcome"] for each in again["leads"]} == {"refused"}
    assert (
        await desk.ben.call("POST", f"{V1}/crm.sequences.enrolMany", ask | {"importId": made["id"]})
    ).status_code == 404
    await desk.act("undo", found)
    await team.run_due()
    states = await desk.ben.ok("POST", f"{V1}/crm.enrolments.list", {"sequenceId": made["id"]})
    assert {(each["state"], each["why"]) for each in states["items"]} == {("stopped", "deleted")}
