"""`python -m bench.model`: organizations, leads and activities in; disk, memory and cores out. What was measured is scaled, nothing more.

Measured are the sizes of rows (the data set of 55,000 leads, and what `bench.soak` made of it) and the processor time of a request and of an
activity (`bench.soak`). How busy the busiest minute is, how much of the disk memory should hold, and that all of it grows in proportion is assumed.
"""

import argparse
import math

# Bytes a row with its share of all indexes. A lead that was written once has 2,370 with its words, one of a million 2,550; this one was moved about.
LEAD, ACTIVITY, SCORE, CONTACT, TASK, RUN = 2_810, 1_190, 1_060, 1_270, 640, 1_630
SEAL = 53
# What an activity leaves for a time: rows × bytes × days (idempotency keys, notices, the log of jobs).
PASSING = 0.51 * 1_190 * 30 + 0.17 * 740 * 180 + 1.0 * 227 * 14
# Processor seconds: of a web process for a request, of a worker for an activity, of PostgreSQL for an activity with all that follows from it.
WEB, WORKER, DATABASE = 0.003, 0.0014, 0.003
READ = 0.001  # of PostgreSQL, for a page of reads: assumed
HOT = 0.15  # of the disk: indexes' upper parts and the newest rows, which should stay in memory
BUSIEST = 3.0  # the busiest minute, in averages of a working day of ten hours
FILLED = 0.6  # of a core, so that its waits stay short


def main() -> None:
    """Numbers in, numbers out."""
    parser = argparse.ArgumentParser(prog="python -m bench.model", description=__doc__)
    parser.add_argument("--organizations", type=int, default=100)
    parser.add_argument("--leads", type=int, default=10_000, help="of each organization")
    parser.add_argument("--activities", type=float, default=8, help="of each lead, in all its life")
    parser.add_argument(
        "--per-day", type=float, default=0, help="activities a day, all organizations; none: all of them in two years"
    )
    parser.add_argument("--reads", type=float, default=3, help="reads for each activity written")
    parser.add_argument("--node", type=int, default=64, help="gigabytes of memory of a node")
    parser.add_argument("--cores", type=int, default=16, help="cores of a node")
    given = parser.parse_args()
    leads = given.organizations * given.leads
    a_day = given.per_day or leads * given.activities / 730
    kept = leads * (LEAD + SCORE + CONTACT + TASK + RUN + given.activities * (ACTIVITY + SEAL))
    passing = a_day * PASSING
    disk = kept + passing
    writes = a_day / 36_000 * BUSIEST
    reads = writes * given.reads
    cores = max(1, math.ceil((writes * DATABASE + reads * READ) / FILLED))
    nodes = max(1, math.ceil(disk * HOT / (given.node * 1e9 * 0.75)), math.ceil(cores / given.cores))
    print(f"leads               {leads:>18,}")
    print(f"activities          {leads * given.activities:>18,.0f}")
    print(
        f"disk                {disk / 1e9:>18,.1f} GB, of which {passing / 1e9:,.1f} GB pass; as much again for vacuum, backups and growth"
    )
    print(f"memory for indexes  {disk * HOT / 1e9:>18,.1f} GB")
    print(f"busiest minute      {writes:>18,.1f} activities/s, {reads:,.0f} reads/s")
    print(f"database cores      {cores:>18,}")
    print(f"web processes       {max(1, math.ceil((writes / 2 + reads) * WEB / FILLED)):>18,}")
    print(f"workers             {max(1, math.ceil(writes * WORKER / FILLED)):>18,}")
    print(f"database nodes      {nodes:>18,} of {given.node} GB and {given.cores} cores")


if __name__ == "__main__":
    main()
