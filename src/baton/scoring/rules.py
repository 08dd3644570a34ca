"""The rules that make a score: factors with a maximum, and conditions that add points to them. Spec B6, C7."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.fields.lead import check as check_condition
from baton.kernel.actor import Actor, Role
from baton.kernel.conditions import Condition
from baton.kernel.db import Tx, columns
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.shapes import Label, Name, Percent
from baton.kernel.values import new_id
from baton.scoring import bands
from baton.scoring.bands import Bands


class Rule(Output, kw_only=True):
    """A condition that adds points to its factor."""

    id: UUID
    name: str
    condition: Condition
    points: int
    enabled: bool = True


class Factor(Output, kw_only=True):
    """A part of the score, at most `maxPoints`: the best of its rules, or their sum; it counts `weight` times."""

    id: UUID
    key: str
    label: str
    max_points: int
    combine: Literal["best", "sum"]
    weight: float = 1.0
    rules: list[Rule] = []


class NewRule(Input, kw_only=True):
    """A rule to set: its name says why in the words that people read ("director title")."""

    name: Name
    condition: Condition
    points: Annotated[int, Meta(ge=-100, le=100)]
    enabled: bool = True


class NewFactor(Input, kw_only=True):
    """A factor to set, with its rules; its points count `weight` times (0–10)."""

    key: Label
    label: Label
    max_points: Percent
    combine: Literal["best", "sum"] = "best"
    weight: Annotated[float, Meta(ge=0, le=10)] = 1.0
    rules: Annotated[list[NewRule], Meta(max_length=500)]


class SetRules(Input, kw_only=True):
    """All scoring rules of the organization, replacing those before."""

    factors: Annotated[list[NewFactor], Meta(max_length=50)]


@operation("crm.scoring.rules", kind="query", role=Role.VIEWER, summary="Read the scoring rules")
async def list_rules(tx: Tx, actor: Actor, input: Nothing) -> list[Factor]:
    """The organization's factors and rules, in order."""
    return await read(tx)


async def read(tx: Tx) -> list[Factor]:
    """The organization's factors with their rules, in order."""
    return (await read_all(tx))[0]


async def read_all(tx: Tx) -> tuple[list[Factor], Bands]:
    """The organization's factors with their rules, in order, and its bands, in one statement."""
    rows = await tx.fetch(
        f"""SELECT f.id AS factor_id, f.key, f.label, f.max_points, f.combine, f.weight, r.id, r.name, r.condition, r.points, r.enabled,
                   {bands.STORED} AS bands
              FROM scoring_factors f LEFT JOIN scoring_rules r ON r.org_id = f.org_id AND r.factor_id = f.id
             WHERE f.org_id = $1 ORDER BY f.position, f.id, r.position, r.id""",
        tx.org_id,
    )
    factors: dict[UUID, Factor] = {}
    for row in rows:
        factor = factors.get(row["factor_id"])
        if factor is None:
            factor = factors[row["factor_id"]] = Factor(
                id=row["factor_id"], key=row["key"], label=row["label"], max_points=row["max_points"], combine=row["combine"],
                weight=row["weight"], rules=[],
            )  # fmt: skip
        if row["id"] is not None:
            named = {name: row[name] for name in Rule.__struct_fields__}
            factor.rules.append(Rule(**named))
    return list(factors.values()), bands.from_stored(rows[0]["bands"] if rows else None)


async def checked(tx: Tx, factors: Sequence[NewFactor]) -> None:
    """See that rules can be set. Raises Invalid, saying which cannot."""
    if len({factor.key for factor in factors}) != len(factors):
        raise Invalid("Two factors have the same key.", field="factors")
    if len(factors) > 50 or sum(len(factor.rules) for factor in factors) > 500:
        raise Invalid("There are at most 50 factors, and 500 rules in all.", field="factors")
    for factor in factors:
        if not factor.key.strip() or not factor.label.strip():
            raise Invalid("A factor has a key and a label.", field="factors")
        if not 0 <= factor.max_points <= 100:
            raise Invalid(f"“{factor.label}” gives 0 to 100 points.", field="factors")
        if not 0 <= factor.weight <= 10:
            raise Invalid(f"“{factor.label}” counts 0 to 10 times.", field="factors")
        for rule in factor.rules:
            if not -100 <= rule.points <= 100:
                raise Invalid(f"“{rule.name}” gives -100 to 100 points.", field="factors")
            await check_condition(tx, rule.condition)


@operation("crm.scoring.setRules", role=Role.ADMIN, summary="Change the scoring rules")
async def set_rules(tx: Tx, actor: Actor, input: SetRules) -> list[Factor]:
    """Replace the scoring rules; scores change when leads are scored next. Raises Invalid for a rule that cannot be read."""
    await checked(tx, input.factors)
    await tx.execute("DELETE FROM scoring_rules WHERE org_id = $1", tx.org_id)
    await tx.execute("DELETE FROM scoring_factors WHERE org_id = $1", tx.org_id)
    for position, factor in enumerate(input.factors):
        factor_id = new_id()
        await tx.execute(
            """INSERT INTO scoring_factors (org_id, id, key, label, max_points, combine, weight, position)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
            tx.org_id, factor_id, factor.key, factor.label, factor.max_points, factor.combine, float(factor.weight), position,
        )  # fmt: skip
        rows = [
            (new_id(), rule.name, rule.condition, rule.points, place, rule.enabled)
            for place, rule in enumerate(factor.rules)
        ]
        await tx.execute(
            """INSERT INTO scoring_rules (org_id, factor_id, id, name, condition, points, position, enabled)
               SELECT $1, $2, r.* FROM unnest($3::uuid[], $4::text[], $5::jsonb[], $6::smallint[], $7::int[], $8::boolean[]) AS r""",
            tx.org_id, factor_id, *columns(rows, 6),
        )  # fmt: skip
    await append(
        tx, actor,
        Entry(kind=kinds.SCORING_CHANGED, subject_type="organization", subject_id=tx.org_id,
              payload={"factors": [f.label for f in input.factors]}),
    )  # fmt: skip
    return await read(tx)
