"""Mail that a provider pushes to us: proven by the mailbox's secret, in the shapes that providers send it."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any
from uuid import UUID

import msgspec

from baton.kernel.db import Database, Tx
from baton.kernel.errors import Invalid, NotFound, Unauthenticated
from baton.kernel.values import utc_now
from baton.messages.compose import safe_type
from baton.messages.mailbox import place

TOLERANCE = 300  # seconds that a signature's time may be off
_KEPT = ("In-Reply-To", "References", "Auto-Submitted", "Precedence", "Message-ID")


async def secret_of(db: Database, address: str) -> tuple[UUID, UUID, str]:
    """The organization, the mailbox and the secret of a public address. Raises NotFound, for a paused one too."""
    row = None
    if len(address) <= 100 and address.isascii() and address.isprintable():
        row = await db.app.fetchrow("SELECT org_id, target_id FROM directory_address('mailbox', $1)", address)
    if row is None:
        raise NotFound("There is no mailbox here.")
    org_id, id = row["org_id"], row["target_id"]
    async with db.transaction(org_id, read_only=True) as conn:
        tx = Tx(conn, org_id, utc_now(), "crm.emails.push", installation=db.installation)
        sealed = await tx.fetchval(
            "SELECT inbound_secret FROM mailboxes WHERE org_id = $1 AND id = $2 AND status = 'active'", org_id, id
        )
    if sealed is None:
        raise NotFound("There is no mailbox here.")
    return org_id, id, db.installation.vault.open(sealed, place(org_id, id, "inbound_secret"))


def signature(secret: str, moment: int, body: bytes) -> str:
    """What `X-Baton-Signature` says of a body: `t=<seconds>,v1=<HMAC-SHA-256 of "seconds.body", hexadecimal>`."""
    signed = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={signed}"


def must_be_signed(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """See that a push comes from who knows the secret: by signature, or as the password of HTTP Basic. Raises Unauthenticated."""
    given = headers.get("x-baton-signature", "")
    moment = given.partition(",")[0].removeprefix("t=")
    timely = (
        moment.isascii() and moment.isdigit() and len(moment) < 12 and abs(now.timestamp() - int(moment)) <= TOLERANCE
    )
    if timely and hmac.compare_digest(given.encode("utf-8", "replace"), signature(secret, int(moment), body).encode()):
        return
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            password = base64.b64decode(token, validate=True).partition(b":")[2]
        except binascii.Error:
            password = b""
        if hmac.compare_digest(password, secret.encode()):
            return
    raise Unauthenticated(
        "Sign the body with the mailbox's secret (X-Baton-Signature), or give it as the password of HTTP Basic."
    )


def from_json(body: bytes) -> bytes:
    """The message of a JSON push: `{"raw": base64}`, or Postmark's inbound shape with or without `RawEmail`. Raises Invalid."""
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Invalid("The body is not valid JSON.") from None
    if isinstance(told, dict) and isinstance(told.get("raw"), str):
        try:
            return base64.b64decode(told["raw"], validate=True)
        except (binascii.Error, ValueError):
            raise Invalid("“raw” is the message in base64.", field="raw") from None
    if isinstance(told, dict) and isinstance(told.get("RawEmail"), str):
        return str(told["RawEmail"]).encode("utf-8", "surrogateescape")
    if isinstance(told, dict) and isinstance(told.get("From"), str):
        return _of_postmark(told)
    raise Invalid("Send message/rfc822, {“raw”: base64}, or Postmark's inbound JSON.")


def _of_postmark(told: dict[str, Any]) -> bytes:
    full = told.get("FromFull")
    whom: dict[str, Any] = full if isinstance(full, dict) else {}
    mail = EmailMessage(policy=SMTP)
    try:
        mail["From"] = Address(_line(whom.get("Name")), addr_spec=_line(whom.get("Email") or told["From"]))
    except (ValueError, IndexError):
        raise Invalid("“From” is no address.", field="From") from None
    mail["Subject"] = _line(told.get("Subject"))
    given = told.get("Headers") if isinstance(told.get("Headers"), list) else []
    headers = {str(h.get("Name")).lower(): h.get("Value") for h in given or [] if isinstance(h, dict)}
    for name in _KEPT:
        if (value := _line(headers.get(name.lower()))).isascii() and value:
            mail[name] = value
    if "Message-ID" not in mail and _line(told.get("MessageID")).isascii() and told.get("MessageID"):
        mail["Message-ID"] = f"<{_line(told['MessageID'])}@postmark.invalid>"
    mail.set_content(str(told.get("TextBody") or ""))
    if told.get("HtmlBody"):
        mail.add_alternative(str(told["HtmlBody"]), subtype="html")
    for file in told.get("Attachments") or []:
        _attach(mail, file)
    return mail.as_bytes()


def _attach(mail: EmailMessage, file: Any) -> None:
    if not isinstance(file, dict) or not isinstance(file.get("Content"), str):
        return
    try:
        content = base64.b64decode(file["Content"])
    except (binascii.Error, ValueError):
        return
    name = _line(file.get("Name")) or "file"
    kind, _, sub = safe_type(name, str(file.get("ContentType") or "")).partition("/")
    mail.add_attachment(content, maintype=kind, subtype=sub, filename=name)


def _line(value: Any) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in str(value or "")).split())[:2_000]
