"""Daily work: once for each slot however many workers run, and made up where nobody was awake."""

import asyncio
from uuid import UUID

import pytest

from baton.jobs import schedule, worker
from baton.jobs.relay import Job
from baton.kernel.db import Database
from baton.kernel.settings import Settings
from tests.alone import Alone
from tests.team import make_team


async def test_a_slot_that_was_missed_is_made_up_once_by_three_workers(
    alone: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B7: leadScoreRefresh at 03:00 UTC, one job an organization; three workers, one slot: each job once."""
    workers = [await alone.database(pool_size=2) for _ in range(3)]
    teams = [await make_team(workers[0], name) for name in ("One", "Two")]
    worked: list[UUID] = []

    async def count(db: Database, job: Job) -> None:
        worked.append(job.org_id)

    daily = schedule.Daily(schedule.SCORE_REFRESH, "0 3 * * *", count)
    monkeypatch.setattr(schedule, "DAILY", (daily,))
    await run_for(workers[:1], 1.5)  # it learns of the slot to come
    assert worked == []
    due = await workers[0].relay.fetchval(
        "SELECT next_run FROM jobs.pgqueuer_schedules WHERE entrypoint = $1", daily.name
    )
    assert (due.hour, due.minute) == (3, 0)
    await workers[0].relay.execute("UPDATE jobs.pgqueuer_schedules SET next_run = now() - interval '5 hours'")
    await run_for(workers, 4)
    assert sorted(worked) == sorted(team.org_id for team in teams)


async def run_for(workers: list[Database], seconds: float) -> None:
    stop = asyncio.Event()
    tasks = [asyncio.create_task(worker.run(db, stop)) for db in workers]
    await asyncio.sleep(seconds)
    stop.set()
    await asyncio.gather(*tasks)


async def test_the_refresh_writes_what_changed(settings: Settings, db: Database) -> None:
    """B6, B7: after a change of the rules the refresh scores every open lead again; a second one writes nothing."""
    team = await make_team(db, "Refresh")
    lead = await team.capture(source="referral")
    rule = {"name": "a referral", "condition": {"field": "source", "op": "=", "value": "referral"}, "points": 50}
    await team.do(
        team.ana, "crm.scoring.setRules", factors=[{"key": "s", "label": "Source", "maxPoints": 50, "rules": [rule]}]
    )
    daily = schedule.DAILY[0]
    for _ in range(2):
        await daily.work(db, Job(team.org_id, daily.name, [], 0))
    after = await team.do(team.ana, "crm.leads.scoreHistory", leadId=str(lead.id))
    assert [(kept.number, kept.score, kept.cause) for kept in after.history] == [(2, 50, "batch"), (1, 25, "creation")]
