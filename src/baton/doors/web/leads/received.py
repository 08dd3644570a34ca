"""A message that came in, read whole: its words, its structure without styles or pictures, its files to be saved."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from babel.numbers import format_decimal
from markupsafe import Markup
from starlette.responses import Response

from baton.activities.activity import Activity
from baton.doors.web.shell.language import locale
from baton.doors.web.shell.render import page
from baton.doors.web.shell.times import moment
from baton.doors.web.shell.visit import Visit
from baton.kernel.errors import NotFound
from baton.kernel.values import as_uuid
from baton.leads.find import GetLead
from baton.messages.html import legible
from baton.messages.inbound import GetReceived, ReceivedInFull

_UNITS = ((1_000_000, "MB"), (1_000, "kB"))


@dataclass(frozen=True, slots=True)
class FileView:
    """A file that came with a message: where it is saved from, its name, how large it is."""

    url: str
    name: str
    size: str


async def show(visit: Visit) -> Response:
    """GET /messages/{message}: a message that came in."""
    id = as_uuid(visit.path["message"])
    if id is None:
        raise NotFound("There is no such message in your organization.")
    found: ReceivedInFull = await visit.perform("crm.emails.readReceived", GetReceived(received_id=id))
    lead = await _lead(visit, found)
    return await page(
        visit,
        "message.html",
        here="/leads",
        message=found,
        lead=lead,
        when=moment(found.received_at, visit.now, visit.zone),
        marked=Markup(legible(found.html)) if found.html and found.html.strip() else None,  # noqa: S704 - made safe just there
        files=file_views((file.id, file.name, file.size) for file in found.files),
    )


async def _lead(visit: Visit, found: ReceivedInFull) -> Any:
    try:
        return await visit.perform("crm.leads.get", GetLead(lead_id=str(found.lead_id))) if found.lead_id else None
    except NotFound:
        return None  # deleted since


def told_files(activity: Activity) -> list[FileView]:
    """The files that an activity tells of."""
    return file_views((file["id"], file["name"], file["size"]) for file in activity.payload.get("files", ()))


def file_views(files: Iterable[tuple[UUID | str, str, int]]) -> list[FileView]:
    """Files by id, name and size in bytes; they are only ever saved, never shown as a page."""
    return [FileView(f"/api/v1/message-files/{id}", name, size(bytes)) for id, name, bytes in files]


def size(bytes: int) -> str:
    """How large a file is: "340 B", "12 kB", "1.5 MB"."""
    for unit, name in _UNITS:
        if bytes >= unit:
            digits = "#,##0.#" if unit > 1_000 else "#,##0"
            return f"{format_decimal(bytes / unit, digits, locale=locale())} {name}"
    return f"{bytes} B"
