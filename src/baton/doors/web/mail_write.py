"""Writing an e-mail to a lead, from its page: words of one's own or a template's, seen before they are sent."""

from typing import Any

from starlette.responses import Response

from baton.doors.web.filters import Options
from baton.doors.web.language import _
from baton.doors.web.render import done
from baton.doors.web.sheets import Refusal, sheet
from baton.doors.web.visit import Visit
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from baton.leads.find import GetLead
from baton.leads.lead import Lead
from baton.messages.draft import Preview, PreviewTemplate
from baton.messages.mailbox import Mailbox
from baton.messages.message import Message
from baton.messages.outreach import MayWrite
from baton.messages.template import Template


async def write(visit: Visit) -> Response:
    """GET and POST /leads/{lead}/email. `fill` puts a template's words into the form; sending is a button of its own."""
    lead: Lead = await visit.perform("crm.leads.get", GetLead(lead_id=visit.path["lead"]))
    error: Refusal | None = None
    values: dict[str, Any] = dict(visit.fields)
    missing: list[str] = []
    if visit.request.method == "POST":
        try:
            if "fill" in visit.fields:
                seen = await _filled(visit, lead)
                values |= {"subject": seen.subject, "text": seen.text}
                missing = seen.missing
            else:
                sent: Message = await visit.perform("crm.emails.send", _wish(visit, lead))
                return done(
                    visit,
                    _("The email to %(recipient)s is on its way.") % {"recipient": sent.recipient},
                    f"/leads/{lead.id}",
                )
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
        except Forbidden as refusal:
            error = Conflict(refusal.message)
    allowed: MayWrite = await visit.perform("crm.messages.mayWrite", {"leadId": str(lead.id)})
    templates: list[Template] = await visit.perform("crm.templates.list")
    offered: Options = [("", _("No template")), *((str(each.id), each.name) for each in templates)]
    return await sheet(
        visit,
        "email_write.html",
        _("Email to %(name)s") % {"name": lead.name},
        act=_("Send"),
        back=f"/leads/{lead.id}",
        values=values,
        error=error,
        lede=_("To %(email)s") % {"email": lead.email} if lead.email else _("This lead has no e-mail address yet."),
        templates=offered,
        mailboxes=await _mailboxes(visit),
        missing=missing,
        gap=None if allowed.allowed else allowed.reason,
        waits=allowed.next_at is not None,
    )


async def _mailboxes(visit: Visit) -> Options:
    if not visit.may_write:
        return []
    found: list[Mailbox] = await visit.perform("crm.mailboxes.list")
    mine = [box for box in found if box.status == "active" and box.member_id in (None, visit.actor.id)]
    return [("", _("The usual one")), *((str(box.id), f"{box.from_name} <{box.from_address}>") for box in mine)]


async def _filled(visit: Visit, lead: Lead) -> Preview:
    if not visit.fields.get("template"):
        raise Invalid("Choose a template first.", field="template")
    seen: Preview = await visit.perform(
        "crm.templates.preview", PreviewTemplate(lead_id=str(lead.id), template_id=visit.fields["template"])
    )
    return seen


def _wish(visit: Visit, lead: Lead) -> dict[str, Any]:
    words = visit.fields.get("text", "").replace("\r\n", "\n")
    wish: dict[str, Any] = {"leadId": str(lead.id), "subject": visit.fields.get("subject", ""), "text": words}
    wish |= {"mailboxId": visit.fields["mailbox"]} if visit.fields.get("mailbox") else {}
    return wish | ({"despiteGap": True} if "despiteGap" in visit.fields else {})
