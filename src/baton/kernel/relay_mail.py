"""The installation's own way to send mail, as its operator names it: BATON_SMTP_URL and BATON_MAIL_FROM."""

from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from baton.kernel.data_dir import Misconfigured
from baton.kernel.errors import Invalid
from baton.kernel.values import email_address

Security = Literal["tls", "starttls", "none"]


@dataclass(frozen=True, slots=True)
class MailRelay:
    """Where the installation's mail is handed over, and whom it is from."""

    host: str
    port: int
    security: Security
    user: str | None
    password: str | None = field(repr=False)
    name: str
    address: str


def mail_relay(url: str | None, sender: str | None) -> MailRelay | None:
    """The relay of `smtp://user:password@host:587` (STARTTLS; `?security=none` for a host of your own) or `smtps://host`.

    None where neither is given. Raises Misconfigured where one is missing or unreadable.
    """
    if url is None and sender is None:
        return None
    if url is None or sender is None:
        raise Misconfigured("BATON_SMTP_URL and BATON_MAIL_FROM belong together: set both, or neither.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Misconfigured("BATON_SMTP_URL must look like smtp://user:password@host:587.") from None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise Misconfigured(
            "BATON_SMTP_URL must look like smtp://user:password@host:587, or smtps://… for TLS at once."
        )
    asked = parse_qs(parts.query).get("security", [""])[0]
    if asked not in ("", "none", "starttls"):
        raise Misconfigured("BATON_SMTP_URL knows ?security=none and ?security=starttls.")
    plain: Security = "none" if asked == "none" else "starttls"
    security: Security = "tls" if parts.scheme == "smtps" else plain
    name, address = parseaddr(sender)
    try:
        address = email_address(address)
    except Invalid as error:
        raise Misconfigured(f"BATON_MAIL_FROM: {error.message}") from None
    return MailRelay(
        host=parts.hostname,
        port=port or (465 if security == "tls" else 587 if security == "starttls" else 25),
        security=security,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        name=name,
        address=address,
    )
