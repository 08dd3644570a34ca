"""A server that is killed while leads come in: nothing that was answered is lost, nothing is done twice."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import asyncpg
import httpx2
import pytest

from baton.kernel.db import Database
from baton.leads.lead import COLUMNS, from_row, replayed
from tests.alone import Alone
from tests.team import make_team

CAPTURES = 500
KILLS = 3


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def serving(environ: dict[str, str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server with its worker, as an operator starts it."""
    command = [sys.executable, "-m", "baton.doors.cli", "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=os.environ | environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def ready(port: int) -> None:
    async with httpx2.AsyncClient() as client:
        for _ in range(200):
            try:
                if (await client.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200:
                    return
            except httpx2.TransportError:
                await asyncio.sleep(0.05)
    pytest.fail("the server did not start")


async def capture_all(port: int, org_id: UUID, numbers: range, answered: dict[int, UUID]) -> None:
    """Send captures at most twenty at a time; what is not answered may be in or not."""
    turns = asyncio.Semaphore(20)

    async def one(client: httpx2.AsyncClient, n: int) -> None:
        body = {"orgId": str(org_id), "firstName": "Lead", "lastName": f"No {n}", "email": f"lead{n}@crash.example",
                "title": "CEO" if n % 2 else "Clerk", "companySize": n}  # fmt: skip
        async with turns:
            try:
                answer = await client.post(f"http://127.0.0.1:{port}/api/trpc/crm.leads.capture", json=body)
            except httpx2.TransportError:
                return
            if answer.status_code == 200:
                answered[n] = UUID(answer.json()["result"]["data"]["id"])

    async with httpx2.AsyncClient(timeout=20) as client:
        await asyncio.gather(*(one(client, n) for n in numbers))


async def test_killed_while_500_captures_and_their_playbooks_run(alone: Alone) -> None:
    """Spec A12: after the restart every captured lead has one score, one owner, one follow-up, and the log replays to the rows."""
    db = await alone.database()
    team = await make_team(db, "Crash")
    answered: dict[int, UUID] = {}
    share = CAPTURES // (KILLS + 1)
    for kill in range(KILLS + 1):
        port = free_port()
        with serving(alone.environ, port) as process:
            await ready(port)
            sending = asyncio.create_task(
                capture_all(port, team.org_id, range(kill * share, (kill + 1) * share), answered)
            )
            if kill < KILLS:
                await asyncio.sleep(0.4 + 0.3 * kill)
                process.send_signal(signal.SIGKILL)
                await sending
            else:
                await sending
                await all_done(db, team.org_id)
    assert len(answered) > CAPTURES // 4
    await check(db, team.org_id, answered)


async def all_done(db: Database, org_id: UUID) -> None:
    """Until every lead has had its run, and no run is under way."""
    deadline = time.monotonic() + 120
    waiting = -1
    while time.monotonic() < deadline:
        async with db.transaction(org_id) as conn:
            waiting = await conn.fetchval(
                """SELECT count(*) FROM leads l WHERE NOT EXISTS (
                       SELECT FROM agent_runs r WHERE r.org_id = l.org_id AND r.lead_id = l.id AND r.status = 'done')"""
            )
        if waiting == 0:
            return
        await asyncio.sleep(0.3)
    pytest.fail(f"{waiting} leads still wait for their agent")


async def check(db: Database, org_id: UUID, answered: dict[int, UUID]) -> None:
    async with db.transaction(org_id) as conn:
        rows = await conn.fetch(
            f"""SELECT {COLUMNS},
                       (SELECT count(*) FROM lead_scores s WHERE s.org_id = l.org_id AND s.lead_id = l.id) AS scores,
                       (SELECT count(*) FROM tasks t WHERE t.org_id = l.org_id AND t.lead_id = l.id) AS tasks
                  FROM leads l"""
        )
        log = await conn.fetch(
            """SELECT lead_id, kind, changes, lead_version, occurred_at FROM activities WHERE lead_id IS NOT NULL
                ORDER BY lead_id, lead_version NULLS FIRST, id"""
        )
    by_lead: dict[UUID, list[asyncpg.Record]] = {}
    for entry in log:
        by_lead.setdefault(entry["lead_id"], []).append(entry)
    assert set(answered.values()) <= {row["id"] for row in rows}
    for row in rows:
        mine = by_lead[row["id"]]
        kinds = [entry["kind"] for entry in mine]
        assert (row["scores"], row["tasks"]) == (1, 1)
        assert row["owner_id"] is not None
        assert (kinds.count("assignment_changed"), kinds.count("task_created"), kinds.count("lead_imported")) == (
            1,
            1,
            1,
        )
        assert kinds.count("lead_qualified") == (1 if row["score"] >= 40 else 0)
        folded = replayed(
            [entry["changes"] for entry in mine],
            version=max(entry["lead_version"] or 0 for entry in mine),
            last_activity_at=max(entry["occurred_at"] for entry in mine),
        )
        assert folded == from_row(row)
