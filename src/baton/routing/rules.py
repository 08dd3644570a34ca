"""Routing rules: a condition, and the pool that takes the leads which meet it. Spec C4."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from baton.accounts.members import member
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.fields.lead import check as check_condition
from baton.kernel.actor import Actor, Role
from baton.kernel.conditions import Condition, everything
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.shapes import Name
from baton.kernel.values import Ref, new_id
from baton.pipelines import pipeline as pipelines


class RoutingRule(Output, kw_only=True):
    """A rule: for leads of a pipeline or stage (none: any) that meet the condition, the pool's members in turn.

    `shares` says, in the order of the pool, how many leads a member takes in a round; with `workingHours` only those who
    work at the moment take any.
    """

    id: UUID
    name: str
    pipeline_id: UUID | None
    stage_id: UUID | None
    condition: Condition
    pool: list[UUID]
    shares: list[int]
    working_hours: bool
    enabled: bool


class NewRoutingRule(Input, kw_only=True):
    """A rule to set. The first rule that holds decides; its pool takes turns, those at capacity are passed over.

    `shares`, one for each of the pool, from 1 to 100, says who takes how many in a round; without them all take one. With
    `workingHours` those who do not work at the moment are passed over too.
    """

    name: Name
    pipeline_id: Ref | None = None
    stage_id: Ref | None = None
    condition: Condition = msgspec.field(default_factory=everything)
    pool: Annotated[list[Ref], Meta(min_length=1, max_length=200)]
    shares: Annotated[list[Annotated[int, Meta(ge=1, le=100)]], Meta(max_length=200)] = []
    working_hours: bool = False
    enabled: bool = True


class SetRoutingRules(Input, kw_only=True):
    """All routing rules of the organization, in order, replacing those before."""

    rules: Annotated[list[NewRoutingRule], Meta(max_length=200)]


_SELECT = """SELECT r.id, r.name, r.pipeline_id, r.stage_id, r.condition, r.enabled, r.working_hours,
       coalesce(array_agg(p.member_id ORDER BY p.position) FILTER (WHERE p.member_id IS NOT NULL), '{}') AS pool,
       coalesce(array_agg(p.share ORDER BY p.position) FILTER (WHERE p.member_id IS NOT NULL), '{}') AS shares
  FROM routing_rules r LEFT JOIN routing_pool p ON p.org_id = r.org_id AND p.rule_id = r.id
 WHERE r.org_id = $1 GROUP BY r.org_id, r.id ORDER BY r.position, r.id"""


@operation("crm.routing.rules", kind="query", role=Role.VIEWER, summary="Read the routing rules")
async def list_rules(tx: Tx, actor: Actor, input: Nothing) -> list[RoutingRule]:
    """The organization's routing rules, in order."""
    return await read(tx)


async def read(tx: Tx) -> list[RoutingRule]:
    """The organization's routing rules, in order."""
    return [RoutingRule(**dict(row)) for row in await tx.fetch(_SELECT, tx.org_id)]


@operation("crm.routing.setRules", role=Role.ADMIN, summary="Change the routing rules")
async def set_rules(tx: Tx, actor: Actor, input: SetRoutingRules) -> list[RoutingRule]:
    """Replace the routing rules. Raises Invalid for a condition that cannot be read, NotFound for a member, pipeline or stage."""
    await tx.execute("DELETE FROM routing_rules WHERE org_id = $1", tx.org_id)
    for position, rule in enumerate(input.rules):
        await insert_rule(tx, rule, position)
    await append(
        tx, actor,
        Entry(kind=kinds.ROUTING_CHANGED, subject_type="organization", subject_id=tx.org_id,
              payload={"rules": [rule.name for rule in input.rules]}),
    )  # fmt: skip
    return await read(tx)


async def insert_rule(tx: Tx, rule: NewRoutingRule, position: int) -> None:
    """Insert a rule at a position, the least of which is asked first. Raises Invalid, NotFound."""
    if not rule.name.strip() or not rule.pool:
        raise Invalid("A routing rule has a name, and at least one member in its pool.", field="rules")
    shares = rule.shares or [1] * len(rule.pool)
    if len(shares) != len(rule.pool) or not all(1 <= share <= 100 for share in shares):
        raise Invalid("“shares” has a number from 1 to 100 for each member of the pool.", field="rules")
    id = new_id()
    pipeline_id = (await pipelines.get(tx, rule.pipeline_id)).id if rule.pipeline_id else None
    stage_id = (await pipelines.stage(tx, rule.stage_id)).id if rule.stage_id else None
    await tx.execute(
        """INSERT INTO routing_rules (org_id, id, pipeline_id, stage_id, name, condition, position, enabled, working_hours)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        tx.org_id, id, pipeline_id, stage_id, rule.name.strip(), await check_condition(tx, rule.condition), position,
        rule.enabled, rule.working_hours,
    )  # fmt: skip
    members = {(await member(tx, ref)).id: share for ref, share in zip(rule.pool, shares, strict=True)}
    for place, (member_id, share) in enumerate(members.items()):
        await tx.execute(
            "INSERT INTO routing_pool (org_id, rule_id, member_id, position, share) VALUES ($1, $2, $3, $4, $5)",
            tx.org_id, id, member_id, place, share,
        )  # fmt: skip
