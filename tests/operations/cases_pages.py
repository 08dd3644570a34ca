"""The cases of what the pages read besides: the history of a pipeline, the timelines of contacts and companies."""

from baton.activities import kinds
from tests.operations.cases import Case, Input, cases
from tests.team import PASSWORD, Team


async def _intake(team: Team) -> Input:
    pipelines = await team.do(team.ana, "crm.pipelines.list")
    return {"pipelineId": str(next(p.id for p in pipelines if p.is_intake))}


cases["crm.leads.history"] = Case(_intake)


async def _contact(team: Team) -> Input:
    made = await team.do(team.ben, "crm.contacts.create", {"name": "Hannah Weiss"})
    return {"contactId": str(made.id)}


async def _company(team: Team) -> Input:
    found = await team.do(team.ben, "crm.companies.find", limit=1)
    company = (found.items or [await team.do(team.ben, "crm.companies.create", {"name": "Kestrel Health"})])[0]
    return {"companyId": str(company.id)}


cases["crm.contacts.timeline"] = Case(_contact)
cases["crm.companies.timeline"] = Case(_company)


async def _nothing(team: Team) -> Input:
    return {}


async def _zone(team: Team) -> Input:
    return {"timeZone": "Europe/Lisbon"}


async def _password(team: Team) -> Input:
    return {"current": PASSWORD, "new": PASSWORD}


cases["crm.profile.get"] = Case(_nothing, foreign=False)
cases["crm.profile.update"] = Case(_zone, (kinds.MEMBER_CHANGED,), foreign=False)
cases["crm.profile.setPassword"] = Case(_password, (kinds.PASSWORD_CHANGED,), foreign=False)
cases["crm.profile.signOutEverywhere"] = Case(_nothing, (kinds.SESSIONS_ENDED,), foreign=False)
