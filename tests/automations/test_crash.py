"""Workers that are killed at random while many leads go through a sequence: nothing twice, nothing forgotten."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg

from baton.jobs import lanes
from baton.kernel.db import Database
from baton.kernel.values import utc_now
from tests.alone import Alone
from tests.automations.test_sequences import ALWAYS, FIRST, SECOND, WAIT
from tests.messages.conftest import connect
from tests.messages.conftest import post as post
from tests.messages.postoffice import PostOffice
from tests.team import make_team

ENROLMENTS = int(os.environ.get("BATON_CRASH_ENROLMENTS", "240"))
KILLS = 6
WORKER = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID
from baton.doors import operations
from baton.jobs import lanes
from baton.kernel import settings as configuration
from baton.kernel.db import Database
from baton.kernel.installation import installation
from baton.kernel.values import utc_now

async def main(data, org_id, days):
    own = configuration.load(data=Path(data))
    db = Database(own.app_dsn, own.relay_dsn, installation=installation(own))
    await db.open()
    while True:
        await lanes.step(db, now=utc_now() + timedelta(days=float(days)), only=UUID(org_id))
        await asyncio.sleep(0.05)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_killed_while_a_sequence_writes_to_many(alone: Alone, tmp_path: Path, post: PostOffice) -> None:
    """The clock is moved ahead over both waits; workers die in the middle. Every message was handed over at most once, and
    is sent or in doubt; every enrolment is at its end, or stands behind a message in doubt; the count proves it."""
    db = await alone.database()
    team = await make_team(db, "Crash")
    await connect(team, post)
    plan = {"steps": [FIRST, WAIT, {"do": "task", "title": "Call"}, SECOND], "window": ALWAYS}
    made = await team.do(team.ana, "crm.sequences.create", {"name": "Many", "plan": plan})
    named = {"sequenceId": str(made.id)}
    await team.do(team.ana, "crm.sequences.setState", named | {"state": "on"})
    for start in range(0, ENROLMENTS, 100):
        leads = [
            {"lastName": f"L{n}", "email": f"l{n}@many.example"} for n in range(start, min(start + 100, ENROLMENTS))
        ]
        pipeline = (await team.do(team.ana, "crm.pipelines.list"))[0]
        await team.do(team.ana, "crm.imports.load", pipelineId=str(pipeline.id), leads=leads)
    cursor: str | None = None
    operation_id, enrolled = None, 0
    while True:
        more: dict[str, str] = {"cursor": cursor, "operationId": str(operation_id)} if cursor else {}
        chunk = await team.do(team.ben, "crm.sequences.enrolMany", named | {"where": {"all": []}, "limit": 500} | more)
        enrolled, cursor, operation_id = enrolled + chunk.changed, chunk.next_cursor, chunk.operation_id
        if cursor is None:
            break
    assert enrolled == ENROLMENTS
    chance = random.Random(7)
    for days in (0, 2.5, 5, 5.1):
        await kill_at_random(alone.environ, tmp_path, str(team.org_id), days, chance)
    for days in (8, 11, 14):  # what the dead left is gone on with
        await lanes.step(db, now=utc_now() + timedelta(days=days), only=team.org_id)
    await check(db, team.org_id, post)
    await db.close()
    await gone(alone.environ["DATABASE_URL"])


async def kill_at_random(environ: dict[str, str], data: Path, org_id: str, days: float, chance: random.Random) -> None:
    """Two workers at a time; every now and then one dies and another takes over."""
    command = [sys.executable, "-c", WORKER, str(data), org_id, str(days)]

    def begin() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, env=os.environ | environ)

    workers = [begin(), begin()]
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(1.5, 4) * max(1, ENROLMENTS / 600))
        victim = chance.randrange(2)
        workers[victim].send_signal(signal.SIGKILL)
        workers[victim].wait()
        workers[victim] = begin()
    for worker in workers:
        worker.send_signal(signal.SIGKILL)
        worker.wait()


async def gone(database: str) -> None:
    """Until the server has seen that the killed are dead."""
    conn = await asyncpg.connect(database)
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    async with asyncio.timeout(30):
        while await conn.fetchval(others):  # noqa: ASYNC110 - the server tells it by no event
            await asyncio.sleep(0.1)
    await conn.close()


async def check(db: Database, org_id: UUID, post: PostOffice) -> None:
    """What the post office got, what the log says and where the enrolments stand agree."""
    async with db.transaction(org_id) as conn:
        states = dict(await conn.fetch("SELECT state, count(*) FROM enrolments GROUP BY 1"))
        messages = await conn.fetch("SELECT recipient, subject, state FROM messages WHERE member_id IS NULL")
        tasks = await conn.fetchval(
            "SELECT max(n) FROM (SELECT count(*) AS n FROM tasks WHERE title = 'Call' GROUP BY lead_id) t"
        )
        steps = await conn.fetchval("SELECT count(*) FROM enrolment_steps WHERE act = 'email'")
    handed = Counter(
        (to, str(taken.mail["Subject"])) for taken in post.taken for to in taken.to if "many.example" in to
    )
    assert max(handed.values()) == 1, "a message was handed over twice"
    assert sum(states.values()) == ENROLMENTS
    assert states == {"done": ENROLMENTS}
    assert tasks == 1
    assert len(messages) == len({(row["recipient"], row["subject"]) for row in messages}) == steps == 2 * ENROLMENTS
    by_state = Counter(row["state"] for row in messages)
    assert set(by_state) <= {"sent", "in_doubt"}
    for row in messages:
        if row["state"] == "sent":
            assert handed[row["recipient"], row["subject"]] == 1
