"""Cases of notices, the calendar and service levels, richer tasks, and the operators' view."""

from datetime import timedelta
from typing import Any

import msgspec

from baton.activities import kinds
from baton.kernel.values import utc_now
from tests.operations.cases import case
from tests.team import Team

Input = dict[str, Any]


async def notice_for(team: Team, whom: Any) -> str:
    """The id of a new notice."""
    lead = await team.capture()
    told = await team.do(
        team.ben,
        "crm.notifications.notify",
        memberId=str(whom.id),
        kind="assigned",
        title="They replied",
        leadId=str(lead.id),
    )
    return str(told.notice_id)


async def _none(team: Team) -> Input:
    return {}


for _name in ("crm.notifications.list", "crm.notifications.settings"):
    case(_name, foreign=False)(_none)


@case("crm.notifications.notify", kinds.MEMBER_NOTIFIED)
async def _notify(team: Team) -> Input:
    lead = await team.capture()
    return {"memberId": str(team.ana.id), "kind": "reply", "title": "Jane replied", "leadId": str(lead.id)}


@case("crm.notifications.markRead", kinds.NOTICES_READ)
async def _mark_read(team: Team) -> Input:
    return {"noticeId": await notice_for(team, team.vera)}


@case("crm.notifications.setSettings", kinds.NOTICE_SETTINGS_CHANGED, foreign=False)
async def _set_settings(team: Team) -> Input:
    hour = ((await team.do(team.vera, "crm.notifications.settings")).digest_hour + 1) % 24
    return {"digestHour": hour, "quietHours": {"from": "22:00", "to": "07:00"}}


@case("crm.notifications.ofActivities", kinds.MEMBER_NOTIFIED, foreign=False)
async def _of_activities(team: Team) -> Input:
    lead = await team.capture()
    await team.do(team.ana, "crm.leads.assign", leadId=str(lead.id), ownerId=str(team.ben.id))
    given = [activity for activity in await team.log(lead.id) if activity.kind == "assignment_changed"]
    return {"activityIds": [str(activity.id) for activity in given]}


@case("crm.notifications.mail", kinds.NOTICES_MAILED)
async def _mail(team: Team) -> Input:
    return {"memberId": str(team.vera.id)}


@case("crm.notifications.unmailed", kinds.NOTICES_UNMAILED)
async def _unmailed(team: Team) -> Input:
    return {"memberId": str(team.vera.id), "why": "No mail server is set up."}


for _name in ("crm.sla.settings",):
    case(_name, foreign=False)(_none)


@case("crm.sla.setSettings", kinds.CALENDAR_CHANGED, foreign=False)
async def _set_calendar(team: Team) -> Input:
    return {"nearPercent": 75, "holidays": [{"date": "2026-12-25", "name": "Christmas", "yearly": True}]}


async def _stage(team: Team, place: int = 0) -> str:
    return str((await team.do(team.ana, "crm.pipelines.list"))[0].stages[place].id)


@case("crm.sla.setStage", kinds.ESCALATION_CHANGED)
async def _set_stage(team: Team) -> Input:
    return {"stageId": await _stage(team), "onMissed": {"tell": ["admins"], "reassign": True, "task": True}}


async def late_lead(team: Team) -> Any:
    """A lead whose time is over, and of which nothing was told yet."""
    lead = await team.capture()
    async with team.db.transaction(team.org_id) as conn:
        await conn.execute(
            """UPDATE leads SET sla_due_at = now() - interval '1 hour', sla_next_at = now() - interval '1 hour'
                WHERE org_id = $1 AND id = $2""",
            team.org_id, lead.id,
        )  # fmt: skip
    return lead


@case("crm.sla.check", kinds.SLA_MISSED, foreign=False)
async def _check(team: Team) -> Input:
    await late_lead(team)
    return {}


@case("crm.sla.recount", kinds.SLA_RECOUNTED, foreign=False)
async def _recount(team: Team) -> Input:
    return {"stageId": await _stage(team)}


@case("crm.sla.escalate", kinds.TASK_CREATED, foreign=False)
async def _escalate(team: Team) -> Input:
    await team.do(team.ana, "crm.sla.setStage", stageId=await _stage(team), onMissed={"task": True})
    lead = await late_lead(team)
    await team.do(team.ben, "crm.sla.check")
    (missed,) = [activity for activity in await team.log(lead.id) if activity.kind == kinds.SLA_MISSED]
    return {"activityId": str(missed.id)}


async def _entered(team: Team) -> Input:
    (imported, *_) = await team.log((await team.capture()).id)
    return {"activityId": str(imported.id)}


case("crm.nurture.ask", foreign=False)(_entered)


@case("crm.nurture.tell", kinds.NURTURE_FAILED, kinds.MEMBER_NOTIFIED, foreign=False)
async def _nurtured(team: Team) -> Input:
    return await _entered(team) | {"why": "There is no address to write to."}


async def _task(team: Team, **given: Any) -> str:
    lead = await team.capture()
    wish = {"leadId": str(lead.id), "title": "Send the offer", "dueIn": "1d", "assignTo": str(team.ben.id)} | given
    return str((await team.do(team.ben, "crm.tasks.create", wish)).id)


@case("crm.tasks.create", kinds.TASK_CREATED)
async def _create_task(team: Team) -> Input:
    lead = await team.capture()
    return {
        "leadId": str(lead.id), "title": "Send the offer", "dueIn": "1d", "recurrence": "FREQ=WEEKLY;BYDAY=MO",
        "needs": [await _task(team)],
    }  # fmt: skip


@case("crm.tasks.edit", kinds.TASK_UPDATED)
async def _edit_task(team: Team) -> Input:
    return {"taskId": await _task(team), "title": "Send the better offer", "needs": [await _task(team)]}


@case("crm.tasks.snooze", kinds.TASK_UPDATED)
async def _snooze(team: Team) -> Input:
    return {"taskId": await _task(team), "dueIn": "3d"}


@case("crm.tasks.reassign", kinds.TASK_UPDATED)
async def _reassign(team: Team) -> Input:
    return {"taskId": await _task(team), "assignTo": str(team.ana.id)}


@case("crm.tasks.cancel", kinds.TASK_CANCELLED)
async def _cancel(team: Team) -> Input:
    return {"taskId": await _task(team)}


@case("crm.tasks.tellDue", kinds.TASK_DUE, foreign=False)
async def _tell_due(team: Team) -> Input:
    await _task(team, dueIn=None, dueAt=(utc_now() - timedelta(hours=1)).isoformat())
    return {}


@case("crm.tasks.remind", kinds.MEMBER_NOTIFIED, foreign=False)
async def _remind(team: Team) -> Input:
    await _task(team, dueIn=None, dueAt="2026-01-05T10:00:00Z")
    return {"day": "2026-11-20"}


case("crm.health.get", foreign=False)(_none)
case("crm.jobs.held", foreign=False)(_none)


async def held_job(team: Team) -> int:
    """A job of the team's that failed for good."""
    payload = msgspec.json.encode({"orgId": str(team.org_id), "kind": "lead_imported", "activityIds": [], "depth": 0})
    async with team.db.relay.acquire() as conn:
        id: int = await conn.fetchval(
            """INSERT INTO jobs.pgqueuer (priority, status, entrypoint, payload, created, updated, heartbeat, execute_after, attempts)
               VALUES (0, 'failed', 'wakeAgents', $1, now(), now(), now(), now(), 8) RETURNING id""",
            payload,
        )  # fmt: skip
        await conn.execute(
            """INSERT INTO jobs.pgqueuer_log (job_id, status, entrypoint, priority, traceback)
               VALUES ($1, 'failed', 'wakeAgents', 0, '{"exception_message": "The agent is away."}')""",
            id,
        )  # fmt: skip
    return id


async def _held(team: Team) -> Input:
    return {"jobId": await held_job(team)}


case("crm.jobs.retry", kinds.JOB_RETRIED)(_held)
case("crm.jobs.drop", kinds.JOB_DROPPED)(_held)


@case("crm.tasks.get")
async def _get_task(team: Team) -> Input:
    return {"taskId": await _task(team)}
