"""Sending e-mail: everything is fixed and kept first; a worker carries it off afterwards. Spec A11."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Invalid, NotFound, must_be_current
from baton.kernel.operation import operation
from baton.kernel.shapes import Version
from baton.kernel.values import new_id
from baton.leads import lead as leads
from baton.leads.lead import Lead
from baton.messages import files, outreach
from baton.messages import message as messages
from baton.messages.carrier import carrier
from baton.messages.compose import Letter, composed, message_id
from baton.messages.draft import SendEmail, fixed
from baton.messages.message import GetMessage, Message
from baton.messages.suppression import must_be_welcome
from baton.messages.unsubscribe import link

LATEST = timedelta(days=366)


class CancelMessage(GetMessage, kw_only=True):
    """The message to call off."""

    version: Version | None = None


@operation("crm.emails.send", role=Role.MEMBER, summary="Send an email", outward=True)
async def send(tx: Tx, actor: Actor, input: SendEmail) -> Message:
    """Take an e-mail to be sent: its words, recipient, Message-ID and bytes are fixed from here on.

    Raises Conflict for somebody who is not written to, the gap, a stale version, no address or no mailbox; NotFound;
    Invalid; Forbidden for who may not write despite the gap. Then nothing is kept.
    """
    draft = await fixed(tx, actor, input)
    to, at = str(draft.to), planned(tx, input.send_at)
    lead = await leads.lock(tx, draft.lead_id, version=input.version) if draft.lead_id else None
    await must_be_welcome(tx, to)
    by = await carrier(tx, actor, input.mailbox_id)
    keys = await outreach.keys_of(tx, lead, draft.contact_id, to)
    await outreach.must_leave_gap(tx, actor, keys, at, despite=input.despite_gap)
    thread_id, answers = await thread(tx, input.in_reply_to)
    parts = await files.parts(tx, actor, input.attachments)
    id = new_id()
    letter = Letter(
        message_id=message_id(id, by.from_address), sent_at=at, from_name=by.from_name, from_address=by.from_address, to=to,
        subject=str(draft.subject), text=str(draft.text), html=draft.html, answers=answers, files=parts,
        unsubscribe=link(tx.installation, tx.org_id, to),
    )  # fmt: skip
    raw = composed(letter)
    said: dict[str, Any] = {"name": letter.subject, "subject": letter.subject, "to": to, "messageId": str(id)}
    said |= {"sendAt": at.isoformat()} if at > tx.now else {}
    said |= {"despiteGap": True} if input.despite_gap else {}
    activity_id = await tell(
        tx, actor, kinds.EMAIL_QUEUED, lead, UUID(draft.contact_id) if draft.contact_id else None, None, said
    )
    made = await messages.put(
        tx, actor, id=id, channel="email", lane_id=by.lane_id, lead_id=lead.id if lead else None,
        contact_id=UUID(draft.contact_id) if draft.contact_id else None, thread_id=thread_id or id, recipient=to,
        sender=by.from_address, subject=letter.subject, text=letter.text, html=letter.html, raw=raw, message_id=letter.message_id,
        in_reply_to=answers[-1] if answers else None, template_id=await _template(tx, input), state="waiting", next_at=at,
        activity_id=activity_id,
    )  # fmt: skip
    await outreach.note(tx, keys, id, at)
    await files.of_message(tx, id, input.attachments)
    return made


@operation("crm.emails.cancel", role=Role.MEMBER, summary="Call off an email that has not left")
async def cancel(tx: Tx, actor: Actor, input: CancelMessage) -> Message:
    """Call off what waits. Raises NotFound, Conflict where it is on its way or gone, or for a stale version."""
    before = await messages.get(tx, input.message_id, locking=True)
    if before.member_id is not None:
        raise NotFound("There is no such message in your organization.", field="messageId")
    must_be_current("This message", before.version, input.version)
    if before.state != "waiting":
        raise Conflict(f"This message is {before.state.replace('_', ' ')}; only what waits is called off.")
    await tx.execute(
        "UPDATE messages SET state = 'cancelled', version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id,
        before.id,
    )
    await outreach.forget(tx, before.id)
    lead = await leads.lock_even_deleted(tx, before.lead_id) if before.lead_id else None
    said = {"name": before.subject or before.recipient, "messageId": str(before.id)}
    await tell(tx, actor, kinds.EMAIL_CANCELLED, lead, before.contact_id, None, said)
    return await messages.get(tx, before.id)


def planned(tx: Tx, at: datetime | None) -> datetime:
    """The moment to send at, now where none is named. Raises Invalid for one without a time zone, or beyond a year."""
    if at is None:
        return tx.now
    if at.tzinfo is None or at > tx.now + LATEST:
        raise Invalid("sendAt is a moment of the next year, with its time zone.", field="sendAt")
    return max(at, tx.now)


async def thread(tx: Tx, answered: UUID | None) -> tuple[UUID | None, list[str]]:
    """The thread of a message that is answered, and the Message-IDs to refer to. Raises NotFound."""
    if answered is None:
        return None, []
    row = await tx.fetchrow(
        """SELECT thread_id, message_id FROM messages WHERE org_id = $1 AND id = $2 AND member_id IS NULL
           UNION ALL SELECT thread_id, message_id FROM inbound_messages WHERE org_id = $1 AND id = $2""",
        tx.org_id, answered,
    )  # fmt: skip
    if row is None:
        raise NotFound("There is no such message to answer.", field="inReplyTo")
    before = await tx.fetch(
        """SELECT message_id FROM (
             SELECT message_id, created_at FROM messages WHERE org_id = $1 AND thread_id = $2 AND message_id IS NOT NULL
             UNION ALL SELECT message_id, created_at FROM inbound_messages WHERE org_id = $1 AND thread_id = $2) m
            WHERE message_id IS DISTINCT FROM $3 ORDER BY created_at DESC LIMIT 8""",
        tx.org_id, row["thread_id"], row["message_id"],
    )  # fmt: skip
    known = [each["message_id"] for each in reversed(before)] + [row["message_id"]]
    return row["thread_id"], [
        each for each in known if each and each.startswith("<") and each.isascii() and len(each) < 250
    ]


async def tell(
    tx: Tx, actor: Actor, kind: str, lead: Lead | None, contact_id: UUID | None, member_id: UUID | None, said: dict[str, Any],
    *, reason: str | None = None,
) -> UUID:  # fmt: skip
    """Append what happened to a message, on its lead, contact or member. Answers the activity's id."""
    if lead is not None:
        await leads.change(tx, actor, lead, kind, payload=said, reason=reason)
        found: UUID = await tx.fetchval(
            """SELECT id FROM activities WHERE org_id = $1 AND lead_id = $2 AND operation_id = $3 AND kind = $4
                ORDER BY id DESC LIMIT 1""",
            tx.org_id, lead.id, tx.operation_id, kind,
        )  # fmt: skip
        return found
    subject, subject_id = ("member", member_id) if member_id else ("contact", contact_id)
    assert subject_id is not None
    (id,) = await append(
        tx, actor, Entry(kind=kind, subject_type=subject, subject_id=subject_id, payload=said, reason=reason)
    )
    return id


async def _template(tx: Tx, input: SendEmail) -> UUID | None:
    if input.template_id is None:
        return None
    found: UUID | None = await tx.fetchval(
        "SELECT id FROM message_templates WHERE org_id = $1 AND (id::text = $2 OR external_id = $2)",
        tx.org_id,
        input.template_id,
    )
    return found
