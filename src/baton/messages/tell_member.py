"""Notices by e-mail to the organization's own people: no lead, no gap, nobody to unsubscribe."""

from typing import Literal
from uuid import UUID

from baton.accounts.members import member
from baton.activities import kinds
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.operation import Input, Output, operation
from baton.kernel.values import Ref, new_id
from baton.messages import message as messages
from baton.messages.carrier import ready
from baton.messages.compose import Letter, composed, message_id
from baton.messages.html import sanitized
from baton.messages.send import tell


class TellMember(Input, kw_only=True):
    """A notice to a member: what it says, as text and perhaps as HTML."""

    member_id: Ref
    subject: str
    text: str
    html: str | None = None


class Told(Output, kw_only=True):
    """Whether a notice is on its way; `no mailbox` where nobody carries mail, `no address` where the member has none."""

    state: Literal["waiting", "no mailbox", "no address"]
    message_id: UUID | None = None


@operation("crm.emails.tellMember", role=Role.MEMBER, summary="Write a notice to a member", internal=True)
async def tell_member(tx: Tx, actor: Actor, input: TellMember) -> Told:
    """Take a notice to be sent by the installation's relay, else by the organization's mailbox. Raises NotFound, Invalid."""
    whom = await member(tx, input.member_id)
    if not whom.email or whom.kind != "person":
        return Told(state="no address")
    by = await ready(tx, None, relay_first=True)
    if by is None:
        return Told(state="no mailbox")
    id, subject = new_id(), " ".join(input.subject.split())[:500]
    html = sanitized(input.html) if input.html else None
    letter = Letter(
        message_id=message_id(id, by.from_address), sent_at=tx.now, from_name=by.from_name, from_address=by.from_address,
        to=whom.email, subject=subject, text=input.text, html=html, automatic=True,
    )  # fmt: skip
    raw = composed(letter)
    told = {"name": whom.name, "subject": subject, "messageId": str(id)}
    activity_id = await tell(tx, actor, kinds.MEMBER_TOLD, None, None, whom.id, told)
    await messages.put(
        tx, actor, id=id, channel="email", lane_id=by.lane_id, member_id=whom.id, thread_id=id, recipient=whom.email,
        sender=by.from_address, subject=subject, text=input.text, html=html, raw=raw, message_id=letter.message_id, state="waiting",
        next_at=tx.now, activity_id=activity_id,
    )  # fmt: skip
    return Told(state="waiting", message_id=id)
