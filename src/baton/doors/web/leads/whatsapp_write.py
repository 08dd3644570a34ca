"""Writing to a lead on WhatsApp, from its page: a text within 24 hours of what they wrote, a template at any time. Spec A11."""

from typing import Any

from starlette.responses import Response

from baton.doors.web.leads.filters import Options
from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import done
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.times import ago, due_at
from baton.doors.web.shell.visit import Visit
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from baton.leads.find import GetLead
from baton.leads.lead import Lead
from baton.messages.message import Message
from baton.messages.outreach import MayWrite
from baton.messages.whatsapp.account import Account
from baton.messages.whatsapp.window import WhatsappWindow


async def write(visit: Visit) -> Response:
    """GET and POST /leads/{lead}/whatsapp."""
    lead: Lead = await visit.perform("crm.leads.get", GetLead(lead_id=visit.path["lead"]))
    found: WhatsappWindow = await visit.perform("crm.whatsapp.window", {"leadId": str(lead.id)})
    numbers = await _numbers(visit)
    values: dict[str, Any] = {"language": "en"} | visit.fields
    error: Refusal | None = None
    if visit.request.method == "POST":
        try:
            sent: Message = await visit.perform("crm.whatsapp.send", _wish(visit, lead, window=found))
            return done(
                visit, _("The message to %(number)s is on its way.") % {"number": sent.recipient}, f"/leads/{lead.id}"
            )
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
        except Forbidden as refusal:
            error = Conflict(refusal.message)
    allowed: MayWrite = await visit.perform("crm.messages.mayWrite", {"leadId": str(lead.id)})
    used: Options = [("", _("Choose one that was used before"))]
    used += [(f"{each.name}|{each.language}", _told(each)) for each in found.templates]
    return await sheet(
        visit, "whatsapp_write.html", _("WhatsApp to %(lead)s") % {"lead": lead.name}, act=_("Send"), back=f"/leads/{lead.id}",
        values=values, error=error, window=found, used=used, numbers=numbers, gap=None if allowed.allowed else allowed.reason,
        waits=allowed.next_at is not None, stands=_window(found, visit),
        lede=_("To %(number)s") % {"number": found.number} if found.number
        else _("This lead has no phone number with its country code yet."),
    )  # fmt: skip


def _told(each: Any) -> str:
    variables = _("%(count)s variables") % {"count": each.variables} if each.variables else ""
    return " · ".join(filter(None, (each.name, each.language, variables)))


def _window(found: WhatsappWindow, visit: Visit) -> str:
    """How the 24 hours stand, in words."""
    if found.last_heard_at is None or found.closes_at is None:
        return _("They have not written on WhatsApp yet: it takes only a template that your provider knows.")
    heard = ago(found.last_heard_at, visit.now, visit.zone).label
    if not found.open:
        return _("They wrote last %(when)s, more than 24 hours ago: it takes only a template now.") % {"when": heard}
    until = due_at(found.closes_at, visit.now, visit.zone)
    return _("They wrote %(when)s: you may write freely until %(until)s.") % {"when": heard, "until": until}


async def _numbers(visit: Visit) -> Options:
    if not visit.may_write:
        return []
    found: list[Account] = await visit.perform("crm.whatsapp.accounts")
    return [(str(each.id), f"{each.name} {each.number}") for each in found if each.status == "active"]


def _wish(visit: Visit, lead: Lead, *, window: WhatsappWindow) -> dict[str, Any]:
    fields = visit.fields
    wish: dict[str, Any] = {"leadId": str(lead.id)}
    text = fields.get("text", "").replace("\r\n", "\n").strip()
    chosen, _sep, language = fields.get("used", "").rpartition("|")
    template = fields.get("template", "").strip() or chosen
    if text and not template:
        wish["text"] = text
    elif template:
        wish |= {
            "template": template,
            "language": (fields.get("language", "").strip() if fields.get("template", "").strip() else language)
            or "en",
            "variables": [line.strip() for line in fields.get("variables", "").splitlines() if line.strip()],
        }
    else:
        raise Invalid(_("Write a text, or choose a template."), field="text" if window.open else "template")
    wish |= {"accountId": fields["number"]} if fields.get("number") else {}
    return wish | ({"despiteGap": True} if "despiteGap" in fields else {})
