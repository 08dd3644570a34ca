"""Routing a lead to an owner, in turn among those with room, and saying why. Spec C4."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, Output, operation
from baton.kernel.shapes import Refs
from baton.kernel.values import Ref
from baton.leads import lead as leads
from baton.leads.assign import give
from baton.leads.lead import COLUMNS, Lead, from_row
from baton.pipelines import pipeline as pipelines
from baton.routing.choose import Choice, choose


class Route(Input, kw_only=True):
    """The lead to route; one that has an owner keeps it."""

    lead_id: Ref


class RouteUnassigned(Input, kw_only=True):
    """The pipeline whose leads without an owner are routed, at most `limit` in one go."""

    pipeline_id: Ref
    limit: Annotated[int, Meta(ge=1, le=1000)] = 1000


class DryRun(Input, kw_only=True):
    """Which leads to try: those named, or a pipeline's open leads without an owner. With `anew` as if none had an owner."""

    lead_ids: Refs = []
    pipeline_id: Ref | None = None
    anew: bool = False
    limit: Annotated[int, Meta(ge=1, le=1000)] = 200


class Routed(Output, kw_only=True):
    """What became of it: the owner and the rule, or none, with the reason."""

    lead_id: UUID
    owner_id: UUID | None
    rule: str | None
    reason: str


class RoutedMany(Output, kw_only=True):
    """How many leads got an owner, how many met no rule or found no room, and each of them."""

    routed: int
    unrouted: int
    leads: list[Routed]


@operation("crm.leads.route", role=Role.MEMBER, summary="Route a lead")
async def route(tx: Tx, actor: Actor, input: Route) -> Routed:
    """Give a lead the owner that the first matching rule chooses. Raises NotFound. Spec C4."""
    return (await _give(tx, actor, [await leads.lock(tx, input.lead_id)]))[0]


@operation("crm.pipelines.routeUnassigned", role=Role.MEMBER, summary="Route the leads without an owner")
async def route_unassigned(tx: Tx, actor: Actor, input: RouteUnassigned) -> RoutedMany:
    """Run the routing rules over a pipeline's open leads that have no owner, the oldest first. Spec C4."""
    rows = await tx.fetch(
        f"SELECT {COLUMNS} FROM leads l WHERE {_WAITING} ORDER BY l.created_at, l.id LIMIT $3 FOR NO KEY UPDATE",
        tx.org_id, (await pipelines.get(tx, input.pipeline_id)).id, max(1, min(input.limit, 1000)),
    )  # fmt: skip
    return _counted(await _give(tx, actor, [from_row(row) for row in rows]))


@operation("crm.routing.dryRun", kind="query", role=Role.MEMBER, summary="Try the routing rules")
async def dry_run(tx: Tx, actor: Actor, input: DryRun) -> RoutedMany:
    """Who would get these leads now, in this order, and why; nothing is written. Raises NotFound, Invalid. Spec C4."""
    if bool(input.lead_ids) == bool(input.pipeline_id) or len(input.lead_ids) > 1000:
        raise Invalid("Name the leads to try, at most 1,000, or a pipeline.", field="leadIds")
    if input.pipeline_id is not None:
        rows = await tx.fetch(
            f"SELECT {COLUMNS} FROM leads l WHERE {_WAITING} ORDER BY l.created_at, l.id LIMIT $3",
            tx.org_id, (await pipelines.get(tx, input.pipeline_id)).id, max(1, min(input.limit, 1000)),
        )  # fmt: skip
        tried = [from_row(row) for row in rows]
    else:
        tried = [await leads.get(tx, ref) for ref in dict.fromkeys(input.lead_ids)]
    if input.anew:
        tried = [msgspec.structs.replace(lead, owner_id=None) for lead in tried]
    answers, _ = await choose(tx, tried)
    return _counted([_told(lead, choice) for lead, choice in answers])


_WAITING = (
    "l.org_id = $1 AND l.pipeline_id = $2 AND l.owner_id IS NULL AND l.closed_at IS NULL AND l.deleted_at IS NULL"
)


async def _give(tx: Tx, actor: Actor, waiting: list[Lead]) -> list[Routed]:
    """Route locked leads, one after the other, and keep whose turn is next."""
    answers, turns = await choose(tx, waiting, locked=True)
    for lead, choice in answers:
        if choice.member is not None and choice.rule is not None:
            told = {"ruleId": str(choice.rule.id), "ruleName": choice.rule.name, "passedOver": choice.passed_over}
            await give(tx, actor, lead, choice.member, reason=choice.why, payload=told)
    await turns.keep(tx)
    return [_told(lead, choice) for lead, choice in answers]


def _told(lead: Lead, choice: Choice) -> Routed:
    owner = choice.member.id if choice.member else lead.owner_id
    return Routed(lead_id=lead.id, owner_id=owner, rule=choice.rule.name if choice.rule else None, reason=choice.why)


def _counted(answers: list[Routed]) -> RoutedMany:
    routed = sum(answer.owner_id is not None for answer in answers)
    return RoutedMany(routed=routed, unrouted=len(answers) - routed, leads=answers)
