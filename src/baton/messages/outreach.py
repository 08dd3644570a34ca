"""The gap: nobody is written to twice within an organization's hours, whoever writes, by whatever way."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from baton.accounts.organization import organization
from baton.contacts import contact as contacts
from baton.contacts import matching
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Forbidden, Invalid
from baton.kernel.operation import Input, Output, operation
from baton.kernel.shapes import Moment
from baton.kernel.values import Ref, email_key, new_id
from baton.leads import lead as leads
from baton.leads.lead import Lead
from baton.messages.suppression import reason_against


class AskWhether(Input, kw_only=True):
    """The lead or contact, and the moment to write at, now where absent."""

    lead_id: Ref | None = None
    contact_id: Ref | None = None
    at: Moment | None = None


class MayWrite(Output, kw_only=True):
    """Whether a person may be written to; if not, why, and from when on (none where time does not help)."""

    allowed: bool
    reason: str | None = None
    next_at: datetime | None = None


@operation("crm.messages.mayWrite", kind="query", role=Role.VIEWER, summary="Ask whether somebody may be written to")
async def may_write(tx: Tx, actor: Actor, input: AskWhether) -> MayWrite:
    """Whether the gap and the list of those not written to allow a message. Raises NotFound, Invalid."""
    if (input.lead_id is None) == (input.contact_id is None):
        raise Invalid("Name the lead or the contact.", field="leadId")
    lead = await leads.get(tx, input.lead_id) if input.lead_id is not None else None
    keys = await keys_of(tx, lead, input.contact_id)
    for key in keys:
        unwelcome = await reason_against(tx, key)
        if unwelcome is not None and (key.startswith("e:") or len(keys) == 1):
            return MayWrite(allowed=False, reason=f"{key[2:]} {unwelcome}.")
    return await verdict(tx, keys, input.at or tx.now)


async def keys_of(tx: Tx, lead: Lead | None, contact_ref: Ref | None = None, *more: str) -> list[str]:
    """Every e-mail address and phone number that a person is known by, in one spelling each, in order."""
    how = await matching.read(tx)
    found = {lead.email: "e", lead.phone: "p"} if lead else {}
    known = contact_ref or (str(lead.contact_id) if lead and lead.contact_id else None)
    if known is not None:
        contact = await contacts.get(tx, known)
        found |= {contact.email: "e", contact.phone: "p"}
    found |= {each: "e" if "@" in each else "p" for each in more}
    return sorted(
        {f"e:{email_key(text)}" if sort == "e" else f"p:{how.phone(text)}" for text, sort in found.items() if text}
    )


async def verdict(tx: Tx, keys: Sequence[str], at: datetime) -> MayWrite:
    """Whether the gap allows a message at a moment. What answers a message of theirs is always allowed."""
    gap = timedelta(hours=(await organization(tx)).outreach_gap_hours)
    near = await tx.fetchval(
        "SELECT max(at) FROM outreach WHERE org_id = $1 AND key = ANY ($2) AND at > $3 AND at < $4",
        tx.org_id, keys, at - gap, at + gap,
    )  # fmt: skip
    if near is None:
        return MayWrite(allowed=True)
    wrote = await tx.fetchval(
        """SELECT max(received_at) FROM inbound_messages
            WHERE org_id = $1 AND sender_key = ANY ($2) AND kind IN ('message', 'reply')""",
        tx.org_id, keys,
    )  # fmt: skip
    ours = await tx.fetchval(
        "SELECT max(at) FROM outreach WHERE org_id = $1 AND key = ANY ($2) AND at <= $3", tx.org_id, keys, tx.now
    )
    if wrote is not None and (ours is None or wrote > ours):
        return MayWrite(allowed=True)
    hours = round(gap.total_seconds() / 3600)
    said = (
        f"Somebody wrote to them at {near:%Y-%m-%d %H:%M} UTC; the organization leaves {hours} hours between messages."
    )
    return MayWrite(allowed=False, reason=said, next_at=near + gap)


async def must_leave_gap(tx: Tx, actor: Actor, keys: Sequence[str], at: datetime, *, despite: bool) -> None:
    """Take a person's keys for this transaction, so that of two who write at once one wins, and see that the gap allows it.

    Raises Conflict, Forbidden where anyone but a person asks to write despite the gap.
    """
    if despite and actor.type != "user":
        raise Forbidden("Only a person writes despite the gap.")
    for key in sorted(keys):
        await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 7))", f"{tx.org_id}/{key}")
    found = await verdict(tx, keys, at)
    if not found.allowed and not despite:
        assert found.next_at is not None
        raise Conflict(f"{found.reason} Write from {found.next_at:%Y-%m-%d %H:%M} UTC on.", field="sendAt")


async def note(tx: Tx, keys: Sequence[str], message_id: UUID, at: datetime) -> None:
    """Remember that a person is written to at a moment."""
    await tx.execute(
        """INSERT INTO outreach (org_id, id, key, message_id, at)
           SELECT $1, k.id, k.key, $2, $3 FROM unnest($4::uuid[], $5::text[]) AS k (id, key)""",
        tx.org_id, message_id, at, [new_id() for _ in keys], list(keys),
    )  # fmt: skip


async def forget(tx: Tx, message_id: UUID) -> None:
    """What did not leave was no message to anybody."""
    await tx.execute("DELETE FROM outreach WHERE org_id = $1 AND message_id = $2", tx.org_id, message_id)
