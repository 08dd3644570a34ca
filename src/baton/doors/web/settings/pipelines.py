"""Settings → Pipelines: pipelines and their stages, changed by admins and read by everybody. Spec A3, B2, B9."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.responses import JSONResponse, Response

from baton.doors.web.leads.filters import Options
from baton.doors.web.shell.amounts import percent
from baton.doors.web.shell.language import Choices, _, marked, several_of
from baton.doors.web.shell.render import done, page, redirect, said
from baton.doors.web.shell.sheets import Refusal, sheet
from baton.doors.web.shell.show import STATUSES
from baton.doors.web.shell.stale import settle
from baton.doors.web.shell.times import ago
from baton.doors.web.shell.visit import Visit, as_uuid
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from baton.leads.remove_pipeline import RemovePipeline
from baton.pipelines.create import CreatePipeline, NewStage
from baton.pipelines.edit import EditPipeline
from baton.pipelines.pipeline import Pipeline, Stage
from baton.pipelines.restore import Archived, RestorePipeline, RestoreStage
from baton.pipelines.stages import ReorderStages

HERE = "/settings/pipelines"
TYPES = Choices([("lead", marked("Leads")), ("opportunity", marked("Deals"))])
_FIRST = "New lead\nQualified\nProposal sent\nNegotiation"


async def show(visit: Visit) -> Response:
    """GET /settings/pipelines."""
    gone: list[Archived] = await visit.perform("crm.pipelines.archived")
    archived = [
        {"id": each.id, "kind": each.kind, "name": each.name, "pipeline": each.pipeline_name, "leads": each.leads,
         "when": ago(each.archived_at, visit.now, visit.zone)}
        for each in gone
    ]  # fmt: skip
    return await page(
        visit,
        "pipelines.html",
        here=HERE,
        found=[_view(pipeline) for pipeline in await visit.pipelines()],
        archived=archived,
    )


async def restore(visit: Visit) -> Response:
    """POST /settings/pipelines/restore/{kind}/{record}: an archived stage, or a removed pipeline, is back."""
    id = as_uuid(visit.path["record"])
    if id is None:
        raise NotFound("There is nothing archived of this id.")
    if visit.path["kind"] == "stage":
        stage: Stage = await visit.perform("crm.pipelines.restoreStage", RestoreStage(stage_id=id))
        name = stage.name
    else:
        pipeline: Pipeline = await visit.perform("crm.pipelines.restore", RestorePipeline(pipeline_id=id))
        name = pipeline.name
    return said(visit, _("“%(name)s” is back.") % {"name": name}) if visit.from_htmx else redirect(HERE)


def _view(pipeline: Pipeline) -> dict[str, Any]:
    return {
        "id": pipeline.id,
        "name": pipeline.name,
        "version": pipeline.version,
        "type": dict(TYPES)[pipeline.type],
        "intake": pipeline.is_intake,
        "stages": [
            {
                "id": stage.id,
                "name": stage.name,
                "colour": stage.colour,
                "probability": percent(stage.probability / 100),
                "status": STATUSES[stage.status],
                "outcome": stage.outcome,
                "nurture": stage.auto_nurture,
                "sla": several_of("%(count)s day", "%(count)s days", stage.sla_days) % {"count": stage.sla_days}
                if stage.sla_days
                else "",
            }
            for stage in pipeline.stages
        ],
    }


async def pipeline_of(visit: Visit) -> Pipeline:
    """The pipeline that the address names. Raises NotFound; Forbidden for those who may not change one."""
    if not visit.may_manage:
        raise Forbidden("Only an admin changes pipelines and stages.")
    id = as_uuid(visit.path["pipeline"])
    found = next((pipeline for pipeline in await visit.pipelines() if pipeline.id == id), None)
    if found is None:
        raise NotFound("There is no such pipeline in your organization.")
    return found


async def new(visit: Visit) -> Response:
    """GET and POST /settings/pipelines/new: a name, and the open stages line by line; won and lost are added."""
    error: Refusal | None = None
    values: dict[str, Any] = {"type": "lead", "stages": _FIRST} | visit.fields
    if visit.request.method == "POST":
        try:
            names = [line.strip() for line in visit.fields.get("stages", "").splitlines() if line.strip()]
            if not names:
                raise Invalid("Name at least one open stage.", field="stages")
            stages = [*(NewStage(name=name) for name in names), NewStage(name="Won", probability=100, terminal=True),
                      NewStage(name="Lost", probability=0, terminal=True)]  # fmt: skip
            made: Pipeline = await visit.perform(
                "crm.pipelines.create",
                CreatePipeline(
                    name=visit.fields.get("name", "").strip(),
                    type="opportunity" if visit.fields.get("type") == "opportunity" else "lead",
                    stages=stages,
                ),
            )
            return done(
                visit, _("The pipeline “%(name)s” is there.") % {"name": made.name}, f"{HERE}#pipeline-{made.id}"
            )
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit, "pipeline_new.html", _("New pipeline"), act=_("Make the pipeline"), back=HERE, values=values, error=error, here=HERE,
        types=TYPES,
    )  # fmt: skip


async def edit(visit: Visit) -> Response:
    """GET and POST /settings/pipelines/{pipeline}/edit: its name, and whether captured leads enter it."""
    found = await pipeline_of(visit)
    error: Refusal | None = None
    now = {"name": found.name}
    clashes = await settle(visit, found.id, now, {"name": _("Name")})
    if visit.request.method == "POST" and not clashes:
        try:
            await visit.perform(
                "crm.pipelines.update",
                EditPipeline(
                    pipeline_id=str(found.id),
                    version=found.version,
                    name=visit.fields.get("name", "").strip(),
                    is_intake=True if "intake" in visit.fields else None,
                ),
            )
            return done(visit, _("“%(what)s” is changed.") % {"what": visit.fields.get("name", "").strip()}, HERE)
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    return await sheet(
        visit,
        "pipeline_edit.html",
        _("Change %(name)s") % {"name": found.name},
        act=_("Save"),
        back=HERE,
        values=now | visit.fields,
        error=error,
        here=HERE,
        was=now,
        clashes=clashes,
        intake=found.is_intake,
        may_be_intake=found.type == "lead",
    )


async def remove(visit: Visit) -> Response:
    """GET and POST /settings/pipelines/{pipeline}/remove: where its leads go is asked."""
    found = await pipeline_of(visit)

    async def gone(target: str | None) -> None:
        await visit.perform("crm.pipelines.delete", RemovePipeline(pipeline_id=str(found.id), move_to=target))

    lede = _("Its leads keep their history. The open ones start the other pipeline, closed ones keep how they ended.")
    return await removal(visit, found, await visit.pipelines(), gone, act=_("Remove the pipeline"), lede=lede)


async def removal(
    visit: Visit,
    found: Pipeline | Stage,
    beside: Sequence[Pipeline | Stage],
    gone: Callable[[str | None], Awaitable[None]],
    *,
    act: str,
    lede: str,
) -> Response:
    """The sheet that asks where the leads of a pipeline or a stage go, one of those beside it; `gone` removes it."""
    error: Refusal | None = None
    if visit.request.method == "POST":
        try:
            await gone(visit.fields.get("moveTo") or None)
            return done(visit, _("“%(name)s” is removed.") % {"name": found.name}, HERE)
        except (Invalid, Conflict, NotFound) as refusal:
            error = refusal
    targets: Options = [("", _("Choose, if it holds leads"))]
    targets += [(str(each.id), each.name) for each in beside if each.id != found.id]
    return await sheet(
        visit, "remove.html", _("Remove %(name)s?") % {"name": found.name}, act=act, back=HERE, values=visit.fields, error=error,
        here=HERE, tone="danger", targets=targets, label=_("Its leads go to"), lede=lede,
    )  # fmt: skip


async def order(visit: Visit) -> Response:
    """POST /settings/pipelines/{pipeline}/order: all `stageId`s in their new order, or one stage (`stage`) up or down."""
    found = await pipeline_of(visit)
    ids = [value for key, value in visit.several if key == "stageId"]
    if not ids:
        ids = _moved([str(stage.id) for stage in found.stages], visit.fields)
    await visit.perform("crm.pipelines.reorderStages", ReorderStages(pipeline_id=str(found.id), stage_ids=ids))
    if visit.wants_json:
        return JSONResponse({"words": _("The stages of %(name)s are in their new order.") % {"name": found.name}})
    return redirect(f"{HERE}#pipeline-{found.id}")


def _moved(ids: list[str], fields: dict[str, str]) -> list[str]:
    if fields.get("stage") not in ids:
        raise NotFound("This stage is not in this pipeline any more.")
    at = ids.index(fields["stage"])
    to = max(0, at - 1) if fields.get("way") == "up" else min(len(ids) - 1, at + 1)
    ids.insert(to, ids.pop(at))
    return ids
