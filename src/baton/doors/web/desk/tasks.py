"""The task list: what is overdue, due today or within a week, one's own or everybody's; one or many are done or put off."""

from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from baton.doors.web.leads.filters import Options, named
from baton.doors.web.leads.lead import task_view
from baton.doors.web.shell.language import Choices, _, marked, several_of
from baton.doors.web.shell.render import page, redirect
from baton.doors.web.shell.times import weekday
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.kernel.errors import Invalid, NotFound
from baton.kernel.page import Page
from baton.leads.find import MAX_LIMIT, ListLeads
from baton.leads.lead import Lead
from baton.tasks.bulk import DoneToTasks
from baton.tasks.edit import Snooze
from baton.tasks.task import ListTasks, Task

HERE = "/tasks"
WHENS = Choices(
    [
        ("", marked("All")),
        ("overdue", marked("Overdue")),
        ("today", marked("Today")),
        ("week", marked("Week")),
        ("upcoming", marked("Later")),
    ]
)
RECURS: Options = Choices(
    [
        ("", marked("Once")),
        ("FREQ=DAILY", marked("Every day")),
        ("FREQ=WEEKLY", marked("Every week")),
        ("FREQ=WEEKLY;INTERVAL=2", marked("Every other week")),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", marked("On weekdays")),
        ("FREQ=MONTHLY", marked("Every month")),
        ("FREQ=YEARLY", marked("Every year")),
    ]
)


async def show(visit: Visit) -> Response:
    """GET /tasks: one's own open tasks; with `whose=all` everybody's; `when` overdue, today, week (by days) or upcoming."""
    everybody = visit.query.get("whose") == "all"
    when = visit.query.get("when", "")
    when = when if when in dict(WHENS) else ""
    mine = None if everybody or visit.actor.id is None else str(visit.actor.id)
    wish = {"assigneeId": mine, "when": when or None, "limit": 50, "cursor": visit.query.get("cursor")}
    asked = msgspec.convert({key: value for key, value in wish.items() if value is not None}, ListTasks)
    found: Page[Task] = await visit.perform("crm.tasks.list", asked)
    leads = await leads_of(visit, found.items)
    by_id = {member.id: member for member in await visit.members()}
    rows = [_row(task, by_id, leads, visit) for task in found.items]
    kept = ({"whose": "all"} if everybody else {}) | ({"when": when} if when else {})
    onward = kept | {"cursor": found.next_cursor or ""}
    return await page(
        visit, "tasks.html", here=HERE, rows=rows, days=_days(rows) if when == "week" else [("", rows)] if rows else [],
        everybody=everybody, when=when, members=named(await visit.members()), here_url=_url(kept),
        whens=[(_url(kept | {"when": key}), words, key == when) for key, words in WHENS],
        whose=[(_url({"when": when}), _("Mine"), not everybody), (_url({"when": when, "whose": "all"}), _("Everybody’s"), everybody)],
        next_url=_url(onward) if found.next_cursor else None,
    )  # fmt: skip


def _url(asked: dict[str, str]) -> str:
    query = urlencode({key: value for key, value in asked.items() if value})
    return f"{HERE}?{query}" if query else HERE


def _row(task: Task, by_id: dict[Any, Any], leads: dict[str, Lead], visit: Visit) -> dict[str, Any]:
    local = task.due_at.astimezone(visit.zone)
    today = visit.now.astimezone(visit.zone).date()
    return {
        "task": task_view(task, by_id.get(task.assignee_id) if task.assignee_id else None, visit),
        "lead": leads.get(str(task.lead_id)),
        "step": task.parent_id is not None,
        "about": _record(task),
        "recurs": dict(RECURS).get(task.recurrence, _("Recurs")) if task.recurrence else "",
        "blocked": task.blocked,
        "day": _("Today") if local.date() == today else weekday(local.date(), today),
    }


def _record(task: Task) -> tuple[str, str] | None:
    """Where the contact or company is that a task without a lead is about."""
    if task.contact_id:
        return f"/contacts/{task.contact_id}", _("Contact")
    return (f"/companies/{task.company_id}", _("Company")) if task.company_id else None


def _days(rows: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    return [(name, list(of_day)) for name, of_day in groupby(rows, key=lambda row: str(row["day"]))]


async def read_task(visit: Visit) -> Task:
    """The task in the address. Raises NotFound."""
    if as_uuid(visit.path["task"]) is None:
        raise NotFound("There is no such task in your organization.")
    found: Task = await visit.perform("crm.tasks.get", {"taskId": visit.path["task"]})
    return found


async def snooze(visit: Visit) -> Response:
    """POST /tasks/{task}/snooze: to tomorrow at nine of the reader's clock, or a week on."""
    until = tomorrow(visit, 7 if visit.fields.get("days") == "7" else 1)
    await visit.perform("crm.tasks.snooze", Snooze(task_id=visit.path["task"], until=until))
    return redirect(visit.back(HERE))


def tomorrow(visit: Visit, days: int = 1) -> datetime:
    """Nine o'clock of the reader, some days on."""
    local = visit.now.astimezone(visit.zone) + timedelta(days=days)
    return local.replace(hour=9, minute=0, second=0, microsecond=0)


async def leads_of(visit: Visit, tasks: list[Task]) -> dict[str, Lead]:
    """The leads of tasks by their ids, read by two hundreds."""
    ids = sorted({str(task.lead_id) for task in tasks if task.lead_id})
    leads: list[Lead] = []
    for begin in range(0, len(ids), MAX_LIMIT):
        some = ids[begin : begin + MAX_LIMIT]
        asked = ListLeads(where={"field": "id", "op": "in", "value": some}, limit=len(some))
        found: Page[Lead] = await visit.perform("crm.leads.find", asked)
        leads += found.items
    return {str(lead.id): lead for lead in leads}


async def bulk(visit: Visit) -> Response:
    """POST /tasks/bulk: the ticked ones are completed, put off until tomorrow or next week, or given to somebody."""
    ids = [value for key, value in visit.several if key == "task"][:200]
    wish: dict[str, Any] = {"taskIds": ids, "act": visit.fields.get("act", "")}
    if wish["act"] in ("tomorrow", "week"):
        wish |= {
            "act": "snooze",
            "until": tomorrow(visit, 7 if wish["act"] == "week" else 1).astimezone(UTC).isoformat(),
        }
    if wish["act"] == "reassign":
        wish["assignTo"] = visit.fields.get("assignTo") or None
    if not ids:
        raise Invalid(_("Tick the tasks first."), field="task")
    found: DoneToTasks = await visit.perform("crm.tasks.bulk", wish)
    words = several_of("%(count)s task: done.", "%(count)s tasks: done.", found.done) % {"count": found.done}
    if found.left:
        words += " " + _("Left: %(title)s. %(why)s") % {"title": found.left[0].title, "why": found.left[0].why}
    if not visit.from_htmx:
        return redirect(visit.back(HERE))
    visit.said, visit.undo = words, visit.operation_id if found.done else None
    return await show(visit)
