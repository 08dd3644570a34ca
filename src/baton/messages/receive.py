"""Receiving e-mail: each message is kept once, put with its lead and thread, and accounted for, whatever it is."""

import hashlib
from typing import Any
from uuid import UUID

import structlog

from baton.accounts.organization import organization
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, operation
from baton.kernel.values import email_address, email_key, new_id
from baton.leads import lead as leads
from baton.messages import files
from baton.messages import inbound as received
from baton.messages import mailbox as mailboxes
from baton.messages.belongs import lead_of, place
from baton.messages.inbound import COLUMNS, Received, from_row
from baton.messages.parse import Parsed, parse
from baton.messages.reports import reported

log = structlog.get_logger()
QUOTED = 4_000


class Receive(Input, kw_only=True):
    """A message of a mailbox, as it came; fetched ones say their place in the folder, `cut` ones have headers only.

    A `broken` one could not be taken in before: it is only written down.
    """

    mailbox_id: UUID
    raw: bytes
    uid: int | None = None
    uid_validity: int | None = None
    cut: bool = False
    broken: bool = False


@operation("crm.emails.receive", role=Role.MEMBER, summary="Receive an email", internal=True)
async def receive(tx: Tx, actor: Actor, input: Receive) -> Received:
    """Keep a message and say where it belongs; one that is known already is only counted. Raises NotFound for a mailbox."""
    mailbox = await mailboxes.get(tx, input.mailbox_id, locking=True)
    await _count(tx, input)
    try:
        mail = parse(input.raw) if not input.broken else None
    except Exception:
        log.exception("a message could not be read", org_id=str(tx.org_id), mailbox_id=str(mailbox.id))
        mail = None
    if mail is None:
        return await _keep(
            tx, actor, input, _unreadable(input.raw), kind="unreadable", state="skipped", reason="It could not be read."
        )
    known = await tx.fetchrow(
        f"SELECT {COLUMNS} FROM inbound_messages WHERE org_id = $1 AND lane_id = $2 AND message_id = $3",
        tx.org_id, mailbox.id, mail.message_id,
    )  # fmt: skip
    if known is not None:
        await tx.execute(
            "UPDATE mailboxes SET repeated = repeated + 1 WHERE org_id = $1 AND id = $2", tx.org_id, mailbox.id
        )
        return from_row(known)
    if mail.sender == mailbox.from_address.lower():
        return await _keep(tx, actor, input, mail, kind="own", state="skipped", reason="It is our own.")
    if mail.sort in ("bounce", "complaint"):
        found = await reported(tx, actor, mail)
        return await _keep(tx, actor, input, mail, kind=mail.sort, state=found.state, reason=found.reason, lead_id=found.lead_id,
                           thread_id=found.thread_id, answers_id=found.answers_id, told=found.told)  # fmt: skip
    if not mail.sender:
        return await _keep(tx, actor, input, mail, kind="message", state="skipped", reason="It names no sender.")
    return await _place(tx, actor, input, mail)


async def _place(tx: Tx, actor: Actor, input: Receive, mail: Parsed) -> Received:
    at = await place(tx, mail)
    if at.lead_id is not None:
        kind = "automatic" if mail.sort == "automatic" else "reply" if at.known else "message"
        made = await _keep(tx, actor, input, mail, kind=kind, state="matched", lead_id=at.lead_id, thread_id=at.thread_id,
                           answers_id=at.answers_id, told=True)  # fmt: skip
        await tell(tx, actor, made)
        return made
    if mail.sort == "automatic":
        return await _keep(
            tx,
            actor,
            input,
            mail,
            kind="automatic",
            state="skipped",
            reason="An automatic message from an unknown sender.",
        )
    wish = (await organization(tx)).unknown_senders
    if wish == "skip":
        return await _keep(tx, actor, input, mail, kind="message", state="skipped", reason="The sender is unknown.")
    if wish == "wait":
        return await _keep(tx, actor, input, mail, kind="message", state="waiting", reason="The sender is unknown.",
                           thread_id=at.thread_id)  # fmt: skip
    try:
        lead = await lead_of(tx, actor, email_address(mail.sender), mail.sender_name)
    except Invalid:
        return await _keep(
            tx,
            actor,
            input,
            mail,
            kind="message",
            state="waiting",
            reason="No lead can be made of the sender.",
            thread_id=at.thread_id,
        )
    made = await _keep(tx, actor, input, mail, kind="message", state="matched", lead_id=lead.id, thread_id=at.thread_id,
                       reason="A new lead was made of the sender.", told=True)  # fmt: skip
    await tell(tx, actor, made)
    return made


async def tell(tx: Tx, actor: Actor, message: Received) -> None:
    """Put a message on its lead's timeline: what a person wrote, or a machine."""
    assert message.lead_id is not None
    lead = await leads.lock(tx, message.lead_id)
    said: dict[str, Any] = {
        "receivedId": str(message.id), "name": message.subject or message.sender, "subject": message.subject, "from": message.sender,
        "body": message.text[:QUOTED], "threadId": str(message.thread_id),
        "answers": str(message.answers_id) if message.answers_id else None,
    }  # fmt: skip
    brought = await files.received_with(tx, message.id)
    said["files"] = [{"id": str(file.id), "name": file.name, "size": file.size} for file in brought]
    kind = kinds.EMAIL_AUTO_REPLIED if message.kind == "automatic" else kinds.EMAIL_RECEIVED
    kind = kinds.WHATSAPP_RECEIVED if message.channel == "whatsapp" else kind
    await leads.change(tx, actor, lead, kind, payload={name: value for name, value in said.items() if value})


async def _count(tx: Tx, input: Receive) -> None:
    """One more was seen; of a fetched one its place is remembered with it."""
    await tx.execute(
        """UPDATE mailboxes SET seen = seen + 1,
                  last_uid = CASE WHEN $3::bigint IS NULL THEN last_uid WHEN uid_validity IS NOT DISTINCT FROM $4::bigint
                                  THEN greatest(last_uid, $3) ELSE $3 END,
                  uid_validity = coalesce($4, uid_validity)
            WHERE org_id = $1 AND id = $2""",
        tx.org_id, input.mailbox_id, input.uid, input.uid_validity,
    )  # fmt: skip


async def _keep(
    tx: Tx, actor: Actor, input: Receive, mail: Parsed, *, kind: str, state: str, reason: str = "", lead_id: UUID | None = None,
    thread_id: UUID | None = None, answers_id: UUID | None = None, told: bool = False,
) -> Received:  # fmt: skip
    """Write a message down with what became of it; what nobody else tells, the log tells here."""
    id, notes = new_id(), [reason] if reason else []
    notes += ["It was too large: only its head was read."] if input.cut else []
    notes += [f"{mail.left_out} files were too large or too many."] if mail.left_out else []
    facts: dict[str, Any] = {
        "id": id, "channel": "email", "lane_id": input.mailbox_id, "uid": input.uid, "message_id": mail.message_id, "sender": mail.sender,
        "sender_key": f"e:{email_key(mail.sender)}", "sender_name": mail.sender_name, "subject": mail.subject, "text": mail.text,
        "html": mail.html, "kind": kind, "state": state, "reason": " ".join(notes), "lead_id": lead_id, "thread_id": thread_id or id,
        "answers_id": answers_id, "received_at": tx.now, "created_at": tx.now,
    }  # fmt: skip
    marks = ", ".join(f"${index}" for index in range(2, 2 + len(facts)))
    row = await tx.fetchrow(
        f"INSERT INTO inbound_messages (org_id, {', '.join(facts)}) VALUES ($1, {marks}) RETURNING {COLUMNS}",
        tx.org_id, *facts.values(),
    )  # fmt: skip
    assert row is not None
    if state in ("matched", "waiting") and kind in ("message", "reply", "automatic"):
        for part in mail.files:
            await files.keep(tx, part.name, part.content_type, part.content, inbound_id=id)
    if not told:
        said = {"name": mail.subject or mail.sender, "from": mail.sender}
        sort = kinds.EMAIL_HELD if state == "waiting" else kinds.EMAIL_SKIPPED
        await append(
            tx,
            actor,
            Entry(kind=sort, subject_type="message", subject_id=id, payload=said, reason=" ".join(notes) or None),
        )
    return await received.get(tx, id)


def _unreadable(raw: bytes) -> Parsed:
    digest = hashlib.sha256(raw).hexdigest()
    return Parsed(f"<{digest}@baton.invalid>", "", "", [], "", "", None, [], None, "message")
