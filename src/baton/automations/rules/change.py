"""Changing automations: drafted, switched on by an admin, changed by making a new version, paused, removed."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from baton.accounts.organization import organization
from baton.accounts.sign_in import must_not_be_agent
from baton.activities import kinds
from baton.automations.drafted import Drafted, must_change_state
from baton.automations.rules import times
from baton.automations.rules.automation import Automation, NameAutomation, find
from baton.automations.rules.check import check
from baton.automations.rules.rule import Rule, Steps, Trigger, listens
from baton.kernel.actor import Actor, Role
from baton.kernel.conditions import Condition, everything
from baton.kernel.db import Tx
from baton.kernel.errors import must_be_current
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Label, Version
from baton.kernel.values import new_id

AUTOMATIONS = Drafted("automation", "an", "rule")


class CreateAutomation(Input, kw_only=True):
    """A new automation; it is a draft until an admin switches it on."""

    name: Label
    trigger: Trigger
    condition: Condition = msgspec.field(default_factory=everything)
    steps: Steps


class EditAutomation(Input, kw_only=True):
    """What of an automation to change; absent parts stay. What runs already goes on as it began."""

    automation_id: UUID
    version: Version | None = None
    name: Label | None = None
    trigger: Trigger | None = None
    condition: Condition | None = None
    steps: Steps | None = None


class SwitchAutomation(Input, kw_only=True):
    """On, or paused: a paused one answers nothing, and what it had begun waits."""

    automation_id: UUID
    state: Literal["on", "paused"]
    version: Version | None = None


class RemoveAutomation(NameAutomation, kw_only=True):
    """The automation to remove."""

    version: Version | None = None


@operation("crm.automations.create", role=Role.MEMBER, summary="Draft an automation")
async def create(tx: Tx, actor: Actor, input: CreateAutomation) -> Automation:
    """Draft an automation. Raises Invalid for what cannot work, NotFound for whom or what it names, Forbidden for agents."""
    must_not_be_agent(actor)
    rule = Rule(trigger=input.trigger, condition=input.condition, steps=input.steps)
    await check(tx, rule)
    await AUTOMATIONS.must_have_room(tx)
    id, name = new_id(), AUTOMATIONS.named(input.name)
    await tx.execute(
        "INSERT INTO automations (org_id, id, name, listens, created_at) VALUES ($1, $2, $3, $4, $5)",
        tx.org_id, id, name, listens(rule.trigger), tx.now,
    )  # fmt: skip
    await AUTOMATIONS.keep(tx, actor, id, 1, name, rule)
    await AUTOMATIONS.tell(tx, actor, kinds.AUTOMATION_CREATED, id, name)
    return await find(tx, id)


@operation("crm.automations.edit", role=Role.MEMBER, summary="Change an automation")
async def edit(tx: Tx, actor: Actor, input: EditAutomation) -> Automation:
    """Change an automation by a new version of what it says; one that is or was on only by an admin.

    Raises Invalid, NotFound, Forbidden, Conflict for a stale version.
    """
    must_not_be_agent(actor)
    before = await _locked(tx, input.automation_id, input.version)
    AUTOMATIONS.must_be_theirs(actor, before)
    name = before.name if input.name is None else AUTOMATIONS.named(input.name)
    rule = Rule(
        trigger=before.trigger if input.trigger is None else input.trigger,
        condition=before.condition if input.condition is None else input.condition,
        steps=before.steps if input.steps is None else input.steps,
    )
    await check(tx, rule)
    number = before.number + 1
    await AUTOMATIONS.keep(tx, actor, before.id, number, name, rule)
    same = rule.trigger == before.trigger
    await tx.execute(
        """UPDATE automations SET name = $3, number = $4, listens = $5, next_at = $6, version = version + 1,
                  looked_at = CASE WHEN $7 THEN looked_at END
            WHERE org_id = $1 AND id = $2""",
        tx.org_id, before.id, name, number, listens(rule.trigger),
        before.next_at if same else await _next(tx, rule.trigger) if before.state == "on" else None, same,
    )  # fmt: skip
    was = Rule(trigger=before.trigger, condition=before.condition, steps=before.steps)
    pairs = {"name": [before.name, name], "rule": [msgspec.to_builtins(was), msgspec.to_builtins(rule)]}
    changes = {field: pair for field, pair in pairs.items() if pair[0] != pair[1]}
    await AUTOMATIONS.tell(tx, actor, kinds.AUTOMATION_CHANGED, before.id, name, changes=changes, number=number)
    return await find(tx, before.id)


@operation("crm.automations.setState", role=Role.ADMIN, summary="Switch an automation on or pause it")
async def set_state(tx: Tx, actor: Actor, input: SwitchAutomation) -> Automation:
    """Switch an automation on, or pause it. What it answers begins with what happens from now on.

    Raises NotFound, Conflict for a stale version, Invalid where it cannot work any more, Forbidden for agents.
    """
    must_not_be_agent(actor)
    before = await _locked(tx, input.automation_id, input.version)
    must_change_state(before, input.state)
    if input.state == "on":
        await check(tx, Rule(trigger=before.trigger, condition=before.condition, steps=before.steps))
    await tx.execute(
        """UPDATE automations SET state = $3, version = version + 1, next_at = $4,
                  switched_on_at = CASE WHEN $3 = 'on' THEN $5 ELSE switched_on_at END, looked_at = NULL
            WHERE org_id = $1 AND id = $2""",
        tx.org_id, before.id, input.state, await _next(tx, before.trigger) if input.state == "on" else None, tx.now,
    )  # fmt: skip
    changes = {"state": [before.state, input.state]}
    await AUTOMATIONS.tell(
        tx, actor, kinds.AUTOMATION_SWITCHED, before.id, before.name, changes=changes, state=input.state
    )
    return await find(tx, before.id)


@operation("crm.automations.remove", role=Role.ADMIN, summary="Remove an automation")
async def remove(tx: Tx, actor: Actor, input: RemoveAutomation) -> Automation:
    """Remove an automation; its runs stay readable, and those that wait or are held are dropped. Raises NotFound, Conflict,
    Forbidden for agents."""
    must_not_be_agent(actor)
    before = await _locked(tx, input.automation_id, input.version)
    await tx.execute(
        "UPDATE automations SET state = 'removed', next_at = NULL, version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id, before.id,
    )  # fmt: skip
    await tx.execute(
        """UPDATE automation_runs SET status = 'dropped', error = 'The automation was removed.', finished_at = $3
            WHERE org_id = $1 AND automation_id = $2 AND status IN ('waiting', 'held')""",
        tx.org_id, before.id, tx.now,
    )  # fmt: skip
    await AUTOMATIONS.tell(tx, actor, kinds.AUTOMATION_REMOVED, before.id, before.name)
    return msgspec.structs.replace(before, state="removed", next_at=None, version=before.version + 1)


async def _locked(tx: Tx, id: UUID, version: int | None) -> Automation:
    found = await find(tx, id, lock=True)
    must_be_current(f"“{found.name}”", found.version, version)
    return found


async def _next(tx: Tx, trigger: Trigger) -> datetime | None:
    return times.next_slot(trigger, tx.now, (await organization(tx)).time_zone)
