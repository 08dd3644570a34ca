"""The task list: what is overdue, due today or within a week, one's own or everybody's; and changing a task."""

from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from baton.doors.web.filters import Options, named
from baton.doors.web.lead import task_view
from baton.doors.web.render import done, page, redirect
from baton.doors.web.sheets import Refusal, sheet
from baton.doors.web.show import day, due_at
from baton.doors.web.visit import Visit, as_uuid
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.kernel.page import Page
from baton.leads.find import ListLeads
from baton.leads.lead import Lead
from baton.tasks.edit import CancelTask, EditTask, Snooze
from baton.tasks.task import ListTasks, Task

HERE = "/tasks"
WHENS = (("", "All"), ("overdue", "Overdue"), ("today", "Today"), ("week", "Week"), ("upcoming", "Later"))
RECURS: Options = [
    ("", "Once"), ("FREQ=DAILY", "Every day"), ("FREQ=WEEKLY", "Every week"), ("FREQ=WEEKLY;INTERVAL=2", "Every other week"),
    ("FREQ=MONTHLY", "Every month"), ("FREQ=YEARLY", "Every year"),
]  # fmt: skip
_RECURS = dict(RECURS)


async def show(visit: Visit) -> Response:
    """GET /tasks: one's own open tasks; with `whose=all` everybody's; `when` overdue, today, week (by days) or upcoming."""
    everybody = visit.query.get("whose") == "all"
    when = visit.query.get("when", "")
    when = when if when in dict(WHENS) else ""
    mine = None if everybody or visit.actor.id is None else str(visit.actor.id)
    wish = {"assigneeId": mine, "when": when or None, "limit": 50, "cursor": visit.query.get("cursor")}
    asked = msgspec.convert({key: value for key, value in wish.items() if value is not None}, ListTasks)
    found: Page[Task] = await visit.perform("crm.tasks.list", asked)
    leads = await _leads(visit, found.items)
    by_id = {member.id: member for member in await visit.members()}
    rows = [_row(task, by_id, leads, visit) for task in found.items]
    kept = ({"whose": "all"} if everybody else {}) | ({"when": when} if when else {})
    onward = kept | {"cursor": found.next_cursor or ""}
    return await page(
        visit, "tasks.html", here=HERE, rows=rows, days=_days(rows) if when == "week" else [("", rows)] if rows else [],
        everybody=everybody, when=when, here_url=_url(kept),
        whens=[(_url(kept | {"when": key}), words, key == when) for key, words in WHENS],
        whose=[(_url({"when": when}), "Mine", not everybody), (_url({"when": when, "whose": "all"}), "Everybody’s", everybody)],
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
        "recurs": _RECURS.get(task.recurrence, "Recurs") if task.recurrence else "",
        "blocked": task.blocked,
        "day": "Today" if local.date() == today else f"{local:%A}, {day(local.date(), today)}",
    }


def _days(rows: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    return [(name, list(of_day)) for name, of_day in groupby(rows, key=lambda row: str(row["day"]))]


async def edit(visit: Visit) -> Response:
    """GET and POST /tasks/{task}/edit."""
    task = await _task(visit)
    error: Refusal | None = None
    local = task.due_at.astimezone(visit.zone)
    values: dict[str, Any] = {
        "title": task.title, "due": f"{local:%Y-%m-%dT%H:%M}", "assignTo": str(task.assignee_id or ""), "notes": task.notes or "",
        "recurrence": task.recurrence or "",
    }  # fmt: skip
    if visit.request.method == "POST":
        try:
            changed: Task = await visit.perform("crm.tasks.edit", _wish(visit, task, values))
            return done(visit, f"{changed.title}: {due_at(changed.due_at, visit.now, visit.zone)}.", HERE)
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
            values |= visit.fields
    recurs = RECURS if task.recurrence in (None, *_RECURS) else [*RECURS, (str(task.recurrence), str(task.recurrence))]
    return await sheet(
        visit, "task_edit.html", "Change the task", act="Save", back=HERE, values=values, error=error, here=HERE,
        owners=[("", "Nobody"), *named(await visit.members())], recurs=recurs, cancel_url=f"{HERE}/{task.id}/cancel",
    )  # fmt: skip


def _wish(visit: Visit, task: Task, shown: dict[str, Any]) -> EditTask:
    """What of the task the form changes: what it shows as it was stays as it is."""
    given = {key: visit.fields.get(key, "").strip() for key in shown}
    wish = EditTask(task_id=str(task.id), version=task.version)
    if given["title"] != shown["title"]:
        wish.title = given["title"]
    if given["notes"] != shown["notes"]:
        wish.notes = given["notes"] or None
    if given["assignTo"] != shown["assignTo"]:
        wish.assign_to = given["assignTo"] or None
    if given["recurrence"] != shown["recurrence"]:
        wish.recurrence = given["recurrence"] or None
    if given["due"] != shown["due"]:
        try:
            wish.due_at = datetime.fromisoformat(given["due"]).replace(tzinfo=visit.zone)
        except ValueError:
            raise Invalid("Say when: a day and a time.", field="dueAt") from None
    return wish


async def _task(visit: Visit) -> Task:
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


async def cancel(visit: Visit) -> Response:
    """GET and POST /tasks/{task}/cancel."""
    task = await _task(visit)
    error: Refusal | None = None
    if visit.request.method == "POST":
        try:
            await visit.perform("crm.tasks.cancel", CancelTask(task_id=str(task.id)))
            return done(visit, f"{task.title} is called off.", HERE)
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    lede = "It does not come again." if task.recurrence else "What was promised stays in the log."
    return await sheet(
        visit, "confirm.html", f"Call off “{task.title}”?", act="Call it off", back=HERE, values={}, error=error, here=HERE,
        tone="danger", lede=lede,
    )  # fmt: skip


async def _leads(visit: Visit, tasks: list[Task]) -> dict[str, Lead]:
    ids = sorted({str(task.lead_id) for task in tasks if task.lead_id})
    if not ids:
        return {}
    asked = ListLeads(where={"field": "id", "op": "in", "value": ids}, limit=len(ids))
    found: Page[Lead] = await visit.perform("crm.leads.find", asked)
    return {str(lead.id): lead for lead in found.items}
