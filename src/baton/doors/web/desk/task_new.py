"""A task is made, and what it is about is found. Spec C5."""

from datetime import datetime, time
from typing import Any, cast

import msgspec
from starlette.responses import Response

from baton.doors.web.desk.tasks import HERE, RECURS, tomorrow
from baton.doors.web.leads.filters import Options, named
from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import done, fragment
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.times import due_at
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.leads.search import Found, Search
from baton.tasks.create import CreateTask
from baton.tasks.task import Task, TaskKind

HITS = 6
_REF = {"lead": "lead_id", "contact": "contact_id", "company": "company_id"}
_READ = {
    "lead": ("crm.leads.get", "leadId"),
    "contact": ("crm.contacts.get", "contactId"),
    "company": ("crm.companies.get", "companyId"),
}


def kinds() -> Options:
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
        owners=[("", _("Nobody")), *named(await visit.members())], recurs=RECURS, kinds=kinds(),
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
