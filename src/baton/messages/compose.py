"""The exact bytes of an e-mail: headers that no value can add to, a text part, an HTML part, files."""

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from uuid import UUID

from baton.kernel.errors import Invalid

_POLICY = SMTP.clone(max_line_length=78)


@dataclass(frozen=True, slots=True)
class Part:
    """A file to send with a message."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """What an e-mail says. `unsubscribe` is the address of the recipient's way out, `answers` are Message-IDs, oldest first."""

    message_id: str
    sent_at: datetime
    from_name: str
    from_address: str
    to: str
    subject: str
    text: str
    html: str | None = None
    reply_to: str | None = None
    unsubscribe: str | None = None
    answers: Sequence[str] = ()
    automatic: bool = False
    files: Sequence[Part] = field(default_factory=tuple)


def message_id(id: UUID, from_address: str) -> str:
    """The Message-ID of a message, the same whenever it is asked for (RFC 5322)."""
    return f"<{id.hex}@{plain_address(from_address).rpartition('@')[2]}>"


def plain_address(address: str) -> str:
    """The address as every mail server reads it: its domain in IDNA. Raises Invalid where its local part is not ASCII."""
    local, _, domain = address.rpartition("@")
    try:
        spelled = f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        spelled = ""
    if not spelled.isascii() or not spelled or not local:
        raise Invalid(f"Mail servers cannot carry the address {address[:80]}.", field="to")
    return spelled


def composed(letter: Letter) -> bytes:
    """The bytes of an e-mail, lines ended as SMTP wants them. Raises Invalid for a line break where a header is."""
    made = EmailMessage(policy=_POLICY)
    try:
        made["From"] = _address(letter.from_name, letter.from_address)
        made["To"] = _address("", letter.to)
        made["Subject"] = letter.subject
        made["Date"] = format_datetime(letter.sent_at)
        made["Message-ID"] = letter.message_id
        if letter.reply_to:
            made["Reply-To"] = _address("", letter.reply_to)
        if letter.answers:
            made["In-Reply-To"] = letter.answers[-1]
            made["References"] = " ".join(letter.answers)
        if letter.unsubscribe:
            made["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
            made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        if letter.automatic:
            made["Auto-Submitted"] = "auto-generated"
        made.set_content(letter.text, cte=_encoding(letter.text))
        if letter.html:
            made.add_alternative(letter.html, subtype="html", cte=_encoding(letter.html))
        for file in letter.files:
            kind, _, sub = safe_type(file.name, file.content_type).partition("/")
            made.add_attachment(file.content, maintype=kind, subtype=sub, filename=file.name)
        return made.as_bytes()
    except (ValueError, UnicodeError) as error:
        raise Invalid(f"This cannot be written as an e-mail: {error}") from error


def safe_type(name: str, told: str) -> str:
    """The media type of a file; what nobody knows is plain bytes, and a message within a message too."""
    guessed = told if "/" in told and told.isascii() and told.isprintable() else mimetypes.guess_type(name)[0]
    known = (guessed or "application/octet-stream").partition(";")[0].strip().lower()
    kind, _, sub = known.partition("/")
    plain = (
        kind in ("application", "audio", "image", "text", "video")
        and sub.replace("-", "").replace(".", "").replace("+", "").isalnum()
    )
    return known if plain else "application/octet-stream"


def _address(name: str, address: str) -> Address:
    return Address(display_name=name, addr_spec=plain_address(address))


def _encoding(text: str) -> str:
    plain = text.isascii() and all(len(line) < 990 for line in text.splitlines())
    return "7bit" if plain else "quoted-printable"
