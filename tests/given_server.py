"""A PostgreSQL server that somebody else runs, for the tests: `BATON_TEST_DATABASE_URL=postgresql://owner:…@host/database`.

The address is its owner's, who may make roles and databases. The tests work in that very database, which may be a cluster's.
"""

import hashlib
import os
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import pytest

from baton.kernel.embedded import EmbeddedPostgres

GIVEN = os.environ.get("BATON_TEST_DATABASE_URL")


class GivenServer(EmbeddedPostgres):
    """Looks like the embedded server to fixtures; nobody starts or stops it."""

    def __init__(self, folder: Path, address: str) -> None:
        super().__init__(folder)
        self.address = address

    def dsn(self, user: str | None = None, password: str | None = None, database: str | None = None) -> str:
        """Its address: the owner's, unless another login or database is named."""
        parts = urlsplit(self.address)
        login, _, hosts = parts.netloc.rpartition("@")
        if user is not None:
            login = f"{quote(user, safe='')}:{quote(password or '', safe='')}"
        return urlunsplit(
            (parts.scheme, f"{login}@{hosts}", f"/{database}" if database else parts.path, parts.query, "")
        )

    @property
    def secret(self) -> str:
        """The same in each process of a run: roles and their passwords belong to the whole server."""
        return hashlib.sha256(urlsplit(self.address).netloc.encode()).hexdigest()


def given_server(folder: Path) -> GivenServer:
    """The server that was given. One process alone works on it: readers of the log wait for every transaction of a server."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        pytest.exit("BATON_TEST_DATABASE_URL is for one process: make test ARGS='-n 0'", returncode=2)
    return GivenServer(folder, str(GIVEN))
