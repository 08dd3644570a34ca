"""Changing sequences: drafted, switched on by an admin, changed by making a new version, paused, removed."""

from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from baton.accounts.sign_in import must_not_be_agent
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.automations.sequences.plan import Plan, check
from baton.automations.sequences.sequence import NameSequence, Sequence, find
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Forbidden, Invalid, must_be_current
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Label, Version
from baton.kernel.values import new_id

MOST: Final = 200


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
    count = await tx.fetchval("SELECT count(*) FROM sequences WHERE org_id = $1 AND state <> 'removed'", tx.org_id)
    if count >= MOST:
        raise Conflict(f"An organization has at most {MOST} sequences. Remove one first.")
    id, name = new_id(), _name(input.name)
    await tx.execute(
        "INSERT INTO sequences (org_id, id, name, created_at) VALUES ($1, $2, $3, $4)", tx.org_id, id, name, tx.now
    )
    await _keep(tx, actor, id, 1, name, input.plan)
    await _tell(tx, actor, kinds.SEQUENCE_CREATED, id, name)
    return await find(tx, id)


@operation("crm.sequences.edit", role=Role.MEMBER, summary="Change a sequence")
async def edit(tx: Tx, actor: Actor, input: EditSequence) -> Sequence:
    """Change a sequence by a new version of it; one that is or was on only by an admin.

    Raises Invalid, NotFound, Forbidden, Conflict for a stale version.
    """
    must_not_be_agent(actor)
    before = await _locked(tx, input.sequence_id, input.version)
    if before.state != "draft" and not actor.role.admits(Role.ADMIN):
        raise Forbidden("Only an admin changes a sequence that is at work. Draft another one instead.")
    name = before.name if input.name is None else _name(input.name)
    plan = before.plan if input.plan is None else input.plan
    await check(tx, actor, plan)
    await _keep(tx, actor, before.id, before.number + 1, name, plan)
    await tx.execute(
        "UPDATE sequences SET name = $3, number = number + 1, version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id, before.id, name,
    )  # fmt: skip
    pairs = {"name": [before.name, name], "plan": [msgspec.to_builtins(before.plan), msgspec.to_builtins(plan)]}
    changes = {field: pair for field, pair in pairs.items() if pair[0] != pair[1]}
    await _tell(tx, actor, kinds.SEQUENCE_CHANGED, before.id, name, changes=changes, number=before.number + 1)
    return await find(tx, before.id)


@operation("crm.sequences.setState", role=Role.ADMIN, summary="Switch a sequence on or pause it")
async def set_state(tx: Tx, actor: Actor, input: SwitchSequence) -> Sequence:
    """Switch a sequence on, or pause it. Raises NotFound, Conflict, Invalid where it cannot work any more, Forbidden for agents."""
    must_not_be_agent(actor)
    before = await _locked(tx, input.sequence_id, input.version)
    if before.state == input.state:
        raise Conflict(f"“{before.name}” is {before.state} already.")
    if input.state == "on":
        await check(tx, actor, before.plan)
    await tx.execute(
        "UPDATE sequences SET state = $3, version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id, before.id, input.state,
    )  # fmt: skip
    changes = {"state": [before.state, input.state]}
    await _tell(tx, actor, kinds.SEQUENCE_SWITCHED, before.id, before.name, changes=changes, state=input.state)
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
    await _tell(tx, actor, kinds.SEQUENCE_REMOVED, before.id, before.name)
    return msgspec.structs.replace(before, state="removed", version=before.version + 1)


async def _tell(
    tx: Tx, actor: Actor, kind: str, id: UUID, name: str, *, changes: dict[str, list[Any]] | None = None, **payload: Any
) -> None:
    entry = Entry(
        kind=kind, subject_type="sequence", subject_id=id, changes=changes or {}, payload={"name": name} | payload
    )
    await append(tx, actor, entry)


async def _locked(tx: Tx, id: UUID, version: int | None) -> Sequence:
    found = await find(tx, id, lock=True)
    must_be_current(f"“{found.name}”", found.version, version)
    return found


async def _keep(tx: Tx, actor: Actor, id: UUID, number: int, name: str, plan: Plan) -> None:
    await tx.execute(
        """INSERT INTO sequence_versions (org_id, sequence_id, number, name, plan, made_by, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        tx.org_id, id, number, name, plan, actor.name, tx.now,
    )  # fmt: skip


def _name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > 100:
        raise Invalid("A sequence has a name of at most 100 characters.", field="name")
    return name
