"""Settings → E-mail: the facts of a mailbox, changed and tried out before one leaves the sheet."""

from typing import Any

import msgspec
from starlette.responses import Response

from baton.doors.web.settings.mail import HERE, SECURITY
from baton.doors.web.shell.language import _, told
from baton.doors.web.shell.render import done
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.stale import YES_NO, settle
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from baton.kernel.explain import explained
from baton.messages.connect_mailbox import EditMailbox
from baton.messages.mailbox import Mailbox
from baton.messages.try_mailbox import Tried

_TEXTS = (
    "fromName", "fromAddress", "smtpHost", "smtpPort", "smtpSecurity", "smtpUser", "imapHost", "imapPort", "imapSecurity", "imapUser",
    "imapFolder",
)  # fmt: skip
_CLEARED = ("smtpUser", "imapHost", "imapUser")
_SIGNATURE = "signature"


async def edit(visit: Visit) -> Response:
    """GET and POST /settings/mail/mailboxes/{mailbox}/edit. A password that is left empty stays; `try` saves, and tries it out."""
    box = await _mailbox(visit)
    error: Refusal | None = None
    tried = ""
    now = _facts(box)
    values: dict[str, Any] = dict(now)
    clashes = await settle(visit, box.id, now, _labels(), shown={"markSeen": YES_NO})
    if visit.request.method == "POST":
        values |= {"markSeen": ""} | visit.fields
    if visit.request.method == "POST" and not clashes:
        try:
            changed: Mailbox = await visit.perform("crm.mailboxes.update", _wish(visit, box))
            now = _facts(changed)
            if "try" not in visit.fields:
                return done(visit, _("%(address)s is changed.") % {"address": changed.from_address}, HERE)
            found: Tried = await visit.perform("crm.mailboxes.test", {"mailboxId": str(box.id)})
            tried = " ".join(told(part) for part in (found.smtp, found.imap) if part) or _("It is saved, and works.")
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
        except Forbidden as refusal:
            error = Conflict(refusal.message)
    values |= {"smtpPassword": "", "imapPassword": ""}
    return await sheet(
        visit, "mailbox_edit.html", _("Change %(name)s") % {"name": box.from_address}, act=_("Save"), back=HERE, values=values, error=error,
        here=HERE, security=SECURITY, tried=tried, poll_error=box.poll_error, was=now, clashes=clashes,
    )  # fmt: skip


def _facts(box: Mailbox) -> dict[str, Any]:
    """A mailbox as its form says it."""
    plain = msgspec.to_builtins(box)
    texts = {key: "" if plain.get(key) is None else str(plain[key]) for key in _TEXTS}
    return texts | {"markSeen": "on" if box.mark_seen else "", _SIGNATURE: box.signature or ""}


def _labels() -> dict[str, str]:
    smtp, imap = _("Sending (SMTP)"), _("Reading what comes back (IMAP, if you like)")
    words = {
        "Host": _("Server"),
        "Port": _("Port"),
        "Security": _("Encryption"),
        "User": _("User"),
        "Folder": _("Folder"),
    }
    named = {key: f"{smtp if key.startswith('smtp') else imap}: {words[key[4:]]}" for key in _TEXTS[2:]}
    return (
        {"fromName": _("Name that people see"), "fromAddress": _("Address")}
        | named
        | {
            "markSeen": _("Mark what was fetched as read"),
            _SIGNATURE: _("Signature"),
        }
    )


async def _mailbox(visit: Visit) -> Mailbox:
    id = as_uuid(visit.path["mailbox"])
    found: list[Mailbox] = await visit.perform("crm.mailboxes.list")
    box = next((each for each in found if each.id == id), None)
    if box is None:
        raise NotFound("There is no such mailbox in your organization.", field="mailboxId")
    return box


def _wish(visit: Visit, box: Mailbox) -> EditMailbox:
    """Everything that the form holds; what is emptied is cleared where it may be, passwords stay where none is given."""
    given: dict[str, Any] = {"mailboxId": str(box.id), "markSeen": visit.fields.get("markSeen") == "on"}
    for key in _TEXTS:
        text = visit.fields.get(key, "").strip()
        if text or key in _CLEARED:
            given[key] = text or None
        elif key in ("fromName", "fromAddress", "smtpHost"):
            raise Invalid(_("This is required."), field=key)
    given |= {key: visit.fields[key] for key in ("smtpPassword", "imapPassword") if visit.fields.get(key)}
    given |= {
        "version": box.version,
        _SIGNATURE: visit.fields.get(_SIGNATURE, "").replace("\r\n", "\n").strip() or None,
    }
    try:
        return msgspec.convert(given, EditMailbox, strict=False)
    except msgspec.ValidationError as error:
        raise explained(error, EditMailbox) from None
