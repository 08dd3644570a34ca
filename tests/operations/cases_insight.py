"""The cases of scoring, routing, reports, contacts and companies."""

import secrets
from typing import Any

from baton.activities import kinds
from tests.operations.cases import Case, Input, case, cases
from tests.team import Team


async def _nothing(team: Team) -> Input:
    return {}


async def stale_lead(team: Team) -> Any:
    """A lead that the rules see otherwise than when it was scored: a rule was added for it since."""
    tag = secrets.token_hex(4)
    lead = await team.do(team.ben, "crm.leads.create", lastName="Rey", title="Clerk", tags=[tag])
    rules = await team.do(team.ana, "crm.scoring.rules")
    factors = [
        {"key": f.key, "label": f.label, "maxPoints": f.max_points, "combine": f.combine, "weight": f.weight,
         "rules": [{"name": r.name, "condition": r.condition, "points": r.points, "enabled": r.enabled} for r in f.rules]}
        for f in rules
    ]  # fmt: skip
    factors[-1]["rules"].append(
        {"name": f"tag {tag}", "condition": {"field": "tags", "op": "has_any", "value": [tag]}, "points": 7}
    )
    await team.do(team.ana, "crm.scoring.setRules", factors=factors)
    return lead


cases["crm.scoring.bands"] = Case(_nothing, foreign=False)


@case("crm.scoring.setBands", kinds.SCORING_CHANGED, foreign=False)
async def _bands(team: Team) -> Input:
    return {"high": 70, "medium": 40}


@case("crm.leads.scoreBatch", kinds.LEAD_SCORED)
async def _score_batch(team: Team) -> Input:
    return {"leadIds": [str((await stale_lead(team)).id)]}


@case("crm.leads.refreshScores", kinds.LEAD_SCORED, foreign=False)
async def _refresh(team: Team) -> Input:
    lead = await stale_lead(team)
    return {"after": str(lead.id)[:-12] + "000000000000", "limit": 5}


async def _pipeline(team: Team) -> Input:
    return {"pipelineId": str((await team.capture()).pipeline_id)}


for _name in (
    "crm.reports.conversion", "crm.reports.sources", "crm.reports.overview", "crm.reports.funnel", "crm.reports.velocity",
    "crm.reports.forecast", "crm.reports.people", "crm.leads.analytics",
):  # fmt: skip
    cases[_name] = Case(_pipeline)


@case("crm.scoring.backTest")
async def _back_test(team: Team) -> Input:
    lead = await team.capture()
    await team.do(team.ana, "crm.leads.setStatus", leadId=str(lead.id), status="won")
    rule = {"name": "website", "condition": {"field": "source", "op": "=", "value": "website"}, "points": 50}
    factors = [{"key": "source", "label": "Source", "maxPoints": 100, "rules": [rule]}]
    return {"factors": factors, "pipelineId": str(lead.pipeline_id)}


@case("crm.routing.dryRun")
async def _dry_run(team: Team) -> Input:
    return {"leadIds": [str((await team.capture()).id)]}


for _name in (
    "crm.contacts.find", "crm.companies.find", "crm.customers.find", "crm.contacts.duplicates", "crm.companies.duplicates",
    "crm.contacts.matching",
):  # fmt: skip
    cases[_name] = Case(_nothing, foreign=False)


@case("crm.contacts.setMatching", kinds.ORGANIZATION_CHANGED, foreign=False)
async def _matching(team: Team) -> Input:
    return {"ignoreCase": True, "ignorePlus": False}


async def _contacts(team: Team) -> Input:
    one, other = await team.capture(), await team.capture()
    return {"survivorId": str(one.contact_id), "mergedId": str(other.contact_id)}


async def _companies(team: Team) -> Input:
    made = [await team.do(team.ben, "crm.companies.create", {"name": f"Acme {secrets.token_hex(4)}"}) for _ in range(2)]
    return {"survivorId": str(made[0].id), "mergedId": str(made[1].id)}


cases["crm.contacts.merge"] = Case(_contacts, (kinds.CONTACT_MERGED, kinds.FIELD_UPDATED))
cases["crm.companies.merge"] = Case(_companies, (kinds.COMPANY_MERGED,))


@case("crm.contacts.unmerge", kinds.CONTACT_UNMERGED, kinds.FIELD_UPDATED)
async def _unmerge_contacts(team: Team) -> Input:
    two = await _contacts(team)
    await team.do(team.ben, "crm.contacts.merge", two)
    return {"mergedId": two["mergedId"]}


@case("crm.companies.unmerge", kinds.COMPANY_UNMERGED)
async def _unmerge_companies(team: Team) -> Input:
    two = await _companies(team)
    await team.do(team.ben, "crm.companies.merge", two)
    return {"mergedId": two["mergedId"]}


@case("crm.contacts.update", kinds.CONTACT_UPDATED)
async def _update_contact(team: Team) -> Input:
    return {"contactId": str((await team.capture()).contact_id), "title": "Head of Sales"}


@case("crm.companies.create", kinds.COMPANY_CREATED, foreign=False)
async def _create_company(team: Team) -> Input:
    return {"name": f"Globex {secrets.token_hex(4)}", "website": "globex.example"}


@case("crm.companies.get")
async def _company(team: Team) -> Input:
    return {"companyId": (await _companies(team))["survivorId"]}


@case("crm.companies.update", kinds.COMPANY_UPDATED)
async def _update_company(team: Team) -> Input:
    return await _company(team) | {"industry": "Machines", "size": 40}
