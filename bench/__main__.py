"""`python -m bench [lines …]`: measure, print the table, write it as JSON with the commit, and check the log and the counters."""

import argparse
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import uvloop
from rich.console import Console
from rich.table import Table

from baton.doors import operations as operations  # fills the registry
from baton.doors.process import settle
from bench import files, integrity, limit, load, process, reads, work, writes
from bench.dataset import dataset
from bench.lines import HEAD, Group, Line
from bench.server import Place, place
from bench.taken_back import take_back

GROUPS: dict[str, Group] = {
    "start": process.start, "list": reads.list_, "pages": reads.pages, "board": reads.board, "summary": reads.summary,
    "dashboard": reads.dashboard, "search": reads.search, "timeline": reads.timeline, "move": writes.move, "capture": writes.capture,
    "relay": work.relay, "react": work.react, "live": work.live, "export": files.export, "rescore": files.rescore, "import": files.import_,
}  # fmt: skip
RESULTS = Path(__file__).parent / "results"
console = Console(width=None if sys.stdout.isatty() else 190, highlight=False)


class Result(msgspec.Struct, kw_only=True):
    """A run: where and of what, every line, and what the check afterwards found."""

    commit: str
    at: str
    leads: int
    cores: int
    load_average: tuple[float, float]
    rounds: int
    seconds: float
    load_by: str
    lines: list[Line]
    failed: dict[str, str]
    check: integrity.Report


def main() -> None:
    """Measure the lines that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "lines", nargs="*", choices=[[], *GROUPS], metavar="line", help=f"one or more of: {', '.join(GROUPS)}"
    )
    parser.add_argument("--leads", type=int, default=1_000_000, help="leads of the large organization")
    parser.add_argument("--seconds", type=float, default=5, help="how long each side of a round is measured")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    settle()  # what is measured in this process is measured as a worker does it
    with dataset(given.leads, console.print) as data, place(data, given.seconds, given.rounds) as where:
        result = uvloop.run(measure(where, list(given.lines) or list(GROUPS)))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{result.at[:19].replace(':', '')}.json").write_bytes(msgspec.json.format(msgspec.json.encode(result)))
    if result.failed or result.check.wrong:
        sys.exit(1)


async def measure(where: Place, names: list[str]) -> Result:
    """All groups, one after the other; one that fails is told, and the others go on."""
    before = os.getloadavg()[0]
    if gone := await take_back(where):
        console.print(f"Took {gone:,} leads of earlier runs out of the data set.")
    lines: list[Line] = []
    failed: dict[str, str] = {}
    whole = time.perf_counter()
    console.print(f"Load by {load.told_by()}; limits by {limit.program(where)}.")
    for name in names:
        began = time.perf_counter()
        try:
            found = await GROUPS[name](where)
        except Exception as error:
            failed[name] = f"{type(error).__name__}: {error}"
            console.print(f"[red]{name} failed:[/] {failed[name]}", markup=True)
            if os.environ.get("BATON_DEBUG"):
                raise
            continue
        lines += found
        console.print(
            f"{name}: {time.perf_counter() - began:.0f} s, "
            + "; ".join(f"{each.told()[4]} ({each.told()[5]})" for each in found)
        )
    _show(lines)
    check = await integrity.check(where.root())
    console.print(
        f"Afterwards: {check.leads:,} leads replay from {check.activities:,} activities with digests, {check.counters} counters: "
        + ("all agree." if not check.wrong else f"{len(check.wrong)} do NOT agree: {'; '.join(check.wrong[:5])}")
    )
    console.print(
        f"In {time.perf_counter() - whole:.0f} s, at a load average of {before:.1f} to {os.getloadavg()[0]:.1f}."
    )
    return Result(
        commit=_commit(), at=datetime.now(UTC).isoformat(), leads=where.data.leads, cores=os.cpu_count() or 0,
        load_average=(before, os.getloadavg()[0]), rounds=where.rounds, seconds=where.seconds, load_by=load.told_by(), lines=lines,
        failed=failed, check=check,
    )  # fmt: skip


def _show(lines: list[Line]) -> None:
    table = Table(*HEAD)
    for line in lines:
        table.add_row(*line.told(), style=None if line.met else "red")
    console.print(table)


def _commit() -> str:
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        check=False,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent,
    )
    return told.stdout.strip()


if __name__ == "__main__":
    main()
