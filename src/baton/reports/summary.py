"""The pipeline in numbers: how many leads, worth what, won and lost, stage by stage. Spec B1, B8."""

from collections.abc import Iterable
from uuid import UUID

from baton.accounts.rates import Rates, rates
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.operation import Input, Output, operation
from baton.kernel.values import Ref
from baton.leads import totals
from baton.leads.totals import Total
from baton.pipelines import pipeline as pipelines


class Summarize(Input, kw_only=True):
    """The pipeline to summarize; without one the whole organization."""

    pipeline_id: Ref | None = None


class StageSummary(Output, kw_only=True):
    """Leads of a stage, and their value in minor units of the organization's currency, others converted by its rates."""

    stage_id: UUID
    stage_name: str
    count: int
    value: int


class CurrencySummary(Output, kw_only=True):
    """Open leads in one currency: how many, their value in its minor units, and the same weighted by probability.

    `converted` is that value in the organization's own currency, null where it has no rate for this one.
    """

    currency: str
    active: int
    total_pipeline_value: int
    weighted_pipeline_value: int
    converted: int | None


class PipelineSummary(Output, kw_only=True):
    """Document B's summary. Money is in minor units of `currency`, the organization's own; others are converted by its rates.

    Amounts in currencies without a rate are in no sum: `unconverted` names them, and `byCurrency` has their amounts.

    `lost` counts the leads in lost stages, the disqualified among them; so `total` is `active` + `won` + `lost`.
    `totalPipelineValue` is the unweighted value of open leads, `conversionRate` won ÷ total × 100, `avgScore` over scored leads.
    """

    total: int
    active: int
    won: int
    lost: int
    total_pipeline_value: int
    conversion_rate: float
    avg_score: float
    by_stage: list[StageSummary]
    currency: str
    weighted_pipeline_value: int
    by_currency: list[CurrencySummary]
    unconverted: list[str]


class _Stage(Output, kw_only=True):
    id: UUID
    name: str
    outcome: str
    probability: int
    shown: bool


@operation("crm.leads.pipelineSummary", kind="query", role=Role.VIEWER, summary="Summarize the pipeline")
async def summary(tx: Tx, actor: Actor, input: Summarize) -> PipelineSummary:
    """Counts, values and the conversion rate of a pipeline or of the organization. Raises NotFound. Spec B8."""
    known = await rates(tx)
    stages = await _stages(tx, (await pipelines.get(tx, input.pipeline_id)).id if input.pipeline_id else None)
    found = await totals.read(tx, [stage.id for stage in stages])
    counts = {
        outcome: _leads(found, [s for s in stages if s.outcome == outcome]) for outcome in ("open", "won", "lost")
    }
    total = sum(counts.values())
    scored, score_sum = sum(t.scored for t in found), sum(t.score_sum for t in found)
    currencies = _currencies(found, stages, known)
    return PipelineSummary(
        total=total, active=counts["open"], won=counts["won"], lost=counts["lost"],
        total_pipeline_value=sum(each.converted or 0 for each in currencies),
        weighted_pipeline_value=sum(known.convert(each.weighted_pipeline_value, each.currency) or 0 for each in currencies),
        conversion_rate=round(100 * counts["won"] / total, 2) if total else 0.0, avg_score=round(score_sum / scored, 2) if scored else 0.0,
        by_stage=_by_stage(found, stages, known), currency=known.own, by_currency=currencies,
        unconverted=sorted({t.currency for t in found if t.value_cents and known.convert(t.value_cents, t.currency) is None}),
    )  # fmt: skip


async def _stages(tx: Tx, pipeline_id: UUID | None) -> list[_Stage]:
    """The stages, in the order of pipelines and of stages in them, archived ones too: their leads still count."""
    rows = await tx.fetch(
        """SELECT s.id, s.name, s.outcome, s.probability, s.archived_at IS NULL AND p.archived_at IS NULL AS shown
             FROM stages s JOIN pipelines p ON p.org_id = s.org_id AND p.id = s.pipeline_id
            WHERE s.org_id = $1 AND ($2::uuid IS NULL OR s.pipeline_id = $2) ORDER BY p.position, p.id, s.position, s.id""",
        tx.org_id, pipeline_id,
    )  # fmt: skip
    return [_Stage(**dict(row)) for row in rows]


def _leads(found: Iterable[Total], stages: list[_Stage]) -> int:
    ids = {stage.id for stage in stages}
    return sum(total.leads for total in found if total.stage_id in ids)


def _by_stage(found: list[Total], stages: list[_Stage], known: Rates) -> list[StageSummary]:
    counts: dict[UUID, int] = {}
    values: dict[UUID, int] = {}
    for total in found:
        counts[total.stage_id] = counts.get(total.stage_id, 0) + total.leads
        values[total.stage_id] = values.get(total.stage_id, 0) + (known.convert(total.value_cents, total.currency) or 0)
    return [
        StageSummary(
            stage_id=stage.id, stage_name=stage.name, count=counts.get(stage.id, 0), value=values.get(stage.id, 0)
        )
        for stage in stages
        if stage.shown or counts.get(stage.id)
    ]


def _currencies(found: list[Total], stages: list[_Stage], known: Rates) -> list[CurrencySummary]:
    """Open value in each currency, the organization's own first."""
    chance = {stage.id: stage.probability for stage in stages if stage.outcome == "open"}
    sums: dict[str, list[int]] = {known.own: [0, 0, 0]}
    for total in found:
        if total.stage_id in chance:
            sum_of = sums.setdefault(total.currency, [0, 0, 0])
            for index, part in enumerate((total.leads, total.value_cents, total.value_cents * chance[total.stage_id])):
                sum_of[index] += part
    return [
        CurrencySummary(
            currency=code,
            active=leads,
            total_pipeline_value=value,
            weighted_pipeline_value=round(weighted / 100),
            converted=known.convert(value, code),
        )
        for code, (leads, value, weighted) in sorted(sums.items(), key=lambda item: (item[0] != known.own, item[0]))
    ]
