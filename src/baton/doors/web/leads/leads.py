"""The list of leads: filtered, sorted and laid out as one likes, page after page by cursor. Spec A10, A11."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from baton.doors.web.leads import columns as catalogue
from baton.doors.web.leads import filters as filtering
from baton.doors.web.leads import listing
from baton.doors.web.leads.listing import Listing
from baton.doors.web.shell.amounts import money, number, total_of
from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import page
from baton.doors.web.shell.show import SOURCES, Named, who
from baton.doors.web.shell.times import ago
from baton.doors.web.shell.visit import Visit
from baton.doors.web.told.conditions import vocabulary, words
from baton.kernel.errors import Invalid, NotFound
from baton.kernel.page import Page
from baton.leads.find import ListLeads
from baton.leads.lead import Lead
from baton.leads.segments import OneSegment
from baton.pipelines.pipeline import Pipeline, Stage


async def show(visit: Visit) -> Response:
    """GET /leads: 50 leads in the order that was chosen, the newest first where none was."""
    shown = await listing.of(visit)
    pipelines, members = await visit.pipelines(), await visit.members()
    cursor = visit.query.get("cursor")
    found = await _found(visit, shown, cursor)
    chosen = shown.filters
    pipeline = next((pipeline for pipeline in pipelines if str(pipeline.id) == chosen.pipeline), None)
    read = await catalogue.reader(visit)
    widths = listing.widths(visit)
    return await page(
        visit,
        "leads.html",
        here="/leads",
        rows=[
            {"id": lead.id, "name": lead.name, "cells": [catalogue.cell(lead, each, read) for each in shown.columns]}
            for lead in found.items
        ],
        heads=[_head(column, shown) for column in shown.columns],
        widths=widths if all(column.key in widths for column in shown.columns) else {},
        widths_memory=listing.widths_memory(visit),
        usual=[column.key for column in shown.columns] == list(catalogue.USUAL),
        filters=filtering.choices(chosen, members, pipelines),
        filtered=bool(chosen.but(view="")),
        chips=await _chips(visit, shown),
        tabs=_tabs(shown),
        view=shown.view,
        may_change_view=shown.view is not None
        and (shown.view.owner_id == visit.actor.id or visit.may_manage),
        page={
            "title": shown.view.name if shown.view else pipeline.name if pipeline else _("Leads"),
            "board_url": f"/board/{pipeline.id}" if pipeline else None,
            "history_url": f"/history/{pipeline.id}" if pipeline else None,
            "url": shown.url(),
            "query": shown.query,
            "here": shown.url(cursor=cursor) if cursor else shown.url(),
            "clear_url": f"/leads?view={shown.view.id}" if shown.view else "/leads",
            "first_url": shown.url() if cursor else None,
            "next_url": shown.url(cursor=found.next_cursor) if found.next_cursor else None,
            "total": _counted(found),
            "matching": found.total if found.next_cursor and not found.total_is_estimate else None,
        },
    )  # fmt: skip


async def _found(visit: Visit, shown: Listing, cursor: str | None) -> Page[Lead]:
    asked = ListLeads(
        where=shown.where, search=shown.search, segment_id=shown.segment_id, sort=shown.sort, descending=shown.descending,
        cursor=cursor, count=cursor is None,
    )  # fmt: skip
    try:
        found: Page[Lead] = await visit.perform("crm.leads.find", asked)
    except Invalid as error:
        if error.field != "cursor":
            raise
        asked.cursor, asked.count = None, True
        found = await visit.perform("crm.leads.find", asked)
    return found


def _counted(found: Page[Lead]) -> str:
    if found.total is None:
        return ""
    return (
        _("%(count)s of %(total)s") % {"count": number(len(found.items)), "total": total_of(found)}
        if found.next_cursor
        else _("%(total)s in all") % {"total": total_of(found)}
    )


def _head(column: catalogue.Column, shown: Listing) -> dict[str, Any]:
    here = column.sort is not None and column.sort == shown.sort
    return {
        "key": column.key,
        "label": _(column.label),
        "number": column.number,
        "href": shown.sorted_url(column.sort) if column.sort else None,
        "order": ("descending" if shown.descending else "ascending") if here else None,
    }


def _tabs(shown: Listing) -> list[dict[str, Any]]:
    return [
        {"href": f"/leads?view={view.id}", "name": view.name, "here": view is shown.view, "shared": view.shared}
        for view in shown.views
    ]


async def _chips(visit: Visit, shown: Listing) -> list[dict[str, str]]:
    """What narrows the list beyond the selects: a condition of one's own and a segment, each with the address without it."""
    chips = []
    chosen = shown.filters
    if chosen.extra:
        without = Listing(chosen.but(extra=""), shown.view, [], shown.sort, shown.descending, [], {})
        chips.append({"text": words(chosen.more, await vocabulary(visit)), "edit": shown.url("/leads/filter"),
                      "href": without.url()})  # fmt: skip
    if shown.segment_id:
        without = Listing(chosen.but(segment=""), shown.view, [], shown.sort, shown.descending, [], {})
        try:
            segment = await visit.perform("crm.segments.get", OneSegment(segment_id=shown.segment_id))
        except NotFound:
            raise NotFound("This segment is not there any more.") from None
        chips.append(
            {"text": _("Segment: %(name)s") % {"name": segment.name}, "edit": "/segments", "href": without.url()}
        )
    return chips


def row(lead: Lead, stages: dict[UUID, Stage], owners: dict[UUID, Named], visit: Visit) -> dict[str, Any]:
    """A lead as a short table shows it."""
    stage = stages.get(lead.stage_id)
    owner = owners.get(lead.owner_id) if lead.owner_id else None
    return {
        "id": lead.id,
        "name": lead.name,
        "company": lead.company_name if lead.company_name != lead.name else None,
        "stage": {"name": stage.name, "colour": stage.colour} if stage else {"name": _("Archived stage"), "colour": ""},
        "value": money(lead.value_cents, lead.currency),
        "score": lead.score,
        "owner": who(owner) if owner else None,
        "source": SOURCES.get(lead.source, lead.source),
        "last": ago(lead.last_activity_at, visit.now, visit.zone),
    }


def list_url(pipeline: Pipeline, **more: str) -> str:
    """The list of a pipeline's leads."""
    return f"/leads?{urlencode({'pipeline': str(pipeline.id)} | more)}"
