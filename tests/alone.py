"""An installation of a test's own: what is killed, or runs several times, must be nobody else's."""

from dataclasses import dataclass, field

from baton.kernel.db import Database
from baton.kernel.installation import installation
from baton.kernel.settings import Settings


@dataclass
class Alone:
    """A data folder and a migrated database of its own, and the environment in which processes find both."""

    environ: dict[str, str]
    settings: Settings
    opened: list[Database] = field(default_factory=list)

    async def database(self, *, pool_size: int = 6) -> Database:
        """Pools of the product on it, closed when the test ends."""
        assert self.settings.app_dsn
        assert self.settings.relay_dsn
        found = Database(
            self.settings.app_dsn,
            self.settings.relay_dsn,
            pool_size=pool_size,
            installation=installation(self.settings),
        )
        await found.open()
        self.opened.append(found)
        return found
