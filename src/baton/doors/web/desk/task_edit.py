"""A task is changed, with its steps and what it waits for, or called off. Spec C5."""

from collections.abc import Mapping
from typing import Any, cast

import msgspec
from starlette.responses import Response

from baton.doors.web.desk.task_new import kinds, moment_in
from baton.doors.web.desk.tasks import HERE, RECURS, read_task
from baton.doors.web.leads.filters import named
from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import done
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.stale import Clash, settle
from baton.doors.web.shell.times import due_at
from baton.doors.web.shell.visit import Visit
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.kernel.page import Page
from baton.tasks.create import CreateTask
from baton.tasks.edit import CancelTask, EditTask
from baton.tasks.task import ListTasks, Task, TaskKind


async def edit(visit: Visit) -> Response:
    """GET and POST /tasks/{task}/edit: its words and time, its steps, and what it waits for."""
    task = await read_task(visit)
    steps, others = await _beside(visit, task)
    error: Refusal | None = None
    local = task.due_at.astimezone(visit.zone)
    values: dict[str, Any] = {
        "title": task.title, "due": f"{local:%Y-%m-%dT%H:%M}", "assignTo": str(task.assignee_id or ""), "notes": task.notes or "",
        "recurrence": task.recurrence or "", "kind": task.kind,
    }  # fmt: skip
    shown = dict(values)
    needs = {str(id) for id in task.needs}
    clashes = await _settled(visit, task, shown) if visit.request.method == "POST" else []
    values |= visit.fields if clashes else {}
    if visit.request.method == "POST" and not clashes:
        try:
            changed = await _save(visit, task, shown, [id for id, _title, _due in others])
            visit.undo = visit.operation_id
            return done(visit, f"{changed.title}: {due_at(changed.due_at, visit.now, visit.zone)}.", HERE)
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
            values |= visit.fields
            needs = {value for key, value in visit.several if key == "need"}
    known = dict(RECURS)
    recurs = RECURS if task.recurrence in (None, *known) else [*RECURS, (str(task.recurrence), str(task.recurrence))]
    return await sheet(
        visit, "task_edit.html", _("Change the task"), act=_("Save"), back=HERE, values=values, error=error, here=HERE, kinds=kinds(),
        owners=[("", _("Nobody")), *named(await visit.members())], recurs=recurs, cancel_url=f"{HERE}/{task.id}/cancel",
        steps=steps, others=[(*other, other[0] in needs) for other in others], may_step=task.parent_id is None,
        was=shown, clashes=clashes,
    )  # fmt: skip


async def _settled(visit: Visit, task: Task, shown: Mapping[str, Any]) -> list[Clash]:
    """What the form says, settled with what others wrote since it was opened."""
    labels = {
        "title": _("What"),
        "due": _("When"),
        "assignTo": _("Who"),
        "recurrence": _("How often"),
        "notes": _("Notes"),
    }
    people = dict(named(await visit.members()))
    keys = {"due": "dueAt", "assignTo": "assigneeId"}
    return await settle(visit, task.id, shown, labels, shown={"assignTo": people}, keys=keys)


async def _save(visit: Visit, task: Task, shown: Mapping[str, Any], offered: list[str]) -> Task:
    """Change what the form changes, and make the steps that it adds. Answers the task."""
    needs = [value for key, value in visit.several if key == "need" and value in offered]
    hidden = [
        str(id) for id in task.needs if str(id) not in offered
    ]  # what is done, or far away, is not offered and stays
    wish = _wish(visit, task, dict(shown))
    if "needs" in visit.fields and {*needs, *hidden} != {str(id) for id in task.needs}:
        wish.needs = [*needs, *hidden]
    changed: Task = await visit.perform("crm.tasks.edit", wish)
    edited = visit.operation_id
    titles = [line.strip() for line in visit.fields.get("steps", "").splitlines() if line.strip()][:20]
    for title in titles:
        step = CreateTask(
            title=title,
            parent_id=str(task.id),
            due_at=changed.due_at,
            assign_to=str(changed.assignee_id) if changed.assignee_id else None,
        )
        await visit.perform("crm.tasks.create", step)
    visit.operation_id = None if titles else edited
    return changed


async def _beside(visit: Visit, task: Task) -> tuple[list[Task], list[tuple[str, str, str]]]:
    """The steps of a task, and the other open tasks of its record, which it may wait for."""
    found: Page[Task] = await visit.perform("crm.tasks.list", ListTasks(parent_id=str(task.id), status=None, limit=50))
    record = "lead_id" if task.lead_id else "contact_id" if task.contact_id else "company_id"
    about = {record: str(getattr(task, record))}
    beside: Page[Task] = await visit.perform("crm.tasks.list", msgspec.structs.replace(ListTasks(limit=30), **about))
    others = [
        (str(each.id), each.title, due_at(each.due_at, visit.now, visit.zone))
        for each in beside.items
        if each.id != task.id and each.parent_id != task.id
    ]
    return found.items, others


def _wish(visit: Visit, task: Task, shown: dict[str, Any]) -> EditTask:
    """What of the task the form changes: what it shows as it was stays as it is."""
    given = {key: visit.fields.get(key, str(shown[key])).strip() for key in shown}
    wish = EditTask(task_id=str(task.id), version=task.version)
    if given["title"] != shown["title"]:
        wish.title = given["title"]
    if given["notes"].replace("\r\n", "\n") != shown["notes"]:
        wish.notes = given["notes"] or None
    if given["assignTo"] != shown["assignTo"]:
        wish.assign_to = given["assignTo"] or None
    if given["recurrence"] != shown["recurrence"]:
        wish.recurrence = given["recurrence"] or None
    if given["kind"] != shown["kind"]:
        wish.kind = cast("TaskKind", given["kind"])
    if given["due"] != shown["due"]:
        wish.due_at = moment_in(visit)
    return wish


async def cancel(visit: Visit) -> Response:
    """GET and POST /tasks/{task}/cancel."""
    task = await read_task(visit)
    error: Refusal | None = None
    if visit.request.method == "POST":
        try:
            await visit.perform("crm.tasks.cancel", CancelTask(task_id=str(task.id)))
            visit.undo = visit.operation_id
            return done(visit, _("%(title)s is called off.") % {"title": task.title}, HERE)
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    lede = _("It does not come again.") if task.recurrence else _("What was promised stays in the log.")
    return await sheet(
        visit, "confirm.html", _("Call off “%(title)s”?") % {"title": task.title}, act=_("Call it off"), back=HERE, values={},
        error=error, here=HERE, tone="danger", lede=lede,
    )  # fmt: skip
