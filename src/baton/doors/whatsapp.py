"""WhatsApp at the door: what Meta and Twilio tell us, believed only with their signatures."""

import base64
import hashlib
import hmac
from typing import Any
from uuid import UUID

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from baton.doors.answers import answering
from baton.doors.web.shell.visit import database
from baton.kernel.actor import Role, system
from baton.kernel.errors import BatonError, Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from baton.kernel.perform import perform
from baton.messages.whatsapp.hear import Fare, Fate, Hear
from baton.messages.whatsapp.line import signer_of

log = structlog.get_logger()
_FATES: dict[str | None, Fate] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
    "undelivered": "failed",
}
_PATH = "/whatsapp/in/{address}"


def routes() -> list[Route]:
    """The addresses of WhatsApp."""
    return [Route(_PATH, answering(prove), methods=["GET"]), Route(_PATH, answering(listen), methods=["POST"])]


async def prove(request: Request) -> Response:
    """GET: Meta asks whether the address is ours; the verify token proves that it was told by us."""
    *_, token = await signer_of(database(request), request.path_params["address"])
    given = request.query_params
    if given.get("hub.mode") != "subscribe" or not hmac.compare_digest(
        given.get("hub.verify_token", "").encode(), token.encode()
    ):
        raise Forbidden("The verify token is another.")
    return PlainTextResponse(given.get("hub.challenge", "")[:200])


async def listen(request: Request) -> Response:
    """POST: messages, and how ours fared. What cannot be taken in now is asked for again by a 503."""
    db = database(request)
    org_id, account_id, provider, secret, _ = await signer_of(db, request.path_params["address"])
    body = await request.body()
    if provider == "meta":
        heard = _of_meta(account_id, _signed_by_meta(request, body, secret))
    else:
        heard = _of_twilio(account_id, await _signed_by_twilio(request, secret, db.installation.public_url))
    for each in heard:
        name = f"{each.name} ({each.sender})" if isinstance(each, Hear) and each.name else "WhatsApp"
        said = each.sender if isinstance(each, Hear) and not each.name else name
        actor = system(org_id, "".join(letter for letter in said if letter.isprintable())[:120], role=Role.MEMBER)
        operation = "crm.whatsapp.receive" if isinstance(each, Hear) else "crm.whatsapp.delivered"
        try:
            await perform(db, actor, operation, each)
        except Unavailable:
            raise
        except BatonError as error:
            log.info("not taken in", operation=operation, org_id=str(org_id), error=error.message)
    if provider == "twilio":
        return Response('<?xml version="1.0" encoding="UTF-8"?><Response/>', media_type="text/xml")
    return PlainTextResponse("ok")


def _signed_by_meta(request: Request, body: bytes, secret: str) -> Any:
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    given = request.headers.get("x-hub-signature-256", "")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode()):
        raise Unauthenticated("X-Hub-Signature-256 does not fit.")
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Invalid("The body is not valid JSON.") from None


async def _signed_by_twilio(request: Request, secret: str, public_url: str) -> dict[str, str]:
    async with request.form(max_files=0, max_fields=200) as form:
        given = {key: value for key, value in form.multi_items() if isinstance(value, str)}
    query = f"?{request.url.query}" if request.url.query else ""
    signed = f"{public_url}{request.url.path}{query}" + "".join(key + given[key] for key in sorted(given))
    expected = base64.b64encode(hmac.new(secret.encode(), signed.encode("utf-8", "replace"), hashlib.sha1).digest())
    if not hmac.compare_digest(request.headers.get("x-twilio-signature", "").encode("utf-8", "replace"), expected):
        raise Unauthenticated("X-Twilio-Signature does not fit.")
    return given


def _of_meta(account_id: UUID, told: Any) -> list[Hear | Fare]:
    heard: list[Hear | Fare] = []
    for value in [_part(change, "value") for entry in _list(told, "entry") for change in _list(entry, "changes")]:
        names = {
            str(who.get("wa_id")): str(_part(who, "profile").get("name") or "") for who in _list(value, "contacts")
        }
        for one in _list(value, "messages"):
            sender = str(one.get("from") or "")
            if one.get("id") and sender.isascii() and sender.isdigit() and 6 < len(sender) < 16:
                text = _line_of(one)
                heard.append(
                    Hear(
                        account_id=account_id,
                        provider_id=str(one["id"]),
                        sender=f"+{sender}",
                        name=names.get(sender, ""),
                        text=text,
                    )
                )
        for one in _list(value, "statuses"):
            fate = _FATES.get(str(one.get("status")))
            faults = _list(one, "errors")
            words = str(faults[0].get("title") or faults[0].get("message") or "") if faults else None
            if fate and one.get("id"):
                heard.append(Fare(account_id=account_id, provider_id=str(one["id"]), fate=fate, error=words))
    return heard


def _line_of(one: dict[str, Any]) -> str:
    """The words of a message; of a picture, a place and the like what it is, and its caption."""
    kind = str(one.get("type") or "message")
    part = _part(one, kind)
    reply = _part(part, "button_reply") or _part(part, "list_reply")
    words = part.get("body") or part.get("text") or part.get("caption") or reply.get("title") or ""
    return str(words) if kind in ("text", "button", "interactive") else f"[{kind}] {words}".strip()


def _of_twilio(account_id: UUID, told: dict[str, str]) -> list[Hear | Fare]:
    id, fate = (
        told.get("MessageSid") or told.get("SmsSid") or "",
        told.get("MessageStatus") or told.get("SmsStatus") or "",
    )
    sender = told.get("From", "").removeprefix("whatsapp:")
    if not id:
        raise NotFound("This names no message.")
    if fate and fate != "received":
        error = f"Twilio's error {told['ErrorCode']}" if told.get("ErrorCode") else None
        found = _FATES.get(fate)
        return [Fare(account_id=account_id, provider_id=id, fate=found, error=error)] if found else []
    if not sender.startswith("+") or not sender[1:].isascii() or not sender[1:].isdigit() or len(sender) > 16:
        return []
    media = told.get("NumMedia", "0")
    words = told.get("Body", "") or (f"[{media} files]" if media not in ("", "0") else "")
    return [Hear(account_id=account_id, provider_id=id, sender=sender, name=told.get("ProfileName", ""), text=words)]


def _list(value: Any, key: str) -> list[dict[str, Any]]:
    found = value.get(key) if isinstance(value, dict) else None
    return [each for each in found if isinstance(each, dict)][:500] if isinstance(found, list) else []


def _part(value: Any, key: str) -> dict[str, Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}
