"""The dashboard: a pipeline in numbers, each of which opens the leads behind it. Spec B1, B8."""

from datetime import date
from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from starlette.responses import Response

from baton.doors.web.figures.figures import PERIODS, as_of, chosen_of, over, period_of
from baton.doors.web.figures.kpis import amounts, kpis
from baton.doors.web.leads import filters as filtering
from baton.doors.web.leads.filters import Filters
from baton.doors.web.leads.leads import row
from baton.doors.web.shell.amounts import number, percent, total_of
from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import fragment, page, redirect, said
from baton.doors.web.shell.show import SOURCES, STATUSES, Named
from baton.doors.web.shell.visit import Visit
from baton.doors.web.told import periods
from baton.kernel.errors import Invalid
from baton.kernel.page import Page
from baton.leads.find import ListLeads
from baton.leads.lead import Lead
from baton.leads.move import SetStatus
from baton.pipelines.pipeline import Pipeline, Status
from baton.reports.conversion import SourceReport
from baton.reports.funnel import Funnel
from baton.reports.overview import Overview
from baton.reports.scope import OverAny
from baton.reports.tally import Tally

ROWS = 10


async def show(visit: Visit, *, whole: bool = False) -> Response:
    """GET /dashboard/crm: the intake pipeline's, or that which the address names, over a period."""
    pipelines, members = await visit.pipelines(), await visit.members()
    period = period_of(visit)
    chosen = await chosen_of(visit, pipelines, period)
    pipeline = next(pipeline for pipeline in pipelines if str(pipeline.id) == chosen.pipeline)
    day = as_of(visit, chosen)
    seen, then = await _overviews(visit, pipeline, period, chosen, day)
    leads_url = list_url(chosen)
    found, cursor = await _found(visit, chosen, seen)
    stages = {stage.id: stage for stage in pipeline.stages}
    owners: dict[UUID, Named] = {member.id: member for member in members}
    base = {"pipeline": chosen.pipeline, "period": period}
    asked = {"asOf": day.isoformat()} if day else {}
    here = f"/dashboard/crm?{urlencode(base | asked | _table(chosen))}"
    return await page(
        visit,
        "dashboard.html",
        here="/dashboard/crm",
        pipeline=pipeline,
        pipelines=[(str(each.id), each.name) for each in pipelines],
        period=period,
        base=urlencode(base),
        periods=list(PERIODS.items()),
        kpis=kpis(seen.all, then, leads_url),
        day=day.isoformat() if day else "",
        today=chosen.today.isoformat(),
        funnel=await _funnel(visit, pipeline, chosen, day) if whole else _stages(pipeline, chosen, seen, day),
        sources=_sources(seen.sources, leads_url),
        rows=[
            row(lead, stages, owners, visit) | {"status": lead.status, "version": lead.version} for lead in found.items
        ],
        statuses=_statuses(pipeline),
        filters=filtering.choices(chosen, members, pipelines),
        table={
            "here": f"{here}&{urlencode({'cursor': cursor})}" if cursor else here,
            "first_url": here if cursor else None,
            "next_url": f"{here}&{urlencode({'cursor': found.next_cursor})}#leads" if found.next_cursor else None,
            "clear_url": f"/dashboard/crm?{urlencode(base)}" if _table(chosen) else None,
            "total": _counted(found),
            "list_url": leads_url,
        },
    )


async def _overviews(
    visit: Visit, pipeline: Pipeline, period: str, chosen: Filters, day: date | None
) -> tuple[Overview, Tally | None]:
    """What became of the leads of the period, and in all of as many days of the one before; both as of a past day, where one is asked."""
    seen: Overview = await visit.perform("crm.reports.overview", over(pipeline, chosen, day))
    if period == "all":
        return seen, None
    earlier = periods.before(period, chosen.today)
    told = day.isoformat() if day else None
    asked = OverAny(pipeline_id=str(pipeline.id), date_from=earlier.first, date_to=earlier.last, as_of=told)
    [then] = await visit.perform("crm.reports.conversion", asked)
    return seen, then


async def funnel(visit: Visit) -> Response:
    """GET /dashboard/crm/funnel: the funnel with its drop-off, which is read from the log after the page is there."""
    if not visit.from_htmx:
        return await show(visit, whole=True)
    pipelines = await visit.pipelines()
    chosen = await chosen_of(visit, pipelines, period_of(visit))
    pipeline = next(pipeline for pipeline in pipelines if str(pipeline.id) == chosen.pipeline)
    return fragment(visit, "dashboard/funnel.html", funnel=await _funnel(visit, pipeline, chosen, as_of(visit, chosen)))


async def _funnel(visit: Visit, pipeline: Pipeline, chosen: Filters, day: date | None) -> dict[str, Any]:
    """The open stages with how many of the period's leads came to each, and how many dropped off before."""
    found: Funnel = await visit.perform("crm.reports.funnel", over(pipeline, chosen, day))
    told = {
        step.stage_id: {
            "drop": "−" + percent(1 - step.of_previous / 100) if at and step.drop_off else "",
            "told": _("%(reached)s of %(leads)s leads came this far; %(drop_off)s dropped off before.")
            % {"reached": number(step.reached), "leads": number(found.leads), "drop_off": number(step.drop_off)},
        }
        for at, step in enumerate(found.stages)
    }
    here = {step.stage_id: (step.here, amounts(step.here_value)) for step in found.stages}
    return _steps(pipeline, chosen, here, told, day)


def _stages(pipeline: Pipeline, chosen: Filters, seen: Overview, day: date | None) -> dict[str, Any]:
    """The open stages with how many of the period's leads stand there, and their value."""
    here = {stage.stage_id: (stage.leads, amounts(stage.value)) for stage in seen.stages}
    return _steps(pipeline, chosen, here, {}, day)


def _steps(
    pipeline: Pipeline,
    chosen: Filters,
    here: dict[UUID, tuple[int, str]],
    told: dict[UUID, dict[str, str]],
    day: date | None,
) -> dict[str, Any]:
    most = max((here.get(stage.id, (0, ""))[0] for stage in pipeline.stages if not stage.closed), default=0)
    steps = []
    for stage in pipeline.stages:
        count, value = here.get(stage.id, (0, ""))
        if not stage.closed:
            step: dict[str, Any] = {
                "name": stage.name,
                "colour": stage.colour,
                "count": number(count),
                "share": round(100 * count / most, 1) if most else 0,
                "value": value or "—",
                "href": "" if day else f"{list_url(chosen)}&stage={stage.id}",
            }
            steps.append({"drop": "", "told": ""} | step | told.get(stage.id, {}))
    given = {"pipeline": chosen.pipeline, "period": chosen.created or "all"} | (
        {"asOf": day.isoformat()} if day else {}
    )
    return {"steps": steps, "whole": bool(told), "url": f"/dashboard/crm/funnel?{urlencode(given)}"}


def _sources(found: list[SourceReport], leads_url: str) -> list[dict[str, Any]]:
    """Where the leads came from, the most first, and how many of them were won."""
    most = max((source.leads for source in found), default=0)
    return [
        {
            "name": SOURCES.get(source.source, source.source),
            "count": number(source.leads),
            "share": round(100 * source.leads / most, 1),
            "won": f"{source.conversion_rate:.0f}%",
            "href": f"{leads_url}&source={source.source}",
            "won_href": f"{leads_url}&source={source.source}&status=won",
        }
        for source in found
    ]


def list_url(chosen: Filters) -> str:
    """The list of the pipeline's leads of the period."""
    given = {"pipeline": chosen.pipeline} | ({"created": chosen.created} if chosen.created else {})
    return f"/leads?{urlencode(given)}"


def _table(chosen: Filters) -> dict[str, str]:
    """The filters of the table alone."""
    return {name: value for name in ("q", "owner", "status", "score", "source") if (value := getattr(chosen, name))}


async def _found(visit: Visit, chosen: Filters, seen: Overview) -> tuple[Page[Lead], str | None]:
    """A page of the table, the newest first. What no filter narrows was counted with the figures."""
    cursor = visit.query.get("cursor")
    narrowed = bool(_table(chosen))
    asked = ListLeads(where=chosen.where, search=chosen.q, limit=ROWS, cursor=cursor, count=narrowed)
    try:
        found: Page[Lead] = await visit.perform("crm.leads.find", asked)
    except Invalid as error:
        if error.field != "cursor":
            raise
        asked.cursor = cursor = None
        found = await visit.perform("crm.leads.find", asked)
    return found if narrowed else msgspec.structs.replace(found, total=seen.all.leads), cursor


def _counted(found: Page[Lead]) -> str:
    return (
        _("%(count)s of %(total)s") % {"count": number(len(found.items)), "total": total_of(found)}
        if found.next_cursor
        else _("%(count)s in all") % {"count": total_of(found)}
    )


def _statuses(pipeline: Pipeline) -> list[tuple[str, str]]:
    """The statuses that a stage of the pipeline stands for; a lost stage admits both of its own."""
    known: set[str] = {stage.status for stage in pipeline.stages}
    if any(stage.outcome == "lost" for stage in pipeline.stages):
        known |= {"lost", "disqualified"}
    return [(status, words) for status, words in STATUSES.items() if status in known]


async def set_status(visit: Visit) -> Response:
    """POST /leads/{lead}/status: the lead moves to its pipeline's first stage of that status. Spec B1."""
    version = visit.fields.get("version", "")
    wish = SetStatus(
        lead_id=visit.path["lead"],
        status=cast("Status", visit.fields.get("status", "")),
        version=int(version) if version.isascii() and version.isdigit() and len(version) < 18 else None,
    )
    if wish.status not in STATUSES:
        raise Invalid("Choose a status.", field="status")
    lead: Lead = await visit.perform("crm.leads.setStatus", wish)
    if not visit.from_htmx:
        return redirect(visit.back("/dashboard/crm"))
    stage = next((s for p in await visit.pipelines() for s in p.stages if s.id == lead.stage_id), None)
    visit.undo = visit.operation_id
    return said(
        visit,
        (_("%(name)s is %(status)s now, in %(stage)s.") if stage else _("%(name)s is %(status)s now."))
        % {"name": lead.name, "status": STATUSES[lead.status].lower(), "stage": stage.name if stage else ""},
    )
