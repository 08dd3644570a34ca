"""The lead page: path, facts, timeline, score and tasks, read again whenever the lead changes."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from baton.activities import kinds
from baton.activities.activity import Activity
from baton.agents.approval import Approval, ListApprovals
from baton.doors.web.agents.approvals import approval_views
from baton.doors.web.leads import automation_runs
from baton.doors.web.leads.enrolments import of_lead as in_sequences
from baton.doors.web.leads.facts import Fact, facts
from baton.doors.web.leads.past import moment_of, score_panel, slider_of
from baton.doors.web.leads.received import FileView, told_files
from baton.doors.web.shell.language import Choices, _, marked
from baton.doors.web.shell.render import page
from baton.doors.web.shell.show import Moment, Who, days, due_at, moment, who
from baton.doors.web.shell.visit import Visit
from baton.doors.web.told.changes import Change
from baton.doors.web.told.fold import folded
from baton.doors.web.told.phrases import Names, Part, face
from baton.doors.web.told.story import tell
from baton.kernel.page import Page
from baton.leads.find import GetLead
from baton.leads.lead import Lead
from baton.leads.timeline import ReadAsOf, ReadTimeline
from baton.pipelines.pipeline import GetPipeline, Pipeline, Stage
from baton.tasks.task import ListTasks, Task

PAGE = 30
MOST = 200
KINDS = Choices(
    [
        ("", marked("everything")),
        (kinds.NOTE_ADDED, marked("notes")),
        (kinds.EMAIL_SENT, marked("emails sent")),
        (kinds.EMAIL_RECEIVED, marked("replies")),
        (kinds.CALL_LOGGED, marked("calls")),
        (kinds.MEETING_LOGGED, marked("meetings")),
        (kinds.STAGE_CHANGED, marked("stages")),
        (kinds.ASSIGNMENT_CHANGED, marked("hand-overs")),
        (kinds.FIELD_UPDATED, marked("changed facts")),
        (kinds.TASK_CREATED, marked("tasks set")),
        (kinds.TASK_COMPLETED, marked("tasks done")),
        (kinds.LEAD_SCORED, marked("scores")),
    ]
)
_REVERSIBLE = frozenset(
    {
        kinds.STAGE_CHANGED,
        kinds.PIPELINE_MOVED,
        kinds.ASSIGNMENT_CHANGED,
        kinds.FIELD_UPDATED,
        kinds.LEAD_QUALIFIED,
        kinds.LEAD_DISQUALIFIED,
        kinds.TASK_CREATED,
        kinds.TASK_COMPLETED,
        kinds.TASK_CANCELLED,
        kinds.UNDONE,
        kinds.CONTACT_MERGED,
        kinds.COMPANY_MERGED,
        kinds.CONTACT_UPDATED,
        kinds.COMPANY_UPDATED,
    }
)

_MERGED = {kinds.CONTACT_MERGED: "/contacts", kinds.COMPANY_MERGED: "/companies"}


@dataclass(frozen=True, slots=True)
class Step:
    """A stage on the path: `state` says whether it is behind, here or ahead."""

    id: UUID
    name: str
    label: str
    colour: str
    state: str


@dataclass(slots=True)
class Entry:
    """One line of the timeline; `rest` is what of a long message is folded away, `undo` is where what it tells
    can be taken back, `message` where a received one is read whole."""

    id: UUID | None
    avatar: Who | None
    parts: list[Part]
    moment: Moment
    why: str | None = None
    quote: str | None = None
    rest: str = ""
    changes: list[Change] = field(default_factory=list)
    undo: str | None = None
    undo_words: str = marked("Undo")
    message: str | None = None
    files: list[FileView] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TaskView:
    """An open task as it is shown."""

    id: UUID
    version: int
    title: str
    notes: str | None
    due: str
    late: bool
    who: Who | None


async def show(visit: Visit) -> Response:
    """GET /leads/{lead}, with `edit` naming the fact that stands open."""
    return await lead_page(visit, visit.path["lead"], editing=visit.query.get("edit"))


async def lead_page(
    visit: Visit, id: str, *, editing: str | None = None, fact: Fact | None = None, status: int = 200
) -> Response:
    """The page of a lead; `fact` takes the place of the one of its key, where an edit was refused."""
    lead: Lead = await visit.perform("crm.leads.get", GetLead(lead_id=id))
    at = moment_of(visit.query.get("at"), visit.now)
    lead = await visit.perform("crm.leads.asOf", ReadAsOf(lead_id=str(lead.id), at=at)) if at else lead
    pipeline: Pipeline = await visit.perform("crm.pipelines.get", GetPipeline(pipeline_id=str(lead.pipeline_id)))
    members = await visit.members()
    shown = facts(lead, members, visit, None if at else editing, await visit.definitions())
    if fact is not None:
        shown = [fact if each.key == fact.key else each for each in shown]
    told, url, more_url, slider = await timeline(visit, lead, at)
    held: list[Approval] = await visit.perform("crm.approvals.list", ListApprovals(lead_id=id, status="waiting"))
    return await page(
        visit,
        "lead.html",
        here="/leads",
        status=status,
        lead=_view(lead, pipeline, shown, visit, at) | {"url": url},
        entries=told,
        more_url=more_url,
        slider=slider,
        kinds=KINDS,
        kind=visit.query.get("kind", ""),
        **({"may_write": False, "past": moment(at, visit.now, visit.zone)} if at else {"past": None}),
        score=await score_panel(visit, lead, at),
        tasks=await open_tasks(visit, lead),
        waiting=await approval_views(visit, held),
        sequences=[] if at else await in_sequences(visit, lead),
        automations=[] if at else await automation_runs.of_lead(visit, lead),
        people=[each.name for each in members if each.kind == "person" and each.status == "active"],
    )


def _view(lead: Lead, pipeline: Pipeline, shown: list[Fact], visit: Visit, at: datetime | None) -> dict[str, Any]:
    stage = next((stage for stage in pipeline.stages if stage.id == lead.stage_id), None)
    closed = lead.closed_at is not None
    return {
        "id": lead.id,
        "name": lead.name,
        "version": lead.version,
        "contact_id": lead.contact_id,
        "score": lead.score,
        "stage_id": lead.stage_id,
        "pipeline": pipeline,
        "closed": closed,
        "qualified": lead.qualified_at is not None,
        "outcome": stage.outcome if stage else "",
        "ending": {"disqualified": _("Disqualified"), "lost": _("Lost"), "won": _("Won")}.get(lead.status)
        if closed
        else None,
        "steps": path(lead, pipeline, visit, at),
        "endings": [] if closed else [_step(each, "", each.name) for each in pipeline.stages if each.closed],
        "facts": shown,
    }


def path(lead: Lead, pipeline: Pipeline, visit: Visit, at: datetime | None = None) -> list[Step]:
    """The open stages in order, the ones behind marked; a closed lead's path ends with how it ended."""
    stages = [stage for stage in pipeline.stages if not stage.closed or stage.id == lead.stage_id]
    here = next((i for i, stage in enumerate(stages) if stage.id == lead.stage_id), None)
    steps = []
    for index, stage in enumerate(stages):
        if index == here:
            label = f"{stage.name} · {days(lead.stage_entered_at, at or visit.now, visit.zone)}"
            steps.append(_step(stage, f"now {stage.outcome}" if stage.closed else "now", label))
        else:
            steps.append(_step(stage, "done" if here is not None and index < here else "ahead", stage.name))
    return steps


def _step(stage: Stage, state: str, label: str) -> Step:
    return Step(stage.id, stage.name, label, stage.colour, state)


async def timeline(
    visit: Visit, lead: Lead, at: datetime | None = None
) -> tuple[list[Entry], str, str | None, dict[str, Any]]:
    """The timeline's newest entries, as many as `shown` asks, of one `kind`, up to a moment; the page's address with it, that
    of the earlier ones, and the slider over them."""
    asked = visit.query.get("shown", "")
    limit = min(MOST, max(PAGE, int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 4 else PAGE))
    kind = visit.query.get("kind", "") if visit.query.get("kind", "") in dict(KINDS) else ""
    asked_for = ReadTimeline(
        lead_id=str(lead.id), kind=kind or None, limit=limit, cursor=visit.query.get("before")
    )  # fmt: skip
    found: Page[Activity] = await visit.perform("crm.leads.timeline", asked_for)
    told = [activity for activity in found.items if at is None or activity.occurred_at <= at]
    kept = ({"kind": kind} if kind else {}) | ({"at": at.isoformat()} if at else {})

    def url(**more: Any) -> str:
        query = urlencode(kept | more)
        return f"/leads/{lead.id}?{query}" if query else f"/leads/{lead.id}"

    earlier = url(shown=limit + 2 * PAGE) if limit < MOST else url(shown=MOST, before=found.next_cursor or "")
    shown = entries(told, await names(visit), visit, undoable=visit.may_write and at is None)
    here = url() if limit == PAGE else url(shown=limit)
    moments = [moment(each.occurred_at, visit.now, visit.zone) for each in reversed(found.items)]
    return shown, here, earlier if found.next_cursor else None, slider_of(moments, found.items, at)


async def names(visit: Visit) -> Names:
    """What pipelines, stages and members are called."""
    pipelines = await visit.pipelines()
    return Names(
        stages={stage.id: stage.name for pipeline in pipelines for stage in pipeline.stages},
        pipelines={pipeline.id: pipeline.name for pipeline in pipelines},
        members={member.id: member for member in await visit.members()},
        now=visit.now,
        zone=visit.zone,
    )


def entries(activities: list[Activity], known: Names, visit: Visit, *, undoable: bool = False) -> list[Entry]:
    """Activities, newest first, as lines; a line names its day only where it differs from the line above."""
    lines = []
    above: date | None = None
    for activity, said in tell(activities, known):
        at = moment(activity.occurred_at, visit.now, visit.zone, within=above)
        above = activity.occurred_at.astimezone(visit.zone).date()
        quote, rest = folded(said.quote) if said.quote else (None, "")
        line = Entry(activity.id, face(activity, known), said.parts, at, said.why, quote, rest, said.changes)
        if undoable and activity.kind in _REVERSIBLE:
            line.undo = f"/undo/{activity.operation_id}"
        if undoable and activity.kind in _MERGED and "mergedId" in activity.payload:
            line.undo = f"{_MERGED[activity.kind]}/{activity.payload['mergedId']}/unmerge"
            line.undo_words = marked("Take apart")
        if "receivedId" in activity.payload:
            line.message = f"/messages/{activity.payload['receivedId']}"
            line.files = told_files(activity)
        lines.append(line)
    return lines


async def open_tasks(visit: Visit, lead: Lead) -> list[TaskView]:
    """What is still to be done about a lead, the earliest first."""
    found: Page[Task] = await visit.perform("crm.tasks.list", ListTasks(lead_id=str(lead.id), limit=50))
    by_id = {member.id: member for member in await visit.members()}
    return [task_view(task, by_id.get(task.assignee_id) if task.assignee_id else None, visit) for task in found.items]


def task_view(task: Task, assignee: Any, visit: Visit) -> TaskView:
    """A task for the page."""
    return TaskView(
        id=task.id,
        version=task.version,
        title=task.title,
        notes=task.notes,
        due=due_at(task.due_at, visit.now, visit.zone),
        late=task.due_at < visit.now,
        who=who(assignee) if assignee else None,
    )
