"""What the pages of figures are about: a pipeline and a period, from the address."""

from datetime import date

from baton.doors.web.leads import filters as filtering
from baton.doors.web.leads.filters import Filters
from baton.doors.web.shell.language import Told, marked
from baton.doors.web.shell.visit import Visit
from baton.doors.web.told import periods
from baton.pipelines.pipeline import Pipeline
from baton.reports.scope import OverPipeline

PERIOD = "quarter"
PERIODS = periods.NAMES | Told({"all": marked("all time")})


def period_of(visit: Visit) -> str:
    """The period that the address names; this quarter unless it does."""
    asked = visit.query.get("period", "")
    return asked if asked in PERIODS else PERIOD


async def chosen_of(visit: Visit, pipelines: list[Pipeline], period: str) -> Filters:
    """The filters of the address, with a pipeline that there is and the page's period."""
    zone = (await visit.organization()).time_zone
    asked = dict(visit.query)
    known = [str(pipeline.id) for pipeline in pipelines]
    if asked.get("pipeline") not in known:
        asked["pipeline"] = next((str(p.id) for p in pipelines if p.is_intake), known[0] if known else "")
    asked["created"] = "" if period == "all" else period
    return filtering.read(asked, now=visit.now, zone=zone)


def as_of(visit: Visit, chosen: Filters) -> date | None:
    """The past day as whose end the address asks; None for now."""
    try:
        day = date.fromisoformat(visit.query.get("asOf", ""))
    except ValueError:
        return None
    return day if date(2000, 1, 1) <= day < chosen.today else None


def over(pipeline: Pipeline, chosen: Filters, day: date | None = None) -> OverPipeline:
    """The pipeline and the period, as reports take them; as of a past day."""
    span = periods.span(chosen.created, chosen.today) if chosen.created else None
    return OverPipeline(
        pipeline_id=str(pipeline.id), date_from=span.first if span else None, date_to=span.last if span else None,
        as_of=day.isoformat() if day else None,
    )  # fmt: skip
