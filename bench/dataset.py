"""The data set: built once, kept in a folder of its own, brought to newer migrations where it can be."""

import asyncio
import contextlib
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import msgspec
import uvloop

from baton.kernel.data_dir import Lock
from baton.kernel.embedded import EmbeddedPostgres
from baton.kernel.migrate import migrate
from baton.kernel.revisions import folder as migrations
from bench.build import build
from bench.made import Dataset, settings_of
from bench.server import LIMITS_DATABASE

GENERATOR = 1  # raise it when the rows that are made change
SMALL = 200_000


def cache() -> Path:
    """`BATON_BENCH_DATA`, else the user's cache folder."""
    named = os.environ.get("BATON_BENCH_DATA")
    return Path(named or os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / ("" if named else "baton-bench")


def digests() -> dict[str, str]:
    """The migrations by name, each with the digest of what it says."""
    files = sorted((migrations() / "sql").glob("*.sql"))
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def key() -> str:
    """What the data follows from: the migrations, and the version of this generator."""
    return hashlib.sha256(f"generator {GENERATOR} {sorted(digests().items())}".encode()).hexdigest()[:12]


@contextlib.contextmanager
def dataset(leads: int, tell: Callable[[str], None]) -> Iterator[Dataset]:
    """The data set in a folder to use: a small one in a copy, which is removed afterwards, a large one where it is."""
    kept = cache() / f"{leads}-{key()}"
    if not (kept / "bench.json").exists() and not _brought_forward(leads, kept, tell):
        kept.parent.mkdir(parents=True, exist_ok=True)
        tell(f"Building {leads:,} + {leads // 10:,} leads in {kept} …")
        tell(f"Built in {_built(kept, leads).seconds:.0f} s.")
    used = kept
    if leads <= SMALL:
        used = cache() / f"used-{os.getpid()}"
        subprocess.run(["cp", "-a", str(kept), str(used)], check=True)
        _own_cluster(kept, used)
    try:
        found = msgspec.json.decode((used / "bench.json").read_bytes(), type=Dataset)
        yield msgspec.structs.replace(found, folder=str(used))
    finally:
        if used != kept:
            _remove(used)


def _built(folder: Path, leads: int) -> Dataset:
    """Make the data set; what is half built when this is interrupted is built anew the next time."""
    if folder.exists():
        _remove(folder)
    folder.mkdir(parents=True)
    folder.chmod(0o711)
    began = time.perf_counter()
    organizations = build(folder, leads)
    made = Dataset(
        folder=str(folder), leads=leads, seconds=time.perf_counter() - began, organizations=organizations, generator=GENERATOR,
        migrations=digests(),
    )  # fmt: skip
    (folder / "bench.json").write_bytes(msgspec.json.encode(made))
    return made


def _brought_forward(leads: int, kept: Path, tell: Callable[[str], None]) -> bool:
    """Take a data set of older migrations, if these are the beginning of today's, as an operator would; others are removed."""
    for other in filter(_unused, cache().glob(f"{leads}-*")):
        known = other / "bench.json"
        found = msgspec.json.decode(known.read_bytes(), type=Dataset) if known.exists() else None
        if found is None or found.generator != GENERATOR or not found.migrations.items() <= digests().items():
            _remove(other)
            continue
        tell(f"Bringing {other} to today's migrations …")
        other.rename(kept)
        with EmbeddedPostgres(kept) as server, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(migrate(server.dsn(), settings_of(kept, server)))
            runner.run(_settled(server))
        (kept / "bench.json").write_bytes(msgspec.json.encode(msgspec.structs.replace(found, migrations=digests())))
        return True
    return False


async def _settled(server: EmbeddedPostgres) -> None:
    """Statistics of what was migrated; the copy of the rows that limits write to is older, and is made anew when it is wanted."""
    root = await asyncpg.connect(server.dsn(user="postgres"))
    await root.execute(f"DROP DATABASE IF EXISTS {LIMITS_DATABASE}")
    await root.execute("VACUUM (ANALYZE)")
    await root.close()


def _unused(folder: Path) -> bool:
    """Whether no process uses the database of a data set: another bench may run on one of older migrations."""
    users = Lock(folder / "postgres.users")
    try:
        return users.take()
    finally:
        users.release()


def _own_cluster(kept: Path, used: Path) -> None:
    """Where root's database lives elsewhere (`postgres.at`), the copy gets a cluster of its own too."""
    pointer = used / "postgres.at"
    if pointer.exists():
        theirs = Path(pointer.read_text().strip())
        ours = theirs.with_name(f"{used.name}-{os.getpid()}")
        subprocess.run(["cp", "-a", str(theirs), str(ours)], check=True)
        pointer.write_text(f"{ours}\n")


def _remove(folder: Path) -> None:
    pointer = folder / "postgres.at"
    if pointer.exists():
        shutil.rmtree(pointer.read_text().strip(), ignore_errors=True)
    shutil.rmtree(folder)
