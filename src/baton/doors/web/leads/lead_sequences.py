"""What is done to a lead's way through sequences, on its page: put in, let wait, let go on, taken out."""

from starlette.responses import Response

from baton.automations.sequences.enrolment import Enrolment
from baton.automations.sequences.sequence import ListedSequence
from baton.doors.web.leads.lead import lead_page
from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import done, redirect
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from baton.leads.find import GetLead
from baton.leads.lead import Lead


def _doing() -> dict[str, str]:
    return {
        "pause": _("It waits until somebody lets it go on."),
        "resume": _("It goes on."),
        "remove": _("It is taken out. What was sent stays sent."),
    }


async def decide(visit: Visit) -> Response:
    """POST /leads/{lead}/sequences/{enrolment}/{decision}: pause, resume or remove."""
    decision, words = visit.path["decision"], _doing()
    if decision not in words or as_uuid(visit.path["enrolment"]) is None:
        raise NotFound(_("There is no such decision."))
    await visit.perform(f"crm.enrolments.{decision}", {"enrolmentId": visit.path["enrolment"]})
    if not visit.from_htmx:
        return redirect(f"/leads/{visit.path['lead']}")
    visit.said = words[decision]
    return await lead_page(visit, visit.path["lead"])


async def enrol(visit: Visit) -> Response:
    """GET and POST /leads/{lead}/sequences: put the lead into one that is on."""
    lead: Lead = await visit.perform("crm.leads.get", GetLead(lead_id=visit.path["lead"]))
    found: list[ListedSequence] = await visit.perform("crm.sequences.list")
    on = [each for each in found if each.state == "on"]
    error: Refusal | None = None
    if visit.request.method == "POST":
        try:
            chosen = as_uuid(visit.fields.get("sequence"))
            if chosen is None:
                raise Invalid(_("Choose a sequence."), field="sequenceId")
            wish = {"sequenceId": str(chosen), "leadId": str(lead.id), "again": "again" in visit.fields}
            made: Enrolment = await visit.perform("crm.sequences.enrol", wish)
            return done(
                visit,
                _("%(lead)s is in “%(sequence)s”.") % {"lead": lead.name, "sequence": made.sequence},
                f"/leads/{lead.id}",
            )
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
        except Forbidden as refusal:
            error = Conflict(refusal.message)
    return await sheet(
        visit, "lead_enrol.html", _("Put %(lead)s into a sequence") % {"lead": lead.name}, act=_("Put it in"), back=f"/leads/{lead.id}",
        values=visit.fields, error=error, sequences=[("", _("Choose one")), *((str(each.id), each.name) for each in on)], none=not on,
        lede=_("Its messages leave by themselves, at their times, until the lead replies."),
    )  # fmt: skip
