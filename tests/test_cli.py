"""The command line, as a process: it starts, says what is wrong, ends in good order and comes back after a kill."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from baton.kernel.settings import Settings

PATIENCE = 120.0
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("BATON_", "DATABASE_"))}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="baton-cli-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "baton.doors.cli", *arguments]


def baton(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(*arguments),
        env=ENVIRONMENT | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        stdin=subprocess.DEVNULL,
    )


@contextlib.contextmanager
def running(*arguments: str, port: int, log: Path, **variables: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A server that answers on its port; ended by SIGTERM, which must be a clean end."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command(*arguments, "--port", str(port)), env=ENVIRONMENT | variables, stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not healthy(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=PATIENCE) == 0, log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def servers_of(folder: Path) -> list[int]:
    return [
        process.pid
        for process in psutil.process_iter(["name", "cmdline", "status"])
        if process.info["status"] != psutil.STATUS_ZOMBIE
        and str(folder / "postgres") in (process.info["cmdline"] or [])
    ]


def test_help_names_every_command() -> None:
    said = baton("--help").stdout
    for name in ("up", "serve", "worker", "migrate", "init", "demo", "import", "export", "reset-link"):
        assert f" {name} " in said


def test_a_busy_port_is_said_before_the_database_is_touched(folder: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        refused = baton("up", "--port", str(port), "--data", str(folder / "busy"))
    assert refused.returncode == 2
    assert f"Port {port}" in refused.stderr
    assert "--port" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (folder / "busy" / "postgres").exists()


def test_a_database_that_cannot_be_reached_is_said_in_a_sentence(folder: Path) -> None:
    dsn = "postgresql://owner:sesame@127.0.0.1:1/crm"
    refused = baton("up", "--port", "0", "--data", str(folder / "unreachable"), DATABASE_URL=dsn)
    assert refused.returncode == 1
    assert "crm at 127.0.0.1 cannot be reached" in refused.stderr
    assert "sesame" not in refused.stderr
    assert "Traceback" not in refused.stderr


def test_what_is_missing_or_wrong_is_said(folder: Path) -> None:
    for arguments, words in (
        (("init",), "--organization is missing"),
        (("up", "--port", "70000"), "0 to 65535"),
        (("imprt",), "import"),
    ):
        refused = baton(*arguments, BATON_DATA=str(folder / "wrong"))
        assert refused.returncode == 2, refused.stderr
        assert words in refused.stderr
        assert "Traceback" not in refused.stderr


def test_up_serves_the_demo_names_its_holder_and_comes_back_after_a_kill(folder: Path, tmp_path: Path) -> None:
    data, port = folder / "demo", free_port()
    up = ("up", "--demo", "--data", str(data))
    with running(*up, port=port, log=tmp_path / "first.log") as first:
        said = (tmp_path / "first.log").read_text()
        assert f"http://127.0.0.1:{port}" in said
        assert "/api/trpc/crm.leads.capture" in said
        facts = json.loads(baton("demo", "--json", "--data", str(data)).stdout)
        assert facts["baseUrl"] == f"http://127.0.0.1:{port}"
        assert set(facts) == {"baseUrl", "orgId", "people", "tokens", "pipelines"}
        assert set(facts["tokens"]) == {"admin", "member", "agent"}
        assert {"admin", "member"} <= {person["role"] for person in facts["people"]}
        assert all(set(person) == {"name", "role", "email", "password"} for person in facts["people"])
        assert "Inbound" in {pipeline["name"] for pipeline in facts["pipelines"]}
        second = baton("up", "--port", "0", "--data", str(data))
        assert second.returncode == 2
        assert f"process {first.pid}" in second.stderr
        [server] = servers_of(data)
        os.kill(server, signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE
        while servers_of(data) in ([], [server]) or not healthy(port):
            assert time.monotonic() < deadline, "a killed database is started again"
            time.sleep(0.1)
        first.kill()
        first.wait()
    assert servers_of(data), "the database outlives a killed parent"
    with running(*up, port=port, log=tmp_path / "second.log"):
        assert json.loads(baton("demo", "--json", "--data", str(data)).stdout)["orgId"] == facts["orgId"]
    assert not servers_of(data), "a clean end stops the database"
    assert "Traceback" not in (tmp_path / "second.log").read_text()
    offline = json.loads(baton("demo", "--json", "--data", str(data)).stdout)
    assert offline["orgId"] == facts["orgId"]
    assert not servers_of(data)


def test_a_new_organization_imports_a_file_once(folder: Path, tmp_path: Path) -> None:
    data = str(folder / "real")
    made = baton(
        "init", "--organization", "Sol & Mar", "--name", "Inês", "--email", "ines@example.com", "--data", data,
        BATON_ADMIN_PASSWORD="a long enough password",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert "Sol & Mar" in made.stdout
    link = baton("reset-link", "INES@example.com", "--data", data)
    assert re.fullmatch(r"http://\S+/reset/bat_reset_[\w-]{43}\n", link.stdout), link.stderr
    nobody = baton("reset-link", "nobody@example.com", "--data", data)
    assert (nobody.returncode, "Nobody signs in with nobody@example.com here." in nobody.stderr) == (1, True)
    leads = tmp_path / "leads.csv"
    leads.write_text(
        "First name,Last name,Email\nJane,Smith,jane@example.com\nTom,Hill,tom@example.com,one cell too many\n"
    )
    first = baton("import", str(leads), "--data", data)
    assert "1 leads created" in first.stdout, first.stdout + first.stderr
    assert "line 3:" in first.stdout
    second = baton("import", str(leads), "--data", data)
    assert "0 leads created" in second.stdout
    assert "line 2" not in second.stdout, "what is in already is counted, not listed"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["leads.csv"], (
        "refused rows are written where it is asked"
    )
    baton("import", str(leads), "--refused", str(tmp_path / "refused.csv"), "--data", data)
    assert "tom@example.com" in (tmp_path / "refused.csv").read_text("utf-8-sig")
    exported = baton("export", str(tmp_path / "out.xlsx"), "--pipeline", "Inbound", "--data", data)
    assert exported.returncode == 0, exported.stderr
    again = baton("import", str(tmp_path / "out.xlsx"), "--on-duplicate", "update", "--data", data)
    assert "0 leads created, 1 rows are in already, 0 refused" in again.stdout, again.stdout
    assert "jane@example.com" in baton("export", "-", "--format", "csv", "--data", data).stdout
    assert baton("export", "leads.pdf", "--data", data).returncode == 2
    missing = baton("import", str(tmp_path / "none.csv"), "--data", data)
    assert missing.returncode == 1
    assert "There is no file" in missing.stderr


async def test_database_url_is_used_instead_of_the_embedded_one(
    settings: Settings, empty_database: str, folder: Path, tmp_path: Path
) -> None:
    # The roles belong to the whole server, and their passwords follow from the secret: it must be the run's own.
    variables = {"DATABASE_URL": empty_database, "BATON_SECRET": settings.secret}
    data, port = folder / "elsewhere", free_port()
    refused = baton("serve", "--port", "0", "--data", str(data), **variables)
    assert refused.returncode != 0
    assert "baton migrate" in refused.stderr
    assert "revision" in baton("migrate", "--data", str(data), **variables).stdout
    with running("serve", "--web-only", "--data", str(data), port=port, log=tmp_path / "serve.log", **variables):
        owner = await asyncpg.connect(empty_database)
        assert await owner.fetchval("select count(*) from pg_stat_activity where usename = 'baton_app'") > 0
        await owner.execute("update alembic_version set version_num = '9999'")
        await owner.close()
    assert not (data / "postgres").exists()
    newer = baton("up", "--port", "0", "--data", str(data), **variables)
    assert newer.returncode == 2
    assert "newer version" in newer.stderr
