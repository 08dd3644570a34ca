"""Two web processes and three workers on one database, killed under load: nothing lost, nothing twice.

`BATON_CROWD=5000 pytest tests/scaling/test_several_processes.py` does the same with as many captures and moves.
"""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import httpx2
from bench import integrity

from baton.accounts.sign_in import issue_jwt
from baton.kernel.db import Database
from baton.kernel.settings import Settings
from baton.kernel.values import utc_now
from tests.alone import Alone
from tests.team import Team, make_team
from tests.test_crash import all_done, check, free_port

CROWD = int(os.environ.get("BATON_CROWD", "120"))
MOVED = 12
AT_ONCE = 12


class Processes:
    """What runs on the database, as an operator starts it; each web process has a data directory of its own."""

    def __init__(self, environ: dict[str, str], folder: Path) -> None:
        self._environ, self._folder = environ, folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.ports = {"web a": free_port(), "web b": free_port()}

    async def start(self, name: str) -> None:
        options = ["serve", "--web-only", "--port", str(self.ports[name])] if name in self.ports else ["worker"]
        command = [sys.executable, "-m", "baton.doors.cli", *options, "--data", str(self._folder / name)]
        self._running[name] = subprocess.Popen(
            command, env=os.environ | self._environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if name in self.ports:
            await up(self.ports[name])

    def kill(self, name: str) -> None:
        self._running[name].send_signal(signal.SIGKILL)
        self._running[name].wait()

    def end(self) -> None:
        for process in self._running.values():
            process.kill()
            process.wait()


async def up(port: int) -> None:
    async with asyncio.timeout(90), httpx2.AsyncClient() as client:
        for _ in range(10_000):
            with contextlib.suppress(httpx2.TransportError):
                if (await client.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200:
                    return
            await asyncio.sleep(0.1)


class Callers:
    """Whoever sends captures and moves to any web process, again with the same key where nobody answered."""

    def __init__(self, processes: Processes, team: Team, token: str, moved: list[UUID], stages: list[UUID]) -> None:
        self._processes, self._team, self._moved, self._stages = processes, team, moved, stages
        self._headers = {"authorization": f"Bearer {token}", "orgid": str(team.org_id)}
        self.captured: dict[int, UUID] = {}
        self.moves: Counter[UUID] = Counter()
        self.done = 0

    async def send(self, client: httpx2.AsyncClient, path: str, body: object, key: str) -> httpx2.Response:
        while True:
            port = random.choice(list(self._processes.ports.values()))
            headers = self._headers | {"idempotency-key": key}
            try:
                answer = await client.post(f"http://127.0.0.1:{port}{path}", json=body, headers=headers)
            except httpx2.TransportError:
                await asyncio.sleep(0.1)
                continue
            if answer.status_code not in (
                409,
                503,
            ):  # the first with this key still runs, or its server is being started
                assert answer.status_code == 200, answer.text
                return answer
            await asyncio.sleep(0.1)

    async def one(self, client: httpx2.AsyncClient, n: int) -> None:
        """A capture of a new person, and a move of a known lead, each until it is answered."""
        body = {"orgId": str(self._team.org_id), "firstName": "Lead", "lastName": f"No {n}", "email": f"lead{n}@crowd.example",
                "title": "CEO" if n % 2 else "Clerk", "companySize": n}  # fmt: skip
        answer = await self.send(client, "/api/trpc/crm.leads.capture", body, f"capture-{n}")
        self.captured[n] = UUID(answer.json()["result"]["data"]["id"])
        lead = self._moved[n % MOVED]
        stage = self._stages[(n // MOVED) % 2]
        await self.send(
            client, "/api/v1/crm.leads.moveStage", {"leadId": str(lead), "stageId": str(stage)}, f"move-{n}"
        )
        self.moves[lead] += 1
        note = {"leadId": str(lead), "type": "note", "notes": f"Call {n} back"}
        await self.send(client, "/api/v1/crm.leads.logActivity", note, f"note-{n}")
        self.done += 1

    async def all(self) -> None:
        turns = asyncio.Semaphore(AT_ONCE)
        async with httpx2.AsyncClient(timeout=20) as client:

            async def in_turn(n: int) -> None:
                async with turns:
                    await self.one(client, n)

            await asyncio.gather(*(in_turn(n) for n in range(CROWD)))


@contextlib.asynccontextmanager
async def running(processes: Processes) -> AsyncIterator[None]:
    try:
        await asyncio.gather(
            *(processes.start(name) for name in ("web a", "web b", "worker 1", "worker 2", "worker 3"))
        )
        yield
    finally:
        processes.end()


async def kill_some(processes: Processes, callers: Callers) -> None:
    """At each quarter of the load somebody dies; a web process and a worker come back, another worker does not."""
    for quarter, names in enumerate((("worker 1",), ("web a", "worker 2"), ("web b",)), start=1):
        for _ in range(100_000):
            if callers.done >= CROWD * quarter // 4:
                break
            await asyncio.sleep(0.02)
        for name in names:
            processes.kill(name)
        await asyncio.sleep(0.3)
        for name in names:
            if name != "worker 1":
                await processes.start(name)


async def test_killed_under_load_nothing_is_lost_and_nothing_done_twice(alone: Alone, tmp_path: Path) -> None:
    """Spec A7, A12: every answered capture is one lead with one follow-up, every note stands once in the log; counters equal a full
    count, and the log replays to the rows."""
    db = await alone.database()
    team = await make_team(db, "Crowd")
    processes = Processes(alone.environ, tmp_path)
    async with running(processes):
        leads = [await team.capture(title="CEO", companySize=500) for _ in range(MOVED)]
        await all_done(db, team.org_id)
        pipelines = await team.do(team.ana, "crm.pipelines.list")
        stages = next(each for each in pipelines if each.id == leads[0].pipeline_id).stages[2:4]
        callers = Callers(
            processes,
            team,
            await token_of(db, team, alone.settings),
            [lead.id for lead in leads],
            [s.id for s in stages],
        )
        await asyncio.gather(callers.all(), kill_some(processes, callers))
        await all_done(db, team.org_id)
        await queue_empty(db)
    await everything_once(db, team, callers)
    report = await integrity.check(alone.environ["DATABASE_URL"])
    assert report.wrong == []
    assert report.leads == CROWD + MOVED or CROWD > 1_000


async def token_of(db: Database, team: Team, own: Settings) -> str:
    async with db.transaction(team.org_id) as conn:
        person = await conn.fetchval(
            "SELECT person_id FROM members WHERE org_id = $1 AND id = $2", team.org_id, team.ana.id
        )
    return issue_jwt(own.secret, person, team.org_id, now=utc_now())


async def queue_empty(db: Database) -> None:
    """Until no job waits; a job that was given up would stay."""
    async with asyncio.timeout(90):
        for _ in range(100_000):
            if not await db.relay.fetchval("SELECT count(*) FROM jobs.pgqueuer"):
                return
            await asyncio.sleep(0.2)


async def everything_once(db: Database, team: Team, callers: Callers) -> None:
    assert len(callers.captured) == len(set(callers.captured.values())) == CROWD
    await check(db, team.org_id, callers.captured)
    async with db.transaction(team.org_id) as conn:
        assert await conn.fetchval("SELECT count(*) FROM leads WHERE org_id = $1", team.org_id) == CROWD + MOVED
        moved = await conn.fetch(
            """SELECT lead_id, count(*) AS n FROM activities
                WHERE org_id = $1 AND kind = 'stage_changed' AND actor_id = $2 GROUP BY lead_id""",
            team.org_id, team.ana.id,
        )  # fmt: skip
        notes = await conn.fetch(
            "SELECT payload ->> 'notes' AS words FROM activities WHERE org_id = $1 AND kind = 'note_added'", team.org_id
        )
    assert sorted(row["words"] for row in notes) == sorted(f"Call {n} back" for n in range(CROWD))
    assert sum(row["n"] for row in moved) > 0
    for row in moved:
        assert row["n"] <= callers.moves[row["lead_id"]]
