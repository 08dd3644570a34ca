"""What tests of automations and sequences share."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest

from baton.jobs import lanes
from tests.team import Team

Work = Callable[..., Awaitable[None]]


@pytest.fixture
def work(fresh: Team) -> Work:
    """Does all that is due, inline, as a worker would: what follows from the log, and what waits."""

    async def do(*, now: datetime | None = None) -> None:
        for _ in range(100):
            await fresh.run_due(now=now)
            if not await lanes.step(fresh.db, now=now, only=fresh.org_id):
                break
        await fresh.run_due(now=now)

    return do


async def automation(team: Team, steps: list[dict[str, Any]], *, on: bool = True, **given: Any) -> Any:
    """An automation of the team, switched on."""
    body = {"name": "Welcome", "trigger": {"on": "activity", "kind": "note_added"}, "steps": steps} | given
    made = await team.do(team.ben, "crm.automations.create", body)
    if on:
        made = await team.do(team.ana, "crm.automations.setState", automationId=str(made.id), state="on")
    return made


def note(text: str) -> dict[str, Any]:
    """A step that writes a note."""
    return {"do": "operation", "operation": "crm.leads.logActivity", "input": {"type": "note", "notes": text}}


def tag(*tags: str) -> dict[str, Any]:
    """A step that adds tags."""
    return {"do": "operation", "operation": "crm.leads.addTags", "input": {"tags": list(tags)}}
