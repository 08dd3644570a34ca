"""A fresh team for the tests of the inbox."""

import pytest_asyncio

from baton.kernel.db import Database
from tests.team import Team, make_team


@pytest_asyncio.fixture
async def team(db: Database) -> Team:
    """A new organization with its people."""
    return await make_team(db)
