"""Converting a qualified lead into an opportunity, and a customer where wanted. Spec C3."""

from uuid import UUID

from baton.activities import kinds
from baton.contacts.customers import make_customer
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Invalid
from baton.kernel.operation import Input, Output, operation
from baton.kernel.shapes import Reason, Version
from baton.kernel.values import Ref
from baton.leads import lead as leads
from baton.leads.create import NewLead, create_many
from baton.leads.lead import Lead
from baton.leads.move import enter
from baton.pipelines import pipeline as pipelines
from baton.pipelines.pipeline import Pipeline


class Convert(Input, kw_only=True):
    """The qualified lead, where its opportunity goes (the first deals pipeline where none is named), and whether it buys already."""

    lead_id: Ref
    pipeline_id: Ref | None = None
    stage_id: Ref | None = None
    create_customer: bool = False
    version: Version | None = None
    reason: Reason | None = None


class Converted(Output, kw_only=True):
    """The lead, now won; the opportunity made of it; the customer, if one was made."""

    lead: Lead
    opportunity: Lead
    customer_id: UUID | None


@operation("crm.leads.convert", role=Role.MEMBER, summary="Convert a lead")
async def convert(tx: Tx, actor: Actor, input: Convert) -> Converted:
    """Make an opportunity of a qualified lead, link both, and close the lead as won in its own pipeline. Spec C3.

    Contact, company, value, owner, tags and fields go with it. Raises Conflict for a lead that is not qualified, closed
    or converted already, Invalid for a pipeline that is not of opportunities, NotFound.
    """
    before = await leads.lock(tx, input.lead_id, version=input.version)
    if before.converted_to_id is not None:
        raise Conflict(f"{before.name} was converted already.")
    if before.closed_at is not None:
        raise Conflict(f"{before.name} is closed ({before.status}). Move it to an open stage first.")
    if before.qualified_at is None:
        raise Conflict(f"{before.name} is not qualified yet. Qualify it first.")
    target = await _target(tx, input, before)
    (made,) = await create_many(tx, actor, [_opportunity(before, target, input)], via=actor.via, custom="kept")
    opportunity = await leads.change(
        tx, actor, await leads.lock(tx, made.id), kinds.LEAD_CONVERTED, reason=input.reason,
        payload={"fromName": before.name, "fromLeadId": str(before.id)}, converted_from_id=before.id, qualified_at=before.qualified_at,
    )  # fmt: skip
    own = await pipelines.get(tx, before.pipeline_id)
    won = await enter(tx, actor, before, pipelines.stage_of_status(own, "won"), reason=input.reason)
    after = await leads.change(
        tx, actor, won, kinds.LEAD_CONVERTED, reason=input.reason,
        payload={"pipelineName": target.name, "toLeadId": str(opportunity.id)}, converted_to_id=opportunity.id,
    )  # fmt: skip
    customer_id = None
    if input.create_customer:
        customer_id = await make_customer(
            tx,
            actor,
            name=before.company_name or before.name,
            lead_id=before.id,
            contact_id=before.contact_id,
            company_id=before.company_id,
        )
    return Converted(lead=after, opportunity=opportunity, customer_id=customer_id)


async def _target(tx: Tx, input: Convert, before: Lead) -> Pipeline:
    """The pipeline that the opportunity goes to."""
    if input.pipeline_id is not None:
        target = await pipelines.get(tx, input.pipeline_id)
    else:
        every = await pipelines.in_order(tx)
        deals = [pipeline for pipeline in every if pipeline.type == "opportunity" and pipeline.id != before.pipeline_id]
        if not deals:
            raise Conflict("There is no pipeline of opportunities. An admin makes one.")
        target = deals[0]
    if target.type != "opportunity" or target.id == before.pipeline_id:
        raise Invalid(f"“{target.name}” takes no opportunities from here. Name another pipeline.", field="pipelineId")
    return target


def _opportunity(before: Lead, target: Pipeline, input: Convert) -> NewLead:
    return NewLead(
        pipeline_id=str(target.id), stage_id=input.stage_id, name=before.name, first_name=before.first_name, last_name=before.last_name,
        email=before.email, phone=before.phone, website=before.website, title=before.title, company_name=before.company_name,
        location=before.location, industry=before.industry, company_size=before.company_size,
        contact_id=str(before.contact_id) if before.contact_id else None, owner_id=str(before.owner_id) if before.owner_id else None,
        value_cents=before.value_cents, currency=before.currency, expected_close_date=before.expected_close_date, tags=before.tags,
        fields=before.fields, source=before.source,
    )  # fmt: skip
