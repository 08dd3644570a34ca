"""Lists, boards, sums, pages, search and the past: times beside the same statements through pgbench, prepared."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import asyncpg

from baton.accounts.sign_in import memberships, open_session
from baton.doors.web.shell.visit import SESSION
from baton.kernel.db import Tx
from baton.kernel.page import cursor
from baton.kernel.values import utc_now
from baton.leads.order import order
from bench import limit, load
from bench.client import Client, median, path, quantile, rounds, times
from bench.lines import Line, at_least, at_most, ms, per_second
from bench.load import Traffic
from bench.made import database
from bench.server import Place, Served, web
from bench.statements import Statement, logged, of

PAGES, ROWS = 10_000, 50
SORTS = ("name", "valueCents", "score", "field.seats", "companyName")
WORDS = ("mar", "gran", "yusuf gar", "lunar ro", "rosa.petson", "firm7", "kova", "zadeh", "ines.h", "velvet ana")


async def list_(place: Place) -> list[Line]:
    """Stage, owner and tag, newest first, 50 rows as JSON, at 32 connections."""
    org = place.data.main
    where = {
        "all": [
            {"field": "stageId", "op": "=", "value": str(org.stages[0])}, {"field": "ownerId", "op": "=", "value": str(org.owners[0])},
            {"field": "tags", "op": "has_any", "value": ["hot"]},
        ]
    }  # fmt: skip
    address = path("crm.leads.find", {"where": where, "limit": ROWS})
    traffic = Traffic(method="GET", path=address, headers=place.headers(org))
    with web(place) as server:
        sent = await _sent(place, server, address)
        script = limit.script(sent, sent)
        load.run(server.port, traffic, 32, 1)
        bare, loads = await asyncio.to_thread(
            rounds,
            place.rounds,
            lambda: limit.rate(place, script, 16, place.seconds),
            lambda: load.run(server.port, traffic, 32, place.seconds),
        )
    ours, theirs = median([each.rate for each in loads]), median(bare)
    told = "list: stage + owner + tag, 50 rows"
    return [
        at_least(
            told,
            "requests/s ÷ pgbench",
            ours / theirs,
            0.45,
            ours=per_second(ours),
            limit=per_second(theirs),
            statements=_count(sent),
        ),
        at_most(told, "p99", median([each.p99 for each in loads]), 30, unit=" ms"),
    ]


async def pages(place: Place) -> list[Line]:
    """The list of all leads 10,000 pages deep, and in other orders: first page and deep one beside the newest first page."""
    org = place.data.main
    depth = min(PAGES * ROWS, org.leads // 2)
    db = database(place.settings)
    await db.open()
    asked = {}
    for sort in ("createdAt", *SORTS):
        for descending in (True, False):
            async with db.transaction(org.id, read_only=True) as conn:
                by = await order(Tx(conn, org.id, utc_now(), "bench"), sort, descending=descending)
                way = "DESC" if descending else "ASC"
                column, has = (by.indexed.sql, by.indexed.has) if by.indexed else (by.sql, "true")
                row = await conn.fetchrow(
                    f"SELECT {by.indexed.value if by.indexed else by.sql} AS at, l.id FROM leads l WHERE l.org_id = $1 AND l.deleted_at IS NULL "
                    f"AND {has} ORDER BY {column} {way}, l.id {way} OFFSET {depth} LIMIT 1",
                    org.id, timeout=600,
                )  # fmt: skip
            input = {"sort": sort, "descending": descending, "limit": ROWS}
            asked[sort, descending] = [
                path("crm.leads.find", input | more) for more in ({}, {"cursor": cursor(row["at"], row["id"])})
            ]
    await db.close()
    found: dict[Any, list[float]] = {key: [] for key in asked}
    base: list[float] = []
    with web(place) as server:
        for _ in range(place.rounds):
            for key, addresses in asked.items():
                base.append(median(await times(server.port, place.headers(org), asked["createdAt", True][:1], 15)))
                found[key].append(
                    max([median(await times(server.port, place.headers(org), [each], 15)) for each in addresses])
                )
    first = median(base)
    lines = []
    for sort in ("createdAt", *SORTS):
        slowest = max(median(found[sort, True]), median(found[sort, False]))
        lines.append(
            at_most(
                f"list {depth // ROWS:,} pages deep, by {sort}",
                "time ÷ first page",
                slowest / first,
                1.5,
                ours=ms(slowest),
                limit=ms(first),
            )
        )
    return lines


async def board(place: Place) -> list[Line]:
    """The board of the intake pipeline: 7 columns of 40 cards, with counts and sums."""
    org = place.data.main
    address = path("crm.leads.board", {"pipelineId": str(org.pipeline), "limit": 40})
    with web(place) as server:
        sent = await _sent(place, server, address)
        line = await _reading(place, server, "board: 7 columns × 40 cards", [address], 30, sent)
    count = float(_count(sent))
    return [line, at_most("board: 7 columns × 40 cards", "statements", count, 6)]


async def summary(place: Place) -> list[Line]:
    """`pipelineSummary`, exact; and what keeping its counters costs a single write."""
    from bench.writes import move_script

    address = path("crm.leads.pipelineSummary", {})
    with web(place) as server:
        line = await _reading(place, server, "pipelineSummary", [address], 5, await _sent(place, server, address))
        _, script = await move_script(place, server)
    without = script.without("stage_deltas")
    bare, whole = await asyncio.to_thread(
        rounds,
        place.rounds,
        lambda: limit.rate(place, without, 1, place.seconds, writes=True),
        lambda: limit.rate(place, script, 1, place.seconds, writes=True),
    )
    cost = 100 * (1 - median(whole) / median(bare))
    return [
        line,
        at_most(
            "pipelineSummary",
            "cost to a single write",
            cost,
            20,
            unit=" %",
            ours=per_second(median(whole)),
            limit=per_second(median(bare)),
        ),
    ]


async def dashboard(place: Place) -> list[Line]:
    """The dashboard as a signed-in admin opens it, HTML."""
    headers = {"cookie": f"{SESSION}={await session(place)}"}
    with web(place) as server:
        sent = await _sent(place, server, "/dashboard/crm", headers)
        return [await _reading(place, server, "dashboard page, HTML", ["/dashboard/crm"], 60, sent, headers)]


async def search(place: Place) -> list[Line]:
    """Search by the beginnings of names, companies and e-mails."""
    addresses = [path("crm.search", {"query": word}) for word in WORDS]
    with web(place) as server:
        return [
            await _reading(place, server, "search by prefix", addresses, 40, await _sent(place, server, addresses[0]))
        ]


async def timeline(place: Place) -> list[Line]:
    """The first page of the timeline of a lead with 10,000 activities; a lead with 1,000 changes as of a past day."""
    org = place.data.main
    first = path("crm.leads.timeline", {"leadId": str(org.busy)})
    owner = await asyncpg.connect(place.root())
    last = await owner.fetchval("SELECT last_activity_at FROM leads WHERE org_id = $1 AND id = $2", org.id, org.changed)
    await owner.close()
    past = path("crm.leads.asOf", {"leadId": str(org.changed), "at": (last - timedelta(minutes=5)).isoformat()})
    with web(place) as server:
        return [
            await _reading(
                place, server, "timeline, lead of 10,000 activities", [first], 8, await _sent(place, server, first)
            ),
            await _reading(
                place, server, "a lead as of a past day, 1,000 activities", [past], 15, await _sent(place, server, past)
            ),
        ]


async def session(place: Place) -> str:
    """A browser's session of the organization's admin."""
    db = database(place.settings)
    await db.open()
    (membership,) = [
        each for each in await memberships(db, place.data.main.person) if each.org_id == place.data.main.id
    ]
    token = await open_session(db, membership)
    await db.close()
    return token


async def _sent(place: Place, server: Served, address: str, headers: dict[str, str] | None = None) -> list[Statement]:
    client = Client(server.port, headers or place.headers(place.data.main))
    with logged(place) as read:
        sent = await of(read, lambda: client.send("GET", address))
    await client.close()
    return sent


async def _reading(
    place: Place,
    server: Served,
    name: str,
    addresses: Sequence[str],
    required: float,
    sent: list[Statement],
    headers: dict[str, str] | None = None,
) -> Line:
    """The 95th percentile of requests one after the other, beside the mean time of their statements through pgbench."""
    script = limit.script(sent, sent)
    taken: list[float] = []
    bare: list[float] = []
    for _ in range(place.rounds):
        bare.append(1 / await asyncio.to_thread(limit.rate, place, script, 1, place.seconds / 3))
        taken.append(
            quantile(await times(server.port, headers or place.headers(place.data.main), addresses, limit.ASKED), 0.95)
        )
    return at_most(
        name, "p95", median(taken) * 1e3, required, unit=" ms", ours=ms(median(taken)), limit=ms(median(bare)), statements=_count(sent)
    )  # fmt: skip


def _count(sent: Sequence[Statement]) -> str:
    return str(sum(not statement.session for statement in sent))
