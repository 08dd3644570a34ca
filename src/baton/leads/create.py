"""Making leads: one, or many in one transaction; scored, logged and counted. Spec A5, A7, B4, B6."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal
from uuid import UUID

import msgspec

from baton.accounts.members import member
from baton.accounts.organization import Organization, organization
from baton.contacts import contact as contacts
from baton.fields import definition as definitions
from baton.fields.values import require
from baton.kernel.actor import Actor, Role, Via
from baton.kernel.db import Tx
from baton.kernel.errors import BatonError, Conflict, Invalid
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Cents, Count, CurrencyCode, Email, ExternalId, Line, Prose, TagNames, Values
from baton.kernel.values import Ref, clean, email_address, new_id
from baton.leads.facts import Source, checked, currency, fields, known_as, natural, source, tags
from baton.leads.insert import New, insert
from baton.leads.lead import Lead, get
from baton.pipelines import pipeline as pipelines
from baton.pipelines.pipeline import Pipeline, Stage


class NewLead(Input, kw_only=True):
    """A lead to make. Names, or a company, are needed; money in minor units of `currency`. Spec A5, B10.

    `message` is what the lead wrote: it is kept in the log, never in a field. Pipeline and stage default to the intake's.
    """

    pipeline_id: Ref | None = None
    stage_id: Ref | None = None
    status: pipelines.Status | None = None
    name: Line | None = None
    first_name: Line | None = None
    last_name: Line | None = None
    email: Email | None = None
    phone: Line | None = None
    website: Line | None = None
    title: Line | None = None
    company_name: Line | None = None
    location: Line | None = None
    industry: Line | None = None
    company_size: Count | None = None
    contact_id: Ref | None = None
    owner_id: Ref | None = None
    value_cents: Cents | None = None
    currency: CurrencyCode | None = None
    expected_close_date: date | None = None
    tags: TagNames = []
    fields: Values = {}
    source: Source = "other"
    external_id: ExternalId | None = None
    message: Prose | None = None


_TRIES = 5
Custom = Literal["complete", "fit", "kept"]


class Created(msgspec.Struct, kw_only=True):
    """What became of one lead to make: its id, or the id of the lead that already has its external id."""

    id: UUID
    duplicate: bool = False


@operation("crm.leads.create", role=Role.MEMBER, summary="Create a lead")
async def create(tx: Tx, actor: Actor, input: NewLead) -> Lead:
    """Make a lead in a pipeline's stage, the intake's first where none is named. Spec A5, B9.

    Raises Invalid for a field, NotFound for a pipeline, stage or owner of another organization, and answers the
    existing lead where the external id is taken.
    """
    (made,) = await create_many(tx, actor, [input], via=actor.via, custom="complete")
    return await get(tx, made.id)


async def create_many(
    tx: Tx,
    actor: Actor,
    leads: Sequence[NewLead],
    *,
    via: Via,
    pipeline: Pipeline | None = None,
    custom: Custom = "fit",
) -> list[Created]:
    """Make leads in one go: contacts and companies found or made, each lead scored, logged and counted.

    Leads whose external id is taken, here or within the batch, are duplicates and make nothing. Custom fields must fit their
    definitions, be complete too, or are kept as another lead has them. Answers in the order given. Raises Invalid, NotFound
    as `create`; then none is made.
    """
    made: list[Created] = []
    new: list[New] = []
    for found in await _prepared(tx, leads, via, pipeline, custom):
        if isinstance(found, BatonError):
            raise found
        made.append(found if isinstance(found, Created) else Created(id=found.lead.id))
        new += [found] if isinstance(found, New) else []
    await insert(tx, actor, new)
    return made


async def create_each(
    tx: Tx, actor: Actor, leads: Sequence[NewLead], operation_ids: Sequence[UUID], *, via: Via, org: Organization
) -> list[Created | BatonError]:
    """Make leads that belong to operations of their own: what is wrong with one is its answer, and the others are made."""
    prepared = await _prepared(tx, leads, via, None, "fit", org)
    new: list[New] = []
    for found, operation_id in zip(prepared, operation_ids, strict=True):
        if isinstance(found, New):
            found.operation_id = operation_id
            new.append(found)
    await insert(tx, actor, new)
    return [Created(id=found.lead.id) if isinstance(found, New) else found for found in prepared]


async def _prepared(
    tx: Tx,
    leads: Sequence[NewLead],
    via: Via,
    pipeline: Pipeline | None,
    custom: Custom,
    org: Organization | None = None,
) -> list[New | Created | BatonError]:
    """Each lead as it is to be written, the one that has its external id already, or what is wrong with it."""
    checked_too = custom == "fit" and any(lead.fields for lead in leads)
    defined = await definitions.read(tx) if checked_too or custom == "complete" else []
    org = org or await organization(tx)
    known = await _known(tx, [lead.external_id for lead in leads if lead.external_id])
    places: dict[Any, tuple[Pipeline, Stage]] = {}
    answers: list[New | Created | BatonError] = []
    for input in leads:
        if input.external_id and input.external_id in known:
            answers.append(Created(id=known[input.external_id], duplicate=True))
            continue
        try:
            key = (input.pipeline_id, input.stage_id, input.status)
            if key not in places:
                places[key] = await _held_place(tx, input, pipeline)
            contact = await contacts.get(tx, input.contact_id, held=True) if input.contact_id else None
            lead = await _lead(tx, org, places[key], known_as(contact, input), via)
            lead.contact_id = contact.id if contact else None
            lead.fields = fields(input.fields, defined)
            require(defined, lead.fields, None if custom == "complete" else [])
        except BatonError as error:
            answers.append(error)
            continue
        message = input.message[:20_000] if input.message and clean(input.message) else None
        stage = places[key][1]
        answers.append(New(lead=lead, message=message, sla_days=None if stage.closed else stage.sla_days))
        if input.external_id:
            known[input.external_id] = lead.id
    return answers


async def _known(tx: Tx, external_ids: list[str]) -> dict[str, UUID]:
    if not external_ids:
        return {}
    rows = await tx.fetch(
        "SELECT external_id, id FROM leads WHERE org_id = $1 AND external_id = ANY ($2)", tx.org_id, external_ids
    )
    return {row["external_id"]: row["id"] for row in rows}


async def _held_place(tx: Tx, input: NewLead, default: Pipeline | None) -> tuple[Pipeline, Stage]:
    """Where a lead goes, kept there until the transaction ends. A stage that nobody named and that is just going is chosen anew."""
    if default is None and input.pipeline_id is None and input.stage_id is None and input.status is None:
        held = await pipelines.hold_intake(tx)
        if held is not None:
            return held
    for _ in range(_TRIES):
        target, stage = await _place(tx, input, default)
        try:
            return target, await pipelines.hold(tx, stage.id)
        except Invalid:
            if input.stage_id is not None:
                raise
            default = await pipelines.get(tx, default.id) if default else None
    raise Conflict("The stages of this pipeline are being changed. Try again.")


async def _place(tx: Tx, input: NewLead, default: Pipeline | None) -> tuple[Pipeline, Stage]:
    if input.pipeline_id is not None:
        target = await pipelines.get(tx, input.pipeline_id)
    elif input.stage_id is not None:
        target = await pipelines.get(tx, (await pipelines.stage(tx, input.stage_id)).pipeline_id)
    else:
        target = default or await pipelines.intake(tx)
    if input.stage_id is not None:
        stage = await pipelines.stage(tx, input.stage_id, pipeline_id=target.id)
        if stage.archived_at is not None or target.archived_at is not None:
            raise Invalid(f"The stage “{stage.name}” is archived. Choose another.", field="stageId")
        return target, stage
    if target.archived_at is not None:
        raise Invalid(f"The pipeline “{target.name}” was removed. Choose another.", field="pipelineId")
    if input.status is not None:
        return target, pipelines.stage_of_status(target, input.status)
    return target, pipelines.first_stage(target)


async def _lead(tx: Tx, org: Organization, place: tuple[Pipeline, Stage], input: NewLead, via: Via) -> Lead:
    pipeline, stage = place
    owner = (await member(tx, input.owner_id)).id if input.owner_id else None
    first, last = checked("firstName", input.first_name), checked("lastName", input.last_name)
    company = checked("companyName", input.company_name)
    name = (
        checked("name", input.name) or " ".join(part for part in (first, last) if part) or company or clean(input.email)
    )
    if not name:
        raise Invalid("A lead needs a name, a company or an e-mail address.", field="name")
    return Lead(
        id=new_id(), pipeline_id=pipeline.id, stage_id=stage.id, status=pipelines.status_in(stage, input.status), name=name,
        first_name=first, last_name=last, email=email_address(email) if (email := clean(input.email)) else None,
        phone=checked("phone", input.phone), website=checked("website", input.website), title=checked("title", input.title),
        company_name=company, location=checked("location", input.location), industry=checked("industry", input.industry),
        company_size=natural("companySize", input.company_size, 2**31), contact_id=None, company_id=None, owner_id=owner,
        value_cents=natural("valueCents", input.value_cents, 2**62), currency=currency(input.currency or org.currency),
        expected_close_date=input.expected_close_date, tags=tags(input.tags), fields={}, source=source(input.source),
        via=via, score=None, qualified_at=None, assigned_at=tx.now if owner else None, stage_entered_at=tx.now,
        closed_at=tx.now if stage.closed else None, next_action_at=None, converted_from_id=None, converted_to_id=None,
        external_id=checked("externalId", input.external_id), deleted_at=None, created_at=tx.now, version=1, last_activity_at=tx.now,
    )  # fmt: skip
