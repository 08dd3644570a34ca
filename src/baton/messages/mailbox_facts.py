"""What a mailbox may say of itself: one line of name, an address, servers that may be spoken to."""

from typing import Any

from baton.kernel.addresses import check_host
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid
from baton.kernel.values import clean, email_address

_SMTP_PORTS, _IMAP_PORTS = frozenset({25, 465, 587, 2525, 2587}), frozenset({143, 993})


def checked(tx: Tx, given: dict[str, Any]) -> dict[str, Any]:
    """The facts of a mailbox. Raises Invalid, Refused for a host of a private network that is not allowed."""
    facts = dict(given) | {
        "from_name": _line(given["from_name"], "fromName"),
        "from_address": email_address(given["from_address"], field="fromAddress"),
    }
    for kind, ports in (("smtp", _SMTP_PORTS), ("imap", _IMAP_PORTS)):
        host = clean(given[f"{kind}_host"])
        if host is None and kind == "imap":
            facts |= {
                "imap_host": None,
                "imap_port": None,
                "imap_security": None,
                "imap_user": None,
                "imap_password": None,
            }
            continue
        facts |= {f"{kind}_host": (host or "").lower(), f"{kind}_user": clean(given[f"{kind}_user"])}
        facts |= (
            {"imap_port": given["imap_port"] or 993, "imap_security": given["imap_security"] or "tls"}
            if kind == "imap"
            else {}
        )
        _must_be_server(tx, kind, facts, ports)
    facts["imap_folder"] = _line(given["imap_folder"] or "INBOX", "imapFolder")
    return facts


def _must_be_server(tx: Tx, kind: str, facts: dict[str, Any], ports: frozenset[int]) -> None:
    allowed = tx.installation.outbound.allowed
    check_host(facts[f"{kind}_host"], allowed)
    port = facts[f"{kind}_port"]
    if port not in ports and not (allowed and 0 < port < 65536):
        known = ", ".join(map(str, sorted(ports)))
        raise Invalid(f"Port {port} is not one of mail servers: {known}.", field=f"{kind}Port")
    if facts[f"{kind}_security"] == "none" and not allowed:
        raise Invalid("A password is never sent in the clear: choose tls or starttls.", field=f"{kind}Security")


def _line(text: str, field: str) -> str:
    """One line of text. Raises Invalid for none, and for control characters: they would write headers of their own."""
    found = (text or "").strip()
    if not found or len(found) > 200 or not found.isprintable():
        raise Invalid(f"{field} is one line of at most 200 characters.", field=field)
    return found
