"""The task list: what is due, the earliest first, one's own or everybody's."""

from urllib.parse import urlencode

from starlette.responses import Response

from baton.doors.web.lead import task_view
from baton.doors.web.render import page
from baton.doors.web.visit import Visit
from baton.kernel.page import Page
from baton.leads.find import ListLeads
from baton.leads.lead import Lead
from baton.tasks.task import ListTasks, Task


async def show(visit: Visit) -> Response:
    """GET /tasks: one's own open tasks; with `whose=all` everybody's."""
    everybody = visit.query.get("whose") == "all"
    mine = None if everybody or visit.actor.id is None else str(visit.actor.id)
    found: Page[Task] = await visit.perform(
        "crm.tasks.list", ListTasks(assignee_id=mine, limit=50, cursor=visit.query.get("cursor"))
    )
    leads = await _leads(visit, found.items)
    by_id = {member.id: member for member in await visit.members()}
    rows = [
        {
            "task": task_view(task, by_id.get(task.assignee_id) if task.assignee_id else None, visit),
            "lead": leads.get(str(task.lead_id)),
        }
        for task in found.items
    ]
    onward = ({"whose": "all"} if everybody else {}) | {"cursor": found.next_cursor or ""}
    return await page(
        visit,
        "tasks.html",
        here="/tasks",
        rows=rows,
        everybody=everybody,
        here_url="/tasks?whose=all" if everybody else "/tasks",
        next_url=f"/tasks?{urlencode(onward)}" if found.next_cursor else None,
    )


async def _leads(visit: Visit, tasks: list[Task]) -> dict[str, Lead]:
    ids = sorted({str(task.lead_id) for task in tasks if task.lead_id})
    if not ids:
        return {}
    asked = ListLeads(where={"field": "id", "op": "in", "value": ids}, limit=len(ids))
    found: Page[Lead] = await visit.perform("crm.leads.find", asked)
    return {str(lead.id): lead for lead in found.items}
