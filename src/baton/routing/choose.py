"""Choosing owners for leads by the rules, and saying why her. Writes nothing. Spec C4."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from baton.accounts.members import Member
from baton.fields import lead as fields
from baton.kernel.conditions import compile
from baton.kernel.db import Tx
from baton.leads.lead import Lead
from baton.routing import rules, turns
from baton.routing.rules import RoutingRule
from baton.routing.turns import Turns


@dataclass(slots=True)
class Choice:
    """Who gets a lead by which rule, or nobody, and why; `passed_over` are those whose turn it was, each with the reason."""

    why: str
    member: Member | None = None
    rule: RoutingRule | None = None
    passed_over: list[dict[str, str]] = field(default_factory=list)


async def choose(tx: Tx, waiting: Sequence[Lead], *, locked: bool = False) -> tuple[list[tuple[Lead, Choice]], Turns]:
    """The owners that leads would get one after the other, in three statements however many they are.

    With `locked`, two more: the pools are locked until the transaction ends.
    """
    known = [rule for rule in await rules.read(tx) if rule.enabled]
    held = await _held(tx, [lead for lead in waiting if lead.owner_id is None], known)
    asked = [rule.id for rule in known if any(rule.id in ids for ids in held.values())]
    pools = await turns.read(tx, asked, locked=locked)
    return [
        (lead, _choice(lead, [r for r in known if r.id in held.get(lead.id, ())], pools)) for lead in waiting
    ], pools


def _choice(lead: Lead, fitting: list[RoutingRule], pools: Turns) -> Choice:
    if lead.owner_id is not None:
        return Choice("It has an owner already.")
    full: list[str] = []
    for rule in fitting:
        member, passed = pools.take(rule)
        over = [f"{one['name']} {one['why']}" for one in passed]
        if member is None:
            full.append(f"{rule.name} ({', '.join(over) or 'its pool is empty'})")
            continue
        now = pools.busy[member.id]
        has = (
            f"has {now} of {member.capacity} leads"
            if member.capacity is not None
            else f"has {now} lead{'s' * (now > 1)}"
        )
        why = f"Rule “{rule.name}”. {member.name} {has}."
        return Choice(why + (f" Passed over: {', '.join(over)}." if over else ""), member, rule, passed)
    return Choice(f"No room in: {'; '.join(full)}." if full else "No rule fits this lead.")


async def _held(tx: Tx, waiting: Sequence[Lead], known: list[RoutingRule]) -> dict[UUID, set[UUID]]:
    """Of each lead the ids of the rules that fit it, in one statement."""
    named = await fields.of(tx, *(rule.condition for rule in known))
    tests: list[str] = []
    args: list[Any] = []
    for rule in known:
        compiled = compile(rule.condition, named, now=tx.now, first=len(args) + 3)
        tests.append(compiled.sql)
        args.extend(compiled.args)
    rows = await tx.fetch(
        f"SELECT l.id, ARRAY[{', '.join(tests)}]::boolean[] AS held FROM leads l WHERE l.org_id = $1 AND l.id = ANY ($2)",
        tx.org_id, [lead.id for lead in waiting], *args,
    )  # fmt: skip
    held = {row["id"]: row["held"] for row in rows}
    return {
        lead.id: {
            rule.id for rule, holds in zip(known, held[lead.id], strict=True)
            if holds and rule.pipeline_id in (None, lead.pipeline_id) and rule.stage_id in (None, lead.stage_id)
        }
        for lead in waiting
    }  # fmt: skip
