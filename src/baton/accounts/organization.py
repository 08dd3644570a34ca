"""The organization: everything belongs to exactly one. Spec A1."""

from uuid import UUID
from zoneinfo import available_timezones

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid, NotFound
from baton.kernel.operation import Input, Nothing, Output, operation


class Organization(Output, kw_only=True):
    """An organization: its money is counted in `currency`, its days in `timeZone` (IANA)."""

    org_id: UUID
    name: str
    status: str
    currency: str
    time_zone: str
    version: int


class EditOrganization(Input, kw_only=True):
    """What of the organization to change; absent fields stay."""

    name: str | None = None
    currency: str | None = None
    time_zone: str | None = None


async def find(tx: Tx) -> Organization | None:
    """The transaction's organization, or None where there is none."""
    row = await tx.fetchrow(
        "SELECT org_id, name, status, currency, time_zone, version FROM organizations WHERE org_id = $1", tx.org_id
    )
    return Organization(**dict(row)) if row else None


async def organization(tx: Tx) -> Organization:
    """The transaction's organization. Raises NotFound where there is none."""
    found = await find(tx)
    if found is None:
        raise NotFound("There is no such organization.")
    return found


@operation("crm.organization.get", kind="query", role=Role.VIEWER, summary="Read the organization")
async def get(tx: Tx, actor: Actor, input: Nothing) -> Organization:
    """The organization that the actor acts in."""
    return await organization(tx)


@operation("crm.organization.update", role=Role.ADMIN, summary="Change the organization")
async def update(tx: Tx, actor: Actor, input: EditOrganization) -> Organization:
    """Change the organization's name, currency or time zone. Raises Invalid."""
    before = await organization(tx)
    name = (input.name or before.name).strip()
    currency = (input.currency or before.currency).upper()
    time_zone = input.time_zone or before.time_zone
    if not name:
        raise Invalid("An organization needs a name.", field="name")
    if time_zone not in available_timezones():
        raise Invalid("A time zone is an IANA name such as Europe/Berlin.", field="timeZone")
    await tx.execute(
        "UPDATE organizations SET name = $2, currency = $3, time_zone = $4, version = version + 1 WHERE org_id = $1",
        tx.org_id, name, currency, time_zone,
    )  # fmt: skip
    pairs = {
        "name": [before.name, name],
        "currency": [before.currency, currency],
        "timeZone": [before.time_zone, time_zone],
    }
    await append(
        tx, actor,
        Entry(kind=kinds.ORGANIZATION_CHANGED, subject_type="organization", subject_id=tx.org_id,
              changes={field: pair for field, pair in pairs.items() if pair[0] != pair[1]}),
    )  # fmt: skip
    return await organization(tx)
