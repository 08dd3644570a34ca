"""A lead from outside, without signing in: a website's form or document B's endpoint. Spec B4."""

from typing import Any
from uuid import UUID

from baton.accounts import organization
from baton.kernel.actor import Actor
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid, NotFound
from baton.kernel.operation import Input, Output, operation
from baton.kernel.values import clean
from baton.leads.create import NewLead, create_many


class Capture(Input, kw_only=True):
    """What a website may say of a lead; nothing of owner, stage, score or role. First name, last name and e-mail are needed."""

    org_id: UUID
    first_name: str
    last_name: str
    email: str
    phone: str | None = None
    company: str | None = None
    title: str | None = None
    website: str | None = None
    location: str | None = None
    industry: str | None = None
    company_size: int | None = None
    estimated_value: int | None = None
    source: str = "website"
    message: str | None = None
    fields: dict[str, Any] = {}


class Captured(Output, kw_only=True):
    """The lead that was made; nothing else is told to an anonymous caller."""

    id: UUID
    success: bool = True


@operation("crm.leads.capture", role=None, summary="Capture a lead")
async def capture(tx: Tx, actor: Actor, input: Capture) -> Captured:
    """Capture a lead into the intake pipeline's first stage, scored at once. Spec B4.

    Raises NotFound for an organization that does not exist or is not active, Invalid for a bad field; nothing is written then.
    """
    org = await organization.find(tx)
    if input.org_id != actor.org_id or org is None or org.status != "active":
        raise NotFound("There is no such organization, or it is not active.", field="orgId")
    for field, value in (("firstName", input.first_name), ("lastName", input.last_name), ("email", input.email)):
        if not clean(value):
            raise Invalid(f"{field} is required.", field=field)
    lead = NewLead(
        first_name=input.first_name, last_name=input.last_name, email=input.email, phone=input.phone,
        company_name=input.company, title=input.title, website=input.website, location=input.location, industry=input.industry,
        company_size=input.company_size, value_cents=input.estimated_value, source=input.source, message=input.message,
        fields=input.fields,
    )  # fmt: skip
    (made,) = await create_many(tx, actor, [lead], via="form")
    return Captured(id=made.id)
