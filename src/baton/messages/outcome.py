"""What became of a message: sent, failed, called off, or in doubt; and what a person decides about the doubtful."""

from typing import Any, Literal
from uuid import UUID

from baton.activities import kinds
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Forbidden
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.shapes import Version
from baton.leads import lead as leads
from baton.messages import message as messages
from baton.messages import outreach
from baton.messages.message import COLUMNS, Message, from_row
from baton.messages.send import tell
from baton.messages.suppression import suppress

End = Literal["sent", "failed", "cancelled", "in_doubt"]
_FROM: dict[str, tuple[str, ...]] = {
    "sent": ("sending", "in_doubt"),
    "failed": ("sending", "waiting"),
    "cancelled": ("waiting",),
    "in_doubt": ("sending",),
}
_KINDS: dict[tuple[str, str], str] = {
    ("email", "sent"): kinds.EMAIL_SENT,
    ("email", "failed"): kinds.EMAIL_FAILED,
    ("whatsapp", "sent"): kinds.WHATSAPP_SENT,
    ("whatsapp", "failed"): kinds.WHATSAPP_FAILED,
}
QUOTED = 4_000


class Record(Input, kw_only=True):
    """A message and its end; `unknownAddress` says that the server knows no such recipient."""

    message_id: UUID
    end: End
    error: str | None = None
    unknown_address: bool = False
    provider_id: str | None = None


class Resolve(Input, kw_only=True):
    """A message in doubt, and what a person found: it was `sent`, or it is to be sent `again`."""

    message_id: UUID
    decision: Literal["sent", "again"]
    version: Version | None = None


class InDoubt(Output, kw_only=True):
    """The messages of which nobody knows whether they left, oldest first, at most 200; `total` counts them all."""

    total: int
    items: list[Message]


@operation("crm.messages.record", role=Role.MEMBER, summary="Record what became of a message", internal=True)
async def record(tx: Tx, actor: Actor, input: Record) -> Message:
    """Record an end under the actor that caused the message; what has ended already stays as it is. Raises NotFound."""
    before = await messages.get(tx, input.message_id, locking=True)
    if before.state not in _FROM[input.end]:
        return before
    await _end(tx, before, input)
    if input.end in ("failed", "cancelled"):
        await outreach.forget(tx, before.id)
    lead = await leads.lock_even_deleted(tx, before.lead_id) if before.lead_id else None
    await tell(
        tx, actor, _kind(before, input.end), lead, before.contact_id, before.member_id, said(before), reason=input.error
    )
    if input.unknown_address and before.member_id is None:
        await suppress(tx, actor, before.recipient, "bounce", note=input.error, lead_id=before.lead_id)
    return await messages.get(tx, before.id)


async def _end(tx: Tx, before: Message, input: Record) -> None:
    await tx.execute(
        """UPDATE messages SET state = $3, error = $4, version = version + 1, sending_since = NULL,
                  sent_at = CASE WHEN $3 = 'sent' THEN $5::timestamptz ELSE sent_at END, provider_id = coalesce($6, provider_id),
                  delivery = CASE WHEN $7 THEN 'bounced' ELSE delivery END
            WHERE org_id = $1 AND id = $2""",
        tx.org_id, before.id, input.end, input.error, tx.now, input.provider_id, input.unknown_address,
    )  # fmt: skip


def _kind(message: Message, end: str) -> str:
    if end == "sent" and message.member_id is not None:
        return kinds.NOTICE_SENT
    return (
        _KINDS.get((message.channel, end))
        or {"cancelled": kinds.EMAIL_CANCELLED, "in_doubt": kinds.EMAIL_IN_DOUBT}[end]
    )


def said(message: Message) -> dict[str, Any]:
    """What the log tells of a message: to whom, about what, and its words, as far as they are quoted."""
    told: dict[str, Any] = {
        "messageId": str(message.id),
        "to": message.recipient,
        "name": message.subject or message.recipient,
    }
    if message.member_id is not None:
        return told
    told |= {"subject": message.subject} if message.subject else {}
    return told | {"body": message.text[:QUOTED], "threadId": str(message.thread_id)}


@operation(
    "crm.emails.inDoubt",
    kind="query",
    role=Role.MEMBER,
    summary="List messages of which nobody knows whether they left",
)
async def in_doubt(tx: Tx, actor: Actor, input: Nothing) -> InDoubt:
    """What was on its way when its process died, or its server fell silent. It is never sent again by itself."""
    total = await tx.fetchval("SELECT count(*) FROM messages WHERE org_id = $1 AND state = 'in_doubt'", tx.org_id)
    rows = await tx.fetch(
        f"SELECT {COLUMNS} FROM messages WHERE org_id = $1 AND state = 'in_doubt' ORDER BY created_at, id LIMIT 200",
        tx.org_id,
    )
    return InDoubt(total=total, items=[from_row(row) for row in rows])


@operation("crm.emails.resolve", role=Role.MEMBER, summary="Decide about a message in doubt", outward=True)
async def resolve(tx: Tx, actor: Actor, input: Resolve) -> Message:
    """Say that a message in doubt did leave, or send it again: the same bytes, under the same Message-ID.

    Raises NotFound, Conflict where it is in doubt no more, Forbidden for anyone but a person.
    """
    if actor.type != "user":
        raise Forbidden("A person decides about messages in doubt.")
    before = await messages.get(tx, input.message_id, locking=True)
    if before.state != "in_doubt" or (input.version is not None and input.version != before.version):
        raise Conflict(f"This message is not in doubt any more: it is {before.state.replace('_', ' ')}.")
    state = "sent" if input.decision == "sent" else "waiting"
    await tx.execute(
        """UPDATE messages SET state = $3, version = version + 1, error = NULL, next_at = $4,
                  sent_at = CASE WHEN $3 = 'sent' THEN coalesce(sending_since, $4) END, sending_since = NULL
            WHERE org_id = $1 AND id = $2""",
        tx.org_id, before.id, state, tx.now,
    )  # fmt: skip
    told = said(before) | {"decision": input.decision}
    for kind in [kinds.EMAIL_RESOLVED, *([_kind(before, "sent")] if state == "sent" else [])]:
        lead = await leads.lock_even_deleted(tx, before.lead_id) if before.lead_id else None
        await tell(tx, actor, kind, lead, before.contact_id, before.member_id, told)
    return await messages.get(tx, before.id)
