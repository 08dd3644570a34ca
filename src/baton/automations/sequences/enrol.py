"""Putting leads into a sequence: one, a selection, a condition, a segment or an import. Outward: what follows reaches people."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from baton.activities import kinds
from baton.automations.sequences.enrolment import ACTIVE, Enrolment, find_enrolment
from baton.automations.sequences.plan import MESSAGES, Email, WhatsApp, may_leave
from baton.automations.sequences.sequence import Sequence, find
from baton.kernel.actor import Actor, Role
from baton.kernel.conditions import Condition
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Words
from baton.kernel.values import Ref, new_id
from baton.leads import lead as leads
from baton.leads.chunks import MOST, Changed, Chunk, each, go_on, matched
from baton.leads.lead import Lead
from baton.leads.matching import known, matching


class Enrol(Input, kw_only=True):
    """The sequence and the lead; `again` also where the lead went through it before."""

    sequence_id: UUID
    lead_id: Ref
    again: bool = False


class EnrolMany(Chunk, kw_only=True):
    """The sequence, and which leads: `leadIds` (at most 500), a condition, a search, a segment, or those of an import."""

    sequence_id: UUID
    lead_ids: Annotated[list[Ref], Meta(max_length=500)] | None = None
    where: Condition | None = None
    search: Words | None = None
    segment_id: UUID | None = None
    import_id: UUID | None = None
    again: bool = False


@operation("crm.sequences.enrol", role=Role.MEMBER, summary="Put a lead into a sequence", outward=True)
async def enrol(tx: Tx, actor: Actor, input: Enrol) -> Enrolment:
    """Put a lead into a sequence that is on. Raises NotFound, Conflict where it is in it already, was, or is closed."""
    sequence = await _on(tx, input.sequence_id)
    lead = await leads.lock(tx, input.lead_id)
    return await find_enrolment(tx, await _begin(tx, actor, sequence, lead, again=input.again))


@operation("crm.sequences.enrolMany", role=Role.MEMBER, summary="Put many leads into a sequence", outward=True)
async def enrol_many(tx: Tx, actor: Actor, input: EnrolMany) -> Changed:
    """Put many leads into a sequence, chunk by chunk under one operation; who cannot be is named, and why.

    Raises Invalid where it is not said which leads, NotFound, Conflict for a sequence that is not on.
    """
    sequence = await _on(tx, input.sequence_id)
    await go_on(tx, actor, input.operation_id)
    refs, ids, after = await _chosen(tx, input)

    async def act(id: UUID) -> bool:
        await _begin(tx, actor, sequence, await leads.lock(tx, id), again=input.again)
        return True

    return await each(tx, refs, ids, act, after)


async def _on(tx: Tx, id: UUID) -> Sequence:
    found = await find(tx, id)
    if found.state != "on":
        raise Conflict(
            f"“{found.name}” is {'a draft' if found.state == 'draft' else found.state}: an admin switches it on first."
        )
    return found


async def _begin(tx: Tx, actor: Actor, sequence: Sequence, lead: Lead, *, again: bool) -> UUID:
    if lead.closed_at is not None and sequence.plan.exits.closed:
        raise Conflict(f"{lead.name} is closed ({lead.status}): no further action is needed.")
    state = await tx.fetchval(
        """SELECT state FROM enrolments WHERE org_id = $1 AND sequence_id = $2 AND lead_id = $3
            ORDER BY state = ANY ($4) DESC LIMIT 1""",
        tx.org_id, sequence.id, lead.id, list(ACTIVE),
    )  # fmt: skip
    if state in ACTIVE:
        raise Conflict(f"{lead.name} is in “{sequence.name}” already.")
    if state is not None and not again:
        raise Conflict(f"{lead.name} went through “{sequence.name}” before. Say “again” to begin anew.")
    if lead.phone is None and any(isinstance(step, WhatsApp) for step in sequence.plan.steps):
        raise Conflict(f"{lead.name} has no phone number, and “{sequence.name}” writes on WhatsApp.")
    if lead.email is None and any(isinstance(step, Email) for step in sequence.plan.steps):
        raise Conflict(f"{lead.name} has no e-mail address, and “{sequence.name}” writes e-mail.")
    id = new_id()
    await leads.change(
        tx, actor, lead, kinds.SEQUENCE_ENROLLED, payload={"name": sequence.name, "sequenceId": str(sequence.id)},
        subject=("enrolment", id),
    )  # fmt: skip
    activity_id = await tx.fetchval(
        "SELECT id FROM activities WHERE org_id = $1 AND lead_id = $2 AND operation_id = $3 AND subject_id = $4",
        tx.org_id, lead.id, tx.operation_id, id,
    )  # fmt: skip
    first = isinstance(sequence.plan.steps[0], MESSAGES)
    await tx.execute(
        """INSERT INTO enrolments (org_id, id, sequence_id, number, lead_id, next_at, stage_id, owner_id, activity_id, depth,
                                   operation_id, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)""",
        tx.org_id, id, sequence.id, sequence.number, lead.id,
        await may_leave(tx, sequence.plan, lead, tx.now) if first else tx.now, lead.stage_id, lead.owner_id, activity_id, tx.depth,
        tx.operation_id, tx.now,
    )  # fmt: skip
    return id


async def _chosen(tx: Tx, input: EnrolMany) -> tuple[list[str], dict[str, UUID], str | None]:
    """The leads of this chunk as they are named, their ids, and the cursor after them."""
    by_rule = input.where is not None or input.search is not None or input.segment_id is not None
    if [input.lead_ids is not None, by_rule, input.import_id is not None].count(True) != 1:
        raise Invalid("Name the leads, or a condition, search or segment, or an import.", field="leadIds")
    if input.lead_ids is not None:
        refs = sorted(set(input.lead_ids))
        if not 1 <= len(refs) <= MOST:
            raise Invalid(f"One call names 1 to {MOST} leads; name others in a further call.", field="leadIds")
        ids = await known(tx, refs)
        if not ids:
            raise NotFound("There are no such leads in your organization.", field="leadIds")
        return refs, ids, None
    tests, args = await matching(tx, input.where or {"all": []}, input.search, input.segment_id)
    if input.import_id is not None:
        operation_id = await tx.fetchval(
            "SELECT operation_id FROM imports WHERE org_id = $1 AND id = $2", tx.org_id, input.import_id
        )
        if operation_id is None:
            raise NotFound("There is no such import in your organization.", field="importId")
        args.append(operation_id)
        mine = f"a.org_id = l.org_id AND a.operation_id = ${len(args)} AND a.lead_id = l.id"
        tests += f" AND EXISTS (SELECT FROM activities a WHERE {mine})"
    found, after = await matched(tx, tests, args, input)
    return [str(id) for id in found], {str(id): id for id in found}, after
