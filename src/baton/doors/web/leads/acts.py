"""What one does on a lead's page: move, qualify, write down, complete, edit a fact."""

from datetime import datetime
from typing import Any

import msgspec
from starlette.responses import JSONResponse, Response

from baton.activities import kinds
from baton.activities.activity import Activity
from baton.doors.web.leads.custom import value_of
from baton.doors.web.leads.facts import EDITABLE, OWN, Fact, facts, parsed
from baton.doors.web.leads.lead import lead_page
from baton.doors.web.shell.language import _, told
from baton.doors.web.shell.render import redirect
from baton.doors.web.shell.stale import Clash, writer
from baton.doors.web.shell.visit import Visit
from baton.enrichment.runs import Enrich, EnrichmentRun
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.kernel.explain import explained
from baton.kernel.page import Page
from baton.leads.edit import EditLead
from baton.leads.find import GetLead
from baton.leads.lead import Lead
from baton.leads.log_activity import LogActivity
from baton.leads.move import MoveStage
from baton.leads.qualify import Qualify
from baton.leads.timeline import ReadTimeline
from baton.tasks.complete import CompleteTask
from baton.tasks.task import Task


async def move(visit: Visit) -> Response:
    """POST /leads/{lead}/move: to `stageId`. A change of other facts meanwhile does not hinder, another move does."""
    id, stage_id = visit.path["lead"], visit.fields.get("stageId", "")
    if not stage_id:
        raise Invalid("Choose a stage to move to.", field="stageId")
    version = _version(visit)
    try:
        moved: Lead = await visit.perform(
            "crm.leads.moveStage", MoveStage(lead_id=id, stage_id=stage_id, version=version)
        )
    except Conflict:
        found: Lead = await visit.perform("crm.leads.get", GetLead(lead_id=id))
        if version is None or found.version == version:
            raise
        if str(found.stage_id) != visit.fields.get("from"):
            raise Conflict(await _moved_by(visit, found)) from None
        again = MoveStage(lead_id=id, stage_id=stage_id, version=found.version)
        moved = await visit.perform("crm.leads.moveStage", again)
    if visit.wants_json:
        return JSONResponse({"version": moved.version})
    name = next(
        (s.name for p in await visit.pipelines() for s in p.stages if s.id == moved.stage_id), _("its new stage")
    )
    return await _answer(visit, _("%(name)s moved to %(name2)s.") % {"name": moved.name, "name2": name})


async def _moved_by(visit: Visit, lead: Lead) -> str:
    """Who was quicker, in words."""
    asked = ReadTimeline(lead_id=str(lead.id), kind=kinds.STAGE_CHANGED, limit=1)
    last: Page[Activity] = await visit.perform("crm.leads.timeline", asked)
    who = last.items[0].actor_name if last.items else _("Somebody")
    stage = next(
        (s.name for p in await visit.pipelines() for s in p.stages if s.id == lead.stage_id), _("another stage")
    )
    return _("%(who)s moved %(name)s to %(stage)s meanwhile.") % {"who": who, "name": lead.name, "stage": stage}


async def qualify(visit: Visit) -> Response:
    """POST /leads/{lead}/qualify: on to the next stage."""
    done: Lead = await visit.perform("crm.leads.qualify", Qualify(lead_id=visit.path["lead"], version=_version(visit)))
    return await _answer(visit, _("%(name)s is qualified.") % {"name": done.name})


async def look_up(visit: Visit) -> Response:
    """POST /leads/{lead}/enrich: a provider is asked; what it finds fills the gaps when it answers."""
    run: EnrichmentRun = await visit.perform("crm.leads.enrich", Enrich(lead_id=visit.path["lead"]))
    return await _answer(visit, _("%(provider)s is asked. What it finds fills the gaps.") % {"provider": run.provider})


async def log(visit: Visit) -> Response:
    """POST /leads/{lead}/log: a note, call, meeting or e-mail, in words; of a call or meeting what came of it, how long, and when."""
    kind = visit.fields.get("type", "note")
    words = visit.fields.get("text", "").replace("\r\n", "\n").strip()
    wish = LogActivity(lead_id=visit.path["lead"], type=kind, notes=words)
    if kind in ("call", "meeting"):
        wish.outcome = visit.fields.get(f"{kind}Outcome", "").strip() or None
        minutes = visit.fields.get("minutes", "").strip()
        if minutes and not (minutes.isascii() and minutes.isdigit() and len(minutes) < 5):
            raise Invalid(_("How long it took is a whole number of minutes."), field="durationMinutes")
        wish.duration_minutes = int(minutes) if minutes else None
        wish.happened_at = _moment(visit)
    await visit.perform("crm.leads.logActivity", wish)
    return await _answer(visit, None)


def _moment(visit: Visit) -> datetime | None:
    """When it happened, by the reader's clock; none for now."""
    said = visit.fields.get("happened", "").strip()
    try:
        return datetime.fromisoformat(said).replace(tzinfo=visit.zone) if said else None
    except ValueError:
        raise Invalid(_("Say when it happened: a day and a time."), field="happenedAt") from None


async def complete(visit: Visit) -> Response:
    """POST /tasks/{task}/complete, from a lead's page or the task list."""
    task: Task = await visit.perform(
        "crm.tasks.complete", CompleteTask(task_id=visit.path["task"], version=_version(visit))
    )
    words = _("Done: %(title)s.") % {"title": task.title}
    if visit.from_htmx and task.lead_id is not None and visit.fields.get("lead"):
        visit.said, visit.undo = words, visit.operation_id
        return await lead_page(visit, str(task.lead_id))
    return redirect(visit.back("/tasks"))


async def edit_fact(visit: Visit) -> Response:
    """POST /leads/{lead}/facts/{key}: one fact. Where another hand changed the same fact meanwhile, both are shown."""
    id, key = visit.path["lead"], visit.path["key"]
    own = await visit.definitions() if key.startswith(OWN) else []
    definition = next((each for each in own if each.key == key.removeprefix(OWN) and each.archived_at is None), None)
    if key not in EDITABLE and definition is None:
        raise NotFound("There is no such fact to edit.")
    lead: Lead = await visit.perform("crm.leads.get", GetLead(lead_id=id))
    was = next(fact for fact in facts(lead, [], visit, own=own) if fact.key == key)
    before, mine = visit.fields.get("was", was.raw), visit.fields.get("value", "").strip()
    if was.raw != before and mine == before:
        return await _answer(visit, None)
    if was.raw not in (before, mine):
        who = await writer(visit, lead.id, "fields" if definition else key)
        clash = Clash(key, was.label, who, was.value, mine, was.raw)
        return await lead_page(visit, id, fact=_open(was, visit, theirs=clash.words), status=422)
    try:
        new = (
            {"fields": {definition.key: value_of(definition, visit.several)}}
            if definition
            else parsed(key, visit.fields, lead.currency)
        )
        await visit.perform("crm.leads.update", _edit(lead, new))
    except Invalid as error:
        return await lead_page(visit, id, fact=_open(was, visit, wrong=told(error.message)), status=422)
    return await _answer(visit, None)


def _edit(lead: Lead, new: dict[str, Any]) -> EditLead:
    try:
        return msgspec.convert({"leadId": str(lead.id), "version": lead.version} | new, EditLead)
    except msgspec.ValidationError as error:
        raise explained(error, EditLead) from None


def _open(was: Fact, visit: Visit, *, wrong: str | None = None, theirs: str | None = None) -> Fact:
    was.editing, was.typed, was.wrong, was.theirs = True, visit.fields.get("value", ""), wrong, theirs
    if was.control is not None:
        was.control.value = was.typed
        was.control.chosen = [value for name, value in visit.several if name == "value"]
    was.currency = visit.fields.get("currency", was.currency)
    return was


def _version(visit: Visit) -> int | None:
    text = visit.fields.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


async def _answer(visit: Visit, words: str | None) -> Response:
    """The lead's page as it is now: at once for htmx, by another request without scripts."""
    if not visit.from_htmx:
        return redirect(f"/leads/{visit.path['lead']}")
    visit.said, visit.undo = words, visit.operation_id
    return await lead_page(visit, visit.path["lead"])
