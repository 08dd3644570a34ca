"""Settings → Log: everything that happened in the organization, by whom, of which kind, and when. Spec A7, B9, C6."""

from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from baton.activities import kinds
from baton.activities.activity import Activity
from baton.activities.timeline import ReadAudit
from baton.doors.web.leads.filters import Options
from baton.doors.web.leads.timeline import entries, names
from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import page
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.kernel.errors import Invalid
from baton.kernel.page import Page

HERE = "/settings/log"
KINDS: Options = sorted(
    ((value, value.replace("_", " ").capitalize()) for name, value in vars(kinds).items() if name.isupper() and isinstance(value, str)),
    key=lambda kind: kind[1],
)  # fmt: skip


async def show(visit: Visit) -> Response:
    """GET /settings/log: 50 activities, the newest first."""
    asked: dict[str, Any] = {name: visit.query.get(name, "") for name in ("actor", "kind", "from", "to")}
    asked["kind"] = asked["kind"] if asked["kind"] in dict(KINDS) else ""
    first, last = _day(asked["from"]), _day(asked["to"])
    cursor = visit.query.get("cursor")
    query = ReadAudit(
        kind=asked["kind"] or None, actor_id=as_uuid(asked["actor"]), since=_start(first, visit) if first else None,
        until=_start(last + timedelta(days=1), visit) if last else None, cursor=cursor,
    )  # fmt: skip
    try:
        found: Page[Activity] = await visit.perform("crm.activities.list", query)
    except Invalid as error:
        if error.field != "cursor":
            raise
        query.cursor = cursor = None
        found = await visit.perform("crm.activities.list", query)
    lines = entries(found.items, await names(visit), visit)
    leads = {activity.id: activity.lead_id for activity in found.items}
    base = {name: value for name, value in asked.items() if value}
    members = [("", _("anyone")), *((str(member.id), member.name) for member in await visit.members())]
    return await page(
        visit, "audit.html", here=HERE, rows=[(line, leads.get(line.id) if line.id else None) for line in lines], asked=asked,
        members=members,
        kinds=[("", _("anything")), *KINDS], filtered=bool(base),
        page={
            "first_url": f"{HERE}?{urlencode(base)}" if cursor else None,
            "next_url": f"{HERE}?{urlencode(base | {'cursor': found.next_cursor})}" if found.next_cursor else None,
        },
    )  # fmt: skip


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 and "1900" < text[:4] < "9990" else None
    except ValueError:
        return None


def _start(day: date, visit: Visit) -> datetime:
    return datetime.combine(day, time(), tzinfo=visit.zone)
