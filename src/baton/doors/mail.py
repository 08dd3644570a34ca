"""Mail at the door: what providers push, the way out of our messages, and files that came with them."""

from collections.abc import Mapping
from urllib.parse import quote
from uuid import UUID

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from baton.doors.answers import answering, json
from baton.doors.auth import actor_of
from baton.doors.limits import limits_of
from baton.doors.web.shell.guard import public
from baton.doors.web.shell.language import reading
from baton.doors.web.shell.languages import best
from baton.doors.web.shell.render import plain
from baton.doors.web.shell.visit import database
from baton.kernel.actor import Role, system
from baton.kernel.errors import Invalid, UnsupportedMedia
from baton.kernel.perform import perform
from baton.kernel.values import utc_now
from baton.messages.files import FileContent, GetFile
from baton.messages.poll import take_in
from baton.messages.push import from_json, must_be_signed, secret_of
from baton.messages.receive import Receive
from baton.messages.unsubscribe import Unsubscribe, opened

PUSHED = "/mail/in/"
MOST = 30_000_000
_FIELDS = ("body-mime", "email")


def routes() -> list[Route]:
    """The addresses of mail."""
    return [
        Route(PUSHED + "{address}", answering(push), methods=["POST"]),
        Route("/u/{token}", public(show_leave), methods=["GET"]),
        Route("/u/{token}", public(leave), methods=["POST"]),
        Route("/api/v1/message-files/{id:uuid}", answering(file), methods=["GET"]),
    ]


async def push(request: Request) -> Response:
    """POST /mail/in/{address}: a message as message/rfc822, JSON, or a form of Mailgun's or SendGrid's; signed."""
    db = database(request)
    org_id, mailbox_id, secret = await secret_of(db, request.path_params["address"])
    body = await request.body()
    must_be_signed(secret, request.headers, body, utc_now())
    raw = await _message(request, body)
    if not raw:
        raise Invalid("The message is empty.")
    found = await take_in(db, org_id, Receive(mailbox_id=mailbox_id, raw=raw))
    return json({"id": found.id, "state": found.state, "reason": found.reason})


async def _message(request: Request, body: bytes) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("message/rfc822", "application/octet-stream", "text/plain"):
        return body
    if kind == "application/json":
        return from_json(body)
    if kind not in ("multipart/form-data", "application/x-www-form-urlencoded"):
        raise UnsupportedMedia("Send message/rfc822, application/json, or a form with “body-mime” or “email”.")
    async with request.form(max_files=30, max_fields=100, max_part_size=MOST) as form:
        for name in _FIELDS:
            value = form.get(name)
            if isinstance(value, UploadFile):
                return await value.read()
            if isinstance(value, str):
                return value.encode("utf-8", "surrogateescape")
    raise Invalid("The form holds no message in “body-mime” (Mailgun) or “email” (SendGrid, raw).")


async def show_leave(request: Request) -> Response:
    """GET /u/{token}: the page that asks whether to leave; looking at it changes nothing (mail scanners do)."""
    _, address = opened(database(request).installation, request.path_params["token"])
    return _page(request, address, left=False)


async def leave(request: Request) -> Response:
    """POST /u/{token}: leave, by the page's button or by a mail program's one click (RFC 8058)."""
    db = database(request)
    org_id, address = opened(db.installation, request.path_params["token"])
    limits_of(request).must_admit_capture(request, str(org_id))
    actor = system(org_id, address, via="form", role=Role.VIEWER)
    await perform(db, actor, "crm.emails.unsubscribe", Unsubscribe(address=address))
    return _page(request, address, left=True)


def _page(request: Request, address: str, *, left: bool) -> Response:
    headers: Mapping[str, str] = {"referrer-policy": "no-referrer", "x-robots-tag": "noindex"}
    with reading(best(None, request.headers.get("accept-language", ""))):
        return plain(request, "leave.html", headers=headers, address=address, left=left, action=request.url.path)


async def file(request: Request) -> Response:
    """GET /api/v1/message-files/{id}: a file of a message, to be saved: it is never shown as a page of ours."""
    actor = await actor_of(request)
    id: UUID = request.path_params["id"]
    found: FileContent = await perform(database(request), actor, "crm.emails.file", GetFile(file_id=id))
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}",
        "content-security-policy": "default-src 'none'; sandbox",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
    }
    return Response(found.content, headers=headers, media_type="application/octet-stream")
