"""`python -m bench.soak [--minutes N]`: a mixed load that does not end by itself, and what has grown when it ends.

Captures, moves, lists, boards and searches on loopback, at a rate that leaves the machine air, on web and worker as they are shipped.
It passes where memory and connections are what they were after the first tenth, the queue is empty, and the log and the counters agree.
"""

import argparse
import asyncio
import random
import time

import asyncpg
import msgspec
import uvloop
from rich.console import Console

from baton.doors import operations as operations  # fills the registry
from baton.jobs import retention
from baton.kernel.values import utc_now
from bench import integrity
from bench.client import Client, path
from bench.dataset import database, dataset
from bench.load import EVERY, numbers
from bench.reads import WORDS
from bench.server import Place, Served, place, served
from bench.writes import MOVE, capture_traffic

CLIENTS = 8
PAUSE = 0.05
MEMORY = 1.25
QUEUE_SECONDS = 120
console = Console(highlight=False)
_TABLES = (
    "leads",
    "activities",
    "jobs.pgqueuer",
    "jobs.pgqueuer_log",
    "idempotency_keys",
    "directory_credentials",
    "stage_deltas",
    "agent_runs",
)


class State(msgspec.Struct):
    """What is compared: megabytes of the server, connections of the application, rows of the tables."""

    memory: float
    connections: int
    rows: dict[str, int]


async def main_(where: Place, minutes: float) -> int:
    """Load for so long; answers how many things are wrong."""
    root = await asyncpg.connect(where.root())
    await root.execute("UPDATE log_cursors SET txid = pg_snapshot_xmin(pg_current_snapshot()) WHERE name = 'relay'")
    ends = time.monotonic() + minutes * 60
    done: dict[str, int] = {}
    with served(where) as server:
        clients = [asyncio.create_task(_client(where, server, ends, done)) for _ in range(CLIENTS)]
        await asyncio.sleep(minutes * 6)
        first = await _state(root, server)
        console.print(f"after a tenth: {_told(first)}")
        await asyncio.gather(*clients)
        waited = time.monotonic()
        for _ in range(QUEUE_SECONDS):
            if not await root.fetchval("SELECT count(*) FROM jobs.pgqueuer WHERE status IN ('queued', 'picked')"):
                break
            await asyncio.sleep(1)
        last = await _state(root, server)
    console.print(
        f"at the end:    {_told(last)}\nrequests: {done}; the queue was empty {time.monotonic() - waited:.0f} s after the last"
    )
    db = database(where.settings)
    await db.open()
    forgotten = await retention.forget(db, utc_now())
    await db.close()
    check = await integrity.check(where.root())
    wrong = list(check.wrong)
    if last.memory > first.memory * MEMORY:
        wrong.append(f"memory grew from {first.memory:.0f} to {last.memory:.0f} MB")
    if last.connections > first.connections + 2:
        wrong.append(f"connections grew from {first.connections} to {last.connections}")
    if last.rows["jobs.pgqueuer"]:
        wrong.append(f"{last.rows['jobs.pgqueuer']} jobs are left in the queue")
    await root.close()
    console.print(
        f"forgotten: {forgotten}; {check.leads:,} leads replay, {check.counters} counters; wrong: {wrong or 'nothing'}"
    )
    return len(wrong)


async def _client(where: Place, server: Served, ends: float, done: dict[str, int]) -> None:
    org, captures = where.data.main, capture_traffic(where, organizations=10)
    client, anonymous = Client(server.port, where.headers(org)), Client(server.port, {})
    first = next(numbers)
    while time.monotonic() < ends:
        what = random.choice(("capture", "capture", "move", "move", "list", "board", "search", "summary"))
        first += 1
        lead = str(org.lead(EVERY * random.randint(1, org.leads // EVERY)))
        match what:
            case "capture":
                await anonymous.send("POST", *captures.request(first, 1), f"idempotency-key: soak-{first}\r\n")
            case "move":
                body = {"leadId": lead, "stageId": str(random.choice(org.stages[:5]))}
                await client.send("POST", MOVE, msgspec.json.encode(body), f"idempotency-key: soak-{first}\r\n")
            case "list":
                await client.send(
                    "GET", path("crm.leads.find", {"limit": 50, "sort": random.choice(["name", "score", "createdAt"])})
                )
            case "board":
                await client.send("GET", path("crm.leads.board", {"pipelineId": str(org.pipeline), "limit": 40}))
            case "search":
                await client.send("GET", path("crm.search", {"query": random.choice(WORDS)}))
            case _:
                await client.send("GET", path("crm.leads.pipelineSummary", {}))
        done[what] = done.get(what, 0) + 1
        await asyncio.sleep(PAUSE)
    await client.close()
    await anonymous.close()


async def _state(root: asyncpg.Connection, server: Served) -> State:
    connections = await root.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE usename IN ('baton_app', 'baton_relay')"
    )
    rows = {name: await root.fetchval(f"SELECT count(*) FROM {name}") for name in _TABLES}
    return State(server.memory(), connections, rows)


def _told(state: State) -> str:
    return f"{state.memory:.0f} MB, {state.connections} connections, " + ", ".join(
        f"{name} {rows:,}" for name, rows in state.rows.items()
    )


def main() -> None:
    """Two hours, unless told otherwise, on the small data set's copy."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--leads", type=int, default=50_000)
    given = parser.parse_args()
    with dataset(given.leads, console.print) as data, place(data, 1, 1) as where:
        raise SystemExit(1 if uvloop.run(main_(where, given.minutes)) else 0)


if __name__ == "__main__":
    main()
