"""The rules that make a score: factors with a maximum, and conditions that add points to them. Spec B6, C7."""

from typing import Literal
from uuid import UUID

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.fields.lead import LEAD_FIELDS
from baton.kernel import conditions
from baton.kernel.actor import Actor, Role
from baton.kernel.conditions import Condition
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.values import new_id


class Rule(Output, kw_only=True):
    """A condition that adds points to its factor."""

    id: UUID
    name: str
    condition: Condition
    points: int
    enabled: bool = True


class Factor(Output, kw_only=True):
    """A part of the score, at most `maxPoints`: the best of its rules, or their sum."""

    id: UUID
    key: str
    label: str
    max_points: int
    combine: Literal["best", "sum"]
    rules: list[Rule] = []


class NewRule(Input, kw_only=True):
    """A rule to set: its name says why in the words that people read ("director title")."""

    name: str
    condition: Condition
    points: int
    enabled: bool = True


class NewFactor(Input, kw_only=True):
    """A factor to set, with its rules."""

    key: str
    label: str
    max_points: int
    combine: Literal["best", "sum"] = "best"
    rules: list[NewRule]


class SetRules(Input, kw_only=True):
    """All scoring rules of the organization, replacing those before."""

    factors: list[NewFactor]


@operation("crm.scoring.rules", kind="query", role=Role.VIEWER, summary="Read the scoring rules")
async def list_rules(tx: Tx, actor: Actor, input: Nothing) -> list[Factor]:
    """The organization's factors and rules, in order."""
    return await read(tx)


async def read(tx: Tx) -> list[Factor]:
    """The organization's factors with their rules, in order."""
    rows = await tx.fetch(
        """SELECT f.id AS factor_id, f.key, f.label, f.max_points, f.combine, r.id, r.name, r.condition, r.points, r.enabled
             FROM scoring_factors f LEFT JOIN scoring_rules r ON r.org_id = f.org_id AND r.factor_id = f.id
            WHERE f.org_id = $1 ORDER BY f.position, f.id, r.position, r.id""",
        tx.org_id,
    )
    factors: dict[UUID, Factor] = {}
    for row in rows:
        factor = factors.setdefault(
            row["factor_id"],
            Factor(
                id=row["factor_id"],
                key=row["key"],
                label=row["label"],
                max_points=row["max_points"],
                combine=row["combine"],
            ),
        )
        if row["id"] is not None:
            factor.rules.append(
                Rule(
                    id=row["id"],
                    name=row["name"],
                    condition=row["condition"],
                    points=row["points"],
                    enabled=row["enabled"],
                )
            )
    return list(factors.values())


@operation("crm.scoring.setRules", role=Role.ADMIN, summary="Change the scoring rules")
async def set_rules(tx: Tx, actor: Actor, input: SetRules) -> list[Factor]:
    """Replace the scoring rules; scores change when leads are scored next. Raises Invalid for a rule that cannot be read."""
    await tx.execute("DELETE FROM scoring_rules WHERE org_id = $1", tx.org_id)
    await tx.execute("DELETE FROM scoring_factors WHERE org_id = $1", tx.org_id)
    if len({factor.key for factor in input.factors}) != len(input.factors):
        raise Invalid("Two factors have the same key.", field="factors")
    for position, factor in enumerate(input.factors):
        if not 0 <= factor.max_points <= 100:
            raise Invalid(f"“{factor.label}” gives 0 to 100 points.", field="factors")
        factor_id = new_id()
        await tx.execute(
            "INSERT INTO scoring_factors (org_id, id, key, label, max_points, combine, position) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            tx.org_id, factor_id, factor.key, factor.label, factor.max_points, factor.combine, position,
        )  # fmt: skip
        for index, rule in enumerate(factor.rules):
            if not -100 <= rule.points <= 100:
                raise Invalid(f"“{rule.name}” gives -100 to 100 points.", field="factors")
            await tx.execute(
                """INSERT INTO scoring_rules (org_id, id, factor_id, name, condition, points, position, enabled)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
                tx.org_id, new_id(), factor_id, rule.name, conditions.check(rule.condition, LEAD_FIELDS, now=tx.now), rule.points, index,
                rule.enabled,
            )  # fmt: skip
    await append(
        tx, actor,
        Entry(kind=kinds.SCORING_CHANGED, subject_type="organization", subject_id=tx.org_id,
              payload={"factors": [f.label for f in input.factors]}),
    )  # fmt: skip
    return await read(tx)
