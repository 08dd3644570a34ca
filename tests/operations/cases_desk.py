"""The cases of a person's desk: the inbox."""

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
