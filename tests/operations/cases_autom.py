"""Cases of automations and sequences."""

from uuid import UUID

from baton.activities import kinds
from baton.automations.rules import begin
from tests.operations.cases import Case, Input, case, cases
from tests.team import Team

NOTE = {"do": "operation", "operation": "crm.leads.logActivity", "input": {"type": "note", "notes": "Hello"}}
RULE = {"trigger": {"on": "activity", "kind": "call_logged"}, "steps": [NOTE]}


async def _nothing(team: Team) -> Input:
    return {}


async def _draft(team: Team) -> Input:
    found = await team.do(team.ana, "crm.automations.list")
    if len(found) >= 150:
        for each in found:
            await team.do(team.ana, "crm.automations.remove", automationId=str(each.id))
    made = await team.do(team.ben, "crm.automations.create", {"name": "Welcome"} | RULE)
    return {"automationId": str(made.id)}


async def _run(team: Team) -> Input:
    """A run that stands at its first step."""
    named = await _draft(team)
    await team.do(team.ana, "crm.automations.setState", named | {"state": "on"})
    lead = await team.capture()
    await team.do(team.ben, "crm.leads.logActivity", leadId=str(lead.id), type="call", notes="Rang")
    call = next(entry for entry in await team.log(lead.id) if entry.kind == kinds.CALL_LOGGED)
    await begin.on_activities(team.db, team.org_id, kinds.CALL_LOGGED, [call.id], 0)
    runs = await team.do(team.ana, "crm.automations.runs", named)
    await team.do(team.ana, "crm.automations.setState", named | {"state": "paused"})
    return {"runId": str(runs.items[0].id)}


async def _held(team: Team) -> Input:
    named = await _run(team)
    await team.do(team.ben, "crm.automations.hold", named | {"position": 0, "error": "No such stage."})
    return {"runIds": [named["runId"]]}


cases["crm.automations.list"] = Case(_nothing, foreign=False)
cases["crm.automations.runs"] = Case(_nothing, foreign=False)
cases["crm.automations.held"] = Case(_nothing, foreign=False)
cases["crm.automations.get"] = Case(_draft)
cases["crm.automations.run"] = Case(_run)
cases["crm.automations.dryRun"] = Case(_draft)
cases["crm.automations.remove"] = Case(_draft, (kinds.AUTOMATION_REMOVED,))
cases["crm.automations.retry"] = Case(_held, (kinds.AUTOMATION_RETRIED,))
cases["crm.automations.drop"] = Case(_held, (kinds.AUTOMATION_DROPPED,))


@case("crm.automations.create", kinds.AUTOMATION_CREATED, foreign=False)
async def _create(team: Team) -> Input:
    await _draft(team)
    return {"name": "Welcome"} | RULE


@case("crm.automations.edit", kinds.AUTOMATION_CHANGED)
async def _edit(team: Team) -> Input:
    return await _draft(team) | {"name": "Warm welcome"}


@case("crm.automations.setState", kinds.AUTOMATION_SWITCHED)
async def _switch(team: Team) -> Input:
    return await _draft(team) | {"state": "paused"}


@case("crm.automations.step", kinds.NOTE_ADDED)
async def _step(team: Team) -> Input:
    return await _run(team) | {"position": 0}


@case("crm.automations.hold", kinds.AUTOMATION_HELD)
async def _hold(team: Team) -> Input:
    return await _run(team) | {"position": 0, "error": "No such stage."}


@case("crm.automations.stop", kinds.AUTOMATION_STOPPED)
async def _stop(team: Team) -> Input:
    lead = await team.capture()
    (imported, *_) = await team.log(lead.id)
    id: UUID = imported.id
    return await _draft(team) | {"activityId": str(id)}
