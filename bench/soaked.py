"""What a long run holds, seen from time to time: memory and processor time of each process, connections, lag, and the size of tables."""

import contextlib
import time
from collections.abc import Sequence
from statistics import median

import asyncpg
import msgspec
import psutil

from bench.server import Served

GROWTH = 1.25
"""So much more than after the first tenth may a process hold at the end, by the medians of a tenth of the run each."""
TABLES = (
    "leads", "lead_words", "activities", "lead_scores", "contacts", "jobs.pgqueuer", "jobs.pgqueuer_log", "idempotency_keys", "directory_credentials",
    "stage_deltas", "agent_runs", "tasks", "notices", "log_seals",
)  # fmt: skip


class Sample(msgspec.Struct):
    """One look: seconds of the clock, megabytes and processor seconds of web, worker and PostgreSQL, connections of the application, jobs
    that wait, activities behind the relay, and requests done so far."""

    at: float
    memory: dict[str, float]
    cpu: dict[str, float]
    connections: int
    queued: int
    lag: int
    done: dict[str, int]


class Size(msgspec.Struct):
    """A table: its rows, and its bytes with indexes."""

    rows: int
    bytes: int


async def sample(root: asyncpg.Connection, server: Served, worker: Served, done: dict[str, int]) -> Sample:
    """Look now."""
    row = await root.fetchrow(
        """SELECT (SELECT count(*) FROM pg_stat_activity WHERE usename IN ('baton_app', 'baton_relay')) AS connections,
                  (SELECT count(*) FROM jobs.pgqueuer) AS queued,
                  (SELECT count(*) FROM activities a, log_cursors c WHERE c.name = 'relay' AND (a.txid, a.id) > (c.txid, c.id)) AS lag"""
    )
    postgres = _working_in(await root.fetchval("SHOW data_directory"))
    return Sample(
        time.time(),
        {"web": server.memory(), "worker": worker.memory(), "postgres": sum(_private(each) for each in postgres)},
        {"web": server.seconds_of_cpu(), "worker": worker.seconds_of_cpu(), "postgres": _cpu(postgres)},
        row["connections"], row["queued"], row["lag"], dict(done),
    )  # fmt: skip


async def tables(root: asyncpg.Connection) -> dict[str, Size]:
    """The tables that a load fills."""
    return {
        name: Size(*await root.fetchrow(f"SELECT count(*), pg_total_relation_size('{name}') FROM {name}"))
        for name in TABLES
    }


def grown(samples: Sequence[Sample], seconds: float) -> list[str]:
    """What is more at the end of so many seconds than after their first tenth: memory of a process, or connections.

    A run that is too short for two looks in a tenth says nothing.
    """
    tenth = seconds / 10
    first = [each for each in samples if tenth <= each.at - samples[0].at <= 2 * tenth]
    last = [each for each in samples if each.at - samples[0].at >= seconds - tenth]
    wrong: list[str] = []
    if len(first) < 2 or len(last) < 2:
        return wrong
    for name in samples[0].memory:
        before, after = (median(each.memory[name] for each in part) for part in (first, last))
        if after > before * GROWTH:
            wrong.append(f"memory of {name} grew from {before:.0f} to {after:.0f} MB")
    connections = [median(each.connections for each in part) for part in (first, last)]
    if connections[1] > connections[0] + 2:
        wrong.append(f"connections grew from {connections[0]} to {connections[1]}")
    return wrong


def told(samples: Sequence[Sample], began: dict[str, Size], ended: dict[str, Size]) -> str:
    """The run in ten lines and one for each table."""
    lines = []
    for each in samples[:: max(1, len(samples) // 10)]:
        memory = ", ".join(f"{name} {held:.0f} MB" for name, held in each.memory.items())
        cpu = ", ".join(f"{name} {used:.0f} s" for name, used in each.cpu.items())
        lines.append(
            f"{(each.at - samples[0].at) / 60:5.1f} min: {memory}; cpu {cpu}; {each.connections} connections, "
            f"{each.queued} jobs, lag {each.lag}, {sum(each.done.values()):,} requests"
        )
    for name, after in ended.items():
        more, bytes = after.rows - began[name].rows, after.bytes - began[name].bytes
        each_row = f", {bytes / more:,.0f} bytes each" if more > 1000 else ""
        lines.append(f"{name}: {began[name].rows:,} → {after.rows:,} rows, {bytes / 1e6:+.1f} MB{each_row}")
    return "\n".join(lines)


def _working_in(cluster: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["name"]):
        with contextlib.suppress(psutil.Error):
            if process.info["name"].startswith("postgres") and process.cwd() == cluster:
                found.append(process)
    return found


def _private(process: psutil.Process) -> float:
    """Megabytes that are the process's own: the shared buffers are as large as they were set."""
    try:
        return float(process.memory_full_info().uss) / 1e6
    except psutil.Error:
        return 0.0


_used: dict[int, float] = {}


def _cpu(processes: list[psutil.Process]) -> float:
    """Seconds that processes have used, those that have ended since they were last seen among them."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            _used[process.pid] = float(sum(process.cpu_times()[:2]))
    return sum(_used.values())
