"""The way of a new organization to its first captured lead, in four steps that tick themselves off."""

from dataclasses import dataclass

from baton.doors.web.shell.language import _
from baton.doors.web.shell.visit import Visit
from baton.kernel.page import Page
from baton.leads.find import ListLeads
from baton.leads.forms import Form
from baton.leads.lead import Lead


@dataclass(frozen=True, slots=True)
class FirstStep:
    """A step: what to do, where, and whether it is done."""

    title: str
    why: str
    act: str
    href: str
    done: bool
    outside: bool = False


async def first_steps(visit: Visit) -> list[FirstStep]:
    """The four steps of an organization that has no lead yet; none for any other, and for those who only read."""
    if not visit.may_manage:
        return []
    found: Page[Lead] = await visit.perform("crm.leads.find", ListLeads(limit=1))
    if found.items:
        return []
    forms: list[Form] = await visit.perform("crm.forms.list")
    people = [member for member in await visit.members() if member.kind == "person"]
    zone = (await visit.organization()).time_zone
    try_it = f"/f/{forms[0].address}" if forms else "/settings/forms/new"
    return [
        FirstStep(
            _("Say where you are"),
            _("Days, mornings and reminders count in your time zone."),
            _("Organization"),
            "/settings/organization",
            zone != "UTC",
        ),
        FirstStep(
            _("Bring your team"),
            _("Leads are shared out among people and agents."),
            _("Members"),
            "/settings/members",
            len(people) > 1,
        ),
        FirstStep(
            _("Make a form"), _("Copy its snippet into your website."), _("Forms"), "/settings/forms", bool(forms)
        ),
        FirstStep(
            _("Send it once yourself"),
            _("Watch it arrive here, and an agent take it on."),
            _("Open the form"),
            try_it,
            False,
            bool(forms),
        ),
    ]
