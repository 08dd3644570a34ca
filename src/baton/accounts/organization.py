"""The organization: everything belongs to exactly one. Spec A1."""

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid, NotFound
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.shapes import CurrencyCode, Name, Zone
from baton.kernel.values import time_zones

UnknownSenders = Literal["wait", "lead", "skip"]
MAX_GAP = 24 * 90


class Organization(Output, kw_only=True):
    """An organization: its money is counted in `currency`, its days in `timeZone` (IANA).

    Nobody is written to twice within `outreachGapHours`, whoever writes; `unknownSenders` says what becomes of mail from
    people who are no leads: it waits for a person, makes a lead, or is passed over.
    """

    org_id: UUID
    name: str
    status: str
    currency: str
    time_zone: str
    version: int
    outreach_gap_hours: int = 24
    unknown_senders: UnknownSenders = "wait"


class EditOrganization(Input, kw_only=True):
    """What of the organization to change; absent fields stay."""

    name: Name | None = None
    currency: CurrencyCode | None = None
    time_zone: Zone | None = None
    outreach_gap_hours: Annotated[int, Meta(ge=0, le=MAX_GAP)] | None = None
    unknown_senders: UnknownSenders | None = None


async def find(tx: Tx) -> Organization | None:
    """The transaction's organization, or None where there is none."""
    row = await tx.fetchrow(
        """SELECT org_id, name, status, currency, time_zone, version,
                  coalesce((settings ->> 'outreachGapHours')::int, 24) AS outreach_gap_hours,
                  coalesce(settings ->> 'unknownSenders', 'wait') AS unknown_senders
             FROM organizations WHERE org_id = $1""",
        tx.org_id,
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
    """Change the organization's name, currency, time zone or rules of correspondence. Raises Invalid."""
    before = await organization(tx)
    name = (input.name or before.name).strip()
    currency = (input.currency or before.currency).upper()
    time_zone = input.time_zone or before.time_zone
    if not name:
        raise Invalid("An organization needs a name.", field="name")
    if time_zone not in time_zones():
        raise Invalid("A time zone is an IANA name such as Europe/Berlin.", field="timeZone")
    gap = before.outreach_gap_hours if input.outreach_gap_hours is None else input.outreach_gap_hours
    if not 0 <= gap <= MAX_GAP:
        raise Invalid(f"The gap is 0 to {MAX_GAP:,} hours; 0 is none.", field="outreachGapHours")
    unknown = input.unknown_senders or before.unknown_senders
    await tx.execute(
        """UPDATE organizations SET name = $2, currency = $3, time_zone = $4, version = version + 1,
                  settings = settings || jsonb_build_object('outreachGapHours', $5::int, 'unknownSenders', $6::text)
            WHERE org_id = $1""",
        tx.org_id, name, currency, time_zone, gap, unknown,
    )  # fmt: skip
    pairs: dict[str, list[Any]] = {
        "outreachGapHours": [before.outreach_gap_hours, gap],
        "unknownSenders": [before.unknown_senders, unknown],
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
