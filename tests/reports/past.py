"""Making a past for reports: operations performed at given moments."""

from datetime import UTC, datetime, timedelta
from typing import Any

from baton.kernel.actor import Actor
from baton.kernel.perform import perform
from tests.team import Team

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def day(days: float) -> datetime:
    """So many days after that Monday."""
    return MONDAY + timedelta(days=days)


async def at(team: Team, when: datetime, actor: Actor, name: str, **fields: Any) -> Any:
    """Perform an operation at a moment."""
    return await perform(team.db, actor, name, fields, now=when)


async def lead_at(team: Team, when: datetime, **fields: Any) -> Any:
    """A lead that Ben created at a moment, in Inbound."""
    return await at(team, when, team.ben, "crm.leads.create", **({"lastName": "Rey"} | fields))


async def stages(team: Team) -> dict[str, str]:
    """The ids of Inbound's stages by name."""
    inbound = next(p for p in await team.do(team.ana, "crm.pipelines.list") if p.is_intake)
    return {stage.name: str(stage.id) for stage in inbound.stages}


async def inbound(team: Team) -> str:
    """The id of the pipeline Inbound."""
    found = next(p for p in await team.do(team.ana, "crm.pipelines.list") if p.is_intake)
    return str(found.id)
