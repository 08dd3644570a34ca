"""A world for each test."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.enrichment.world import World


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    server = await made.listen()
    yield made
    server.close()
