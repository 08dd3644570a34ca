"""Every page of the product, furnished: what stands on it, and where it is. A page that is not named here fails a test."""

from datetime import timedelta
from typing import Any

from baton.doors import demo_leads
from baton.kernel.values import utc_now
from tests.browser import gallery_rooms as rooms
from tests.browser.gallery_rooms import NOTE, Walls
from tests.browser.stages import inbound, lead
from tests.messages.postoffice import PostOffice
from tests.operations import cases_files as cases_files  # its cases
from tests.operations.cases import cases
from tests.team import Team

NO_PAGES = {
    "/": "leads on to the first page",
    "/live": "a stream",
    "/board/{pipeline}/totals": "a part of the board",
    "/board/{pipeline}/column/{stage}": "a part of the board",
    "/leads/export.{format}": "a file",
    "/imports/{import}/refused.csv": "a file",
    "/leads/{lead}/cell/{key}": "a part of the list",
    "/dashboard/crm/funnel": "a part of the dashboard",
    "/notifications/bell": "a part of the navigation",
    "/inbox/counts": "a part of the navigation",
    "/tasks/about": "a part of a sheet",
    "/contacts/{record}/alike": "a part of a sheet",
    "/companies/{record}/alike": "a part of a sheet",
    "/ui/{build}/{name:path}": "a file",
}


async def furnish(team: Team, post: PostOffice) -> Walls:
    """An organization in the middle of its work, and the addresses of all its pages: route → name → path."""
    hannah, closed = await _leads(team)
    settings = await rooms.settings(team, post)
    records = await _records(team, hannah, closed)
    return (
        settings
        | records
        | await rooms.agents(team, hannah)
        | await rooms.rules(team, hannah)
        | await _sales(team, hannah, closed)
    )


async def _leads(team: Team) -> tuple[Any, Any]:
    """Forty leads with a past, a long name, a closed one, and Hannah, whom all pages of one lead show."""
    now = utc_now()
    crew = demo_leads.Team(team.org_id, team.ana, team.ben, team.marcus)
    place = await demo_leads.place(team.db, crew)
    for story in demo_leads.stories(40, now - timedelta(days=60), now):
        await demo_leads.tell(team.db, crew, place, story)
    hannah = await lead(team, tags=["healthcare", "EU"], phone="+49 30 5550 0142")
    await team.do(team.athena, "crm.leads.qualify", leadId=str(hannah.id), reason="Score 88: director title.")
    await team.do(team.athena, "crm.leads.assign", leadId=str(hannah.id), ownerId=str(team.marcus.id))
    await team.do(team.marcus, "crm.leads.followUp", leadId=str(hannah.id), dueIn="2d", notes="Call about the pilot")
    await team.do(team.ben, NOTE, leadId=str(hannah.id), type="note", notes="Prefers the phone.")
    await lead(team, "A very long first name indeed", "Featherstonehaugh-Cholmondeley", companyName="X" * 80)
    closed = await lead(team, "Owen", "Clarke")
    await team.do(team.ben, "crm.leads.disqualify", leadId=str(closed.id), reason="No budget")
    await team.capture()
    await team.run_due()
    return hannah, closed


async def _sales(team: Team, hannah: Any, closed: Any) -> Walls:
    """The board, the list, a lead, tasks and reports."""
    intake, id = await inbound(team), hannah.id
    view = await team.do(
        team.ana, "crm.views.create",
        {"name": "Warm", "shared": True, "sort": "score", "descending": True, "condition": {"field": "score", "op": ">=", "value": 40},
         "columns": ["name", "score", "stageId", "ownerId", "email"]},
    )  # fmt: skip
    segment = await team.do(team.ben, "crm.segments.create", {"name": "Summit 2026", "leadIds": [str(id)]})
    task = (await team.do(team.ana, "crm.tasks.list", leadId=str(id))).items[0]
    moved = next(each for each in await team.log(id) if each.kind == "assignment_changed").operation_id
    at = hannah.created_at.isoformat().replace("+", "%2B")
    day = (utc_now() - timedelta(days=20)).date().isoformat()
    return {
        "/board": {"board": "/board", "board-none": "/board?q=nobody"},
        "/board/{pipeline}": {"board-past": f"/board/{intake.id}?asOf={day}"},
        "/history/{pipeline}": {"history": f"/history/{intake.id}", "history-none": f"/history/{intake.id}?q=nobody"},
        "/leads": {"leads": "/leads", "leads-none": "/leads?q=nobody", "leads-view": f"/leads?view={view.id}"},
        "/leads/new": {"lead-new": "/leads/new"},
        "/leads/columns": {"leads-columns": "/leads/columns"},
        "/leads/filter": {"leads-filter": "/leads/filter"},
        "/leads/views/new": {"view-new": "/leads/views/new?owner=none"},
        "/leads/views/{view}": {"view": f"/leads/views/{view.id}"},
        "/leads/views/{view}/remove": {"view-remove": f"/leads/views/{view.id}/remove"},
        "/leads/search": {"lead-search": "/leads/search"},
        "/leads/{lead}": {
            "lead": f"/leads/{id}",
            "lead-past": f"/leads/{id}?at={at}",
            "lead-edit": f"/leads/{id}?edit=valueCents",
            "lead-closed": f"/leads/{closed.id}",
            "not-found": "/leads/00000000-0000-0000-0000-000000000000",
        },
        "/leads/{lead}/assign": {"lead-assign": f"/leads/{id}/assign"},
        "/leads/{lead}/disqualify": {"lead-disqualify": f"/leads/{id}/disqualify"},
        "/leads/{lead}/convert": {"lead-convert": f"/leads/{id}/convert"},
        "/leads/{lead}/follow-up": {"lead-follow-up": f"/leads/{id}/follow-up"},
        "/leads/{lead}/email": {"lead-email": f"/leads/{id}/email"},
        "/leads/{lead}/whatsapp": {"lead-whatsapp": f"/leads/{id}/whatsapp"},
        "/leads/{lead}/sequences": {"lead-sequences": f"/leads/{id}/sequences"},
        "/segments": {"segments": "/segments"},
        "/segments/new": {"segment-new": "/segments/new"},
        "/segments/{segment}": {"segment": f"/segments/{segment.id}"},
        "/segments/{segment}/remove": {"segment-remove": f"/segments/{segment.id}/remove"},
        "/tasks": {"tasks": "/tasks?whose=all", "tasks-none": "/tasks"},
        "/tasks/new": {"task-new": "/tasks/new"},
        "/tasks/{task}/edit": {"task": f"/tasks/{task.id}/edit"},
        "/tasks/{task}/cancel": {"task-cancel": f"/tasks/{task.id}/cancel"},
        "/dashboard/crm": {
            "dashboard": "/dashboard/crm",
            "dashboard-all": "/dashboard/crm?period=all&status=qualified",
        },
        "/dashboard/forecast": {
            "forecast": "/dashboard/forecast?period=all",
            "forecast-past": f"/dashboard/forecast?asOf={day}",
        },
        "/palette": {"palette": "/palette?q=han"},
        "/undo/{operation}": {"undo": f"/undo/{moved}"},
        "/inbox": {"inbox": "/inbox"},
        "/calendar": {"tasks-calendar": "/calendar"},
        "/notifications": {"notifications": "/notifications"},
        "/notifications/settings": {"notification-settings": "/notifications/settings"},
        "/sign-in": {"sign-in": "/sign-in"},
        "/f/{form}": {
            "form": f"/f/{team.started.form_address}",
            "form-sent": f"/f/{team.started.form_address}?sent=1",
            "form-embedded": f"/f/{team.started.form_address}?embed=1",
        },
    }


async def _records(team: Team, hannah: Any, closed: Any) -> Walls:
    """Contacts and companies, what may be the same, what was merged, and files brought in."""
    people = [
        await team.do(team.ben, "crm.contacts.create", {"name": "Hanna Weiss", "email": f"hanna{n}@kestrel.example"})
        for n in range(3)
    ]
    firms = [
        await team.do(team.ben, "crm.companies.create", {"name": f"Kestrel Health {form}"})
        for form in ("Ltd", "GmbH", "AG")
    ]
    for plural, made in (("contacts", people), ("companies", firms)):
        await team.do(team.ana, f"crm.{plural}.merge", survivorId=str(made[0].id), mergedId=str(made[1].id))
    person, firm = hannah.contact_id, hannah.company_id
    brought = [(await cases[name].make(team))["importId"] for name in ("crm.imports.run", "crm.imports.undo")]
    return {
        "/contacts": {"contacts": "/contacts"},
        "/contacts/new": {"contact-new": "/contacts/new"},
        "/contacts/duplicates": {"duplicates": "/contacts/duplicates"},
        "/contacts/{record}": {"contact": f"/contacts/{person}", "contact-edit": f"/contacts/{person}?edit=email"},
        "/contacts/{record}/merge": {
            "contact-merge": f"/contacts/{person}/merge?with={closed.contact_id}",
            "contact-merge-with": f"/contacts/{person}/merge",
        },
        "/contacts/{record}/unmerge": {"contact-unmerge": f"/contacts/{people[1].id}/unmerge"},
        "/companies": {"companies": "/companies"},
        "/companies/new": {"company-new": "/companies/new"},
        "/companies/duplicates": {"duplicate-companies": "/companies/duplicates"},
        "/companies/{record}": {"company": f"/companies/{firm}"},
        "/companies/{record}/merge": {"company-merge": f"/companies/{firm}/merge?with={firms[0].id}"},
        "/companies/{record}/unmerge": {"company-unmerge": f"/companies/{firms[1].id}/unmerge"},
        "/imports": {"imports": "/imports"},
        "/imports/new": {"import-new": "/imports/new"},
        "/imports/{import}": {"import": f"/imports/{brought[0]}", "import-done": f"/imports/{brought[1]}"},
    }
