"""What a list of leads shows: the filters, the view, the order and the columns that the address and the person's memory say."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlencode
from uuid import UUID

from baton.doors.web.leads import columns as catalogue
from baton.doors.web.leads import filters as filtering
from baton.doors.web.leads.columns import Column
from baton.doors.web.leads.filters import Filters
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.kernel.conditions import Condition
from baton.leads.views import View


@dataclass(frozen=True, slots=True)
class Listing:
    """Filters of the address, the view that they narrow, the order and the columns."""

    filters: Filters
    view: View | None
    views: list[View]
    sort: str
    descending: bool
    columns: list[Column]
    known: dict[str, Column]

    @property
    def where(self) -> Condition:
        """The condition that leads must meet: the view's and the filters'."""
        mine = self.filters.where
        return {"all": [self.view.condition, *mine["all"]]} if self.view else mine

    @property
    def search(self) -> str:
        """What is searched: the address's words, else the view's."""
        return self.filters.q or (self.view.search or "" if self.view else "")

    @property
    def segment_id(self) -> UUID | None:
        """The segment, if one is asked."""
        return as_uuid(self.filters.segment)

    @property
    def query(self) -> str:
        """The whole listing as a query string."""
        usual = self.view.sort if self.view else "createdAt"
        falling = self.view.descending if self.view else True
        order = {} if (self.sort, self.descending) == (usual, falling) else self.order(self.sort, self.descending)
        return "&".join(part for part in (self.filters.query, urlencode(order)) if part)

    def url(self, path: str = "/leads", **more: str) -> str:
        """An address of this listing."""
        query = "&".join(part for part in (self.query, urlencode(more)) if part)
        return f"{path}?{query}" if query else path

    def sorted_url(self, sort: str) -> str:
        """The address of this listing in another order: a column's own, or turned round."""
        descending = not self.descending if sort == self.sort else sort not in _RISING
        query = "&".join(part for part in (self.filters.query, urlencode(self.order(sort, descending))) if part)
        return f"/leads?{query}"

    @staticmethod
    def order(sort: str, descending: bool) -> dict[str, str]:
        """An order as the address says it."""
        return {"sort": f"-{sort}" if descending else sort}


_RISING = frozenset({"name", "companyName", "email", "owner", "source", "stage", "nextActionAt", "expectedCloseDate"})


async def of(visit: Visit) -> Listing:
    """The listing of a visit's address. A view that is not there any more is left out."""
    return await read(visit, visit.query)


async def read(visit: Visit, query: Mapping[str, str]) -> Listing:
    """The listing that a query string means to this person."""
    zone = (await visit.organization()).time_zone
    chosen = filtering.read(query, now=visit.now, zone=zone)
    views: list[View] = await visit.perform("crm.views.list")
    view = next((each for each in views if str(each.id) == chosen.view), None)
    chosen = chosen if view else chosen.but(view="")
    known = catalogue.every(await visit.definitions())
    sorts = {column.sort for column in known.values() if column.sort}
    asked = query.get("sort", "")
    sort, descending = asked.removeprefix("-"), asked.startswith("-")
    if sort not in sorts:
        sort, descending = (view.sort, view.descending) if view else ("createdAt", True)
    if sort not in sorts:
        sort, descending = "createdAt", True
    keys = view.columns if view else remembered(visit)
    return Listing(chosen, view, views, sort, descending, catalogue.chosen(keys, known), known)


def remembered(visit: Visit) -> list[str]:
    """The columns that this person chose for the list without a view."""
    text = unquote(visit.request.cookies.get(memory(visit), ""))
    return [key for key in text.split(",") if key] if len(text) < 4000 else []


def memory(visit: Visit) -> str:
    """The name of the cookie that holds this person's columns."""
    return f"columns_{str(visit.actor.id).replace('-', '')[-12:]}"


def kept(keys: list[str]) -> str:
    """Columns as the cookie holds them."""
    return quote(",".join(keys), safe=",")


NARROWEST, WIDEST = 48, 900


def widths(visit: Visit) -> dict[str, int]:
    """The widths in pixels that this person gave to columns on this device; the page's script keeps them in a cookie."""
    text = unquote(visit.request.cookies.get(widths_memory(visit), ""))[:4000]
    pairs = (pair.rpartition(":") for pair in text.split(","))
    return {
        key: min(max(int(pixels), NARROWEST), WIDEST)
        for key, _sep, pixels in pairs
        if key and pixels.isascii() and pixels.isdigit() and len(pixels) < 5
    }


def widths_memory(visit: Visit) -> str:
    """The name of the cookie that holds the widths of columns."""
    return f"widths_{str(visit.actor.id).replace('-', '')[-12:]}"
