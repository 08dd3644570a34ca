"""A lead or opportunity as document C writes it: one body for its facts, value in whole units, place and owner. Spec C1, C2."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from baton.accounts.members import member
from baton.accounts.organization import organization
from baton.activities import kinds
from baton.contacts import contact as contacts
from baton.kernel import money
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import NotFound
from baton.kernel.operation import operation
from baton.kernel.shapes import Line
from baton.kernel.values import Ref
from baton.leads import facts as check
from baton.leads import lead as leads
from baton.leads.assign import give
from baton.leads.create import NewLead, create
from baton.leads.edit import EditLead, edit
from baton.leads.lead import Lead
from baton.leads.move import enter
from baton.leads.move_pipeline import place, relocate
from baton.pipelines import pipeline as pipelines
from baton.pipelines.pipeline import Status


class NewDetail(NewLead, kw_only=True):
    """A lead to make; `value` is in whole units of the currency, `owner` a member, `company` a company's name."""

    value: Annotated[float, Meta(ge=0)] | None = None
    owner: Ref | None = None
    company: Line | None = None


class EditDetail(EditLead, kw_only=True):
    """What of a lead to set, in one go; absent fields stay, null clears."""

    contact_id: Ref | UnsetType = UNSET
    pipeline_id: Ref | UnsetType = UNSET
    stage_id: Ref | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    value: Annotated[float, Meta(ge=0)] | UnsetType | None = UNSET
    owner: Ref | UnsetType | None = UNSET
    company: Line | UnsetType | None = UNSET


@operation("crm.leads.createDetail", role=Role.MEMBER, summary="Create a lead or opportunity", internal=True)
async def create_detail(tx: Tx, actor: Actor, input: NewDetail) -> Lead:
    """Make a lead from document C's body. Raises what `crm.leads.create` raises, and Invalid for too many decimals."""
    given = _common(input, NewLead)
    if input.value is not None:
        currency = check.currency(input.currency or (await organization(tx)).currency)
        given["value_cents"] = money.minor(input.value, currency)
    given["owner_id"] = input.owner_id or input.owner
    given["company_name"] = input.company_name or input.company
    return await create(tx, actor, NewLead(**given))


@operation("crm.leads.updateDetail", role=Role.MEMBER, summary="Change a lead or opportunity", internal=True)
async def update_detail(tx: Tx, actor: Actor, input: EditDetail) -> Lead:
    """Set facts, value, place and owner of a lead, each with its own activity.

    Raises NotFound for a lead, contact, pipeline, stage or member, Invalid, Conflict for a stale version.
    """
    before = await leads.lock(tx, input.lead_id, version=input.version)
    given = _common(input, EditLead) | {"version": None, "value_cents": _cents(before, input)}
    if input.company_name is UNSET:
        given["company_name"] = input.company
    lead = await edit(tx, actor, EditLead(**given))
    if input.contact_id is not UNSET:
        lead = await _point(tx, actor, lead, input)
    lead = await _put(tx, actor, lead, input)
    if input.owner is not UNSET:
        owner = await member(tx, input.owner) if input.owner else None
        lead = await give(tx, actor, lead, owner, reason=input.reason)
    return lead


def _common(input: msgspec.Struct, type: type[msgspec.Struct]) -> dict[str, Any]:
    return {name: getattr(input, name) for name in type.__struct_fields__}


def _cents(before: Lead, input: EditDetail) -> int | UnsetType | None:
    """The value in minor units: whole units win, and stay what they are where only the currency changes."""
    currency = before.currency if input.currency is UNSET else check.currency(input.currency)
    value = input.value
    if value is UNSET and input.value_cents is UNSET and currency != before.currency and before.value_cents is not None:
        value = money.whole(before.value_cents, before.currency)
    if value is UNSET:
        return input.value_cents
    return None if value is None else money.minor(value, currency)


async def _point(tx: Tx, actor: Actor, lead: Lead, input: EditDetail) -> Lead:
    contact = await contacts.get(tx, str(input.contact_id), held=True)
    if contact.id == lead.contact_id:
        return lead
    return await leads.change(tx, actor, lead, kinds.FIELD_UPDATED, reason=input.reason, contact_id=contact.id)


async def _put(tx: Tx, actor: Actor, lead: Lead, input: EditDetail) -> Lead:
    """The place that the body names. A place that the lead is in already does not hold it back from going to another."""
    pipeline = await pipelines.get(tx, lead.pipeline_id if input.pipeline_id is UNSET else input.pipeline_id)
    stage = None if input.stage_id is UNSET else await pipelines.stage(tx, input.stage_id)
    if stage is not None and stage.id != lead.stage_id and stage.pipeline_id != pipeline.id:
        raise NotFound("There is no such stage in this lead's pipeline.", field="stageId")
    moved = stage if stage is not None and stage.id != lead.stage_id else None
    if pipeline.id != lead.pipeline_id:
        return await relocate(tx, actor, lead, pipeline, moved or place(lead, pipeline), reason=input.reason)
    status = None if input.status is UNSET or input.status == lead.status else input.status
    if moved is not None:
        status = status if moved.outcome == "lost" else None
        return await enter(tx, actor, lead, moved, status=status, reason=input.reason)
    if status is None:
        return lead
    return await enter(tx, actor, lead, pipelines.stage_of_status(pipeline, status), status=status, reason=input.reason)
