"""Document C's routes, as data: which address performs which operation, and what its fields are called there. Spec C1."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from baton.kernel import money


def _as_it_is(found: Any) -> Any:
    return found


@dataclass(frozen=True, slots=True)
class Row:
    """One route.

    `names` maps the address's or the body's names to the operation's, and `values` what some of them are called there;
    `array` is the field that a body becomes which is an array; `answer` shapes what is answered, given what was asked;
    `found_at` is the address under which what was made is read.
    """

    method: str
    path: str
    operation: str
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    array: str | None = None
    status: int = 200
    answer: Callable[[Any], Any] = _as_it_is
    found_at: str | None = None


def _plain(found: Any) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(found)
    return plain


def _lead(found: Any) -> dict[str, Any]:
    """A lead with its value in whole units of its currency beside the minor ones, and its owner."""
    lead = _plain(found)
    cents = lead["valueCents"]
    return lead | {"value": None if cents is None else money.whole(cents, lead["currency"]), "owner": lead["ownerId"]}


def _converted(found: Any) -> dict[str, Any]:
    """The lead that was converted, and the opportunity that it became."""
    plain = _plain(found)
    return plain | {"lead": _lead(found.lead), "opportunity": _lead(found.opportunity)}


def _leads(found: Any) -> dict[str, Any]:
    """A page of leads, as document C pages."""
    page = _plain(found)
    leads = [_lead(lead) for lead in page.pop("leads")]
    return {"leads": leads, "pageSize": page.pop("limit")} | page


def _activities(found: Any) -> dict[str, Any]:
    """A page of activities, newest first; `nextCursor` leads on, at any depth."""
    return {"activities": found.items, "nextCursor": found.next_cursor} | (
        {"total": found.total} if found.total is not None else {}
    )


def _stage(found: Any) -> dict[str, Any]:
    """A stage that says whether leads end in it."""
    stage = _plain(found)
    return stage | {"terminal": stage["outcome"] != "open"}


def _pipeline(found: Any) -> dict[str, Any]:
    pipeline = _plain(found)
    return pipeline | {"stages": [_stage(stage) for stage in pipeline["stages"]]}


def _pipelines(found: Any) -> list[dict[str, Any]]:
    return [_pipeline(pipeline) for pipeline in found]


_OWNER = {"owner": "ownerId", "assignTo": "ownerId", "assignedTo": "ownerId"}
_PROVIDER, _WHERE = {"provider": "providerId"}, {"filter": "where", "condition": "where"}
_PAGED = {"pageSize": "limit"}
_FILTERS = _PAGED | _OWNER | {"sortField": "sort", "sortDirection": "descending"}
_DIRECTIONS = {"descending": {"asc": False, "desc": True}}
_PIPELINES, _STAGES, _DETAIL = "/leads/pipelines", "/leads/pipelines/stages", "/leads/detail"

ROWS: tuple[Row, ...] = (
    Row("POST", _PIPELINES, "crm.pipelines.createRouted", status=201, answer=_pipeline, found_at=_PIPELINES + "/{id}"),
    Row("GET", _PIPELINES, "crm.pipelines.listRouted", answer=_pipelines),
    Row("GET", _PIPELINES + "/{pipelineId}", "crm.pipelines.getRouted", answer=_pipeline),
    Row("PUT", _PIPELINES + "/{pipelineId}", "crm.pipelines.updateRouted", answer=_pipeline),
    Row("DELETE", _PIPELINES + "/{pipelineId}", "crm.pipelines.delete", answer=_pipeline),
    Row("POST", _PIPELINES + "/{pipelineId}/route-unassigned", "crm.pipelines.routeUnassigned"),
    Row("POST", _STAGES + "/{pipelineId}", "crm.pipelines.addStage", status=201, answer=_stage),
    Row("PUT", _STAGES + "/reorder/{pipelineId}", "crm.pipelines.reorderStages", array="stageIds", answer=_pipeline),
    Row("PUT", _STAGES + "/{pipelineId}/{stageId}", "crm.pipelines.updateStage", answer=_stage),
    Row("DELETE", _STAGES + "/{pipelineId}/{stageId}", "crm.pipelines.removeStage", answer=_pipeline),
    Row("POST", _DETAIL, "crm.leads.createDetail", status=201, answer=_lead, found_at=_DETAIL + "/{id}"),
    Row("GET", _DETAIL, "crm.leads.list", names=_FILTERS, values=_DIRECTIONS, answer=_leads),
    Row("GET", _DETAIL + "/{leadId}", "crm.leads.get", answer=_lead),
    Row("PUT", _DETAIL + "/{leadId}", "crm.leads.updateDetail", answer=_lead),
    Row("DELETE", _DETAIL + "/{leadId}", "crm.leads.delete", answer=_lead),
    Row("POST", "/leads/qualify/{leadId}", "crm.leads.qualify", answer=_lead),
    Row("POST", "/leads/disqualify/{leadId}", "crm.leads.disqualify", answer=_lead),
    Row("POST", "/leads/convert/{leadId}", "crm.leads.convert", answer=_converted),
    Row("POST", "/leads/assign/{leadId}", "crm.leads.assign", names=_OWNER, answer=_lead),
    Row("POST", "/leads/follow-up/{leadId}", "crm.leads.followUp", status=201),
    Row("POST", "/leads/activities/{leadId}", "crm.leads.logActivity", status=201),
    Row("GET", "/leads/activities/{leadId}", "crm.leads.timeline", names=_PAGED, answer=_activities),
    Row("GET", "/activity", "crm.activities.list", names=_PAGED, answer=_activities),
    Row("POST", "/leads/enrich/{leadId}", "crm.leads.enrich", names=_PROVIDER, status=202),
    Row(
        "POST",
        "/leads/enrich/batch",
        "crm.leads.enrichBatch",
        names={"ids": "leadIds"} | _PROVIDER | _WHERE,
        array="leadIds",
        status=202,
    ),
    Row("POST", "/leads/enrich/auto", "crm.leads.enrichAuto", names=_PROVIDER | _WHERE),
    Row("GET", "/leads/enrichment/status/{id}", "crm.leads.enrichmentStatus"),
    Row("POST", "/leads/score/{leadId}", "crm.leads.score"),
    Row("GET", "/leads/analytics", "crm.leads.analytics"),
    Row("POST", "/leads/score/batch", "crm.leads.scoreBatch", names={"ids": "leadIds"}, array="leadIds"),
)
"""The routes of document C that this version answers, under `/api/crm` and `/crm`."""
