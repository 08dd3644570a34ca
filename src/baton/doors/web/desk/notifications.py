"""A member's notices: the bell, the inbox, and how they want to be told."""

from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from baton.doors.web.leads.filters import Options
from baton.doors.web.shell.language import Choices, Told, _, marked, told
from baton.doors.web.shell.render import done, fragment, page, redirect
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.times import ago
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.messages.notices.events import EVENTS
from baton.messages.notices.notice import ListNotices, MarkRead, Notice, Notices
from baton.messages.notices.settings import EditNoticeSettings, NoticeSettings

HERE, SETTINGS = "/notifications", "/notifications/settings"
DIGESTS: Options = Choices(
    [("immediate", marked("At once")), ("daily", marked("Once a day")), ("off", marked("Never"))]
)
_MAILED = Told({"sent": marked("Mailed"), "waiting": marked("To be mailed"), "failed": marked("Not mailed")})


async def show(visit: Visit) -> Response:
    """GET /notifications: the newest first; with `unread=1` those not read yet."""
    unread = visit.query.get("unread") == "1"
    found: Notices = await visit.perform(
        "crm.notifications.list", ListNotices(unread=unread, cursor=visit.query.get("cursor"))
    )
    asked = {"unread": "1"} if unread else {}
    here = f"{HERE}?unread=1" if unread else HERE
    onward = urlencode(asked | {"cursor": found.next_cursor or ""})
    return await page(
        visit, "notifications.html", here=HERE, rows=[_row(notice, visit) for notice in found.items], unread=found.unread,
        only_unread=unread, here_url=here, next_url=f"{HERE}?{onward}" if found.next_cursor else None,
    )  # fmt: skip


def _row(notice: Notice, visit: Visit) -> dict[str, Any]:
    return {
        "id": notice.id,
        "title": told(notice.title),
        "lines": (notice.body or "").split("\n")[:6] if notice.body else [],
        "when": ago(notice.created_at, visit.now, visit.zone),
        "fresh": notice.read_at is None,
        "href": notice.href,
        "mail": _MAILED.get(notice.email),
        "why": notice.email_error if notice.email == "failed" else None,
    }


async def bell(visit: Visit) -> Response:
    """GET /notifications/bell: how many are not read."""
    found: Notices = await visit.perform("crm.notifications.list", ListNotices(unread=True, limit=1))
    return fragment(visit, "parts/bell.html", unread=found.unread, at_bell=visit.query.get("here") == "1")


async def read(visit: Visit) -> Response:
    """POST /notifications/{notice}/read: mark it, and go where it leads."""
    id = as_uuid(visit.path["notice"])
    if id is None:
        raise NotFound("You have no such notice.")
    await visit.perform("crm.notifications.markRead", MarkRead(notice_id=id))
    return redirect(_within(visit.fields.get("to", "")) or visit.back(HERE))


def _within(href: str) -> str | None:
    return href if href.startswith("/") and not href.startswith("//") and "\\" not in href else None


async def read_all(visit: Visit) -> Response:
    """POST /notifications/read."""
    await visit.perform("crm.notifications.markRead", MarkRead(all=True))
    return redirect(HERE)


async def settings(visit: Visit) -> Response:
    """GET and POST /notifications/settings."""
    found: NoticeSettings = await visit.perform("crm.notifications.settings")
    error: Refusal | None = None
    quiet = found.quiet_hours
    values: dict[str, Any] = {
        "quietFrom": quiet.from_ if quiet else "", "quietTo": quiet.to if quiet else "", "digest": found.digest,
        "digestHour": str(found.digest_hour),
    }  # fmt: skip
    chosen = {key: (found.events[key].in_app, found.events[key].email) for key in EVENTS}
    if visit.request.method == "POST":
        values |= visit.fields
        chosen = {key: (f"app.{key}" in visit.fields, f"mail.{key}" in visit.fields) for key in EVENTS}
        try:
            await visit.perform("crm.notifications.setSettings", _wish(visit, chosen))
            return done(visit, _("Your notices are set."), HERE)
        except (Invalid, Conflict) as refusal:
            error = refusal
    rows = [(key, told(event.label), *chosen[key]) for key, event in EVENTS.items()]
    hours: Options = [(str(hour), f"{hour:02}:00") for hour in range(24)]
    return await sheet(
        visit,
        "notification_settings.html",
        _("How you are told"),
        act=_("Save"),
        back=HERE,
        values=values,
        error=error,
        here=HERE,
        rows=rows,
        digests=DIGESTS,
        hours=hours,
        lede=_("Hours are those of your time zone, %(time_zone)s.") % {"time_zone": found.time_zone},
    )


def _wish(visit: Visit, chosen: dict[str, tuple[bool, bool]]) -> EditNoticeSettings:
    begins, ends = (visit.fields.get(name, "").strip() for name in ("quietFrom", "quietTo"))
    if bool(begins) != bool(ends):
        raise Invalid("Quiet hours have a beginning and an end.", field="quietTo" if begins else "quietFrom")
    wish = {
        "events": {key: {"inApp": app, "email": mail} for key, (app, mail) in chosen.items()},
        "quietHours": {"from": begins, "to": ends} if begins else None,
        "digest": visit.fields.get("digest", "immediate"),
        "digestHour": int(hour) if (hour := visit.fields.get("digestHour", "8")).isdigit() and len(hour) < 3 else 8,
    }
    try:
        return msgspec.convert(wish, EditNoticeSettings)
    except msgspec.ValidationError as error:
        raise Invalid(str(error).partition(" - at")[0], field="quietTo") from None
