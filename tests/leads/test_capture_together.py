"""Captures that come at the same time share a transaction: each is answered for itself, and fails alone. Spec B4."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from baton.kernel import group
from baton.kernel.db import Database, Tx
from baton.kernel.errors import BatonError, Invalid, NotFound
from baton.kernel.perform import perform
from tests.team import Team


def _body(team: Team, number: int, **other: Any) -> dict[str, Any]:
    return {
        "orgId": str(team.org_id), "firstName": f"Ada{number}", "lastName": "Rey", "email": f"ada{number}@rey{number % 7}.example",
        "company": f"Rey {number % 7}", "message": f"Number {number}.",
    } | other  # fmt: skip


async def _together(team: Team, bodies: list[dict[str, Any]]) -> list[Any]:
    calls = (perform(team.db, team.form, "crm.leads.capture", body) for body in bodies)
    return await asyncio.gather(*calls, return_exceptions=True)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """The organizations in which a transaction was begun to write, one entry each."""
    told: list[UUID] = []
    real = Database.transaction

    def transaction(self: Database, org_id: UUID, **how: Any) -> Any:
        told.extend([] if how.get("read_only") else [org_id])
        return real(self, org_id, **how)

    monkeypatch.setattr(Database, "transaction", transaction)
    return told


async def test_many_captures_take_few_transactions(fresh: Team, begun: list[UUID]) -> None:
    """Spec B4, B6, A7. Every one is scored, logged under an operation of its own, counted, and found by its words."""
    answers = await _together(fresh, [_body(fresh, number) for number in range(60)])
    assert len(begun) < 20
    ids = [answer.id for answer in answers]
    assert len(set(ids)) == 60
    operations = set()
    for number, id in enumerate(ids):
        log = await fresh.log(id)
        assert [activity.kind for activity in log] == ["lead_imported", "lead_scored"]
        assert log[0].payload["message"] == f"Number {number}."
        operations |= {activity.operation_id for activity in log}
        lead = await fresh.do(fresh.ana, "crm.leads.get", leadId=str(id))
        assert (lead.first_name, lead.version, lead.score) == (f"Ada{number}", 2, log[1].changes["score"][1])
    assert len(operations) == 60
    summary = await fresh.do(fresh.ana, "crm.leads.pipelineSummary")
    assert summary.total == 60


async def test_a_bad_capture_fails_alone(fresh: Team) -> None:
    """Spec B4. What is wrong with one is told to its own caller; the others are in."""
    bodies = [_body(fresh, number) for number in range(12)]
    bodies[3]["email"] = "no address"
    bodies[5]["firstName"] = "  "
    bodies[7]["estimatedValue"] = -1
    answers = await _together(fresh, bodies)
    wrong = {place: answer for place, answer in enumerate(answers) if isinstance(answer, BaseException)}
    assert {place: (type(error), error.field) for place, error in wrong.items() if isinstance(error, BatonError)} == {
        3: (Invalid, "email"), 5: (Invalid, "firstName"), 7: (Invalid, "estimatedValue"),
    }  # fmt: skip
    assert (await fresh.do(fresh.ana, "crm.leads.pipelineSummary")).total == 9


async def test_what_the_database_refuses_fails_alone(fresh: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """A group that fails as a whole is halved until the one at fault stands alone."""
    real = Tx.execute

    async def execute(self: Tx, sql: str, *args: Any) -> None:
        if sql.startswith("INSERT INTO leads") and "poison" in args[1]:
            sql = "SELECT 1/0"
            args = ()
        await real(self, sql, *args)

    monkeypatch.setattr(Tx, "execute", execute)
    bodies = [_body(fresh, number) for number in range(20)]
    bodies[11]["firstName"] = "poison"
    answers = await _together(fresh, bodies)
    failed = [place for place, answer in enumerate(answers) if isinstance(answer, BaseException)]
    assert failed == [11]
    assert (await fresh.do(fresh.ana, "crm.leads.pipelineSummary")).total == 19


async def test_one_capture_is_taken_back_without_its_neighbours(fresh: Team) -> None:
    """Spec A8. Who shared a transaction does not share an operation."""
    answers = await _together(fresh, [_body(fresh, number) for number in range(8)])
    operation = (await fresh.log(answers[2].id))[0].operation_id
    await fresh.do(fresh.ana, "crm.operations.undo", operationId=str(operation))
    assert (await fresh.do(fresh.ana, "crm.leads.pipelineSummary")).total == 7
    with pytest.raises(NotFound):
        await fresh.do(fresh.ana, "crm.leads.get", leadId=str(answers[2].id))


async def test_organizations_do_not_share_a_transaction(fresh: Team, carla: Team) -> None:
    """Another organization's captures of the same moment go to it alone, and one named in a body reaches nobody."""
    mine, theirs, forged = await asyncio.gather(
        _together(fresh, [_body(fresh, number) for number in range(5)]),
        _together(carla, [_body(carla, 900 + number) for number in range(5)]),
        _together(fresh, [_body(carla, 950)]),
    )
    assert isinstance(forged[0], NotFound)
    assert (await fresh.do(fresh.ana, "crm.leads.pipelineSummary")).total == 5
    with pytest.raises(NotFound):
        await fresh.do(fresh.ana, "crm.leads.get", leadId=str(theirs[0].id))
    assert len({answer.id for answer in (*mine, *theirs)}) == 10


async def test_nothing_waits_when_all_is_answered(fresh: Team) -> None:
    """The lines of calls that wait are let go of."""
    await _together(fresh, [_body(fresh, number) for number in range(30)])
    await asyncio.sleep(0)
    assert not group.waiting(fresh.db)


async def test_an_organization_that_waits_for_a_lock_leaves_room_for_the_others(fresh: Team, carla: Team) -> None:
    """Captures of another organization are answered meanwhile; those that waited are in as soon as the lock is gone."""
    async with fresh.db.transaction(fresh.org_id) as conn:
        await conn.execute("SELECT FROM stages WHERE org_id = $1 FOR UPDATE", fresh.org_id)
        held = []
        for number in range(5):  # one after the other, so that each begins a group as long as it may
            held.append(asyncio.create_task(_together(fresh, [_body(fresh, number)])))
            await asyncio.sleep(0.1)
        answers = await asyncio.wait_for(_together(carla, [_body(carla, number) for number in range(20)]), 10)
        assert not any(isinstance(answer, BaseException) for answer in answers)
        assert not any(task.done() for task in held)
    for (answer,) in await asyncio.gather(*held):
        assert answer.success
    assert (await fresh.do(fresh.ana, "crm.leads.pipelineSummary")).total == 5
