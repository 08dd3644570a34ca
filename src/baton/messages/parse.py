"""Reading an e-mail as it came: who wrote what to whom, what it answers, and whether a person wrote it at all."""

import email
import email.policy
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage, Message
from email.utils import getaddresses, parsedate_to_datetime
from typing import Literal

from baton.messages.compose import Part
from baton.messages.html import MAX_HTML, sanitized, text_of

MAX_TEXT = 100_000
MAX_FILE = 10_000_000
MAX_FILES = 20
_POLICY = email.policy.default
_ID = re.compile(r"<[^<>\s]{1,240}>")
_LATER = frozenset({"auto_reply", "auto-reply"})
Sort = Literal["message", "automatic", "bounce", "complaint"]


@dataclass(slots=True)
class Report:
    """What a delivery report (RFC 3464) or a complaint (RFC 5965) says, of a message that we sent."""

    original: str | None
    recipient: str | None
    status: str
    action: str


@dataclass(slots=True)
class Parsed:
    """An e-mail as far as it could be read; texts are bounded, HTML is sanitized. `answers` are Message-IDs, nearest first."""

    message_id: str
    sender: str
    sender_name: str
    to: list[str]
    subject: str
    text: str
    html: str | None
    answers: list[str]
    date: datetime | None
    sort: Sort
    files: list[Part] = field(default_factory=list)
    left_out: int = 0
    report: Report | None = None


def parse(raw: bytes) -> Parsed:
    """The e-mail of its bytes. What is broken in it is left out; the standard library reads whatever comes."""
    mail = email.message_from_bytes(raw, policy=_POLICY)
    assert isinstance(mail, EmailMessage)
    name, sender = _sender(mail)
    text, html = _texts(mail)
    files, left_out = _files(mail)
    kind = mail.get_content_type()
    asked = str(mail.get_param("report-type") or "").lower() if kind == "multipart/report" else ""
    report = _delivery(mail) if asked == "delivery-status" else _complaint(mail) if asked == "feedback-report" else None
    sort: Sort = "message"
    if asked == "feedback-report":
        sort = "complaint"
    elif asked == "delivery-status":
        sort = "bounce"
    elif asked or _is_automatic(mail):
        sort = "automatic"
    answers = [*_ids(mail, "In-Reply-To"), *reversed(_ids(mail, "References"))]
    ids = _ids(mail, "Message-ID")
    return Parsed(
        message_id=ids[0] if ids else f"<{hashlib.sha256(raw).hexdigest()}@baton.invalid>",
        sender=sender, sender_name=name, to=_addresses(mail, "To", "Cc", "Delivered-To"), subject=_header(mail, "Subject")[:500],
        text=text, html=html, answers=list(dict.fromkeys(answers))[:30], date=_date(mail), sort=sort, files=files,
        left_out=left_out, report=report,
    )  # fmt: skip


def told_sender(raw: bytes) -> str:
    """Who a message says that it is from, in one line, for the log."""
    try:
        mail = email.message_from_bytes(raw[:100_000], policy=_POLICY)
        assert isinstance(mail, EmailMessage)
        name, address = _sender(mail)
    except Exception:  # noqa: BLE001 - as for headers
        return "Mail"
    name = "".join(letter for letter in name if letter.isprintable())[:80]
    return f"{name} ({address})" if name and address else address or "Mail"


def plain(text: str, most: int = MAX_TEXT) -> str:
    """Text that the database takes: no NUL, no lone surrogates, no longer than `most`."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:most]


def _header(mail: EmailMessage, name: str) -> str:
    try:
        return plain(" ".join(str(mail.get(name, "")).split()), 2_000)
    except Exception:  # noqa: BLE001 - the parser of headers fails in many ways on hostile ones; what it cannot read is not there
        return ""


def _ids(mail: EmailMessage, name: str) -> list[str]:
    return [found for found in _ID.findall(_header(mail, name)) if found.isascii()]


def _sender(mail: EmailMessage) -> tuple[str, str]:
    found = [(name, address) for name, address in getaddresses([_header(mail, "From")]) if "@" in address]
    name, address = found[0] if found else ("", "")
    return name[:200], address.strip().lower()[:254]


def _addresses(mail: EmailMessage, *names: str) -> list[str]:
    pairs = getaddresses([_header(mail, name) for name in names if mail.get(name)])
    return [address.lower()[:254] for _, address in pairs if "@" in address][:50]


def _date(mail: EmailMessage) -> datetime | None:
    try:
        found = parsedate_to_datetime(_header(mail, "Date"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo is not None else None


def _is_automatic(mail: EmailMessage) -> bool:
    """An answer that no person wrote (RFC 3834, and how it was said before)."""
    submitted = _header(mail, "Auto-Submitted").lower().partition(";")[0].strip()
    if submitted and submitted != "no":
        return True
    precedence = _header(mail, "Precedence").lower()
    return (
        precedence in _LATER
        or bool(mail.get("X-Autoreply") or mail.get("X-Autorespond"))
        or _header(mail, "Return-Path") == "<>"
    )


def _texts(mail: EmailMessage) -> tuple[str, str | None]:
    text, html = _body(mail, "plain"), _body(mail, "html")
    marked = sanitized(plain(html, MAX_HTML), remote_images=False) if html else None
    words = plain(text) if text is not None else plain(text_of(marked or ""))
    return words.replace("\r\n", "\n").strip(), marked


def _body(mail: EmailMessage, kind: str) -> str | None:
    try:
        part = mail.get_body((kind,))
    except Exception:  # noqa: BLE001 - as for headers
        return None
    return _content(part) if isinstance(part, EmailMessage) else None


def _content(part: EmailMessage) -> str:
    try:
        return str(part.get_content())
    except Exception:  # noqa: BLE001 - an unknown charset or a broken encoding: the bytes as they are
        raw = part.get_payload(decode=True)
        return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else ""


def _files(mail: EmailMessage) -> tuple[list[Part], int]:
    found: list[Part] = []
    left_out = 0
    for part in _attached(mail):
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes):
            continue
        if len(content) > MAX_FILE or len(found) >= MAX_FILES or not content:
            left_out += bool(content)
            continue
        found.append(Part(plain(_name(part), 200) or "file", part.get_content_type(), content))
    return found, left_out


def _attached(mail: EmailMessage) -> Iterator[EmailMessage]:
    for part in mail.walk():
        if part.is_multipart() or not isinstance(part, EmailMessage):
            continue
        if part.get_content_disposition() == "attachment" or (part.get_content_maintype() != "text" and _name(part)):
            yield part


def _name(part: EmailMessage) -> str:
    try:
        return part.get_filename() or ""
    except Exception:  # noqa: BLE001 - as for headers
        return ""


def _delivery(mail: EmailMessage) -> Report:
    fields: dict[str, str] = {}
    for part in mail.walk():
        if part.get_content_type() == "message/delivery-status" and isinstance(blocks := part.get_payload(), list):
            for block in (each for each in blocks if isinstance(each, Message)):
                for name in ("Final-Recipient", "Original-Recipient", "Action", "Status"):
                    if (value := block.get(name)) is not None:
                        fields.setdefault(name, plain(" ".join(str(value).split()), 300))
    whom = fields.get("Original-Recipient") or fields.get("Final-Recipient") or ""
    return Report(
        _original(mail),
        whom.rpartition(";")[2].strip().lower() or None,
        fields.get("Status", ""),
        fields.get("Action", "").lower(),
    )


def _complaint(mail: EmailMessage) -> Report:
    sort = ""
    for part in mail.walk():
        if part.get_content_type() == "message/feedback-report":
            inner = part.get_payload()
            words = str(inner[0]) if isinstance(inner, list) and inner else str(inner)
            found = re.search(r"^Feedback-Type:\s*(\S+)", words, re.MULTILINE | re.IGNORECASE)
            sort = found[1].lower() if found else sort
    return Report(_original(mail), None, "", sort or "abuse")


def _original(mail: EmailMessage) -> str | None:
    """The Message-ID of the message that a report is about: from the message that it holds, or that it answers."""
    for part in mail.walk():
        kind = part.get_content_type()
        if kind == "message/rfc822" and isinstance(inner := part.get_payload(), list):
            found = _ID.search(" ".join(str(each.get("Message-ID", "")) for each in inner if isinstance(each, Message)))
            if found:
                return found[0]
        if kind == "text/rfc822-headers":
            body = part.get_payload(decode=True)
            words = body.decode("utf-8", "replace") if isinstance(body, bytes) else ""
            found = re.search(r"^Message-ID:\s*(<[^<>\s]{1,240}>)", words, re.MULTILINE | re.IGNORECASE)
            if found:
                return found[1]
    answered = [*_ids(mail, "In-Reply-To"), *_ids(mail, "References")]
    return answered[0] if answered else None
