"""Load on a server: `wrk` where it is installed, else a client of our own, which costs the machine more."""

import asyncio
import json
import multiprocessing
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence

import msgspec
import uvloop

from bench.client import Client, Failed, quantile

EVERY = 5  # each fifth lead is in the intake pipeline
_LUA = """
local counter, made = {first}, 0
local orgs, stages = {{ {orgs} }}, {{ {stages} }}
local body, path = {body}, {path}
math.randomseed({first})
request = function()
  counter = counter + 1
  local i = {every} * math.random(1, {leads} / {every})
  local values = {{ n = string.format("%d", counter), org = orgs[math.random(#orgs)], stage = stages[math.random(#stages)],
    lead = string.format("%012x7%03d8000%012d", {base} + i * {step}, {k}, i) }}
  return wrk.format("{method}", (path:gsub("<(%w+)>", values)), nil, (body:gsub("<(%w+)>", values)))
end
done = function(summary, latency, requests)
  io.write(string.format('\\nJSON{{"requests":%d,"micros":%d,"errors":%d,"p50":%d,"p95":%d,"p99":%d}}\\n', summary.requests, summary.duration,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout,
    latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end
"""


class Traffic(msgspec.Struct, kw_only=True):
    """Requests of one kind. In path and body stand <n>, a number of its own, <lead>, a lead at random, <org> and <stage>, one of several."""

    method: str
    path: str
    headers: dict[str, str]
    body: str = ""
    leads: int = 1
    base: int = 0
    step: int = 0
    k: int = 0
    orgs: Sequence[str] = ("",)
    stages: Sequence[str] = ("",)

    def request(self, n: int, i: int) -> tuple[str, bytes]:
        """The address and body of one request."""
        values = (
            ("lead", f"{self.base + i * self.step:012x}7{self.k:03d}8000{i:012d}"), ("n", str(n)),
            ("org", self.orgs[n % len(self.orgs)]), ("stage", self.stages[n % len(self.stages)]),
        )  # fmt: skip
        path, body = self.path, self.body
        for name, value in values:
            path, body = path.replace(f"<{name}>", value), body.replace(f"<{name}>", value)
        return path, body.encode()


class Load(msgspec.Struct):
    """What came of it: requests a second, and milliseconds that half, 95 and 99 of a hundred requests did not exceed."""

    rate: float
    p50: float
    p95: float
    p99: float


numbers = iter(range(int(time.time()) % 10_000_000 * 10_000_000, 1 << 62, 10_000_000))


def run(port: int, traffic: Traffic, connections: int, seconds: float) -> Load:
    """Load of so many connections for so long. Raises Failed where a request is refused."""
    first = next(numbers)
    return (_wrk if shutil.which("wrk") else _own)(port, traffic, connections, seconds, first)


def told_by() -> str:
    """What makes the load."""
    return "wrk" if shutil.which("wrk") else "bench's own client (install wrk for less disturbance)"


def _wrk(port: int, traffic: Traffic, connections: int, seconds: float, first: int) -> Load:
    quoted = [", ".join(json.dumps(value) for value in values) for values in (traffic.orgs, traffic.stages)]
    script = _LUA.format(
        first=first, orgs=quoted[0], stages=quoted[1], body=json.dumps(traffic.body), path=json.dumps(traffic.path), leads=traffic.leads, every=EVERY,
        base=traffic.base, step=traffic.step, k=traffic.k, method=traffic.method,
    )  # fmt: skip
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        headers = [part for name, value in traffic.headers.items() for part in ("-H", f"{name}: {value}")]
        if traffic.body:
            headers += ["-H", "content-type: application/json"]
        command = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{max(1, round(seconds))}s",
            "-s",
            file.name,
            *headers,
            f"http://127.0.0.1:{port}/",
        ]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    told = json.loads(said[said.index("JSON") + 4 :])
    if told["errors"] > connections:
        raise Failed(f"{told['errors']} of {told['requests']} requests failed: {traffic.path}")
    return Load(told["requests"] / told["micros"] * 1e6, *(told[name] / 1e3 for name in ("p50", "p95", "p99")))


def _own(port: int, traffic: Traffic, connections: int, seconds: float, first: int) -> Load:
    """The same in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        rate, taken = pool.apply(_in_process, (port, traffic, connections, seconds, first))
    return Load(rate, *(1e3 * quantile(taken, share) for share in (0.5, 0.95, 0.99)))


def _in_process(port: int, traffic: Traffic, connections: int, seconds: float, first: int) -> tuple[float, list[float]]:
    return uvloop.run(_connections(port, traffic, connections, seconds, first))


async def _connections(
    port: int, traffic: Traffic, connections: int, seconds: float, first: int
) -> tuple[float, list[float]]:
    taken: list[float] = []
    began = time.perf_counter()

    async def one(number: int) -> None:
        client, n = Client(port, traffic.headers), first + number
        while (start := time.perf_counter()) - began < seconds:
            await client.send(
                traffic.method, *traffic.request(n, EVERY + EVERY * (n * 7919 % (traffic.leads // EVERY)))
            )
            taken.append(time.perf_counter() - start)
            n += connections
        await client.close()

    await asyncio.gather(*(one(number) for number in range(connections)))
    return len(taken) / (time.perf_counter() - began), taken
