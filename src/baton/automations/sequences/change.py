"""Changing sequences: drafted, switched on by an admin, changed by making a new version, paused, removed."""

from typing import Literal
from uuid import UUID

import msgspec

from baton.accounts.sign_in import must_not_be_agent
from baton.activities import kinds
from baton.automations.drafted import Drafted, must_change_state
from baton.automations.sequences.plan import Plan, check
from baton.automations.sequences.sequence import NameSequence, Sequence, find
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import must_be_current
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Label, Version
from baton.kernel.values import new_id

SEQUENCES = Drafted("sequence", "a", "plan")


class CreateSequence(Input, kw_only=True):
    """A new sequence; it is a draft until an admin switches it on."""

    name: Label
    plan: Plan


class EditSequence(Input, kw_only=True):
    """What of a sequence to change. Leads that are in it go on with the version that they began with."""

    sequence_id: UUID
    version: Version | None = None
    name: Label | None = None
    plan: Plan | None = None


class SwitchSequence(Input, kw_only=True):
    """On, or paused: in a paused one all leads stay where they are."""

    sequence_id: UUID
    state: Literal["on", "paused"]
    version: Version | None = None


class RemoveSequence(NameSequence, kw_only=True):
    """The sequence to remove."""

    version: Version | None = None


@operation("crm.sequences.create", role=Role.MEMBER, summary="Draft a sequence")
async def create(tx: Tx, actor: Actor, input: CreateSequence) -> Sequence:
    """Draft a sequence. Raises Invalid for what cannot work, NotFound for what it names, Forbidden for agents."""
    must_not_be_agent(actor)
    await check(tx, actor, input.plan)
    await SEQUENCES.must_have_room(tx)
    id, name = new_id(), SEQUENCES.named(input.name)
    await tx.execute(
        "INSERT INTO sequences (org_id, id, name, created_at) VALUES ($1, $2, $3, $4)", tx.org_id, id, name, tx.now
    )
    await SEQUENCES.keep(tx, actor, id, 1, name, input.plan)
    await SEQUENCES.tell(tx, actor, kinds.SEQUENCE_CREATED, id, name)
    return await find(tx, id)


@operation("crm.sequences.edit", role=Role.MEMBER, summary="Change a sequence")
async def edit(tx: Tx, actor: Actor, input: EditSequence) -> Sequence:
    """Change a sequence by a new version of it; one that is or was on only by an admin.

    Raises Invalid, NotFound, Forbidden, Conflict for a stale version.
    """
    must_not_be_agent(actor)
    before = await _locked(tx, input.sequence_id, input.version)
    SEQUENCES.must_be_theirs(actor, before)
    name = before.name if input.name is None else SEQUENCES.named(input.name)
    plan = before.plan if input.plan is None else input.plan
    await check(tx, actor, plan)
    await SEQUENCES.keep(tx, actor, before.id, before.number + 1, name, plan)
    await tx.execute(
        "UPDATE sequences SET name = $3, number = number + 1, version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id, before.id, name,
    )  # fmt: skip
    pairs = {"name": [before.name, name], "plan": [msgspec.to_builtins(before.plan), msgspec.to_builtins(plan)]}
    changes = {field: pair for field, pair in pairs.items() if pair[0] != pair[1]}
    await SEQUENCES.tell(tx, actor, kinds.SEQUENCE_CHANGED, before.id, name, changes=changes, number=before.number + 1)
    return await find(tx, before.id)


@operation("crm.sequences.setState", role=Role.ADMIN, summary="Switch a sequence on or pause it")
async def set_state(tx: Tx, actor: Actor, input: SwitchSequence) -> Sequence:
    """Switch a sequence on, or pause it. Raises NotFound, Conflict, Invalid where it cannot work any more, Forbidden for agents."""
    must_not_be_agent(actor)
    before = await _locked(tx, input.sequence_id, input.version)
    must_change_state(before, input.state)
    if input.state == "on":
        await check(tx, actor, before.plan)
    await tx.execute(
        "UPDATE sequences SET state = $3, version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id, before.id, input.state,
    )  # fmt: skip
    changes = {"state": [before.state, input.state]}
    await SEQUENCES.tell(tx, actor, kinds.SEQUENCE_SWITCHED, before.id, before.name, changes=changes, state=input.state)
    return await find(tx, before.id)


@operation("crm.sequences.remove", role=Role.ADMIN, summary="Remove a sequence")
async def remove(tx: Tx, actor: Actor, input: RemoveSequence) -> Sequence:
    """Remove a sequence; who is in it leaves, what was done stays readable. Raises NotFound, Conflict, Forbidden for agents."""
    must_not_be_agent(actor)
    before = await _locked(tx, input.sequence_id, input.version)
    await tx.execute(
        "UPDATE sequences SET state = 'removed', version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id,
        before.id,
    )
    await tx.execute(
        """UPDATE enrolments SET state = 'stopped', why = 'removed', detail = 'The sequence was removed.', finished_at = $3
            WHERE org_id = $1 AND sequence_id = $2 AND state IN ('waiting', 'paused', 'held')""",
        tx.org_id, before.id, tx.now,
    )  # fmt: skip
    await SEQUENCES.tell(tx, actor, kinds.SEQUENCE_REMOVED, before.id, before.name)
    return msgspec.structs.replace(before, state="removed", version=before.version + 1)


async def _locked(tx: Tx, id: UUID, version: int | None) -> Sequence:
    found = await find(tx, id, lock=True)
    must_be_current(f"“{found.name}”", found.version, version)
    return found
