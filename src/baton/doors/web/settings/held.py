"""Captures that look suspicious, on the page of the forms: what they say, why they wait, and what becomes of them."""

from typing import Any

from starlette.responses import Response

from baton.doors.web.shell import times
from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import redirect
from baton.doors.web.shell.visit import Visit
from baton.kernel.errors import NotFound
from baton.kernel.page import Page
from baton.leads.quarantine import HeldCapture, ListHeld

BACK = "/settings/forms#held"


async def waiting(visit: Visit) -> list[dict[str, Any]]:
    """The captures that wait, newest first, at most 50, as the page shows them."""
    if not visit.may_write:
        return []
    found: Page[HeldCapture] = await visit.perform("crm.quarantine.list", ListHeld(limit=50))
    return [
        {
            "id": held.id,
            "name": " ".join(held.answers.get(part, "") for part in ("firstName", "lastName")).strip()
            or _("Without a name"),
            "told": [text for key, text in held.answers.items() if key not in ("firstName", "lastName") and text],
            "form": held.form_name,
            "why": " ".join(held.reasons),
            "when": times.ago(held.created_at, visit.now, visit.zone),
        }
        for held in found.items
    ]


async def decide(visit: Visit) -> Response:
    """POST /settings/forms/held/{capture}/{decision}: release or discard."""
    decision = visit.path["decision"]
    if decision not in ("release", "discard"):
        raise NotFound("There is nothing at this address.")
    decided: HeldCapture = await visit.perform(f"crm.quarantine.{decision}", {"captureId": visit.path["capture"]})
    return redirect(f"/leads/{decided.lead_id}" if decided.lead_id else BACK)
