"""What takes long comes after its page: the page of a large organization is there at once, and its figures follow."""

from typing import NamedTuple

from baton.doors.web.shell.visit import Visit
from baton.reports.summary import PipelineSummary, Summarize

LARGE = 20_000
"""With more leads than these, figures over all of them are asked for by the page that stands already."""


class Late(NamedTuple):
    """Whether what takes long is left out for the moment, and how many milliseconds lie between two looks at it."""

    later: bool
    gap: int


async def late(visit: Visit, gap: int) -> Late:
    """Whether to answer with the page alone; its own request for the rest, and one that says `whole`, gets all of it."""
    if not await _large(visit):
        return Late(False, gap)
    return Late(not visit.from_htmx and "whole" not in visit.query, 60_000)


async def _large(visit: Visit) -> bool:
    """Whether the organization has many leads: the running totals know."""
    summary: PipelineSummary = await visit.perform("crm.leads.pipelineSummary", Summarize())
    return summary.total > LARGE
