"""Routing a lead to an owner, in turn among those with room, and saying why. Spec C4."""

from uuid import UUID

from baton.accounts.members import member
from baton.fields.lead import compiled as compiled_condition
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.operation import Input, Output, operation
from baton.kernel.values import Ref
from baton.leads import lead as leads
from baton.leads.assign import give
from baton.leads.lead import Lead
from baton.pipelines import pipeline as pipelines
from baton.routing import rules
from baton.routing.rules import RoutingRule


class Route(Input, kw_only=True):
    """The lead to route; one that has an owner keeps it."""

    lead_id: Ref


class RouteUnassigned(Input, kw_only=True):
    """The pipeline whose leads without an owner are routed, at most `limit` in one go."""

    pipeline_id: Ref
    limit: int = 1000


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
    return await _route(tx, actor, await leads.lock(tx, input.lead_id), await rules.read(tx))


@operation("crm.pipelines.routeUnassigned", role=Role.MEMBER, summary="Route the leads without an owner")
async def route_unassigned(tx: Tx, actor: Actor, input: RouteUnassigned) -> RoutedMany:
    """Run the routing rules over a pipeline's open leads that have no owner, the oldest first. Spec C4."""
    pipeline = await pipelines.get(tx, input.pipeline_id)
    waiting = await tx.fetch(
        """SELECT id FROM leads WHERE org_id = $1 AND pipeline_id = $2 AND owner_id IS NULL AND closed_at IS NULL AND deleted_at IS NULL
            ORDER BY created_at, id LIMIT $3""",
        tx.org_id, pipeline.id, max(1, min(input.limit, 1000)),
    )  # fmt: skip
    known = await rules.read(tx)
    answers = [await _route(tx, actor, await leads.lock(tx, row["id"]), known) for row in waiting]
    routed = sum(answer.owner_id is not None for answer in answers)
    return RoutedMany(routed=routed, unrouted=len(answers) - routed, leads=answers)


async def _route(tx: Tx, actor: Actor, lead: Lead, known: list[RoutingRule]) -> Routed:
    if lead.owner_id is not None:
        return Routed(lead_id=lead.id, owner_id=lead.owner_id, rule=None, reason="It has an owner already.")
    full: list[str] = []
    for rule in known:
        if not rule.enabled or not await _holds(tx, lead, rule):
            continue
        taker = await _next(tx, rule)
        if taker is None:
            full.append(rule.name)
            continue
        member_id, said = taker
        reason = f"Rule “{rule.name}”. {said}"
        await give(
            tx,
            actor,
            lead,
            await member(tx, member_id),
            reason=reason,
            payload={"ruleId": str(rule.id), "ruleName": rule.name},
        )
        await tx.execute(
            "UPDATE routing_pool SET last_assigned_at = $4 WHERE org_id = $1 AND rule_id = $2 AND member_id = $3",
            tx.org_id, rule.id, member_id, tx.now,
        )  # fmt: skip
        return Routed(lead_id=lead.id, owner_id=member_id, rule=rule.name, reason=reason)
    why = f"No room in: {', '.join(full)}." if full else "No rule fits this lead."
    return Routed(lead_id=lead.id, owner_id=None, rule=None, reason=why)


async def _holds(tx: Tx, lead: Lead, rule: RoutingRule) -> bool:
    if rule.pipeline_id not in (None, lead.pipeline_id) or rule.stage_id not in (None, lead.stage_id):
        return False
    compiled = await compiled_condition(tx, rule.condition, first=3)
    return bool(
        await tx.fetchval(
            f"SELECT {compiled.sql} FROM leads l WHERE l.org_id = $1 AND l.id = $2", tx.org_id, lead.id, *compiled.args
        )
    )


async def _next(tx: Tx, rule: RoutingRule) -> tuple[UUID, str] | None:
    """Whose turn it is: the active member with room who waited longest. The rule is locked, so that turns do not collide."""
    await tx.execute("SELECT FROM routing_rules WHERE org_id = $1 AND id = $2 FOR NO KEY UPDATE", tx.org_id, rule.id)
    row = await tx.fetchrow(
        """SELECT m.id, m.name, m.capacity, busy.leads
             FROM routing_pool p
             JOIN members m ON m.org_id = p.org_id AND m.id = p.member_id AND m.status = 'active'
            CROSS JOIN LATERAL (SELECT count(*) AS leads FROM leads l WHERE l.org_id = p.org_id AND l.owner_id = p.member_id
                                   AND l.closed_at IS NULL AND l.deleted_at IS NULL) busy
            WHERE p.org_id = $1 AND p.rule_id = $2 AND (m.capacity IS NULL OR busy.leads < m.capacity)
            ORDER BY p.last_assigned_at NULLS FIRST, p.position LIMIT 1""",
        tx.org_id, rule.id,
    )  # fmt: skip
    if row is None:
        return None
    now, most = row["leads"] + 1, row["capacity"]
    return (
        row["id"],
        f"{row['name']} has {now} of {most} leads."
        if most is not None
        else f"{row['name']} has {now} lead{'s' * (now > 1)}.",
    )
