"""`python -m bench.model`: organizations, leads and activities in; disk, memory and cores out. What was measured is scaled, nothing more."""

import argparse
import math

# Bytes a row with its share of all indexes, measured on the data set of a million leads (`SELECT pg_total_relation_size(…) / count(*)`).
LEAD, ACTIVITY, SCORE, CONTACT = 2_130, 1_210, 1_060, 1_200
# What a core of PostgreSQL and one of Python do, in requests a second: write transactions, and page-sized reads. Cautious, not measured.
WRITES, READS = 1_500, 1_000
HOT = 0.15  # of the disk: indexes' upper parts and the newest rows, which should stay in memory
BUSIEST = 3.0  # the busiest minute, in averages of a working day of ten hours


def main() -> None:
    """Numbers in, numbers out."""
    parser = argparse.ArgumentParser(prog="python -m bench.model", description=__doc__)
    parser.add_argument("--organizations", type=int, default=100)
    parser.add_argument("--leads", type=int, default=10_000, help="of each organization")
    parser.add_argument("--activities", type=float, default=8, help="of each lead, in all its life")
    parser.add_argument(
        "--per-day", type=float, default=0, help="activities a day, all organizations; none: all of them in two years"
    )
    parser.add_argument("--reads", type=float, default=20, help="reads for each activity written")
    parser.add_argument("--node", type=int, default=64, help="gigabytes of memory of a node")
    given = parser.parse_args()
    leads = given.organizations * given.leads
    disk = leads * (LEAD + given.activities * ACTIVITY + SCORE + CONTACT)
    a_day = given.per_day or leads * given.activities / 730
    writes = a_day / 36_000 * BUSIEST
    cores = max(1, math.ceil(writes / WRITES + writes * given.reads / READS))
    nodes = max(1, math.ceil(disk * HOT / (given.node * 1e9 * 0.75)))
    print(f"leads               {leads:>18,}")
    print(f"activities          {leads * given.activities:>18,.0f}")
    print(f"disk                {disk / 1e9:>18,.0f} GB, and as much again for vacuum, backups and growth")
    print(f"memory for indexes  {disk * HOT / 1e9:>18,.1f} GB")
    print(f"busiest minute      {writes:>18,.1f} writes/s, {writes * given.reads:,.0f} reads/s")
    print(f"database cores      {cores:>18,}")
    print(f"web processes       {cores:>18,}")
    print(f"database nodes      {nodes:>18,} of {given.node} GB")


if __name__ == "__main__":
    main()
