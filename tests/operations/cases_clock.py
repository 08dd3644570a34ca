"""Cases of notices, the calendar and service levels, richer tasks, and the operators' view."""

from typing import Any

from baton.activities import kinds
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
