"""Leads where the browser tests want them."""

from typing import Any

from tests.team import Team


async def inbound(team: Team) -> Any:
    """The intake pipeline."""
    pipelines = await team.do(team.ana, "crm.pipelines.list")
    return next(pipeline for pipeline in pipelines if pipeline.is_intake)


async def lead(team: Team, first: str = "Hannah", last: str = "Weiss", **fields: Any) -> Any:
    """A lead in the first stage."""
    given = {"companyName": "Kestrel Health", "title": "Director of Operations", "valueCents": 4_200_000}
    email = f"{first}.{last}@kestrel.example".lower().replace(" ", "")
    return await team.do(
        team.ben, "crm.leads.create", {"firstName": first, "lastName": last, "email": email} | given | fields
    )
