"""What other servers report of our mail: it could not be delivered (RFC 3464), or somebody did not want it (RFC 5965)."""

from dataclasses import dataclass
from uuid import UUID

from baton.activities import kinds
from baton.kernel.actor import Actor
from baton.kernel.db import Tx
from baton.kernel.values import email_key
from baton.leads import lead as leads
from baton.messages import message as messages
from baton.messages.message import Message
from baton.messages.outcome import said
from baton.messages.parse import Parsed, Report
from baton.messages.send import tell
from baton.messages.suppression import suppress

_PASSING = ("5.2.2", "5.3.", "5.4.", "5.7.")
"""Not the address is at fault: a full mailbox, the server, the way there, a policy."""


@dataclass(frozen=True, slots=True)
class Reported:
    """What a report came to; `told` says that the log has it already."""

    state: str
    reason: str
    lead_id: UUID | None = None
    thread_id: UUID | None = None
    answers_id: UUID | None = None
    told: bool = False


async def reported(tx: Tx, actor: Actor, mail: Parsed) -> Reported:
    """Take a report in: only one about a message of ours, to the recipient that we wrote to, changes anything."""
    report = mail.report
    sent = await _ours(tx, report)
    if report is None or sent is None:
        return Reported("stored", "A report about mail that we did not send.")
    if mail.sort == "bounce" and report.action not in ("failed", ""):
        return Reported("stored", f"A report on the way: {report.action[:40]}.", sent.lead_id, sent.thread_id, sent.id)
    if mail.sort == "complaint" and report.action == "not-spam":
        return Reported("stored", "It was reported as wanted.", sent.lead_id, sent.thread_id, sent.id)
    bounced = mail.sort == "bounce"
    await tx.execute(
        "UPDATE messages SET delivery = $3, error = $4, version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id, sent.id, "bounced" if bounced else "complained", f"{report.status} {report.action}".strip()[:200],
    )  # fmt: skip
    lead = await leads.lock_even_deleted(tx, sent.lead_id) if sent.lead_id else None
    kind = kinds.EMAIL_BOUNCED if bounced else kinds.EMAIL_COMPLAINED
    words = (
        f"The server of {sent.recipient} says: {report.status or 'failed'}."
        if bounced
        else f"{sent.recipient} reported it as unwanted."
    )
    await tell(tx, actor, kind, lead, sent.contact_id, None, said(sent), reason=words)
    if not bounced:
        await suppress(tx, actor, sent.recipient, "complaint", note=words, lead_id=sent.lead_id)
    elif report.status.startswith("5") and not report.status.startswith(_PASSING):
        await suppress(tx, actor, sent.recipient, "bounce", note=words, lead_id=sent.lead_id)
    return Reported("matched" if lead else "stored", words, sent.lead_id, sent.thread_id, sent.id, told=True)


async def _ours(tx: Tx, report: Report | None) -> Message | None:
    """The message that a report is about. Anybody can write a report: a wrong recipient is not believed."""
    if report is None or report.original is None:
        return None
    row = await tx.fetchrow(
        f"""SELECT {messages.COLUMNS} FROM messages
             WHERE org_id = $1 AND message_id = $2 AND member_id IS NULL AND state IN ('sent', 'in_doubt', 'sending') FOR NO KEY UPDATE""",
        tx.org_id, report.original,
    )  # fmt: skip
    if row is None:
        return None
    found = messages.from_row(row)
    same = report.recipient is None or email_key(report.recipient) == email_key(found.recipient)
    return found if same else None
