"""The readers of the log: the relay's backlog, how soon a job starts, how soon another browser sees a move."""

import asyncio
import time
from uuid import UUID

import asyncpg
import msgspec
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver

from baton.activities import stream
from baton.doors.web.shell.visit import SESSION
from baton.jobs import relay as relaying
from baton.kernel.queue import SCHEMA, queries
from bench import load
from bench.client import Client, median, quantile
from bench.lines import Line, at_least, at_most, ms, per_second
from bench.made import database
from bench.reads import session
from bench.server import Place, served
from bench.writes import MOVE, capture_traffic

CAPTURES, MOVES = 40, 60
_BACKLOG = 100_000
_JOBS = 200


async def relay(place: Place) -> list[Line]:
    """The relay reading the log from its beginning, and jobs enqueued in its own way. What it enqueued is taken out again."""
    db = database(place.settings)
    await db.open()
    root = await asyncpg.connect(place.root())
    kept = await root.fetchrow("SELECT txid::text AS txid, id FROM log_cursors WHERE name = 'relay'")
    read, enqueued = [], []
    for _ in range(place.rounds):
        await _set(root, "0", stream.ZERO)
        done, began = 0, time.perf_counter()
        while done < _BACKLOG and (step := (await relaying.step(db)).read):
            done += step
        read.append(done / (time.perf_counter() - began))
        await root.execute(f"DELETE FROM {SCHEMA}.pgqueuer")
        payload = msgspec.json.encode(relaying.Job(place.data.main.id, "bench", [], 0))
        began = time.perf_counter()
        for _ in range(10):
            async with db.relay.acquire() as conn, conn.transaction():
                await queries(AsyncpgDriver(conn)).enqueue(["bench"] * _JOBS, [payload] * _JOBS, [0] * _JOBS)
        enqueued.append(10 * _JOBS / (time.perf_counter() - began))
        await root.execute(f"DELETE FROM {SCHEMA}.pgqueuer")
    await _set(root, kept["txid"] if kept else "0", kept["id"] if kept else stream.ZERO)
    await root.close()
    await db.close()
    return [
        at_least("relay: backlog", "activities/s", median(read), 50_000, ours=per_second(median(read))),
        at_least("relay: backlog", "jobs/s enqueued", median(enqueued), 3_000, ours=per_second(median(enqueued))),
    ]


async def _set(root: asyncpg.Connection, txid: str, id: UUID) -> None:
    await root.execute("UPDATE log_cursors SET txid = $1::text::xid8, id = $2 WHERE name = 'relay'", txid, id)


async def react(place: Place) -> list[Line]:
    """From the moment that a capture is recorded to that at which an agent's run begins, on an idle machine."""
    await _up_to_date(place)
    traffic, org = capture_traffic(place), place.data.main
    ids, captures = [], CAPTURES // 2 if place.quick else CAPTURES
    with served(place) as server:
        client = Client(server.port, {})
        await asyncio.sleep(2)
        for _ in range(captures):
            answer = await client.send("POST", *traffic.request(next(load.numbers), 1))
            ids.append(UUID(msgspec.json.decode(answer)["result"]["data"]["id"]))
            await asyncio.sleep(0.25 if place.quick else 0.4)
        await asyncio.sleep(2)
        await client.close()
    root = await asyncpg.connect(place.root())
    rows = await root.fetch(
        """SELECT extract(epoch FROM min(r.started_at) - a.recorded_at)::float8 AS seconds
             FROM agent_runs r JOIN activities a ON a.org_id = r.org_id AND a.id = r.activity_id
            WHERE r.org_id = $1 AND r.lead_id = ANY ($2) AND a.kind = 'lead_imported' GROUP BY a.id, a.recorded_at""",
        org.id, ids,
    )  # fmt: skip
    await root.close()
    if len(rows) < captures:
        raise RuntimeError(f"Of {captures} captures only {len(rows)} woke an agent.")
    p95 = quantile([row["seconds"] for row in rows], 0.95)
    return [at_most("new activity → job starts, idle", "p95", p95 * 1e3, 250, unit=" ms", ours=ms(p95))]


async def _up_to_date(place: Place) -> None:
    """The worker begins with what comes from now on: what other lines captured is not worked off first."""
    db = database(place.settings)
    await db.open()
    newest = await stream.newest(db.relay)
    await db.close()
    root = await asyncpg.connect(place.root())
    await _set(root, str(newest.txid), newest.id)
    await root.execute(f"DELETE FROM {SCHEMA}.pgqueuer")
    await root.close()


async def live(place: Place) -> list[Line]:
    """From one person's move of a lead to its event in another person's open page."""
    await _up_to_date(place)
    org, cookie = place.data.main, f"{SESSION}={await session(place)}"
    taken = []
    with served(place) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"GET /live HTTP/1.1\r\nhost: 127.0.0.1:{server.port}\r\ncookie: {cookie}\r\n\r\n".encode())
        await reader.readuntil(b"retry:")
        client, lead = Client(server.port, place.headers(org)), str(org.lead(35))
        for number in range(MOVES // 2 if place.quick else MOVES):
            body = msgspec.json.encode({"leadId": lead, "stageId": str(org.stages[number % 2 + 1])})
            began = time.perf_counter()
            moving = asyncio.create_task(client.send("POST", MOVE, body))
            while b"stage_changed" not in await reader.readuntil(b"\n\n"):
                pass
            taken.append(time.perf_counter() - began)
            await moving
            await asyncio.sleep(0.05)
        writer.close()
        await client.close()
    p95 = quantile(taken, 0.95)
    return [at_most("another browser sees a move", "p95", p95 * 1e3, 300, unit=" ms", ours=ms(p95))]
