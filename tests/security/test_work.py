"""Work that waits: done once, held where it cannot be done, ended where it would not end, shared fairly among organizations."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.core.executors import DatabaseRetryEntrypointExecutor

from baton.jobs import handlers, worker
from baton.jobs.relay import Job
from baton.kernel.db import Database
from baton.kernel.queue import queries
from tests.team import Team, make_team, read_log


@pytest_asyncio.fixture
async def queue(db: Database) -> AsyncIterator[Any]:
    """An empty queue, whose log has been read."""
    await read_log(db)
    await db.relay.execute("DELETE FROM jobs.pgqueuer")
    yield db.relay
    await db.relay.execute("DELETE FROM jobs.pgqueuer")


async def enqueue(db: Database, name: str, payload: bytes) -> None:
    async with db.relay.acquire() as conn:
        await queries(AsyncpgDriver(conn)).enqueue([name], [payload], [0])


async def working(db: Database, until: Any, seconds: float = 20) -> float:
    """Run the worker until something is true; answers the seconds that it took."""
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(db, stop))
    began = time.perf_counter()
    try:
        async with asyncio.timeout(seconds):
            while not await until():  # noqa: ASYNC110 - the database tells it by no event
                await asyncio.sleep(0.02)
        return time.perf_counter() - began
    finally:
        stop.set()
        await running


async def acts(team: Team, lead_id: Any) -> list[str]:
    """What agents did to a lead."""
    return [activity.kind for activity in await team.log(lead_id) if activity.actor_type == "agent"]


async def test_the_same_job_twice(fresh: Team, queue: Any) -> None:
    """Delivered five times, and three of them at once, a job is done once. Defence: (rule, activity) is the idempotency key."""
    lead = await fresh.capture(title="CTO", companySize=500)
    (imported, *_) = await fresh.log(lead.id)
    job = Job(fresh.org_id, "lead_imported", [imported.id], 0)
    payload = msgspec.json.encode(job)
    await asyncio.gather(*(handlers.handle(fresh.db, "wakeAgents", payload) for _ in range(3)), return_exceptions=True)
    for _ in range(2):
        await handlers.handle(fresh.db, "wakeAgents", payload)
    done = await acts(fresh, lead.id)
    assert len(done) == len(set(done))
    assert {"stage_changed", "assignment_changed", "task_created"} <= set(done)
    assert done.count("task_created") == 1


POISON = [
    b"not json",
    b"{}",
    b'{"orgId":"x"}',
    b'{"orgId":"00000000-0000-0000-0000-000000000000","kind":"lead_imported","activityIds":[],"depth":0}',
    b"\xff\x00",
]


async def test_a_poisoned_job_is_held_and_blocks_nobody(
    fresh: Team, queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be done is tried again, then kept in the queue with its error, where it can be seen; all others are done."""

    def soon(parameters: Any) -> DatabaseRetryEntrypointExecutor:
        return DatabaseRetryEntrypointExecutor(parameters, max_attempts=2, initial_delay=timedelta(milliseconds=50))

    monkeypatch.setattr(worker, "_retrying", soon)
    for payload in POISON:
        await enqueue(fresh.db, "wakeAgents", payload)
    lead = await fresh.capture(title="CTO", companySize=500)

    async def done() -> bool:
        held = await queue.fetchval("SELECT count(*) FROM jobs.pgqueuer WHERE status = 'failed'")
        return held >= len(POISON) - 1 and "task_created" in await acts(fresh, lead.id)

    await working(fresh.db, done)
    rows = await queue.fetch("SELECT entrypoint, payload, status FROM jobs.pgqueuer WHERE status = 'failed'")
    assert {row["payload"] for row in rows} >= {b"not json", b"{}", b'{"orgId":"x"}', b"\xff\x00"}
    assert not [row for row in rows if str(fresh.org_id).encode() in row["payload"]]


async def test_a_rule_that_cannot_work_stops_nothing_else(fresh: Team, queue: Any) -> None:
    """One agent's broken rule fails its own step, on the lead's timeline; the next rule and the next lead go on."""
    broken = {"operation": "crm.leads.assign", "input": {"ownerId": "{{ '1e999' | floor }}"}}
    rules = [{"name": "Broken", "trigger": "lead_imported", "steps": [broken]},
             {"name": "Fine", "trigger": "lead_imported", "steps": [{"operation": "crm.leads.route"}]}]  # fmt: skip
    await fresh.do(fresh.ana, "crm.agents.setPlaybook", agentId=str(fresh.athena.id), rules=rules)
    leads = [await fresh.capture() for _ in range(3)]
    await fresh.run_due()
    for lead in leads:
        kinds = [activity.kind for activity in await fresh.log(lead.id)]
        assert "agent_failed" in kinds
        assert "assignment_changed" in kinds


async def test_a_loop_of_rules_ends(fresh: Team, queue: Any) -> None:
    """Two agents whose rules wake each other stop after a bounded number of steps. Defence: the depth of a cause, 16 at most."""
    for agent, mark in ((fresh.athena, "a"), (fresh.marcus, "b")):
        note = {"operation": "crm.leads.logActivity", "input": {"type": "note", "notes": mark}}
        rule = {"name": "Echo", "trigger": "note_added", "steps": [note]}
        await fresh.do(fresh.ana, "crm.agents.setPlaybook", agentId=str(agent.id), rules=[rule])
    lead = await fresh.do(fresh.ben, "crm.leads.create", lastName="Loop")
    await fresh.do(fresh.ben, "crm.leads.logActivity", leadId=str(lead.id), type="note", notes="begin")
    async with asyncio.timeout(30):
        await fresh.run_due()
    notes = [activity for activity in await fresh.log(lead.id) if activity.kind == "note_added"]
    assert 2 <= len(notes) <= 200
    assert await fresh.run_due() == 0


async def test_one_tenants_queue_starves_no_other(fresh: Team, queue: Any) -> None:
    """1,000 leads of one organization wait; one of another comes last. It is done long before them. Defence: jobs of an
    organization that has many waiting yield to those of others (relay)."""
    other = await make_team(fresh.db, "Patient")
    bulk = [{"lastName": f"L{n}", "title": "CTO"} for n in range(1000)]
    rule = {
        "name": "R",
        "trigger": "lead_imported",
        "steps": [{"operation": "crm.leads.logActivity", "input": {"type": "note", "notes": "n"}}],
    }
    for team in (fresh, other):
        await team.do(team.ana, "crm.agents.setPlaybook", agentId=str(team.athena.id), rules=[rule])
    (pipeline, *_) = await fresh.do(fresh.ana, "crm.pipelines.list")
    for start in range(0, 1000, 100):
        await fresh.do(fresh.ana, "crm.imports.load", pipelineId=str(pipeline.id), leads=bulk[start : start + 100])
    await read_log(fresh.db)
    await other.capture()
    await read_log(fresh.db)
    line = await queue.fetch("SELECT payload FROM jobs.pgqueuer WHERE status = 'queued' ORDER BY priority DESC, id")
    place = [str(other.org_id).encode() in row["payload"] for row in line].index(True)
    assert len(line) > 20
    assert place <= 3, "behind a few, not behind all"
    mine = await queue.fetch(
        "SELECT priority FROM jobs.pgqueuer WHERE position($1 IN payload) > 0 ORDER BY id", str(fresh.org_id).encode()
    )
    mine = [row["priority"] for row in mine]
    assert mine == sorted(mine, reverse=True), "an organization's own jobs stay in order"
