"""The sequences of a lead as its page shows them: where it stands, what comes next and when, and how it left others."""

from typing import Any

from baton.automations.sequences.enrolment import Enrolment, ListEnrolments
from baton.doors.web.shell.language import _
from baton.doors.web.shell.times import due_at
from baton.doors.web.shell.visit import Visit
from baton.kernel.page import Page
from baton.leads.lead import Lead


async def of_lead(visit: Visit, lead: Lead) -> list[dict[str, Any]]:
    """The sequences that a lead is in, and the last three that it left."""
    found: Page[Enrolment] = await visit.perform("crm.enrolments.list", ListEnrolments(lead_id=str(lead.id), limit=20))
    shown = [each for each in found.items if each.finished_at is None]
    shown += [each for each in found.items if each.finished_at is not None][:3]
    return [_view(each, visit) for each in shown]


def _view(each: Enrolment, visit: Visit) -> dict[str, Any]:
    states = {
        "waiting": (_("under way"), "won"), "paused": (_("waits"), "wait"), "held": (_("needs a person"), "lost"),
        "done": (_("gone through"), ""), "stopped": (_("left"), ""),
    }  # fmt: skip
    acts = {
        "email": _("an e-mail"), "whatsapp": _("a WhatsApp message"), "task": _("a task"), "wait": _("a wait"),
        "condition": _("a condition"),
    }  # fmt: skip
    ends = {
        "reply": _("replied"), "bounce": _("bounced"), "unsubscribe": _("unsubscribed"), "closed": _("lead closed"),
        "deleted": _("lead deleted"), "stage": _("another stage"), "owner": _("another owner"), "condition": _("by its condition"),
        "gate": _("did not meet a condition"), "removed": _("taken out"),
    }  # fmt: skip
    word, tone = states[each.state]
    return {
        "id": each.id, "sequence_id": each.sequence_id, "name": each.sequence, "state": each.state, "word": word, "tone": tone,
        "step": each.position % max(each.length, 1) + 1, "length": each.length, "act": acts.get(each.next_act or "", ""),
        "next": due_at(each.next_at, visit.now, visit.zone) if each.next_at else None,
        "why": ends.get(each.why or "", ""), "detail": each.detail, "ended": each.finished_at is not None,
    }  # fmt: skip
