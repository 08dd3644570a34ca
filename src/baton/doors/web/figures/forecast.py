"""Beside the dashboard: what open leads should bring, how fast stages pass, and people and agents side by side."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from baton.doors.web.figures.figures import PERIODS, as_of, chosen_of, over, period_of
from baton.doors.web.figures.kpis import amounts
from baton.doors.web.leads.filters import Filters
from baton.doors.web.shell.amounts import number, percent, sums
from baton.doors.web.shell.language import _
from baton.doors.web.shell.late import late
from baton.doors.web.shell.render import page
from baton.doors.web.shell.show import Who, initials
from baton.doors.web.shell.times import month_name
from baton.doors.web.shell.visit import Visit
from baton.pipelines.pipeline import Pipeline
from baton.reports.forecast import Forecast, ForecastValue
from baton.reports.people import OwnerReport
from baton.reports.scope import OverPipeline
from baton.reports.velocity import Velocity


async def show(visit: Visit) -> Response:
    """GET /dashboard/forecast: of the pipeline and the period that the address names. Spec A6, B2, C9."""
    pipelines = await visit.pipelines()
    period = period_of(visit)
    chosen = await chosen_of(visit, pipelines, period)
    pipeline = next(pipeline for pipeline in pipelines if str(pipeline.id) == chosen.pipeline)
    day = as_of(visit, chosen)
    later, gap = await late(visit, 5000)
    figures = {} if later else await _figures(visit, pipeline, chosen, day)
    asked = {"pipeline": chosen.pipeline, "period": period}
    return await page(
        visit,
        "forecast.html",
        here="/dashboard/crm",
        pipeline=pipeline,
        pipelines=[(str(each.id), each.name) for each in pipelines],
        period=period,
        periods=list(PERIODS.items()),
        base=urlencode(asked),
        here_query=urlencode(asked | ({"asOf": day.isoformat()} if day else {})),
        day=day.isoformat() if day else "",
        today=chosen.today.isoformat(),
        later=later,
        gap=gap,
        **figures,
    )


async def _figures(visit: Visit, pipeline: Pipeline, chosen: Filters, day: date | None) -> dict[str, Any]:
    """What should come, how fast, and by whom."""
    id = str(pipeline.id)
    told: Forecast = await visit.perform(
        "crm.reports.forecast", OverPipeline(pipeline_id=id, as_of=day.isoformat() if day else None)
    )
    asked = over(pipeline, chosen, day)
    speed: Velocity = await visit.perform("crm.reports.velocity", asked)
    owners: list[OwnerReport] = await visit.perform("crm.reports.people", asked)
    given = {"pipeline": chosen.pipeline} | ({"created": chosen.created} if chosen.created else {})
    return {
        "months": _months(told),
        "total": {"value": _sum(told.values), "weighted": _weighted(told.values), "leads": number(told.leads)},
        "stages": _stages(speed, pipeline),
        "to_win": span(speed.median_to_win_seconds),
        "owners": [_owner(owner, f"/leads?{urlencode(given)}") for owner in owners],
    }


def _months(told: Forecast) -> list[dict[str, Any]]:
    """The months with what they should bring; the width of a bar is by the weighted value in the main currency."""
    most = max((value.value_cents for month in told.months for value in month.values), default=0)
    views = []
    for month in told.months:
        value = max((each.value_cents for each in month.values), default=0)
        weighted = max((each.weighted_value_cents for each in month.values), default=0)
        year, at = (month.month or "-").split("-")
        views.append(
            {
                "name": month_name(date(int(year), int(at), 1)) if at else _("No date yet"),
                "late": month.overdue,
                "leads": number(month.leads),
                "value": _sum(month.values) or "—",
                "weighted": _weighted(month.values) or "—",
                "share": round(100 * value / most, 1) if most else 0,
                "weighted_share": round(100 * weighted / most, 1) if most else 0,
            }
        )
    return views


def _sum(values: list[ForecastValue]) -> str:
    return sums({each.currency: each.value_cents for each in values})


def _weighted(values: list[ForecastValue]) -> str:
    return sums({each.currency: each.weighted_value_cents for each in values})


def _stages(speed: Velocity, pipeline: Pipeline) -> list[dict[str, Any]]:
    """The open stages: how long leads stay, and how long those that wait have waited."""
    stages = {stage.id: stage for stage in pipeline.stages}
    shown = [each for each in speed.stages if not stages[each.stage_id].closed]
    most = max((each.median_seconds or 0 for each in shown), default=0)
    return [
        {
            "name": each.stage_name,
            "colour": stages[each.stage_id].colour,
            "median": span(each.median_seconds),
            "p90": span(each.p90_seconds),
            "waiting": number(each.waiting),
            "waited": span(each.median_waiting_seconds),
            "share": round(100 * (each.median_seconds or 0) / most, 1) if most else 0,
        }
        for each in shown
    ]


def _owner(owner: OwnerReport, list_url: str) -> dict[str, Any]:
    kind, name = owner.owner_kind or "person", owner.owner_name
    return {
        "who": Who(owner.owner_id, kind, name, initials(name, kind)) if name else None,
        "href": f"{list_url}&owner={owner.owner_id or 'none'}",
        "leads": number(owner.leads),
        "open": number(owner.open),
        "won": number(owner.won),
        "rate": percent(owner.win_rate / 100) if owner.won + owner.lost else "—",
        "value": amounts(owner.won_value) or "—",
        "stay": span(owner.median_stage_seconds),
        "undone": "—" if owner.undone_share is None else percent(owner.undone_share),
    }


def span(seconds: int | None) -> str:
    """A span of time in one word or two: "40 min", "5 h", "3.2 days"; a dash for none."""
    if seconds is None:
        return "—"
    if seconds < 5400:
        return _("%(count)s min") % {"count": max(1, round(seconds / 60))}
    if seconds < 129_600:
        return _("%(count)s h") % {"count": number(seconds / 3600)}
    days = seconds / 86_400
    return _("%(count)s days") % {"count": number(days, digits=1) if days < 10 else number(days)}
