"""Settings → E-mail: mailboxes, templates, what hangs, whom nobody writes to, and the rules of writing."""

from typing import Any
from uuid import UUID

import msgspec
from starlette.responses import Response

from baton.accounts.organization import EditOrganization, Organization
from baton.doors.web.shell.language import Choices, Told, _, marked
from baton.doors.web.shell.render import done, page, redirect, said
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.times import ago
from baton.doors.web.shell.visit import Visit
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from baton.kernel.page import Page
from baton.messages.connect_mailbox import CreateMailbox, NewMailbox
from baton.messages.inbound import ListReceived, Received, Reconciled
from baton.messages.mailbox import Mailbox, NameMailbox
from baton.messages.outcome import InDoubt
from baton.messages.suppression import AddSuppression, ListSuppressions, Suppression
from baton.messages.template import Template
from baton.messages.try_mailbox import Tried
from baton.messages.whatsapp.account import Account

HERE = "/settings/mail"
SECURITY = [("starttls", "STARTTLS"), ("tls", "TLS from the start"), ("none", "None (a server of your own)")]
SENDERS = Choices(
    [
        ("wait", marked("wait here for a person")),
        ("lead", marked("become leads")),
        ("skip", marked("are passed over")),
    ]
)
_WHY = Told(
    {
        "unsubscribe": marked("Asked for it"),
        "bounce": marked("Mail came back"),
        "complaint": marked("Complained"),
        "manual": marked("By hand"),
    }
)


async def show(visit: Visit) -> Response:
    """GET /settings/mail."""
    organization = await visit.organization()
    templates: list[Template] = await visit.perform("crm.templates.list")
    common: dict[str, Any] = {
        "gap": organization.outreach_gap_hours,
        "unknown": organization.unknown_senders,
        "senders": SENDERS,
        "templates": [{"id": t.id, "name": t.name, "subject": t.subject} for t in templates],
        "mailboxes": [],
        "numbers": [], "doubtful": [], "doubts": 0, "held": [], "suppressed": [],
    }  # fmt: skip
    if visit.may_write:
        common |= await _working(visit)
    return await page(visit, "mail.html", here=HERE, **common)


async def _working(visit: Visit) -> dict[str, Any]:
    """What is for those who write: mailboxes and their counts, messages in doubt or held, and the list."""
    mailboxes: list[Mailbox] = await visit.perform("crm.mailboxes.list")
    members = {member.id: member.name for member in await visit.members()}
    rows = []
    for box in mailboxes:
        counted: Reconciled = await visit.perform("crm.mailboxes.reconcile", NameMailbox(mailbox_id=box.id))
        whose = members.get(box.member_id, _("a former member")) if box.member_id else _("The organization")
        rows.append(
            {
                "box": box,
                "whose": whose,
                "counted": counted,
                "mine": visit.may_manage or box.member_id == visit.actor.id,
            }
        )
    doubt: InDoubt = await visit.perform("crm.emails.inDoubt")
    held: Page[Received] = await visit.perform("crm.emails.received", ListReceived(state="waiting"))
    listed: Page[Suppression] = await visit.perform("crm.suppressions.list", ListSuppressions())
    numbers: list[Account] = await visit.perform("crm.whatsapp.accounts")
    base = str(visit.request.app.state.settings.public_url)
    return {
        "numbers": [{"n": each, "pushed": f"{base}/whatsapp/in/{each.inbound_address}"} for each in numbers],
        "mailboxes": rows,
        "doubts": doubt.total,
        "doubtful": [{"m": m, "when": ago(m.created_at, visit.now, visit.zone)} for m in doubt.items],
        "held": [{"m": m, "when": ago(m.received_at, visit.now, visit.zone)} for m in held.items],
        "suppressed": [
            {"s": s, "why": _WHY[s.reason], "when": ago(s.created_at, visit.now, visit.zone)} for s in listed.items
        ],
    }


async def rules(visit: Visit) -> Response:
    """POST /settings/mail/rules: the gap, and what becomes of mail from unknown senders."""
    text, unknown = visit.fields.get("gap", ""), visit.fields.get("unknown", "")
    if not text.isascii() or not text.isdigit() or len(text) > 5:
        raise Invalid("The gap is a number of hours.", field="gap")
    if unknown not in dict(SENDERS):
        raise Invalid("Choose what becomes of mail from unknown senders.", field="unknown")
    wish = msgspec.convert({"outreachGapHours": int(text), "unknownSenders": unknown}, EditOrganization)
    found: Organization = await visit.perform("crm.organization.update", wish)
    words = _("Nobody is written to twice within %(outreach_gap_hours)s hours.") % {
        "outreach_gap_hours": found.outreach_gap_hours
    }
    return said(visit, words) if visit.from_htmx else redirect(HERE)


async def new_mailbox(visit: Visit) -> Response:
    """GET and POST /settings/mail/mailboxes/new. Its secret for pushes is shown once, on the page that follows."""
    error: Refusal | None = None
    values: dict[str, Any] = {
        "smtpPort": "587",
        "smtpSecurity": "starttls",
        "imapPort": "993",
        "imapSecurity": "tls",
    } | visit.fields
    values |= {"smtpPassword": "", "imapPassword": ""}
    if visit.request.method == "POST":
        try:
            made: NewMailbox = await visit.perform("crm.mailboxes.create", _mailbox(visit))
            pushed = f"{visit.request.app.state.settings.public_url}/mail/in/{made.inbound_address}"
            return await page(visit, "mailbox_made.html", here=HERE, made=made, pushed=pushed)
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
        except Forbidden as refusal:
            error = Conflict(refusal.message)
    return await sheet(
        visit, "mailbox_new.html", _("Connect a mailbox"), act=_("Connect"), back=HERE, values=values, error=error, here=HERE,
        security=SECURITY, whose=[*([("", _("The organization’s"))] if visit.may_manage else []), (str(visit.actor.id), _("Mine"))],
    )  # fmt: skip


def _mailbox(visit: Visit) -> CreateMailbox:
    given = {key: text for key in CreateMailbox.__struct_encode_fields__ if (text := visit.fields.get(key, "").strip())}
    for key in ("smtpPassword", "imapPassword"):
        given |= {key: visit.fields[key]} if visit.fields.get(key) else {}
    for needed, words in (("fromName", "name"), ("fromAddress", "address"), ("smtpHost", "server")):
        if needed not in given:
            raise Invalid(f"The {words} is required.", field=needed)
    try:
        return msgspec.convert(given, CreateMailbox, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(str(error).partition(" - at")[0]) from None


async def act_on_mailbox(visit: Visit) -> Response:
    """POST /settings/mail/mailboxes/{mailbox}/{act}: test, pause, resume or remove."""
    id, act = visit.path["mailbox"], visit.path["act"]
    if act == "test":
        tried: Tried = await visit.perform("crm.mailboxes.test", {"mailboxId": id})
        wrong = " ".join(part for part in (tried.smtp, tried.imap) if part)
        return said(visit, wrong or _("The mailbox works."))
    if act == "remove":
        await visit.perform("crm.mailboxes.remove", {"mailboxId": id})
    elif act in ("pause", "resume"):
        await visit.perform(
            "crm.mailboxes.update", {"mailboxId": id, "status": "paused" if act == "pause" else "active"}
        )
    else:
        raise NotFound("There is nothing at this address.")
    return redirect(HERE)


async def new_number(visit: Visit) -> Response:
    """GET and POST /settings/mail/numbers/new: a WhatsApp number at Meta or Twilio."""
    error: Refusal | None = None
    values: dict[str, Any] = {"provider": "meta"} | visit.fields | {"token": "", "signingSecret": ""}
    if visit.request.method == "POST":
        try:
            keys = ("provider", "name", "number", "account", "token", "signingSecret")
            given = {key: text for key in keys if (text := visit.fields.get(key, "").strip())}
            made: Account = await visit.perform("crm.whatsapp.setAccount", given)
            return done(
                visit,
                _("%(number)s is connected. Tell the provider its address.") % {"number": made.number},
                f"{HERE}#whatsapp",
            )
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit, "number_new.html", _("Connect a WhatsApp number"), act=_("Connect"), back=HERE, values=values, error=error, here=HERE,
        providers=[("meta", "Meta Cloud API"), ("twilio", "Twilio")],
    )  # fmt: skip


async def remove_number(visit: Visit) -> Response:
    """POST /settings/mail/numbers/{number}/remove."""
    await visit.perform("crm.whatsapp.removeAccount", {"accountId": visit.path["number"]})
    return redirect(f"{HERE}#whatsapp")


async def resolve(visit: Visit) -> Response:
    """POST /settings/mail/doubt/{message}/{decision}: it left, or it is sent again."""
    await visit.perform("crm.emails.resolve", {"messageId": visit.path["message"], "decision": visit.path["decision"]})
    return redirect(f"{HERE}#doubt")


async def settle(visit: Visit) -> Response:
    """POST /settings/mail/held/{message}/{decision}: a lead is made of the sender, or the message is passed over."""
    decided: Received = await visit.perform(
        "crm.emails.settle", {"receivedId": visit.path["message"], "decision": visit.path["decision"]}
    )
    return redirect(f"/leads/{decided.lead_id}" if decided.lead_id else f"{HERE}#held")


async def suppress(visit: Visit) -> Response:
    """POST /settings/mail/suppressions: write to an address no more."""
    wish = AddSuppression(address=visit.fields.get("address", ""), note=visit.fields.get("note") or None)
    await visit.perform("crm.suppressions.add", wish)
    return redirect(f"{HERE}#suppressed")


async def allow(visit: Visit) -> Response:
    """POST /settings/mail/suppressions/{entry}/remove."""
    try:
        entry = UUID(visit.path["entry"])
    except ValueError:
        raise NotFound("There is no such entry.") from None
    await visit.perform("crm.suppressions.remove", {"suppressionId": str(entry)})
    return redirect(f"{HERE}#suppressed")
