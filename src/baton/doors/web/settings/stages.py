"""Settings → Pipelines: one stage, made, changed and removed. Spec A3, B2."""

from typing import Any

import msgspec
from starlette.responses import Response

from baton.accounts.calendar import OnMissed
from baton.doors.web.leads.filters import Options
from baton.doors.web.settings.calendar import TELL
from baton.doors.web.settings.pipelines import HERE, pipeline_of, removal
from baton.doors.web.shell.language import _
from baton.doors.web.shell.render import done
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.show import STATUSES
from baton.doors.web.shell.stale import settle
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.kernel.explain import explained
from baton.leads.remove_stage import RemoveStage
from baton.leads.sla_settings import EditStageSla, Sla
from baton.pipelines.pipeline import Stage
from baton.pipelines.stages import AddStage, EditStage


async def new(visit: Visit) -> Response:
    """GET and POST /settings/pipelines/{pipeline}/stages/new."""
    pipeline = await pipeline_of(visit)
    error: Refusal | None = None
    values: dict[str, Any] = {"colour": "#5b8fd6", "status": "", "probability": ""} | visit.fields
    if visit.request.method == "POST":
        try:
            made: Stage = await visit.perform(
                "crm.pipelines.addStage", _read(visit, AddStage, pipelineId=str(pipeline.id))
            )
            return done(
                visit,
                _("“%(name)s” is a stage of %(name2)s.") % {"name": made.name, "name2": pipeline.name},
                f"{HERE}#pipeline-{pipeline.id}",
            )
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    statuses: Options = [("", _("By its name and place")), *STATUSES.items()]
    return await sheet(
        visit,
        "stage.html",
        _("New stage of %(name)s") % {"name": pipeline.name},
        act=_("Add the stage"),
        back=HERE,
        values=values,
        error=error,
        here=HERE,
        statuses=statuses,
        remove_url=None,
        late=None,
    )


async def edit(visit: Visit) -> Response:
    """GET and POST /settings/pipelines/{pipeline}/stages/{stage}."""
    stage = await _stage(visit)
    error: Refusal | None = None
    values: dict[str, Any] = {
        "name": stage.name, "colour": stage.colour, "probability": stage.probability, "status": stage.status,
        "slaDays": stage.sla_days or "", "autoNurture": "on" if stage.auto_nurture else "",
    }  # fmt: skip
    now, clashes = dict(values), []
    late = await _late(visit, stage)
    if visit.request.method == "POST":
        labels = {"name": _("Name"), "status": _("Stands for"), "probability": _("Probability, percent"), "colour": _("Colour"),
                  "slaDays": _("Expected within days")}  # fmt: skip
        clashes = await settle(visit, stage.id, now, labels, shown={"status": dict(STATUSES)})
        values |= {"autoNurture": ""} | visit.fields
        late = _late_of(visit)
    if visit.request.method == "POST" and not clashes:
        try:
            if "archive" in visit.fields:
                await visit.perform("crm.pipelines.updateStage", EditStage(stage_id=str(stage.id), archived=True))
                return done(visit, _("“%(name)s” is archived.") % {"name": stage.name}, HERE)
            wish = _read(visit, EditStage, stageId=str(stage.id), slaDays=None)
            if wish.status == stage.status:
                wish.status = None  # its meaning stays as it is
            await visit.perform("crm.pipelines.updateStage", wish)
            if late != await _late(visit, stage):
                await visit.perform("crm.sla.setStage", EditStageSla(stage_id=str(stage.id), on_missed=late))
            return done(visit, _("“%(name)s” is changed.") % {"name": wish.name}, HERE)
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    base = f"{HERE}/{visit.path['pipeline']}/stages/{stage.id}"
    return await sheet(
        visit, "stage.html", _("Change %(name)s") % {"name": stage.name}, act=_("Save"), back=HERE, values=values, error=error, here=HERE,
        statuses=list(STATUSES.items()), remove_url=f"{base}/remove", tell=list(TELL), late=late, usual=OnMissed(), was=now,
        clashes=clashes,
    )  # fmt: skip


async def _late(visit: Visit, stage: Stage) -> OnMissed | None:
    """What this stage does otherwise than the organization when a lead is late; none where it does the same."""
    found: Sla = await visit.perform("crm.sla.settings")
    return next((each.on_missed for each in found.stages if each.stage_id == stage.id), None)


def _late_of(visit: Visit) -> OnMissed | None:
    """The same as the form says it."""
    if visit.fields.get("late") != "own":
        return None
    tell: list[Any] = sorted({value for key, value in visit.several if key == "tell" and value in dict(TELL)})
    return OnMissed(tell=tell, reassign="reassign" in visit.fields, task="task" in visit.fields)


async def remove(visit: Visit) -> Response:
    """GET and POST /settings/pipelines/{pipeline}/stages/{stage}/remove: where its leads go is asked."""
    pipeline, stage = await pipeline_of(visit), await _stage(visit)

    async def gone(target: str | None) -> None:
        await visit.perform("crm.pipelines.removeStage", RemoveStage(stage_id=str(stage.id), move_to=target))

    lede = _("The stage leaves the board. Leads that passed through it keep it in their history.")
    return await removal(visit, stage, pipeline.stages, gone, act=_("Remove the stage"), lede=lede)


async def _stage(visit: Visit) -> Stage:
    id = as_uuid(visit.path["stage"])
    found = next((stage for stage in (await pipeline_of(visit)).stages if stage.id == id), None)
    if found is None:
        raise NotFound("There is no such stage in this pipeline.")
    return found


def _read(visit: Visit, type: Any, **known: Any) -> Any:
    """The stage that the form says, as input of an operation. Raises Invalid."""
    given: dict[str, Any] = dict(known) | {"autoNurture": visit.fields.get("autoNurture") == "on"}
    given |= {name: text for name in ("name", "colour", "status") if (text := visit.fields.get(name, "").strip())}
    for name, words in (("probability", "probability"), ("slaDays", "days")):
        text = visit.fields.get(name, "").strip()
        if text and not (text.isascii() and text.isdigit() and len(text) < 6):
            raise Invalid(f"The {words} is a whole number.", field=name)
        if text:
            given[name] = int(text)
    if "name" not in given:
        raise Invalid("A stage needs a name.", field="name")
    try:
        return msgspec.convert(given, type)
    except msgspec.ValidationError as error:
        raise explained(error, type) from None
