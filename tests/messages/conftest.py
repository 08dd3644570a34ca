"""A post office for each test, and a mailbox that leads to it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tests.messages.postoffice import PostOffice
from tests.team import Team


@pytest_asyncio.fixture
async def post() -> AsyncIterator[PostOffice]:
    made = PostOffice()
    server = await made.open()
    yield made
    server.close()


async def connect(team: Team, post: PostOffice, **more: Any) -> Any:
    """The organization's mailbox at a post office."""
    body = {
        "fromName": "Northwind Sales",
        "fromAddress": "sales@northwind.example",
        "smtpHost": "127.0.0.1",
        "smtpPort": post.port,
        "smtpSecurity": "none",
    }
    return await team.do(team.ana, "crm.mailboxes.create", body | more)


async def trust(team: Team) -> None:
    """Let Marcus write without asking."""
    rows = [
        {"name": "Write", "operation": name, "decision": "allow"} for name in ("crm.emails.send", "crm.whatsapp.send")
    ]
    await team.do(team.ana, "crm.agents.setPolicy", agentId=str(team.marcus.id), rows=rows)
