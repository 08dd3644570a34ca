"""Sending on WhatsApp: words within a day of what they wrote, templates that the provider knows at any time."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta

from baton.activities import kinds
from baton.contacts import matching
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, Invalid
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Language, Moment, Version
from baton.kernel.values import Ref, clean, new_id
from baton.leads import lead as leads
from baton.messages import message as messages
from baton.messages import outreach
from baton.messages.message import Message
from baton.messages.send import planned, tell
from baton.messages.suppression import must_be_welcome
from baton.messages.whatsapp.account import chosen

WINDOW = timedelta(hours=24)
MAX_TEXT = 4_096


class SendWhatsapp(Input, kw_only=True):
    """A message to a lead's phone: a text within 24 hours of what they wrote last, or a template with its variables, in order.

    A template is Meta's name and `language`, or Twilio's content SID. `to` is the lead's phone where it is absent.
    """

    lead_id: Ref
    to: Annotated[str, Meta(max_length=40)] | None = None
    text: Annotated[str, Meta(max_length=4_096)] | None = None
    template: Annotated[str, Meta(max_length=512)] | None = None
    language: Language = "en"
    variables: Annotated[list[Annotated[str, Meta(max_length=1_000)]], Meta(max_length=20)] = []
    account_id: UUID | None = None
    send_at: Moment | None = None
    despite_gap: bool = False
    version: Version | None = None


@operation("crm.whatsapp.send", role=Role.MEMBER, summary="Send a WhatsApp message", outward=True)
async def send(tx: Tx, actor: Actor, input: SendWhatsapp) -> Message:
    """Take a WhatsApp message to be sent. Raises Conflict for who is not written to, the gap, the window, a stale version, no
    phone or no number; NotFound, Invalid, Forbidden."""
    lead = await leads.lock(tx, input.lead_id, version=input.version)
    to = (await matching.read(tx)).phone(lead.phone) or ""
    if not to.startswith("+"):
        raise Conflict(f"{lead.name} has no phone number with its country code. Add one first.", field="leadId")
    if input.to is not None and (await matching.read(tx)).phone(input.to) != to:
        raise Conflict(
            f"{input.to} is not the number of {lead.name} (any more). Look at the message again.", field="to"
        )
    at = planned(tx, input.send_at)
    words, content = _content(input)
    await must_be_welcome(tx, to)
    if input.template is None and not await _in_window(tx, f"p:{to}", at):
        raise Conflict("They have not written within 24 hours: WhatsApp takes only a template now.", field="template")
    by = await chosen(tx, input.account_id)
    keys = await outreach.keys_of(tx, lead)
    await outreach.must_leave_gap(tx, actor, keys, at, despite=input.despite_gap)
    id = new_id()
    said: dict[str, Any] = {"name": lead.name, "to": to, "messageId": str(id)}
    said |= {"despiteGap": True} if input.despite_gap else {}
    activity_id = await tell(tx, actor, kinds.WHATSAPP_QUEUED, lead, None, None, said)
    made = await messages.put(
        tx, actor, id=id, channel="whatsapp", lane_id=by.id, lead_id=lead.id, thread_id=id, recipient=to, sender=by.number, text=words,
        whatsapp=content, state="waiting", next_at=at, activity_id=activity_id,
    )  # fmt: skip
    await outreach.note(tx, keys, id, at)
    return made


def _content(input: SendWhatsapp) -> tuple[str, dict[str, Any]]:
    text, template = clean(input.text), clean(input.template)
    if (text is None) == (template is None):
        raise Invalid("Give a text, or a template with its variables.", field="text")
    if text is not None and len(text) > MAX_TEXT:
        raise Invalid(f"A text has at most {MAX_TEXT:,} characters.", field="text")
    if len(input.variables) > 20 or any(len(value) > 1000 or not value.strip() for value in input.variables):
        raise Invalid(
            "A template takes at most 20 variables of at most 1,000 characters, none of them empty.", field="variables"
        )
    if template is not None and (len(template) > 512 or not template.isprintable()):
        raise Invalid("A template is named in one line.", field="template")
    if text is not None:
        return text, {"text": text}
    words = f"{template}: {', '.join(input.variables)}" if input.variables else str(template)
    return words, {"template": template, "language": input.language, "variables": input.variables}


async def last_heard(tx: Tx, key: str) -> datetime | None:
    """When somebody wrote on WhatsApp last, by the key that their number is."""
    last: datetime | None = await tx.fetchval(
        "SELECT max(received_at) FROM inbound_messages WHERE org_id = $1 AND sender_key = $2 AND channel = 'whatsapp'",
        tx.org_id,
        key,
    )
    return last


def window_of(heard: datetime) -> datetime:
    """Until when a text of one's own may answer what was heard."""
    return heard + WINDOW


async def _in_window(tx: Tx, key: str, at: datetime) -> bool:
    last = await last_heard(tx, key)
    return last is not None and at < window_of(last)
