"""What automations did about a lead, as its page shows it: which rule, when, how it stands, and what is in the way."""

from typing import Any

from baton.automations.rules.run import ListRuns, Run
from baton.doors.web.automations.automations import run_view
from baton.doors.web.shell.visit import Visit
from baton.kernel.page import Page
from baton.leads.lead import Lead

LOOKED, ENDED = 20, 4
_OPEN = ("held", "waiting")


async def of_lead(visit: Visit, lead: Lead) -> list[dict[str, Any]]:
    """The runs about a lead that a person must look at, those under way, and the last four that ended."""
    found: Page[Run] = await visit.perform("crm.automations.runs", ListRuns(lead_id=str(lead.id), limit=LOOKED))
    shown = sorted((run for run in found.items if run.status in _OPEN), key=lambda run: run.status != "held")
    shown += [run for run in found.items if run.status not in _OPEN][:ENDED]
    return [run_view(run, visit) | {"ended": run.status not in _OPEN} for run in shown]
