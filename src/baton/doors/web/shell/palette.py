"""The palette: go to any page, pipeline or lead by a few letters."""

from dataclasses import dataclass

from starlette.responses import Response

from baton.doors.web.shell.language import _
from baton.doors.web.shell.nav import navigation
from baton.doors.web.shell.render import fragment, page
from baton.doors.web.shell.visit import Visit
from baton.leads.search import Found, Search

LEADS = 8


@dataclass(frozen=True, slots=True)
class Hit:
    """Somewhere to go, or something to do; `dialog` where it opens above the page."""

    label: str
    href: str
    detail: str = ""
    dialog: bool = False


async def show(visit: Visit) -> Response:
    """GET /palette?q=: a page of its own, or for the palette above a page its hits alone."""
    q = visit.query.get("q", "").replace("\0", "").strip()[:200]
    hits = await _hits(visit, q)
    if visit.from_htmx:
        return fragment(visit, "palette/hits.html", groups=hits, q=q)
    return await page(visit, "palette.html", groups=hits, q=q)


async def _hits(visit: Visit, q: str) -> list[tuple[str, list[Hit]]]:
    """What fits, in groups; those without a hit are left out."""
    places = navigation(await visit.pipelines(), "")
    rooms = [Hit(item.label, item.href) for item in [*places.main, *places.setup]]
    rooms += [
        Hit(_("Companies"), "/companies"),
        Hit(_("Segments"), "/segments"),
        Hit(_("Imports"), "/imports"),
        Hit(_("Duplicates"), "/contacts/duplicates"),
    ]
    rooms += [
        Hit(_("Fields"), "/settings/fields"),
        Hit(_("Tags"), "/settings/tags"),
        Hit(_("Log"), "/settings/log"),
        Hit(_("Your profile"), "/profile"),
    ]
    rooms += [
        Hit(_("Enrichment"), "/settings/enrichment"),
        Hit(_("Members"), "/settings/members"),
        Hit(_("Forms"), "/settings/forms"),
        Hit(_("Routing"), "/settings/routing"),
    ]
    if visit.may_manage:
        rooms += [Hit(_("Organization"), "/settings/organization"), Hit(_("Webhooks"), "/settings/webhooks")]
    boards = [
        Hit(item.label, href, detail)
        for item in places.pipelines
        for href, detail in ((item.href, "board"), (item.href.replace("/board/", "/history/"), "history"))
    ]
    acts = (
        [
            Hit(_("Add a lead"), "/leads/new", "a", dialog=True),
            Hit(_("Import a file"), "/imports/new"),
            Hit(_("Add a contact"), "/contacts/new", dialog=True),
        ]
        if visit.may_write
        else []
    )
    agents = [Hit(m.name, f"/agents/{m.id}", "agent") for m in await visit.members() if m.kind == "agent"] if q else []
    groups = [*await _found(visit, q), (_("Do"), _fitting(acts, q)), (_("Go to"), _fitting([*rooms, *agents], q))]
    groups.append((_("Pipelines"), _fitting(boards if q else boards[::2], q)))
    return [(name, hits) for name, hits in groups if hits]


def _fitting(hits: list[Hit], q: str) -> list[Hit]:
    words = q.casefold().split()
    return [hit for hit in hits if all(word in f"{hit.label} {hit.detail}".casefold() for word in words)]


async def _found(visit: Visit, q: str) -> list[tuple[str, list[Hit]]]:
    if len(q) < 2:
        return []
    found: Found = await visit.perform("crm.search", Search(query=q, limit=LEADS))
    return [
        (name, [Hit(hit.name, f"{home}/{hit.id}", hit.detail or "") for hit in hits[:most]])
        for name, home, hits, most in (
            (_("Leads"), "/leads", found.leads, LEADS),
            (_("Contacts"), "/contacts", found.contacts, LEADS // 2),
            (_("Companies"), "/companies", found.companies, LEADS // 2),
        )
    ]
