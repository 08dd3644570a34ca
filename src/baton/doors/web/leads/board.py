"""The board: a pipeline's columns, each of which can be read again by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.responses import Response

from baton.agents.asking import MOST as ASKED
from baton.agents.asking import Asking, ListAsking
from baton.doors.web.figures.figures import as_of
from baton.doors.web.leads import filters as filtering
from baton.doors.web.leads.filters import Filters
from baton.doors.web.shell.amounts import money, number, sums
from baton.doors.web.shell.first_steps import first_steps
from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import fragment, page
from baton.doors.web.shell.show import Who, who
from baton.doors.web.shell.times import Due, due, due_at
from baton.doors.web.shell.visit import Visit
from baton.doors.web.told.conditions import vocabulary, words
from baton.leads.board import Board, Column, ReadBoard, ReadColumn
from baton.leads.card import Card

PAGE = 40
MOST = 200


@dataclass(frozen=True, slots=True)
class CardView:
    """A card as it is shown."""

    id: UUID
    version: int
    name: str
    company: str | None
    title: str | None
    score: int | None
    owner: Who | None
    value: str
    due: str
    late: bool
    stay: str
    over: bool
    asks: Asking | None


@dataclass(frozen=True, slots=True)
class ColumnView:
    """A column as it is shown: its count, its sum in short, its cards, and where more of them are."""

    id: UUID
    name: str
    colour: str
    count: int
    sum: str
    cards: list[CardView]
    url: str
    list_url: str
    more_url: str | None
    more: str
    left: str = ""


async def show(visit: Visit) -> Response:
    """GET /board and /board/{pipeline}: the intake pipeline's board, or another's."""
    wanted = visit.path.get("pipeline")
    chosen = await filtering.of(visit)
    day = as_of(visit, chosen)
    at = await _evening(visit, day) if day else None
    found: Board = await visit.perform(
        "crm.leads.board", ReadBoard(pipeline_id=wanted, where=chosen.where, search=chosen.q, as_of=at)
    )
    pipeline = found.pipeline
    url = f"/board/{pipeline.id}" if wanted else "/board"
    asks = {} if at else await asking(visit, str(pipeline.id), found.columns)
    columns = [column(visit, each, str(pipeline.id), chosen, asks) for each in found.columns]
    if at is not None:
        columns = [replace(each, more_url=None, left=each.more if each.more_url else "") for each in columns]
    view = {
        "id": pipeline.id,
        "name": pipeline.name,
        "url": url,
        "list_url": f"/leads?pipeline={pipeline.id}",
        "history_url": f"/history/{pipeline.id}",
        "columns": columns,
        "stages": pipeline.stages,
        "empty": not any(each.count for each in columns),
    } | _totals(found, str(pipeline.id), chosen)
    return await page(
        visit,
        "board.html",
        steps=await first_steps(visit) if view["empty"] and not chosen else [],
        here=url,
        board=view,
        filters=filtering.choices(chosen, await visit.members()),
        filtered=bool(chosen),
        chip=words(chosen.more, await vocabulary(visit)) if chosen.extra else None,
        chip_url=_url(url, chosen.but(extra="")),
        filter_url=_url("/leads/filter", chosen, board=str(pipeline.id)),
        day=day.isoformat() if day else "",
        today=chosen.today.isoformat(),
        now_url=_url(url, chosen),
        at=at.isoformat().replace("+", "%2B") if at else "",
        may_move=visit.may_write and at is None,
        may_write=visit.may_write and at is None,
    )


async def _evening(visit: Visit, day: date) -> datetime:
    """The end of a day in the organization's time zone."""
    zone = ZoneInfo((await visit.organization()).time_zone)
    return datetime.combine(day + timedelta(days=1), time(), zone) - timedelta(microseconds=1)


async def show_column(visit: Visit) -> Response:
    """GET /board/{pipeline}/column/{stage}: one column again, or with a cursor its next cards."""
    chosen = await filtering.of(visit)
    cursor = visit.query.get("cursor")
    pages = 1 if cursor else -(-_number(visit, "shown") // PAGE)
    limit = min(MOST, max(PAGE, pages * PAGE))
    found: Column = await visit.perform(
        "crm.leads.boardColumn",
        ReadColumn(stage_id=visit.path["stage"], where=chosen.where, search=chosen.q, limit=limit, cursor=cursor),
    )
    asks, seen = await asking(visit, visit.path["pipeline"], [found]), _number(visit, "seen") if cursor else 0
    view = column(visit, found, visit.path["pipeline"], chosen, asks, seen=seen)
    template = "board/cards.html" if cursor else "board/column.html"
    return fragment(visit, template, column=view, filtered=bool(chosen), at="")


async def show_totals(visit: Visit) -> Response:
    """GET /board/{pipeline}/totals: how many open leads, and what they are worth."""
    chosen = await filtering.of(visit)
    wanted = ReadBoard(pipeline_id=visit.path["pipeline"], where=chosen.where, search=chosen.q, limit=1)
    found: Board = await visit.perform("crm.leads.board", wanted)
    return fragment(visit, "board/totals.html", board=_totals(found, visit.path["pipeline"], chosen), at="")


async def asking(visit: Visit, pipeline: str, columns: Sequence[Column]) -> dict[UUID, Asking]:
    """What agents ask about the leads that columns of a pipeline show, by lead."""
    ids = [card.id for each in columns for card in each.cards]
    found = await visit.perform("crm.approvals.asking", ListAsking(pipeline_id=pipeline, lead_ids=ids[:ASKED]))
    return {each.lead_id: each for each in found}


def _number(visit: Visit, name: str) -> int:
    text = visit.query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


def _totals(found: Board, pipeline: str, chosen: Filters) -> dict[str, Any]:
    """Open leads, their value, and that value weighted by each stage's probability. Spec B2."""
    value: dict[str, int] = {}
    weighted: dict[str, int] = {}
    for each in found.columns:
        for part in each.sums:
            value[part.currency] = value.get(part.currency, 0) + part.value_cents
            share = part.value_cents * each.stage.probability // 100
            weighted[part.currency] = weighted.get(part.currency, 0) + share
    return {
        "totals": {
            "count": number(sum(each.count for each in found.columns)),
            "sum": sums(value),
            "weighted": sums(weighted),
        },
        "totals_url": _url(f"/board/{pipeline}/totals", chosen),
    }


def column(
    visit: Visit, found: Column, pipeline: str, chosen: Filters, asks: Mapping[UUID, Asking], *, seen: int = 0
) -> ColumnView:
    """A column for the page; `asks` is what waits about its leads, `seen` cards of it are shown already."""
    stage, seen = found.stage, seen + len(found.cards)
    url = f"/board/{pipeline}/column/{stage.id}"
    more = _url(url, chosen, cursor=found.next_cursor, seen=seen) if found.next_cursor else None
    left = max(found.count - seen, 1)
    return ColumnView(
        id=stage.id,
        name=stage.name,
        colour=stage.colour,
        count=found.count,
        sum=sums({part.currency: part.value_cents for part in found.sums}),
        cards=[card(each, visit, asks.get(each.id)) for each in found.cards],
        url=_url(url, chosen),
        list_url=f"/leads?pipeline={pipeline}&stage={stage.id}",
        more_url=more,
        more=_("%(left)s more") % {"left": number(left)},
    )


def card(found: Card, visit: Visit, asks: Asking | None = None) -> CardView:
    """A card for the page: what is due stands where a missing owner would."""
    when = _due(found.next_action_at, found.owner is not None, visit)
    return CardView(
        id=found.id,
        version=found.version,
        name=found.name,
        company=found.company_name if found.company_name != found.name else None,
        title=found.title,
        score=found.score,
        owner=who(found.owner) if found.owner else None,
        value=money(found.value_cents, found.currency),
        due=when.label,
        late=when.late,
        stay=_stay(found, visit),
        over=found.sla == "late",
        asks=asks,
    )


def _stay(found: Card, visit: Visit) -> str:
    """How long a lead has been in its stage for too long, or by when it should leave."""
    if found.sla is None or found.sla_due_at is None:
        return ""
    said = due(found.sla_due_at, visit.now, visit.zone).label
    return (
        said
        if found.sla == "late"
        else _("Should move by %(when)s") % {"when": due_at(found.sla_due_at, visit.now, visit.zone)}
    )


def _due(at: datetime | None, owned: bool, visit: Visit) -> Due:
    if at is not None:
        return due(at, visit.now, visit.zone)
    return Due("" if owned else _("No owner"), late=False)


def _url(path: str, chosen: Filters, **more: Any) -> str:
    query = "&".join(part for part in (chosen.query, urlencode(more)) if part)
    return f"{path}?{query}" if query else path
