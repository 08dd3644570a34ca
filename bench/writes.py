"""Public capture and moving a lead: requests a second beside pgbench, which commits the same statements one by one."""

import asyncio
import time
from typing import Any

import msgspec

from bench import limit, load
from bench.client import Client, median, rounds
from bench.lines import Line, at_least, at_most, per_second
from bench.load import EVERY, Load, Traffic
from bench.server import Place, Served, web
from bench.statements import Statement, logged, of

CAPTURE = "/api/trpc/crm.leads.capture"
MOVE = "/api/trpc/crm.leads.moveStage"
_LEAD = {
    "firstName": "Jane", "lastName": "Smith", "phone": "+15550100", "company": "Northern Foods 10", "title": "CTO", "companySize": 240,
    "estimatedValue": 5_000_000, "source": "website", "message": "We would like to see a demo.",
}  # fmt: skip


def capture_traffic(place: Place, *, organizations: int = 1) -> Traffic:
    """Captures of one organization, or of several at random, each of a person of their own."""
    body = msgspec.json.encode(_LEAD | {"orgId": "<org>", "email": "jane<n>@acme.example"}).decode()
    orgs = [str(org.id) for org in place.data.organizations[:organizations]]
    return Traffic(method="POST", path=CAPTURE, headers={}, body=body, orgs=orgs)


def move_traffic(place: Place) -> Traffic:
    """Moves of leads at random between the open stages of their pipeline."""
    org = place.data.main
    body = msgspec.json.encode({"leadId": "<lead>", "stageId": "<stage>"}).decode()
    return Traffic(
        method="POST", path=MOVE, headers=place.headers(org), body=body, leads=org.leads, base=org.base, step=org.step, k=org.k,
        stages=[str(id) for id in org.stages[:5]],
    )  # fmt: skip


async def capture(place: Place) -> list[Line]:
    """Public capture at 1, 32, 64 and 128 connections, and of ten organizations at 64. Group commit is part of what is shipped."""
    one, ten = capture_traffic(place), capture_traffic(place, organizations=10)
    with web(place) as server:
        sent, script = await _capture_script(place, server.port, one)
        sides: list[Any] = [
            lambda: limit.rate(place, script, 1, place.seconds, writes=True), lambda: load.run(server.port, one, 1, place.seconds),
            lambda: limit.rate(place, script, 16, place.seconds, writes=True), lambda: load.run(server.port, one, 32, place.seconds),
            lambda: load.run(server.port, one, 64, place.seconds), lambda: load.run(server.port, one, 128, place.seconds),
            lambda: load.run(server.port, ten, 64, place.seconds),
        ]  # fmt: skip
        load.run(server.port, one, 32, place.seconds)
        alone, single, bare, *many = await asyncio.to_thread(rounds, place.rounds, *sides)
    statements = _counted(sent)
    lines = [_ratio("capture, 1 connection", single, alone, 0.3, statements)]
    for name, loads, required in zip(
        ("32 connections", "64 connections", "128 connections", "64, ten organizations"),
        many,
        (1.2, 2.0, 2.0, 1.5),
        strict=True,
    ):
        lines.append(_ratio(f"capture, {name}", loads, bare, required, statements))
        if required == 2.0:
            lines.append(at_most(f"capture, {name}", "p99", median([each.p99 for each in loads]), 20, unit=" ms"))
    return lines


async def _capture_script(place: Place, port: int, traffic: Traffic) -> tuple[list[Statement], limit.Script]:
    client, number = Client(port, traffic.headers), iter(range(time.time_ns() // 1000, 10**17))
    last = 0

    async def act() -> None:
        nonlocal last
        last = next(number)
        await client.send("POST", *traffic.request(last, 1))

    with logged(place) as read:
        await of(read, act)
        again = await of(read, act)
        sent = await of(read, act)
    n = str(last)
    await client.close()
    return sent, limit.script(sent, again, place.data.main, n=n)


async def move(place: Place) -> list[Line]:
    """Moving a lead at 32 connections. Every request moves another lead, to another stage."""
    with web(place) as server:
        sent, script = await move_script(place, server)
        traffic = move_traffic(place)
        load.run(server.port, traffic, 32, place.seconds)
        bare, loads = await asyncio.to_thread(
            rounds,
            place.rounds,
            lambda: limit.rate(place, script, 16, place.seconds, writes=True),
            lambda: load.run(server.port, traffic, 32, place.seconds),
        )
    return [
        _ratio("move a lead, 32 connections", loads, bare, 0.6, _counted(sent)),
        at_most("move a lead, 32 connections", "p99", median([each.p99 for each in loads]), 30, unit=" ms"),
    ]


async def move_script(place: Place, server: Served) -> tuple[list[Statement], limit.Script]:
    """The statements of a move, and the pgbench script that moves other leads by them."""
    org = place.data.main
    client, stages, lead = Client(server.port, place.headers(org)), iter(org.stages[:5] * 100), str(org.lead(EVERY * 7))

    async def act() -> None:
        await client.send("POST", MOVE, msgspec.json.encode({"leadId": lead, "stageId": str(next(stages))}))

    with logged(place) as read:
        again = await of(read, act)
        sent = await of(read, act)
    await client.close()
    return sent, limit.script(sent, again, org, lead)


def _ratio(path: str, loads: list[Load], bare: list[float], required: float, statements: str) -> Line:
    ours, theirs = median([each.rate for each in loads]), median(bare)
    return at_least(
        path, "requests/s ÷ pgbench", ours / theirs, required, ours=per_second(ours), limit=per_second(theirs), statements=statements
    )  # fmt: skip


def _counted(sent: list[Statement]) -> str:
    """How many statements one request sends alone, beside BEGIN, COMMIT and the session."""
    return str(sum(not statement.session for statement in sent))
