"""Moves that come at the same time share a transaction: each is answered, logged and taken back for itself. Spec A4, B5."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from baton.kernel.db import Tx
from baton.kernel.errors import BatonError, Conflict, Invalid, NotFound
from baton.kernel.operation import ALONE, Asked
from baton.kernel.perform import perform
from baton.kernel.values import new_id, utc_now
from baton.leads.lead import Lead, replayed
from baton.leads.move import MoveStage
from baton.leads.move_together import move_many
from baton.pipelines.pipeline import Pipeline
from tests.leads.test_capture_together import begun as begun
from tests.scoring.test_score_batch import FACTORS
from tests.team import Team


async def _stages(team: Team) -> list[str]:
    pipelines: list[Pipeline] = await team.do(team.ana, "crm.pipelines.list")
    return [str(stage.id) for stage in next(each for each in pipelines if each.is_intake).stages]


async def _move(team: Team, actor: Any, lead: Lead, stage: str, **other: Any) -> Any:
    body = {"leadId": str(lead.id), "stageId": stage} | other
    return await perform(team.db, actor, "crm.leads.moveStage", body)


async def test_many_moves_take_few_transactions(fresh: Team, begun: list[Any]) -> None:
    """Spec B5, A8. Every one has its own activity under its own operation, by the person who asked for it."""
    leads = [await fresh.capture() for _ in range(30)]
    stages = await _stages(fresh)
    begun.clear()
    people = [fresh.ana, fresh.ben]
    answers = await asyncio.gather(*(
        _move(fresh, people[n % 2], lead, stages[1 + n % 4], reason=f"Number {n}") for n, lead in enumerate(leads)
    ))  # fmt: skip
    assert len(begun) < 12
    operations = set()
    for number, (before, answer) in enumerate(zip(leads, answers, strict=True)):
        assert str(answer.stage_id) == stages[1 + number % 4]
        assert answer == await fresh.do(fresh.ana, "crm.leads.get", leadId=str(before.id))
        activity = (await fresh.log(before.id))[-1]
        assert (activity.kind, activity.reason, activity.actor_name) == (
            "stage_changed", f"Number {number}", people[number % 2].name,
        )  # fmt: skip
        assert activity.changes["stageId"] == [stages[0], stages[1 + number % 4]]
        operations.add(activity.operation_id)
    assert len(operations) == 30
    await fresh.do(fresh.ana, "crm.operations.undo", operationId=str(activity.operation_id))
    assert str((await fresh.do(fresh.ana, "crm.leads.get", leadId=str(leads[-1].id))).stage_id) == stages[0]
    assert str((await fresh.do(fresh.ana, "crm.leads.get", leadId=str(leads[-2].id))).stage_id) != stages[0]


async def test_one_lead_moved_twice_in_a_moment(fresh: Team) -> None:
    """Spec A7. Each move is one step of the lead's history, told in order whoever moved it, and the lead is where the last one took it."""
    lead = await fresh.capture()
    stages = await _stages(fresh)
    answers = await asyncio.gather(*(
        _move(fresh, (fresh.ana, fresh.ben)[turn % 2], lead, stages[n]) for turn, n in enumerate((1, 2, 4, 3))
    ))  # fmt: skip
    kept = await fresh.do(fresh.ana, "crm.leads.get", leadId=str(lead.id))
    assert sorted(answer.version for answer in answers) == [3, 4, 5, 6]
    assert kept == max(answers, key=lambda answer: answer.version)
    steps = [each.changes["stageId"] for each in await fresh.log(lead.id) if each.kind == "stage_changed"]
    assert [old for old, _ in steps] == [stages[0], *(new for _, new in steps[:-1])]


@pytest.mark.parametrize("name", ["crm.leads.moveStage", "crm.leads.update", "crm.leads.scoreBatch"])
async def test_who_waited_for_a_lead_comes_after_who_held_it(fresh: Team, name: str) -> None:
    """Spec A7, A8. A change that was asked for first and came second stands second in the history, and the past agrees with it."""
    lead = await fresh.capture()
    stages = await _stages(fresh)
    bodies: dict[str, dict[str, Any]] = {
        "crm.leads.moveStage": {"leadId": str(lead.id), "stageId": stages[2]},
        "crm.leads.update": {"leadId": str(lead.id), "title": "Head of Purchasing"},
        "crm.leads.scoreBatch": {"leadIds": [str(lead.id)]},
    }
    if name == "crm.leads.scoreBatch":
        await fresh.do(fresh.ana, "crm.scoring.setRules", factors=FACTORS)
    async with fresh.db.transaction(fresh.org_id) as conn:
        await conn.execute("SELECT FROM leads WHERE org_id = $1 AND id = $2 FOR UPDATE", fresh.org_id, lead.id)
        waiting = asyncio.create_task(perform(fresh.db, fresh.ben, name, bodies[name]))
        await asyncio.sleep(0.1)
        held = await conn.fetchval(
            "UPDATE leads SET last_activity_at = clock_timestamp() WHERE org_id = $1 AND id = $2 RETURNING last_activity_at",
            fresh.org_id, lead.id,
        )  # fmt: skip
    await waiting
    last = [each for each in await fresh.log(lead.id) if each.actor_name == fresh.ben.name][-1]
    assert held < last.occurred_at < held + timedelta(seconds=1)
    now = await fresh.do(fresh.ana, "crm.leads.get", leadId=str(lead.id))
    assert now.last_activity_at == last.occurred_at


async def test_each_is_told_what_is_wrong_with_its_own(fresh: Team, carla: Team) -> None:
    """Spec A4, B5. A stale version, an unknown lead or stage, a status of another stage: the others are moved."""
    leads = [await fresh.capture() for _ in range(8)]
    theirs = await carla.capture()
    stages = await _stages(fresh)
    others = await _stages(carla)
    answers = await asyncio.gather(
        *(_move(fresh, fresh.ana, lead, stages[1]) for lead in leads[:4]),
        _move(fresh, fresh.ana, leads[4], stages[1], version=1),
        _move(fresh, fresh.ana, leads[5], stages[1], status="won"),
        _move(fresh, fresh.ana, leads[6], others[1]),
        _move(fresh, fresh.ana, theirs, stages[1]),
        _move(fresh, fresh.ana, leads[7], stages[1], version=2),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [Lead] * 4 + [Conflict, Invalid, NotFound, NotFound, Lead]
    assert all(isinstance(answer, (Lead, BatonError)) for answer in answers)
    assert (await carla.do(carla.ana, "crm.leads.get", leadId=str(theirs.id))).version == theirs.version


async def test_a_lead_that_is_locked_keeps_nobody_waiting(fresh: Team) -> None:
    """Spec B5. Moves of other leads are answered meanwhile, and the one that waits as soon as its lead is free."""
    leads = [await fresh.capture() for _ in range(12)]
    stages = await _stages(fresh)
    async with fresh.db.transaction(fresh.org_id) as conn:
        await conn.execute("SELECT FROM leads WHERE org_id = $1 AND id = $2 FOR UPDATE", fresh.org_id, leads[0].id)
        held = [asyncio.create_task(_move(fresh, fresh.ana, leads[0], stages[n])) for n in (1, 2)]
        await asyncio.sleep(0.05)
        moving = (_move(fresh, fresh.ben, lead, stages[2]) for lead in leads[1:])
        answers = await asyncio.wait_for(asyncio.gather(*moving), 10)
        assert {str(answer.stage_id) for answer in answers} == {stages[2]}
        assert not any(task.done() for task in held)
    assert {str((await task).stage_id) for task in held} == set(stages[1:3])


async def test_a_closed_stage_closes_and_an_open_one_reopens(fresh: Team) -> None:
    """Spec A4, A7, B7. In a group as alone: the closing time, what was to be done next, the time allowed in the stage, the counts."""
    pipeline = next(each for each in await fresh.do(fresh.ana, "crm.pipelines.list") if each.is_intake)
    won = next(str(stage.id) for stage in pipeline.stages if stage.outcome == "won")
    staying = next(str(stage.id) for stage in pipeline.stages[1:] if stage.sla_days and not stage.closed)
    alone, others = await fresh.capture(), [await fresh.capture() for _ in range(5)]
    for stage in (won, staying, won, staying):
        moved = await _move(fresh, fresh.ana, alone, stage)
        together = await asyncio.gather(*(_move(fresh, fresh.ana, other, stage) for other in others))
        assert {(each.status, each.closed_at is None, each.version) for each in together} == {
            (moved.status, moved.closed_at is None, moved.version)
        }
        async with fresh.db.transaction(fresh.org_id) as conn:
            rows = await conn.fetch(
                "SELECT sla_due_at IS NULL, sla_next_at IS NULL, sla_told FROM leads WHERE org_id = $1", fresh.org_id
            )
        assert {tuple(row) for row in rows} == {(stage == won, stage == won, None)}
    for lead in together:
        log = await fresh.log(lead.id)
        assert (
            replayed([each.changes for each in log], version=lead.version, last_activity_at=lead.last_activity_at)
            == lead
        )
    counted = {
        str(each.stage_id): each.count for each in (await fresh.do(fresh.ana, "crm.leads.pipelineSummary")).by_stage
    }
    assert {stage: count for stage, count in counted.items() if count} == {staying: 6}


async def test_what_is_no_plain_move_is_done_alone(fresh: Team) -> None:
    """Spec B5. What has something special to be told is left to the verb, which tells it."""
    lead = await fresh.capture()
    stages = await _stages(fresh)
    asked = [
        MoveStage(lead_id=str(lead.id), stage_id=stages[1], version=99), MoveStage(lead_id="crm-7", stage_id=stages[1]),
        MoveStage(lead_id=str(lead.id), stage_id=str(lead.id)), MoveStage(lead_id=str(lead.id), stage_id=stages[0]),
    ]  # fmt: skip
    async with fresh.db.transaction(fresh.org_id) as conn:
        tx = Tx(conn, fresh.org_id, utc_now(), "crm.leads.moveStage")
        answers = await move_many(tx, [Asked(fresh.ana, each, new_id()) for each in asked])
    assert answers[:3] == [ALONE] * 3
    assert answers[3].version == lead.version


@pytest.mark.parametrize("stage", [1, 2])
async def test_one_alone_needs_no_more_than_before(fresh: Team, stage: int, begun: list[Any]) -> None:
    """Spec B5. A single move is one transaction."""
    lead = await fresh.capture()
    stages = await _stages(fresh)
    begun.clear()
    await _move(fresh, fresh.ana, lead, stages[stage])
    assert len(begun) == 1
