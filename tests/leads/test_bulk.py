"""Editing many leads as one operation: each under its own checks, told one by one, undone as one. Spec A10, B9."""

from typing import Any

import pytest

from baton.kernel.actor import Role
from baton.kernel.errors import Forbidden, Invalid, NotFound
from baton.leads.lead import facts
from tests.doors.conftest import Caller
from tests.team import Team

V1 = "/api/v1"


async def several(team: Team, many: int, **given: Any) -> list[str]:
    made = [await team.do(team.ben, "crm.leads.create", {"name": f"Lead {i}"} | given) for i in range(many)]
    return [str(lead.id) for lead in made]


async def read(team: Team, ids: list[str]) -> list[Any]:
    return [await team.do(team.vera, "crm.leads.get", leadId=id) for id in ids]


async def test_a_selection_is_edited_and_undone_as_one(fresh: Team, boss: Caller) -> None:
    """Facts, owner, stage and tags of each; one operation in the log; one undo takes all of it back."""
    ids = await several(fresh, 3, tags=["cold", "EU"])
    before = await read(fresh, ids)
    (pipeline, *_) = [p for p in await fresh.do(fresh.ana, "crm.pipelines.list") if p.is_intake]
    body = {
        "leadIds": ids, "set": {"title": "CEO", "fields": {"note": "x"}}, "ownerId": str(fresh.marcus.id),
        "stageId": str(pipeline.stages[2].id),
        "addTags": ["hot"], "removeTags": ["cold"], "reason": "After the summit.",
    }  # fmt: skip
    done = await boss.ok("POST", f"{V1}/crm.leads.bulkUpdate", body)
    assert (done["changed"], done["unchanged"], done["refused"], done["nextCursor"]) == (3, 0, 0, None)
    assert {o["leadId"]: o["outcome"] for o in done["leads"]} == dict.fromkeys(ids, "changed")
    for lead in await read(fresh, ids):
        assert (lead.title, lead.owner_id, lead.stage_id, lead.tags, lead.fields) == (
            "CEO", fresh.marcus.id, pipeline.stages[2].id, ["EU", "hot"], {"note": "x"},
        )  # fmt: skip
        log = [a for a in await fresh.log(lead.id) if str(a.operation_id) == done["operationId"]]
        assert {a.kind for a in log} >= {"field_updated", "assignment_changed", "stage_changed"}
        assert {a.operation for a in log} == {"crm.leads.bulkUpdate"}
    await fresh.do(fresh.ana, "crm.operations.undo", operationId=done["operationId"])
    after = await read(fresh, ids)
    later = {"score"}
    assert [{k: v for k, v in facts(lead).items() if k not in later} for lead in after] == [
        {k: v for k, v in facts(lead).items() if k not in later} for lead in before
    ]


async def test_chunks_go_on_under_one_operation(fresh: Team) -> None:
    """A condition over more leads than a call takes: cursor by cursor, one operation id, also where the change ends the match."""
    ids = await several(fresh, 7, tags=["cold"])
    where = {"field": "tags", "op": "has_any", "value": ["cold"]}
    body: dict[str, Any] = {"where": where, "removeTags": ["cold"], "limit": 3}
    first = await fresh.do(fresh.ben, "crm.leads.bulkUpdate", body)
    told, done = [first.changed], first
    while done.next_cursor:
        done = await fresh.do(
            fresh.ben,
            "crm.leads.bulkUpdate",
            body | {"operationId": str(first.operation_id), "cursor": done.next_cursor},
        )
        told.append(done.changed)
        assert done.operation_id == first.operation_id
    assert told == [3, 3, 1]
    undone = await fresh.do(fresh.ben, "crm.operations.undo", operationId=str(first.operation_id))
    assert {e.outcome for e in undone.effects} == {"reversed"}
    assert [lead.tags for lead in await read(fresh, ids)] == [["cold"]] * 7


async def test_what_is_refused_for_one_leaves_the_others(fresh: Team) -> None:
    """A lead of another pipeline cannot enter the stage, one that is gone cannot be edited; the rest is done."""
    ids = await several(fresh, 2)
    pipelines = await fresh.do(fresh.ana, "crm.pipelines.list")
    intake = next(p for p in pipelines if p.is_intake)
    other = next(p for p in pipelines if not p.is_intake)
    ids += await several(fresh, 1, pipelineId=str(other.id))
    gone = "0198aaaa-0000-7000-8000-000000000000"
    body = {"leadIds": [*ids, gone], "set": {"title": "CEO"}, "stageId": str(intake.stages[1].id)}
    done = await fresh.do(fresh.ben, "crm.leads.bulkUpdate", body)
    outcomes = {o.lead_id: (o.outcome, bool(o.why)) for o in done.leads}
    assert outcomes == {
        ids[0]: ("changed", False),
        ids[1]: ("changed", False),
        ids[2]: ("refused", True),
        gone: ("refused", True),
    }
    assert [lead.title for lead in await read(fresh, ids)] == ["CEO", "CEO", None]
    again = await fresh.do(fresh.ben, "crm.leads.bulkUpdate", body)
    assert (again.changed, again.unchanged, again.refused) == (0, 2, 2)


async def test_each_step_needs_what_it_needs_alone(fresh: Team) -> None:
    """Spec B9: deleting is an admin's, whoever calls; a token's scopes hold for the steps too; another's operation is not continued."""
    ids = await several(fresh, 2)
    with pytest.raises(Forbidden, match="admin"):
        await fresh.do(fresh.ben, "crm.leads.bulkUpdate", leadIds=ids, delete=True)
    scoped = type(fresh.ana)(
        type="user",
        org_id=fresh.org_id,
        role=Role.ADMIN,
        name="Key",
        id=fresh.ana.id,
        scopes=("crm.leads.bulkUpdate", "crm.leads.update"),
    )
    await fresh.do(scoped, "crm.leads.bulkUpdate", leadIds=ids, set={"title": "CTO"})
    for step in ({"delete": True}, {"ownerId": None}, {"status": "won"}):
        with pytest.raises(Forbidden, match="scopes"):
            await fresh.do(scoped, "crm.leads.bulkUpdate", {"leadIds": ids} | step)
    done = await fresh.do(fresh.ana, "crm.leads.bulkUpdate", leadIds=ids, delete=True)
    assert done.changed == 2
    with pytest.raises(NotFound):
        await read(fresh, ids)
    with pytest.raises(Forbidden, match="your own"):
        await fresh.do(
            fresh.ben, "crm.leads.bulkUpdate", where={"all": []}, set={"title": "X"}, operationId=str(done.operation_id)
        )
    await fresh.do(fresh.ana, "crm.operations.undo", operationId=str(done.operation_id))
    assert len(await read(fresh, ids)) == 2


async def test_a_bulk_edit_must_say_which_and_what(fresh: Team) -> None:
    ids = await several(fresh, 1)
    for wrong in (
        {"leadIds": ids}, {"set": {"title": "X"}}, {"leadIds": ids, "where": {"all": []}, "set": {"title": "X"}},
        {"leadIds": [], "status": "won"},
        {"leadIds": ids * 1 + [str(i) for i in range(500)], "status": "won"}, {"where": {"all": []}, "status": "won", "limit": 0},
        {"leadIds": ids, "set": {"score": 100}}, {"leadIds": ids, "set": {"ownerId": None}},
        {"where": {"all": []}, "status": "won", "cursor": "x"},
    ):  # fmt: skip
        with pytest.raises(Invalid):
            await fresh.do(fresh.ben, "crm.leads.bulkUpdate", wrong)


async def test_tags(fresh: Team, boss: Caller) -> None:
    """Spec A5: put on and off, counted, renamed and removed across leads as one undoable operation."""
    ids = await several(fresh, 3, tags=["cold"])
    one = await boss.ok("POST", f"{V1}/crm.leads.addTags", {"leadId": ids[0], "tags": ["EU", "cold", " EU "]})
    assert one["tags"] == ["cold", "EU"]
    assert {t["tag"]: t["leads"] for t in await boss.ok("GET", f"{V1}/crm.tags.list")} == {"cold": 3, "EU": 1}
    renamed = await fresh.do(fresh.ben, "crm.tags.rename", tag="cold", to="EU", limit=2)
    rest = await fresh.do(
        fresh.ben,
        "crm.tags.rename",
        tag="cold",
        to="EU",
        operationId=str(renamed.operation_id),
        cursor=renamed.next_cursor,
    )
    assert (renamed.changed, rest.changed, rest.next_cursor) == (2, 1, None)
    assert [lead.tags for lead in await read(fresh, ids)] == [["EU"]] * 3
    await fresh.do(fresh.ben, "crm.operations.undo", operationId=str(renamed.operation_id))
    assert [lead.tags for lead in await read(fresh, ids)] == [["cold", "EU"], ["cold"], ["cold"]]
    gone = await fresh.do(fresh.ben, "crm.tags.remove", tag="cold")
    assert gone.changed == 3
    assert [lead.tags for lead in await read(fresh, ids)] == [["EU"], [], []]
    taken = await fresh.do(fresh.ben, "crm.leads.removeTags", leadId=ids[0], tags=["EU", "other"])
    assert taken.tags == []
    with pytest.raises(NotFound):
        await fresh.do(fresh.ben, "crm.tags.rename", tag="cold", to="x")
    with pytest.raises(Invalid):
        await fresh.do(fresh.ben, "crm.tags.rename", tag="cold", to=" ")
