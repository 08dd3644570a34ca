"""What anybody may do without signing in: the organization comes from what they send, and each call is counted. Spec B4."""

from typing import Any
from uuid import UUID

from starlette.requests import Request

from baton.doors.limits import limits_of
from baton.doors.web.shell.visit import database
from baton.kernel.actor import Actor, Role, system
from baton.kernel.errors import Forbidden, Invalid, NotFound
from baton.kernel.operation import Operation
from baton.kernel.perform import perform
from baton.kernel.values import as_uuid
from baton.leads.capture import NO_ORGANIZATION
from baton.leads.forms import Form, GetForm

VISITOR = "Website form"
NO_FORM = "There is no form here, or it is closed."


async def visitor(request: Request, op: Operation, input: Any) -> tuple[Actor, dict[str, str]]:
    """The actor of an anonymous call, and the headers that say how the caller stands.

    Raises Invalid where the input does not say whom it is for, NotFound for an organization or form that is not there,
    TooMany, and Forbidden for a form that only its own page can send.
    """
    given = input if isinstance(input, dict) else {}
    of_form = "address" in op.input.__struct_fields__
    org_id = await _of_form(request, given) if of_form else _named(given)
    counted = limits_of(request).must_admit_capture(request, str(org_id)) if op.kind == "mutation" else {}
    actor = system(org_id, VISITOR, via="form", role=Role.VIEWER)
    if of_form and op.kind == "mutation":
        await _must_need_no_proof(request, actor, given["address"])
    return actor, counted


async def _must_need_no_proof(request: Request, actor: Actor, address: str) -> None:
    form: Form = await perform(database(request), actor, "crm.forms.get", GetForm(address=address))
    if form.proof_of_work:
        raise Forbidden(f"This form asks the browser for a proof of work. Send it by its page, /f/{form.address}.")


def _named(given: dict[str, Any]) -> UUID:
    named = given.get("orgId")
    if not isinstance(named, str):
        raise Invalid("orgId is required: the id of the organization that gets the lead.", field="orgId")
    org_id = as_uuid(named)
    if org_id is None:
        raise NotFound(NO_ORGANIZATION, field="orgId")
    return org_id


async def _of_form(request: Request, given: dict[str, Any]) -> UUID:
    address = given.get("address")
    if not isinstance(address, str) or not address:
        raise Invalid("address is required: the form's.", field="address")
    org_id: UUID | None = None
    if len(address) <= 100 and address.isprintable():
        org_id = await database(request).app.fetchval("SELECT org_id FROM directory_address('form', $1)", address)
    if org_id is None:
        raise NotFound(NO_FORM)
    return org_id
