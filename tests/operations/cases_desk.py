"""The cases of a person's desk: the inbox."""

from baton.accounts.sign_in import Membership, open_session
from baton.activities import kinds
from tests.operations.cases import Case, Input, cases
from tests.team import Team


async def _nothing(team: Team) -> Input:
    return {}


cases["crm.inbox.list"] = Case(_nothing, foreign=False)
cases["crm.inbox.counts"] = Case(_nothing, foreign=False)


async def _tasks(team: Team) -> Input:
    wish = {"leadId": str((await team.capture()).id), "dueIn": "1d", "title": "Call"}
    made = [await team.do(team.ben, "crm.tasks.create", wish) for _ in range(2)]
    return {"taskIds": [str(task.id) for task in made], "act": "complete"}


cases["crm.tasks.bulk"] = Case(_tasks, (kinds.TASK_COMPLETED, kinds.TASK_COMPLETED))


async def _lead(team: Team) -> Input:
    return {"leadId": str((await team.capture()).id)}


cases["crm.whatsapp.window"] = Case(_lead)


async def _session(team: Team) -> Input:
    assert team.vera.id
    place = Membership(org_id=team.org_id, org_name="", member_id=team.vera.id, name="Vera Lind", role=team.vera.role)
    await open_session(team.db, place)
    found = await team.do(team.vera, "crm.profile.sessions")
    return {"sessionId": str(found[0].id)}


cases["crm.profile.sessions"] = Case(_nothing, foreign=False)
cases["crm.profile.endSession"] = Case(_session, (kinds.SESSION_ENDED,))
