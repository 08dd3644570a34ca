"""`python -m bench.soak [--minutes N]`: a mixed load that does not end by itself, and what has grown when it ends.

Captures, moves, lists, boards, searches, summaries and exports on loopback, at a rate that leaves the machine air, on web and worker as
they are shipped, each a process of its own. It passes where memory and connections are what they were after the first tenth, the queue is
empty, and the log and the counters agree. What was seen each half minute is left in a file, as JSON.
"""

import argparse
import asyncio
import contextlib
import random
import time
from pathlib import Path

import asyncpg
import msgspec
import uvloop
from rich.console import Console

from baton.doors import operations as operations  # fills the registry
from baton.jobs import retention
from baton.kernel.values import utc_now
from bench import integrity
from bench.client import Client, path
from bench.dataset import dataset
from bench.load import EVERY, numbers
from bench.made import database
from bench.reads import WORDS
from bench.server import Place, Served, place, web, working
from bench.soaked import Sample, grown, sample, tables, told
from bench.writes import MOVE, capture_traffic

CLIENTS = 8
EACH = 30.0
QUEUE_SECONDS = 120
EXPORT, EXPORT_EACH = "/api/v1/exports/leads.csv", 60.0
KINDS = ("capture",) * 6 + ("move",) * 6 + ("list",) * 3 + ("board",) * 2 + ("search",) * 2 + ("summary",) * 2
console = Console(highlight=False)


async def main_(where: Place, minutes: float, pause: float, left: Path) -> int:
    """Load for so long; answers how many things are wrong."""
    root = await asyncpg.connect(where.root())
    await root.execute("UPDATE log_cursors SET txid = pg_snapshot_xmin(pg_current_snapshot()) WHERE name = 'relay'")
    seconds = minutes * 60
    ends = time.monotonic() + seconds
    done: dict[str, int] = {}
    with where.kept, web(where) as server, working(where) as worker:
        began = await tables(root)
        samples: list[Sample] = []
        watching = asyncio.create_task(_watch(samples, root, server, worker, done))
        clients = [_client(where, server, ends, done, pause) for _ in range(CLIENTS)]
        await asyncio.gather(*clients, _exports(where, server, ends, done))
        waited = time.monotonic()
        await _emptied(where)
        empty = time.monotonic() - waited
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        samples.append(await sample(root, server, worker, done))
        ended = await tables(root)
    seen = msgspec.json.format(msgspec.json.encode({"samples": samples, "began": began, "ended": ended}))
    await asyncio.to_thread(left.write_bytes, seen)
    wrong = grown(samples, seconds)
    console.print(f"{told(samples, began, ended)}\nrequests: {done}; the queue was empty {empty:.0f} s after the last")
    db = database(where.settings)
    await db.open()
    forgotten = await retention.forget(db, utc_now())
    await db.close()
    check = await integrity.check(where.root())
    wrong += check.wrong
    if queued := ended["jobs.pgqueuer"].rows:
        wrong.append(f"{queued} jobs are left in the queue")
    await root.close()
    console.print(
        f"forgotten: {forgotten}; {check.leads:,} leads replay, {check.counters} counters; wrong: {wrong or 'nothing'}"
    )
    return len(wrong)


async def _watch(
    samples: list[Sample], root: asyncpg.Connection, server: Served, worker: Served, done: dict[str, int]
) -> None:
    while True:
        samples.append(await sample(root, server, worker, done))
        await asyncio.sleep(EACH)


async def _emptied(where: Place) -> None:
    asking = await asyncpg.connect(where.root())
    for _ in range(QUEUE_SECONDS):
        if not await asking.fetchval("SELECT count(*) FROM jobs.pgqueuer WHERE status IN ('queued', 'picked')"):
            break
        await asyncio.sleep(1)
    await asking.close()


async def _client(where: Place, server: Served, ends: float, done: dict[str, int], pause: float) -> None:
    org, captures = where.data.main, capture_traffic(where, organizations=10)
    client, anonymous = Client(server.port, where.headers(org)), Client(server.port, {})
    first = next(numbers)
    while time.monotonic() < ends:
        what = random.choice(KINDS)
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
        await asyncio.sleep(random.uniform(0, 2 * pause))
    await client.close()
    await anonymous.close()


async def _exports(where: Place, server: Served, ends: float, done: dict[str, int]) -> None:
    while time.monotonic() < ends:
        client = Client(server.port, where.headers(where.data.main))
        await client.send("GET", EXPORT)
        await client.close()
        done["export"] = done.get("export", 0) + 1
        await asyncio.sleep(min(EXPORT_EACH, max(0.0, ends - time.monotonic())))


def main() -> None:
    """Two hours, unless told otherwise, on the small data set's copy."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--leads", type=int, default=50_000)
    parser.add_argument(
        "--pause", type=float, default=0.05, help="seconds between the requests of a client, on average"
    )
    parser.add_argument("--left", type=Path, default=Path("soak.json"), help="the file that holds what was seen")
    given = parser.parse_args()
    with dataset(given.leads, console.print) as data, place(data, 1, 1) as where:
        raise SystemExit(1 if uvloop.run(main_(where, given.minutes, given.pause, given.left)) else 0)


if __name__ == "__main__":
    main()
