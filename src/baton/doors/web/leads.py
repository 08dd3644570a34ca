"""The list of leads: filtered by the address, page after page by cursor."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from baton.doors.web import filters as filtering
from baton.doors.web.filters import Filters
from baton.doors.web.render import page
from baton.doors.web.show import SOURCES, Named, ago, money, who
from baton.doors.web.visit import Visit
from baton.kernel.errors import Invalid
from baton.kernel.page import Page
from baton.leads.find import ListLeads
from baton.leads.lead import Lead
from baton.pipelines.pipeline import Pipeline, Stage


async def show(visit: Visit) -> Response:
    """GET /leads: 50 leads, the newest first."""
    chosen = await filtering.of(visit)
    pipelines, members = await visit.pipelines(), await visit.members()
    cursor = visit.query.get("cursor")
    found = await _found(visit, chosen, cursor)
    pipeline = next((pipeline for pipeline in pipelines if str(pipeline.id) == chosen.pipeline), None)
    stages = {stage.id: stage for each in pipelines for stage in each.stages}
    owners: dict[UUID, Named] = {member.id: member for member in members}
    url = _url(chosen)
    return await page(
        visit,
        "leads.html",
        here="/leads",
        rows=[row(lead, stages, owners, visit) for lead in found.items],
        filters=filtering.choices(chosen, members, pipelines),
        filtered=bool(chosen),
        page={
            "title": pipeline.name if pipeline else "Leads",
            "board_url": f"/board/{pipeline.id}" if pipeline else None,
            "history_url": f"/history/{pipeline.id}" if pipeline else None,
            "url": url,
            "here": _url(chosen, cursor) if cursor else url,
            "first_url": url if cursor else None,
            "next_url": _url(chosen, found.next_cursor) if found.next_cursor else None,
            "total": _counted(found, pipeline, chosen),
        },
    )


async def _found(visit: Visit, chosen: Filters, cursor: str | None) -> Page[Lead]:
    asked = ListLeads(where=chosen.where, search=chosen.q, cursor=cursor, count=cursor is None)
    try:
        found: Page[Lead] = await visit.perform("crm.leads.find", asked)
    except Invalid as error:
        if error.field != "cursor":
            raise
        found = await visit.perform("crm.leads.find", ListLeads(where=chosen.where, search=chosen.q, count=True))
    return found


def _counted(found: Page[Lead], pipeline: Pipeline | None, chosen: Filters) -> str:
    if found.total is None:
        return ""
    return f"{len(found.items):,} of {found.total:,}" if found.next_cursor else f"{found.total:,} in all"


def _url(chosen: Filters, cursor: str | None = None) -> str:
    query = "&".join(part for part in (chosen.query, urlencode({"cursor": cursor}) if cursor else "") if part)
    return f"/leads?{query}" if query else "/leads"


def row(lead: Lead, stages: dict[UUID, Stage], owners: dict[UUID, Named], visit: Visit) -> dict[str, Any]:
    """A lead as a list shows it."""
    stage = stages.get(lead.stage_id)
    owner = owners.get(lead.owner_id) if lead.owner_id else None
    return {
        "id": lead.id,
        "name": lead.name,
        "company": lead.company_name if lead.company_name != lead.name else None,
        "stage": {"name": stage.name, "colour": stage.colour} if stage else {"name": "Archived stage", "colour": ""},
        "value": money(lead.value_cents, lead.currency),
        "score": lead.score,
        "owner": who(owner) if owner else None,
        "source": SOURCES.get(lead.source, lead.source),
        "last": ago(lead.last_activity_at, visit.now, visit.zone),
    }
