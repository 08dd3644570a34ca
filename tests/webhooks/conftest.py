"""A receiver for each test."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.webhooks.receiver import Receiver


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    server = await made.listen()
    yield made
    server.close()


@pytest_asyncio.fixture
async def slow() -> AsyncIterator[Receiver]:
    """A second one, that takes its time."""
    made = Receiver(seconds=1.5)
    server = await made.listen()
    yield made
    server.close()
