"""The history of a pipeline: its closed leads, how each ended, by whom and why; reopened by a move to an open stage."""

from typing import Any, cast
from urllib.parse import urlencode

from starlette.responses import Response

from baton.doors.web.leads import filters as filtering
from baton.doors.web.leads.filters import Filters
from baton.doors.web.shell.amounts import money
from baton.doors.web.shell.language import Told, _, marked
from baton.doors.web.shell.render import page, redirect, said
from baton.doors.web.shell.show import SOURCES, STATUSES, Who, initials
from baton.doors.web.shell.times import ago
from baton.doors.web.shell.visit import Visit
from baton.kernel.errors import Invalid
from baton.kernel.page import Page
from baton.leads.history import ClosedLead, Ending, ReadHistory
from baton.leads.lead import Lead
from baton.leads.move import MoveStage
from baton.pipelines.pipeline import GetPipeline, Pipeline

OUTCOMES = Told({"won": marked("won"), "lost": marked("lost or disqualified")})


async def show(visit: Visit) -> Response:
    """GET /history/{pipeline}: 50 closed leads, the last closed first."""
    pipeline: Pipeline = await visit.perform("crm.pipelines.get", GetPipeline(pipeline_id=visit.path["pipeline"]))
    chosen = await filtering.of(visit)
    outcome = visit.query.get("outcome", "")
    outcome = outcome if outcome in OUTCOMES else ""
    found, cursor = await _found(visit, pipeline, chosen, outcome)
    url = f"/history/{pipeline.id}"
    given = "&".join(part for part in (chosen.query, f"outcome={outcome}" if outcome else "") if part)
    here = f"{url}?{given}" if given else url
    joint = "&" if given else "?"
    return await page(
        visit,
        "history.html",
        here=url,
        pipeline=pipeline,
        open_stages=[(str(stage.id), stage.name) for stage in pipeline.stages if not stage.closed],
        rows=[_row(each, visit) for each in found.items],
        filters=filtering.choices(chosen, await visit.members()),
        outcomes=[("", _("any")), *OUTCOMES.items()],
        outcome=outcome,
        filtered=bool(given),
        page={
            "url": url,
            "board_url": f"/board/{pipeline.id}",
            "list_url": f"/leads?pipeline={pipeline.id}",
            "here": f"{here}{joint}{urlencode({'cursor': cursor})}" if cursor else here,
            "first_url": here if cursor else None,
            "next_url": f"{here}{joint}{urlencode({'cursor': found.next_cursor})}" if found.next_cursor else None,
        },
    )


async def _found(
    visit: Visit, pipeline: Pipeline, chosen: Filters, outcome: str
) -> tuple[Page[ClosedLead], str | None]:
    cursor = visit.query.get("cursor")
    asked = ReadHistory(
        pipeline_id=str(pipeline.id),
        outcome=cast("Ending", outcome) if outcome else None,
        where=chosen.where,
        search=chosen.q,
        cursor=cursor,
    )
    try:
        found: Page[ClosedLead] = await visit.perform("crm.leads.history", asked)
    except Invalid as error:
        if error.field != "cursor":
            raise
        asked.cursor = cursor = None
        found = await visit.perform("crm.leads.history", asked)
    return found, cursor


def _row(closed: ClosedLead, visit: Visit) -> dict[str, Any]:
    lead = closed.lead
    assert lead.closed_at
    kind = "agent" if closed.closed_by_type == "agent" else "person"
    by = closed.closed_by_name
    return {
        "id": lead.id,
        "version": lead.version,
        "name": lead.name,
        "company": lead.company_name if lead.company_name != lead.name else None,
        "outcome": STATUSES[lead.status],
        "tone": "won" if lead.status == "won" else "lost",
        "value": money(lead.value_cents, lead.currency),
        "source": SOURCES.get(lead.source, lead.source),
        "when": ago(lead.closed_at, visit.now, visit.zone),
        "by": Who(closed.closed_by_id, kind, by, initials(by, kind)) if by and closed.closed_by_id else None,
        "by_name": by or "",
        "reason": closed.reason or "",
    }


async def reopen(visit: Visit) -> Response:
    """POST /leads/{lead}/reopen: into an open stage, which brings the lead back to the board."""
    stage_id = visit.fields.get("stageId", "")
    if not stage_id:
        raise Invalid("Choose a stage to move to.", field="stageId")
    lead: Lead = await visit.perform("crm.leads.moveStage", MoveStage(lead_id=visit.path["lead"], stage_id=stage_id))
    if not visit.from_htmx:
        return redirect(f"/leads/{lead.id}")
    stage = next(
        (s.name for p in await visit.pipelines() for s in p.stages if s.id == lead.stage_id), _("its new stage")
    )
    visit.undo = visit.operation_id
    return said(visit, _("%(name)s is open again, in %(stage)s.") % {"name": lead.name, "stage": stage})
