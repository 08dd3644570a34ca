"""What the tests of document C's routes share: its printed pipeline, its addresses, a lead's log by tRPC."""

from typing import Any

from tests.doors.conftest import Caller
from tests.doors.test_trpc import query

PRINTED_PIPELINE: dict[str, Any] = {
    "name": "Enterprise Deals",
    "type": "opportunity",
    "stages": [
        {"name": "Discovery", "probability": 10},
        {"name": "Demo", "probability": 30},
        {"name": "Proposal", "probability": 60},
        {"name": "Negotiation", "probability": 80},
        {"name": "Closed Won", "probability": 100, "terminal": True},
        {"name": "Closed Lost", "probability": 0, "terminal": True},
    ],
    "routingRules": [{"stage": "Demo", "assignTo": "user-rep-east"}],
}
PIPELINES, STAGES, DETAIL = "/api/crm/leads/pipelines", "/api/crm/leads/pipelines/stages", "/api/crm/leads/detail"


async def kinds_of(boss: Caller, lead_id: str) -> list[str]:
    """The kinds of a lead's activities, oldest first, read through another door."""
    timeline = await query(boss, "crm.leads.timeline", {"leadId": lead_id, "limit": 200})
    return [activity["kind"] for activity in reversed(timeline["items"])]
