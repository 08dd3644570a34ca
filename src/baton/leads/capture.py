"""A lead from outside, without signing in: a website's form or document B's endpoint. Spec B4."""

from collections.abc import Sequence
from uuid import UUID

from baton.accounts import organization
from baton.kernel.actor import Actor
from baton.kernel.db import Tx
from baton.kernel.errors import BatonError, Invalid, NotFound
from baton.kernel.operation import Asked, Input, Output, operation
from baton.kernel.shapes import Cents, Count, Email, Line, Prose, Values
from baton.kernel.values import clean
from baton.leads.create import NewLead, create_each
from baton.leads.facts import Source

NO_ORGANIZATION = "There is no such organization, or it is not active."


class Capture(Input, kw_only=True):
    """What a website may say of a lead; nothing of owner, stage, score or role. First name, last name and e-mail are needed."""

    org_id: UUID
    first_name: Line
    last_name: Line
    email: Email
    phone: Line | None = None
    company: Line | None = None
    title: Line | None = None
    website: Line | None = None
    location: Line | None = None
    industry: Line | None = None
    company_size: Count | None = None
    estimated_value: Cents | None = None
    source: Source = "website"
    message: Prose | None = None
    fields: Values = {}


class Captured(Output, kw_only=True):
    """The lead that was made; nothing else is told to an anonymous caller."""

    id: UUID
    success: bool = True


async def capture_many(tx: Tx, calls: Sequence[Asked]) -> list[Captured | BatonError]:
    """Capture what came at the same time in one transaction, each as `capture` would: its answer, or what is wrong with it."""
    org = await organization.find(tx)
    if org is None or org.status != "active":
        return [NotFound(NO_ORGANIZATION, field="orgId") for _ in calls]
    answers: list[Captured | BatonError] = []
    taken: dict[Actor, list[tuple[int, NewLead]]] = {}
    for place, call in enumerate(calls):
        error = _wrong(call.actor, call.input)
        answers.append(error or Captured(id=UUID(int=0)))
        if error is None:
            taken.setdefault(call.actor, []).append((place, _lead(call.input)))
    for actor, leads in taken.items():
        operations = [calls[place].operation_id for place, _ in leads]
        made = await create_each(tx, actor, [lead for _, lead in leads], operations, via="form", org=org)
        for (place, _), each in zip(leads, made, strict=True):
            answers[place] = each if isinstance(each, BatonError) else Captured(id=each.id)
    return answers


@operation("crm.leads.capture", role=None, summary="Capture a lead", grouped=capture_many)
async def capture(tx: Tx, actor: Actor, input: Capture) -> Captured:
    """Capture a lead into the intake pipeline's first stage, scored at once. Spec B4.

    Raises NotFound for an organization that does not exist or is not active, Invalid for a bad field; nothing is written then.
    """
    (answer,) = await capture_many(tx, [Asked(actor, input, tx.operation_id)])
    if isinstance(answer, BatonError):
        raise answer
    return answer


def _wrong(actor: Actor, input: Capture) -> BatonError | None:
    if input.org_id != actor.org_id:
        return NotFound(NO_ORGANIZATION, field="orgId")
    for field, value in (("firstName", input.first_name), ("lastName", input.last_name), ("email", input.email)):
        if not clean(value):
            return Invalid(f"{field} is required.", field=field)
    return None


def _lead(input: Capture) -> NewLead:
    return NewLead(
        first_name=input.first_name, last_name=input.last_name, email=input.email, phone=input.phone,
        company_name=input.company, title=input.title, website=input.website, location=input.location, industry=input.industry,
        company_size=input.company_size, value_cents=input.estimated_value, source=input.source, message=input.message,
        fields=input.fields,
    )  # fmt: skip
