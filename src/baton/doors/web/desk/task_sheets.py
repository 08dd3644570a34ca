"""A task's sheets: made, changed with its steps and what it waits for, called off; and finding what it is about. Spec C5."""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any, cast

import msgspec
from starlette.responses import Response

from baton.doors.web.desk.tasks import HERE, RECURS, read_task, tomorrow
from baton.doors.web.leads.filters import Options, named
from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import done, fragment
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.show import due_at
from baton.doors.web.shell.stale import Clash, settle
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.kernel.page import Page
from baton.leads.search import Found, Search
from baton.tasks.create import CreateTask
from baton.tasks.edit import CancelTask, EditTask
from baton.tasks.task import ListTasks, Task, TaskKind

HITS = 6
_REF = {"lead": "lead_id", "contact": "contact_id", "company": "company_id"}
_READ = {
    "lead": ("crm.leads.get", "leadId"),
    "contact": ("crm.contacts.get", "contactId"),
    "company": ("crm.companies.get", "companyId"),
}


def _kinds() -> Options:
    return [
        ("todo", _("To do")), ("follow_up", _("Follow-up")), ("call", _("Call")), ("email", _("Email")), ("meeting", _("Meeting")),
    ]  # fmt: skip


async def new(visit: Visit) -> Response:
    """GET and POST /tasks/new: about a `lead`, `contact` or `company` of the address, or one that is looked for; on a `day`."""
    values: dict[str, Any] = {
        "due": _beginning(visit),
        "assignTo": str(visit.actor.id or ""),
        "kind": "todo",
        "about": _about(visit),
    }
    values |= visit.fields
    error: Refusal | None = None
    hits = await _hits(visit, values.get("q", "")) if "find" in visit.fields else []
    if visit.request.method == "POST" and "find" not in visit.fields:
        try:
            made: Task = await visit.perform("crm.tasks.create", _new(visit))
            visit.undo = visit.operation_id
            return done(visit, f"{made.title}: {due_at(made.due_at, visit.now, visit.zone)}.", visit.back(HERE))
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
            hits = await _hits(visit, values.get("q", ""))
    chosen = await _named(visit, values["about"])
    return await sheet(
        visit, "task_new.html", _("Add a task"), act=_("Add task"), back=visit.back(HERE), values=values, error=error, here=HERE,
        owners=[("", _("Nobody")), *named(await visit.members())], recurs=RECURS, kinds=_kinds(),
        hits=[*([chosen] if chosen else []), *(hit for hit in hits if not chosen or hit[0] != chosen[0])],
    )  # fmt: skip


async def about(visit: Visit) -> Response:
    """GET /tasks/about?q=: leads, contacts and companies that a task may be about, to choose from."""
    hits = await _hits(visit, visit.query.get("q", ""))
    return fragment(visit, "parts/task_about.html", hits=hits, about="", q=visit.query.get("q", "").strip())


async def _hits(visit: Visit, q: str) -> list[tuple[str, str, str]]:
    """What fits some letters: its reference, name and what tells it from others."""
    q = q.replace("\0", "").strip()[:200]
    if len(q) < 2:
        return []
    found: Found = await visit.perform("crm.search", Search(query=q, limit=HITS))
    words = {"lead": _("Lead"), "contact": _("Contact"), "company": _("Company")}
    return [
        (f"{hit.kind}:{hit.id}", hit.name, " · ".join(filter(None, (words[hit.kind], hit.detail))))
        for hit in [*found.leads, *found.contacts, *found.companies]
    ]


def _about(visit: Visit) -> str:
    return next((f"{kind}:{visit.query[kind]}" for kind in _REF if as_uuid(visit.query.get(kind))), "")


async def _named(visit: Visit, about: str) -> tuple[str, str, str] | None:
    """What was chosen already, by its name."""
    kind, _sep, id = about.partition(":")
    if kind not in _READ or as_uuid(id) is None:
        return None
    name, field = _READ[kind]
    try:
        found = await visit.perform(name, {field: id})
    except NotFound:
        return None
    return about, found.name, {"lead": _("Lead"), "contact": _("Contact"), "company": _("Company")}[kind]


def _beginning(visit: Visit) -> str:
    """The moment that is proposed: ten o'clock of the day that was chosen, else tomorrow."""
    try:
        at = datetime.combine(datetime.fromisoformat(visit.query.get("day", "")).date(), time(10), tzinfo=visit.zone)
    except ValueError:
        at = tomorrow(visit)
    if at <= visit.now:
        at = visit.now.astimezone(visit.zone).replace(minute=0, second=0)
    return f"{at:%Y-%m-%dT%H:%M}"


def _new(visit: Visit) -> CreateTask:
    kind, _sep, id = visit.fields.get("about", "").partition(":")
    if kind not in _REF:
        raise Invalid(
            _("Say what it is about: search for a lead, a contact or a company, and choose one."), field="leadId"
        )
    given = {name: visit.fields.get(name, "").strip() for name in ("title", "notes", "recurrence", "assignTo", "kind")}
    if not given["title"]:
        raise Invalid(_("A task needs a title."), field="title")
    return msgspec.structs.replace(
        CreateTask(
            title=given["title"], kind=cast("TaskKind", given["kind"] or "todo"),
            notes=given["notes"] or None, due_at=moment_in(visit), assign_to=given["assignTo"] or None,
            recurrence=given["recurrence"] or None,
        ),
        **{_REF[kind]: id},
    )  # fmt: skip


def moment_in(visit: Visit) -> datetime:
    """The day and time in the form, by the reader's clock. Raises Invalid."""
    try:
        return datetime.fromisoformat(visit.fields.get("due", "")).replace(tzinfo=visit.zone)
    except ValueError:
        raise Invalid(_("Say when: a day and a time."), field="dueAt") from None


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
        visit, "task_edit.html", _("Change the task"), act=_("Save"), back=HERE, values=values, error=error, here=HERE, kinds=_kinds(),
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
