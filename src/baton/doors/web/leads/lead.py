"""The lead page: path, facts, score and tasks beside the timeline, read again whenever the lead changes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from starlette.responses import Response

from baton.agents.approval import Approval, ListApprovals
from baton.doors.web.agents.approvals import approval_views
from baton.doors.web.leads import automation_runs
from baton.doors.web.leads.enrolments import of_lead as in_sequences
from baton.doors.web.leads.facts import Fact, facts
from baton.doors.web.leads.past import moment_of, score_panel
from baton.doors.web.leads.timeline import KINDS, timeline
from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import page
from baton.doors.web.shell.show import Who, who
from baton.doors.web.shell.times import days, due_at, moment
from baton.doors.web.shell.visit import Visit
from baton.kernel.page import Page
from baton.leads.find import GetLead
from baton.leads.lead import Lead
from baton.leads.timeline import ReadAsOf
from baton.pipelines.pipeline import GetPipeline, Pipeline, Stage
from baton.tasks.task import ListTasks, Task


@dataclass(frozen=True, slots=True)
class Step:
    """A stage on the path: `state` says whether it is behind, here or ahead."""

    id: UUID
    name: str
    label: str
    colour: str
    state: str


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
