"""PgBouncer in transaction mode before a test's server, as an operator sets it up."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from baton.kernel.embedded.place import Account, launch

PROGRAM = os.environ.get("BATON_TEST_PGBOUNCER") or shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
PREPARING = (1, 21)
"""The version from which PgBouncer keeps prepared statements for whoever is lent another server."""


def version() -> tuple[int, ...]:
    """The version that is installed."""
    told = subprocess.run([str(PROGRAM), "--version"], check=True, capture_output=True, text=True).stdout
    return tuple(int(part) for part in told.split()[1].split("."))


class Bouncer:
    """A pooler that lends each transaction one of three servers."""

    def __init__(self, sockets: Path, account: Account | None, user: str, password: str, *, prepared: bool):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        folder = self._folder = Path(tempfile.mkdtemp(prefix="baton-pooler-"))
        folder.chmod(0o755)
        users = folder / "users.txt"
        users.write_text(f'"{user}" "{password}"\n', encoding="utf-8")
        statements = "max_prepared_statements = 200\n" if prepared else ""
        settings = folder / "pgbouncer.ini"
        settings.write_text(
            f"""[databases]
* = host={sockets} port=5432
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = 3
max_client_conn = 200
{statements}""",
            encoding="utf-8",
        )
        self._process = subprocess.Popen(
            [str(PROGRAM), "-q", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **launch(account)
        )
        self.login = f"{user}:{password}"

    def dsn(self, database: str) -> str:
        """Its address, once it listens."""
        for _ in range(200):
            with socket.socket() as asked:
                if asked.connect_ex(("127.0.0.1", self.port)) == 0:
                    return f"postgresql://{self.login}@127.0.0.1:{self.port}/{database}"
            time.sleep(0.05)
        raise AssertionError("PgBouncer does not listen")

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder)
