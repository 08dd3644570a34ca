"""What operators and admins see: metrics, health in words, held jobs that a person retries or drops."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from pgqueuer.core.executors import DatabaseRetryEntrypointExecutor

from baton.doors.app import create_app
from baton.jobs import worker
from baton.kernel.db import Database
from baton.kernel.errors import Forbidden, NotFound
from baton.kernel.perform import perform
from baton.kernel.settings import Settings
from baton.kernel.values import utc_now
from tests.operations.cases_clock import held_job, late_lead
from tests.security.test_work import enqueue, working
from tests.team import Team


@pytest_asyncio.fixture
async def quiet(db: Database) -> AsyncIterator[None]:
    """No held jobs are left behind."""
    yield
    await db.relay.execute("DELETE FROM jobs.pgqueuer WHERE status = 'failed'")


def client(settings: Settings, db: Database, host: str = "127.0.0.1", **given: Any) -> httpx2.AsyncClient:
    app = create_app(replace(settings, **given), db)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app, client=(host, 1)), base_url="http://baton.test")


async def test_metrics_tell_of_the_work(settings: Settings, db: Database, fresh: Team, quiet: None) -> None:
    """Lag, jobs by name and state, held ones, mail, requests, connections."""
    await held_job(fresh)
    async with client(settings, db) as http:
        await http.get("/healthz")
        answer = await http.get("/metrics")
    assert answer.status_code == 200
    text = answer.text
    assert 'baton_jobs{job="wakeAgents",state="failed"}' in text
    for name in (
        "baton_relay_lag_seconds",
        "baton_jobs_held",
        "baton_messages",
        "baton_db_connections",
        "baton_webhooks_waiting",
    ):
        assert f"# TYPE {name} gauge" in text, name
    assert 'baton_requests_total{door="/healthz",method="GET",status="200"}' in text
    assert str(fresh.org_id) not in text, "metrics name no organization"


@pytest.mark.parametrize(
    ("host", "headers", "token", "status"),
    [
        ("127.0.0.1", {}, None, 200),
        ("::1", {}, None, 200),
        ("203.0.113.9", {}, None, 404),
        ("127.0.0.1", {"x-forwarded-for": "203.0.113.9"}, None, 404),
        ("127.0.0.1", {"forwarded": "for=203.0.113.9"}, None, 404),
        ("203.0.113.9", {"x-forwarded-for": "127.0.0.1"}, None, 404),
        ("203.0.113.9", {"authorization": "Bearer s3cret-of-prometheus"}, "s3cret-of-prometheus", 200),
        ("203.0.113.9", {"authorization": "Bearer wrong"}, "s3cret-of-prometheus", 404),
        ("127.0.0.1", {}, "s3cret-of-prometheus", 404),
    ],
)
async def test_metrics_are_for_operators_alone(
    settings: Settings, db: Database, host: str, headers: dict[str, str], token: str | None, status: int
) -> None:
    async with client(settings, db, host, metrics_token=token) as http:
        assert (await http.get("/metrics", headers=headers)).status_code == status


async def test_a_path_makes_no_label(settings: Settings, db: Database) -> None:
    async with client(settings, db) as http:
        await http.get("/some-secret-path-1234")
        await http.request("BREW", "/tea")
        text = (await http.get("/metrics")).text
    assert "secret" not in text
    assert "BREW" not in text


async def state_of(team: Team, key: str, **given: Any) -> tuple[str, str]:
    health = await perform(team.db, team.ana, "crm.health.get", **given)
    check = next(check for check in health.checks if check.key == key)
    return check.state, check.words


async def test_health_turns_amber_and_red_with_words(fresh: Team, quiet: None) -> None:
    """Held jobs are amber; what nobody told of for long, and what nobody reads, is red."""
    await fresh.run_due()
    health = await fresh.do(fresh.ana, "crm.health.get")
    assert health.state == "green", health
    assert (await state_of(fresh, "held"))[0] == "green"
    await held_job(fresh)
    assert await state_of(fresh, "held") == ("amber", "1 job could not be done and waits for a person.")
    await late_lead(fresh)
    state, words = await state_of(fresh, "clock")
    assert state == "red"
    assert "1 hour" in words
    state, words = await state_of(fresh, "mail")
    assert (state, words) == ("green", "Every message has left.")
    with pytest.raises(Forbidden):
        await fresh.do(fresh.ben, "crm.health.get")
    assert (await fresh.do(fresh.ana, "crm.health.get")).state == "red"


async def test_health_sees_a_log_that_nobody_reads(fresh: Team) -> None:
    """The worker is away: what happened is not answered."""
    await fresh.run_due()
    await fresh.capture()
    async with fresh.db.transaction(fresh.org_id) as conn:
        lag = await conn.fetchval("SELECT relay_lag()")
    assert lag is not None
    assert lag >= timedelta()
    await fresh.run_due()
    async with fresh.db.transaction(fresh.org_id) as conn:
        assert await conn.fetchval("SELECT relay_lag()") is None


async def test_a_person_retries_or_drops_a_held_job_of_their_own_organization(
    fresh: Team, carla: Team, quiet: None
) -> None:
    """A poisoned job is seen with its error by its organization's admins alone; retried it is queued, dropped it is gone."""
    first, second = await held_job(fresh), await held_job(fresh)
    await fresh.db.relay.execute(
        """INSERT INTO jobs.pgqueuer (priority, status, entrypoint, payload, created, updated, heartbeat, execute_after)
           SELECT 0, 'failed', 'wakeAgents', p, now(), now(), now(), now() FROM unnest($1::bytea[]) p""",
        [b"not json", b"\xff\x00", b'{"orgId":"' + str(fresh.org_id).encode()],
    )  # fmt: skip
    found = await fresh.do(fresh.ana, "crm.jobs.held")
    assert [job.id for job in found][1:] == [second, first]
    assert found[-1].error == "The agent is away."
    assert await carla.do(carla.ana, "crm.jobs.held") == []
    for name in ("crm.jobs.retry", "crm.jobs.drop"):
        with pytest.raises(NotFound):
            await carla.do(carla.ana, name, jobId=first)
    await fresh.do(fresh.ana, "crm.jobs.retry", jobId=first, reason="The agent is back.")
    await fresh.do(fresh.ana, "crm.jobs.drop", jobId=second)
    rows = await fresh.db.relay.fetch("SELECT id, status::text FROM jobs.pgqueuer WHERE id = ANY ($1)", [first, second])
    assert [(row["id"], row["status"]) for row in rows] == [(first, "queued")]
    with pytest.raises(NotFound):
        await fresh.do(fresh.ana, "crm.jobs.retry", jobId=first)
    with pytest.raises(NotFound):
        await fresh.do(fresh.ana, "crm.jobs.drop", jobId=2**62)
    await fresh.db.relay.execute("DELETE FROM jobs.pgqueuer WHERE id = $1", first)
    assert utc_now() > found[0].created_at


async def test_what_a_worker_could_not_do_is_held_with_its_error(
    fresh: Team, quiet: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A poisoned job of an organization: its admin sees what went wrong, and drops it."""

    def soon(parameters: Any) -> DatabaseRetryEntrypointExecutor:
        return DatabaseRetryEntrypointExecutor(parameters, max_attempts=1, initial_delay=timedelta(milliseconds=50))

    monkeypatch.setattr(worker, "_retrying", soon)
    await enqueue(fresh.db, "wakeAgents", b'{"orgId":"' + str(fresh.org_id).encode() + b'","kind":5}')

    async def held() -> bool:
        return bool(await fresh.do(fresh.ana, "crm.jobs.held"))

    await working(fresh.db, held, 30)
    (job,) = await fresh.do(fresh.ana, "crm.jobs.held")
    assert "Expected `str`, got `int`" in str(job.error)
    await fresh.do(fresh.ana, "crm.jobs.drop", jobId=job.id)
