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


PLAN = {"steps": [{"do": "task", "title": "Call {{ lead.name }}"}]}


async def _sequence(team: Team) -> Input:
    found = await team.do(team.ana, "crm.sequences.list")
    if len(found) >= 150:
        for each in found:
            await team.do(team.ana, "crm.sequences.remove", sequenceId=str(each.id))
    made = await team.do(team.ben, "crm.sequences.create", {"name": "Welcome", "plan": PLAN})
    return {"sequenceId": str(made.id)}


async def _on(team: Team) -> Input:
    named = await _sequence(team)
    await team.do(team.ana, "crm.sequences.setState", named | {"state": "on"})
    return named


async def _lead_for(team: Team) -> Input:
    return await _on(team) | {"leadId": str((await team.capture()).id)}


async def _enrolment(team: Team) -> Input:
    made = await team.do(team.ben, "crm.sequences.enrol", await _lead_for(team))
    return {"enrolmentId": str(made.id)}


async def _paused(team: Team) -> Input:
    named = await _enrolment(team)
    await team.do(team.ben, "crm.enrolments.pause", named)
    return named


cases["crm.sequences.list"] = Case(_nothing, foreign=False)
cases["crm.enrolments.list"] = Case(_nothing, foreign=False)
cases["crm.sequences.get"] = Case(_sequence)
cases["crm.enrolments.get"] = Case(_enrolment)
cases["crm.sequences.remove"] = Case(_sequence, (kinds.SEQUENCE_REMOVED,))
cases["crm.sequences.enrol"] = Case(_lead_for, (kinds.SEQUENCE_ENROLLED,))
cases["crm.enrolments.pause"] = Case(_enrolment, (kinds.SEQUENCE_WAITS,))
cases["crm.enrolments.resume"] = Case(_paused, (kinds.SEQUENCE_RESUMED,))
cases["crm.enrolments.remove"] = Case(_enrolment, (kinds.SEQUENCE_STOPPED,))


@case("crm.sequences.create", kinds.SEQUENCE_CREATED, foreign=False)
async def _create_sequence(team: Team) -> Input:
    await _sequence(team)
    return {"name": "Welcome", "plan": PLAN}


@case("crm.sequences.edit", kinds.SEQUENCE_CHANGED)
async def _edit_sequence(team: Team) -> Input:
    return await _sequence(team) | {"name": "Warm welcome"}


@case("crm.sequences.setState", kinds.SEQUENCE_SWITCHED)
async def _switch_sequence(team: Team) -> Input:
    return await _sequence(team) | {"state": "on"}


@case("crm.sequences.enrolMany", kinds.SEQUENCE_ENROLLED)
async def _enrol_many(team: Team) -> Input:
    given = await _lead_for(team)
    return {"sequenceId": given["sequenceId"], "leadIds": [given["leadId"]]}


@case("crm.enrolments.retime", kinds.SEQUENCE_RETIMED)
async def _retime(team: Team) -> Input:
    return await _enrolment(team) | {"at": "2027-04-30T10:00:00Z"}


@case("crm.sequences.step", kinds.TASK_CREATED, kinds.SEQUENCE_FINISHED)
async def _sequence_step(team: Team) -> Input:
    return await _enrolment(team) | {"position": 0}


@case("crm.sequences.hold", kinds.SEQUENCE_HELD)
async def _hold_enrolment(team: Team) -> Input:
    return await _enrolment(team) | {"position": 0, "error": "No mailbox."}


@case("crm.sequences.leave", kinds.SEQUENCE_STOPPED, foreign=False)
async def _leave(team: Team) -> Input:
    given = await _lead_for(team)
    await team.do(team.ben, "crm.sequences.enrol", given)
    await team.do(team.ben, "crm.leads.logActivity", leadId=given["leadId"], type="email_received", notes="Thanks")
    heard = next(e for e in await team.log(UUID(given["leadId"])) if e.kind == kinds.EMAIL_RECEIVED)
    return {"activityIds": [str(heard.id)]}
