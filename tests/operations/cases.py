"""A case for every operation: what it needs, who may, and which activity it leaves."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from baton.activities import kinds
from tests.team import PASSWORD, Team

Input = dict[str, Any]
Make = Callable[[Team], Awaitable[Input]]


@dataclass(frozen=True)
class Case:
    """How to perform an operation: its input made for a team, and the kinds of activity it must append (none: a query).

    `foreign` says whether the input names a record, so that another organization must not find it.
    """

    make: Make
    leaves: tuple[str, ...] = ()
    foreign: bool = True


cases: dict[str, Case] = {}


def case(name: str, *leaves: str, foreign: bool = True) -> Callable[[Make], Make]:
    """Register the case of an operation."""

    def register(make: Make) -> Make:
        cases[name] = Case(make, leaves, foreign)
        return make

    return register


async def _nothing(team: Team) -> Input:
    return {}


for _name in (
    "crm.pipelines.list", "crm.members.list", "crm.credentials.list", "crm.forms.list", "crm.scoring.rules", "crm.routing.rules",
    "crm.organization.get", "crm.activities.list", "crm.leads.find", "crm.tasks.list", "crm.agents.runs",
):  # fmt: skip
    cases[_name] = Case(_nothing, foreign=False)


async def _lead(team: Team) -> Input:
    return {"leadId": str((await team.capture()).id)}


for _name in ("crm.leads.get", "crm.leads.timeline", "crm.leads.scoreHistory"):
    cases[_name] = Case(_lead)
cases["crm.leads.score"] = Case(_lead, (kinds.LEAD_SCORED,))
cases["crm.leads.route"] = Case(_lead, (kinds.ASSIGNMENT_CHANGED,))
cases["crm.leads.qualify"] = Case(_lead, (kinds.STAGE_CHANGED, kinds.LEAD_QUALIFIED))
cases["crm.leads.disqualify"] = Case(_lead, (kinds.STAGE_CHANGED, kinds.LEAD_DISQUALIFIED))
cases["crm.leads.delete"] = Case(_lead, (kinds.LEAD_DELETED,))


async def _pipeline(team: Team) -> Input:
    pipelines = await team.do(team.ana, "crm.pipelines.list")
    return {"pipelineId": str(pipelines[0].id)}


cases["crm.pipelines.get"] = Case(_pipeline)
cases["crm.leads.board"] = Case(_pipeline)


@case("crm.pipelines.routeUnassigned", kinds.ASSIGNMENT_CHANGED)
async def _route_unassigned(team: Team) -> Input:
    lead = await team.capture()
    return {"pipelineId": str(lead.pipeline_id)}


@case("crm.leads.boardColumn")
async def _column(team: Team) -> Input:
    return {"stageId": str((await team.capture()).stage_id)}


@case("crm.leads.asOf")
async def _as_of(team: Team) -> Input:
    lead = await team.capture()
    return {"leadId": str(lead.id), "at": lead.last_activity_at.isoformat()}


@case("crm.leads.moveStage", kinds.STAGE_CHANGED)
async def _move(team: Team) -> Input:
    pipeline = (await team.do(team.ana, "crm.pipelines.list"))[0]
    return await _lead(team) | {"stageId": str(pipeline.stages[2].id), "reason": "They answered."}


@case("crm.leads.setStatus", kinds.STAGE_CHANGED)
async def _status(team: Team) -> Input:
    return await _lead(team) | {"status": "proposal"}


@case("crm.leads.convert", kinds.STAGE_CHANGED, kinds.LEAD_CONVERTED, kinds.LEAD_IMPORTED, kinds.CUSTOMER_CREATED)
async def _convert(team: Team) -> Input:
    lead = await _lead(team)
    await team.do(team.ben, "crm.leads.qualify", lead)
    return lead | {"createCustomer": True}


@case("crm.leads.assign", kinds.ASSIGNMENT_CHANGED)
async def _assign(team: Team) -> Input:
    return await _lead(team) | {"ownerId": str(team.ben.id)}


@case("crm.leads.update", kinds.FIELD_UPDATED, kinds.LEAD_SCORED)
async def _update(team: Team) -> Input:
    return await _lead(team) | {"title": "Head of Sales", "tags": ["EU"]}


@case("crm.leads.logActivity", kinds.CALL_LOGGED)
async def _log(team: Team) -> Input:
    return await _lead(team) | {"type": "call", "notes": "Talked about the pilot."}


@case("crm.leads.followUp", kinds.TASK_CREATED)
async def _follow_up(team: Team) -> Input:
    return await _lead(team) | {"dueIn": "2h", "assignTo": str(team.ben.id)}


@case("crm.tasks.complete", kinds.TASK_COMPLETED)
async def _complete(team: Team) -> Input:
    task = await team.do(team.ben, "crm.leads.followUp", await _follow_up(team))
    return {"taskId": str(task.id), "outcome": "They want a pilot."}


@case("crm.leads.restore", kinds.LEAD_RESTORED)
async def _restore(team: Team) -> Input:
    lead = await _lead(team)
    await team.do(team.ana, "crm.leads.delete", lead)
    return lead


@case("crm.leads.create", kinds.LEAD_IMPORTED, kinds.LEAD_SCORED)
async def _create(team: Team) -> Input:
    return {"firstName": "Wei", "lastName": "Zhang", "ownerId": str(team.ben.id), "valueCents": 920_000}


@case("crm.leads.capture", kinds.LEAD_IMPORTED, kinds.LEAD_SCORED)
async def _capture(team: Team) -> Input:
    return {
        "orgId": str(team.org_id),
        "firstName": "Jane",
        "lastName": "Smith",
        "email": "jane@example.com",
        "source": "website",
    }


@case("crm.forms.get")
async def _form(team: Team) -> Input:
    return {"address": team.started.form_address}


@case("crm.forms.submit", kinds.LEAD_IMPORTED, kinds.LEAD_SCORED)
async def _submit(team: Team) -> Input:
    values = {"firstName": "Ingrid", "lastName": "Solberg", "email": "ingrid@fjord.example", "message": "Hello"}
    return {"address": team.started.form_address, "values": values}


@case("crm.forms.create", kinds.FORM_CREATED)
async def _new_form(team: Team) -> Input:
    return await _pipeline(team) | {"name": "Trade fair"}


@case("crm.pipelines.create", kinds.PIPELINE_CREATED, foreign=False)
async def _new_pipeline(team: Team) -> Input:
    return {"name": "Partners", "stages": [{"name": "New"}, {"name": "Signed", "probability": 100, "terminal": True}]}


@case("crm.scoring.setRules", kinds.SCORING_CHANGED, foreign=False)
async def _scoring(team: Team) -> Input:
    rule = {"name": "from a referral", "condition": {"field": "source", "op": "=", "value": "referral"}, "points": 50}
    return {"factors": [{"key": "source", "label": "Source", "maxPoints": 50, "rules": [rule]}]}


@case("crm.routing.setRules", kinds.ROUTING_CHANGED)
async def _routing(team: Team) -> Input:
    return {"rules": [{"name": "Everyone", "pool": [str(team.ben.id), str(team.marcus.id)]}]}


@case("crm.agents.playbook")
async def _playbook(team: Team) -> Input:
    return {"agentId": str(team.athena.id)}


@case("crm.agents.setPlaybook", kinds.PLAYBOOK_CHANGED)
async def _set_playbook(team: Team) -> Input:
    step = {"operation": "crm.leads.followUp", "input": {"dueIn": "1d"}}
    return {"agentId": str(team.athena.id), "rules": [{"name": "Call", "trigger": "lead_imported", "steps": [step]}]}


@case("crm.organization.update", kinds.ORGANIZATION_CHANGED, foreign=False)
async def _organization(team: Team) -> Input:
    return {"timeZone": "Europe/Berlin"}


@case("crm.members.addPerson", kinds.MEMBER_ADDED, foreign=False)
async def _person(team: Team) -> Input:
    return {"name": "Nora", "email": f"nora.{secrets.token_hex(4)}@northwind.example", "password": PASSWORD}


@case("crm.members.addAgent", kinds.MEMBER_ADDED, foreign=False)
async def _agent(team: Team) -> Input:
    return {"name": "Scout", "agentKind": "external"}


@case("crm.members.update", kinds.MEMBER_CHANGED)
async def _member(team: Team) -> Input:
    return {"memberId": str(team.ben.id), "capacity": 20}


@case("crm.members.remove", kinds.MEMBER_REMOVED)
async def _remove(team: Team) -> Input:
    member = await team.do(team.ana, "crm.members.addAgent", {"name": "Temp"})
    return {"memberId": str(member.id)}


@case("crm.credentials.create", kinds.CREDENTIAL_CREATED)
async def _credential(team: Team) -> Input:
    return {"name": "Website", "memberId": str(team.marcus.id)}


@case("crm.credentials.revoke", kinds.CREDENTIAL_REVOKED)
async def _revoke(team: Team) -> Input:
    made = await team.do(team.ana, "crm.credentials.create", await _credential(team))
    return {"credentialId": str(made.id)}


@case("crm.agents.planRuns", kinds.AGENT_WOKEN, foreign=False)
async def _plan(team: Team) -> Input:
    lead = await team.capture()
    return {"kind": "lead_imported", "activityIds": [str((await team.log(lead.id))[0].id)]}


@case("crm.operations.undo", kinds.UNDONE)
async def _undo(team: Team) -> Input:
    ref = await _lead(team)
    await team.do(team.ben, "crm.leads.setStatus", ref | {"status": "proposal"})
    page = await team.do(team.ben, "crm.leads.timeline", ref | {"limit": 1})
    return {"operationId": str(page.items[0].operation_id)}


@case("crm.tasks.cancelOfClosed", kinds.TASK_CANCELLED, foreign=False)
async def _cancel(team: Team) -> Input:
    lead = await team.capture()
    await team.do(team.ben, "crm.leads.followUp", leadId=str(lead.id), dueIn="1d", assignTo=str(team.ben.id))
    await team.do(team.ben, "crm.leads.setStatus", leadId=str(lead.id), status="lost")
    return {"activityIds": [str((await team.log(lead.id))[-1].id)]}


@case("crm.agents.finishRun", kinds.AGENT_RAN)
async def _finish(team: Team) -> Input:
    runs = await team.do(team.athena, "crm.agents.planRuns", await _plan(team))
    return {"runId": str(runs[0].id), "receipt": []}


@case("crm.organizations.start", kinds.ORGANIZATION_CREATED, foreign=False)
async def _start(team: Team) -> Input:
    email = f"eve.{secrets.token_hex(4)}@other.example"
    return {"name": "Other", "ownerName": "Eve", "ownerEmail": email, "ownerPassword": PASSWORD}
