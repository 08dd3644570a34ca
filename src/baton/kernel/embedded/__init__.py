"""The embedded PostgreSQL 18: no Docker, no root, no port. For laptops, trials and tests.

Production takes a maintained PostgreSQL 18 by DATABASE_URL: this one has no TLS and lags behind security releases.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from baton.kernel import data_dir
from baton.kernel.data_dir import Lock, Misconfigured
from baton.kernel.embedded import cluster, place
from baton.kernel.embedded.server import Answer, Server
from baton.kernel.errors import BatonError, Unavailable

OWNER = "baton_owner"
DATABASE = "baton"
_LOOK_EVERY = 1.0

# The owner is no superuser, so that what works here works on a managed PostgreSQL.
_FURNISH = """
do $$ begin
  if not exists (select from pg_roles where rolname = '{owner}') then
    create role {owner} login createrole createdb;
  end if;
end $$;
alter role {owner} password '{password}';
select 'create database {database} owner {owner}'
 where not exists (select from pg_database where datname = '{database}') \\gexec
"""


class EmbeddedPostgres:
    """The server of one data directory, shared by all processes that use the directory.

    A server that outlived its parent is attached to; the last process that lets go of it stops it.
    """

    def __init__(self, folder: Path, *, tell: Callable[[str], None] = lambda _: None) -> None:
        self.folder = folder.absolute()
        self._tell = tell
        self._starting = Lock(self.folder / "postgres.start")
        self._users = Lock(self.folder / "postgres.users")
        self._server: Server | None = None

    def start(self) -> str:
        """Make the cluster if it is absent, start the server if none answers, and give the owner's DSN.

        Raises Misconfigured where the machine, disk or directory does not admit it, Unavailable where the server fails.
        """
        data_dir.ensure(self.folder)
        with self._alone():
            self._server = server = self._find()
            if server.ask() is not Answer.READY and not server.end_leftover(self._tell):
                cluster.prepare(server.place, server.password, self._tell)
                server.launch(self._tell)
                furnished = server.psql(_FURNISH.format(owner=OWNER, database=DATABASE, password=server.password))
                if furnished.returncode != 0:
                    raise Unavailable(f"The embedded database cannot be prepared: {furnished.stderr.strip()}")
            self._users.take(shared=True)
        return self.dsn()

    def stop(self) -> None:
        """Let go of the server; if no other process uses it, end it in good order."""
        if self._server is None or not self._users.held:
            return
        with self._alone():
            try:
                if self._users.take():
                    self._server.halt()
            finally:
                self._users.release()

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Start the server again where it ends although it is needed: killed, or out of memory."""
        done = threading.Event()
        watch = threading.Thread(target=self._watch, args=(done,), name="embedded-postgres", daemon=True)
        watch.start()
        try:
            yield
        finally:
            done.set()
            watch.join()

    def _watch(self, done: threading.Event) -> None:
        while not done.wait(_LOOK_EVERY):
            if self._server is not None and not self._server.alive():
                self._tell("The database ended unexpectedly; starting it again …")
                try:
                    self.start()
                except (BatonError, OSError) as error:
                    self._tell(f"{error} Trying again.")

    def __enter__(self) -> "EmbeddedPostgres":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def dsn(self, user: str = OWNER, password: str | None = None, database: str = DATABASE) -> str:
        """The address over the Unix socket; the owner and the superuser `postgres` need no password given."""
        if self._server is None:
            raise RuntimeError("EmbeddedPostgres.start() was not called")
        login = f"{quote(user, safe='')}:{quote(password or self._server.password, safe='')}"
        return f"postgresql://{login}@/{quote(database, safe='')}?host={self._server.place.sockets}"

    def _find(self) -> Server:
        found = place.find(self.folder)
        password = self.folder / "postgres.password"
        if (found.cluster / "PG_VERSION").exists() and not password.exists():
            raise Misconfigured(f"{password} is missing, the password of the database beside it. Restore it.")
        return Server(found, data_dir.secret(password))

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        self._starting.take(wait=True)
        try:
            yield
        finally:
            self._starting.release()


__all__ = ["DATABASE", "OWNER", "EmbeddedPostgres"]
