"""What a data set is: where it lies, its organizations, and how its database is reached."""

from pathlib import Path
from uuid import UUID

import msgspec

from baton.kernel import settings as configuration
from baton.kernel.db import Database
from baton.kernel.embedded import EmbeddedPostgres
from baton.kernel.installation import installation
from baton.kernel.settings import Settings


class Organization(msgspec.Struct, kw_only=True):
    """An organization of the data set, and what a client needs: lead i has the id that `lead(i)` tells."""

    id: UUID
    k: int
    leads: int
    base: int
    step: int
    ana: UUID
    person: UUID
    api_key: str
    pipeline: UUID
    stages: list[UUID]
    owners: list[UUID]
    email: str

    def lead(self, i: int) -> UUID:
        """The id of lead i, from 1 on; the last two are the lead of 10,000 activities and that of 1,000 changes."""
        return UUID(f"{self.base + i * self.step:012x}7{self.k:03d}8000{i:012d}")

    @property
    def busy(self) -> UUID:
        """The lead of ten thousand activities."""
        return self.lead(self.leads // 2)

    @property
    def changed(self) -> UUID:
        """The lead of a thousand changes."""
        return self.lead(self.leads // 2 + 1)


class Dataset(msgspec.Struct, kw_only=True):
    """Where it is, how large it is, and its organizations, the largest first."""

    folder: str
    leads: int
    seconds: float
    organizations: list[Organization]
    generator: int = 0
    migrations: dict[str, str] = {}

    @property
    def main(self) -> Organization:
        """The organization of a million leads."""
        return self.organizations[0]


def settings_of(folder: Path, server: EmbeddedPostgres) -> Settings:
    """The settings of a data set's server."""
    return configuration.load(data=folder, environ={}).with_database(server.dsn())


def database(settings: Settings) -> Database:
    """The product's pools on it, not opened yet."""
    return Database(settings.app_dsn or "", settings.relay_dsn or "", installation=installation(settings))
