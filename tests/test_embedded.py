"""The embedded PostgreSQL: survives kills, tells its own server from others, harms nothing."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from baton.kernel.data_dir import Misconfigured
from baton.kernel.embedded import EmbeddedPostgres


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="baton embedded "))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


def postmaster(folder: Path) -> int:
    return int((folder / "postgres" / "postmaster.pid").read_text().split("\n")[0])


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


async def answer(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_starts_private_and_keeps_data_over_a_restart(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        await answer(server.dsn(), "create table kept (n int)")
        assert await answer(server.dsn(), "show server_version_num") >= "180000"  # type: ignore[operator]
        assert await answer(server.dsn(), "select rolsuper from pg_roles where rolname = current_user") is False
        assert await answer(server.dsn(), "show listen_addresses") == ""
        assert await answer(server.dsn(), "show fsync") == await answer(server.dsn(), "show synchronous_commit") == "on"
        with pytest.raises(asyncpg.InvalidPasswordError):
            await answer(server.dsn(user="postgres", password="guessed"), "select 1")
        sockets = server.dsn().rsplit("host=", 1)[1]
        assert Path(sockets).stat().st_mode & 0o777 == 0o700
        assert (folder / "postgres").stat().st_mode & 0o777 == 0o700
        assert (folder / "postgres.password").stat().st_mode & 0o777 == 0o600
        pid = postmaster(folder)
    assert not alive(pid)
    with EmbeddedPostgres(folder) as server:
        assert await answer(server.dsn(), "select count(*) from kept") == 0


async def test_attaches_to_a_server_whose_parent_was_killed_and_stops_it_at_the_end(folder: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
from baton.kernel.embedded import EmbeddedPostgres
EmbeddedPostgres(Path({str(folder)!r})).start()
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -signal.SIGKILL
    pid = postmaster(folder)
    assert alive(pid)
    with EmbeddedPostgres(folder) as server:
        assert await answer(server.dsn(), "select 1") == 1
        assert postmaster(folder) == pid
    assert not alive(pid)


async def test_a_second_user_shares_the_server_and_the_last_one_stops_it(folder: Path) -> None:
    first, second = EmbeddedPostgres(folder), EmbeddedPostgres(folder)
    assert first.start() == second.start()
    pid = postmaster(folder)
    first.stop()
    assert await answer(second.dsn(), "select 1") == 1
    second.stop()
    assert not alive(pid)


async def test_recovers_when_the_server_itself_was_killed(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    await answer(server.start(), "create table kept (n int)")
    os.kill(postmaster(folder), signal.SIGKILL)
    again = EmbeddedPostgres(folder)
    assert await answer(again.start(), "select count(*) from kept") == 0
    server.stop()
    again.stop()


async def test_a_server_whose_socket_was_cleaned_away_is_started_anew(folder: Path) -> None:
    """Systems sweep their folder for temporary files: the server lives then, but nobody reaches it."""
    first, second = EmbeddedPostgres(folder), EmbeddedPostgres(folder)
    await answer(first.start(), "create table kept (n int)")
    pid = postmaster(folder)
    shutil.rmtree(first.dsn().rsplit("host=", 1)[1])
    assert await answer(second.start(), "select count(*) from kept") == 0
    assert postmaster(folder) != pid
    first.stop()
    second.stop()


async def test_a_pid_file_that_names_somebody_elses_process_does_not_deceive(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    server.start()
    kept = (folder / "postgres" / "postmaster.pid").read_text()
    os.kill(postmaster(folder), signal.SIGKILL)
    time.sleep(0.5)
    account = (folder / "postgres").stat().st_uid
    stranger = subprocess.Popen(["sleep", "60"], user=account if os.geteuid() == 0 else None)
    try:
        (folder / "postgres" / "postmaster.pid").write_text(kept.replace(str(postmaster(folder)), str(stranger.pid), 1))
        again = EmbeddedPostgres(folder)
        assert await answer(again.start(), "select 1") == 1
        assert postmaster(folder) != stranger.pid
        assert stranger.poll() is None
        server.stop()
        again.stop()
    finally:
        stranger.kill()
        stranger.wait()


def test_another_major_version_is_left_alone(folder: Path) -> None:
    cluster = folder / "postgres"
    cluster.mkdir()
    (cluster / "PG_VERSION").write_text("16\n")
    (folder / "postgres.password").write_text("0" * 64)
    with pytest.raises(Misconfigured, match="holds data of PostgreSQL 16"):
        EmbeddedPostgres(folder).start()
    assert [path.name for path in cluster.iterdir()] == ["PG_VERSION"]


def test_a_full_disk_is_said_before_anything_is_made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1 << 40, 1 << 40, 5 << 20))
    with pytest.raises(Misconfigured, match="5 MB are free"):
        EmbeddedPostgres(folder).start()
    assert not (folder / "postgres").exists()


def test_a_folder_that_is_something_else_is_left_alone(folder: Path) -> None:
    (folder / "postgres").mkdir()
    (folder / "postgres" / "letters.txt").write_text("dear")
    with pytest.raises(Misconfigured, match="not a database"):
        EmbeddedPostgres(folder).start()
    assert (folder / "postgres" / "letters.txt").read_text() == "dear"


def test_a_closed_parent_folder_stays_closed(folder: Path) -> None:
    """As root the cluster goes where its account can reach it; nobody's folder is opened for it."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "data")
    try:
        server.start()
        assert closed.stat().st_mode & 0o777 == 0o700
        pointer = closed / "data" / "postgres.at"
        assert pointer.exists() == (os.geteuid() == 0)
        again = EmbeddedPostgres(closed / "data")
        assert again.start() == server.dsn()
        again.stop()
    finally:
        server.stop()
        if pointer.exists():
            shutil.rmtree(pointer.read_text().strip())
