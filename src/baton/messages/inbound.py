"""Messages that came in: what they are, where they belong, and what was decided about those of unknown senders."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from baton.kernel.actor import Actor, Role
from baton.kernel.db import Row, Tx, struct_of
from baton.kernel.errors import NotFound
from baton.kernel.newest import newest
from baton.kernel.operation import Input, Output, operation
from baton.kernel.page import Page
from baton.kernel.shapes import Cursor, PageSize
from baton.kernel.values import Ref
from baton.leads import lead as leads
from baton.messages import files
from baton.messages import mailbox as mailboxes
from baton.messages.files import File
from baton.messages.mailbox import NameMailbox, may_use

InState = Literal["matched", "stored", "waiting", "skipped"]
Kind = Literal["message", "reply", "automatic", "bounce", "complaint", "own", "unreadable"]


class Received(Output, kw_only=True):
    """A message that came in. It is matched to a lead, stored without one, waiting for a person, or skipped; `reason` says why."""

    id: UUID
    channel: Literal["email", "whatsapp"]
    mailbox_id: UUID
    kind: Kind
    state: InState
    reason: str
    sender: str
    sender_name: str
    subject: str
    text: str
    html: str | None
    lead_id: UUID | None
    thread_id: UUID
    answers_id: UUID | None
    received_at: datetime
    created_at: datetime
    version: int


class ReceivedInFull(Received, kw_only=True):
    """A message that came in, with its files."""

    files: list[File]


class GetReceived(Input, kw_only=True):
    """A message that came in."""

    received_id: UUID


class ListReceived(Input, kw_only=True):
    """Messages that came in, newest first; `limit` 1 to 200."""

    state: InState | None = None
    lead_id: Ref | None = None
    mailbox_id: UUID | None = None
    limit: PageSize = 50
    cursor: Cursor | None = None


class Reconciled(Output, kw_only=True):
    """What came of all that was seen in a mailbox; `balanced` says that nothing is unaccounted for."""

    mailbox_id: UUID
    seen: int
    matched: int
    stored: int
    skipped: int
    waiting: int
    repeated: int
    reasons: dict[str, int]
    balanced: bool
    polled_at: datetime | None
    poll_error: str | None


COLUMNS = """id, channel, lane_id AS mailbox_id, kind, state, reason, sender, sender_name, subject, text, html, lead_id, thread_id,
    answers_id, received_at, created_at, version"""


def from_row(row: Row) -> Received:
    """The message of a row that holds `COLUMNS`."""
    return struct_of(row, Received)


async def get(tx: Tx, id: UUID, *, locking: bool = False) -> Received:
    """A message that came in. Raises NotFound."""
    row = await tx.fetchrow(
        f"SELECT {COLUMNS} FROM inbound_messages WHERE org_id = $1 AND id = $2" + (" FOR NO KEY UPDATE" if locking else ""),
        tx.org_id, id,
    )  # fmt: skip
    if row is None:
        raise NotFound("There is no such message in your organization.", field="receivedId")
    return from_row(row)


@operation("crm.emails.received", kind="query", role=Role.MEMBER, summary="List messages that came in")
async def list_received(tx: Tx, actor: Actor, input: ListReceived) -> Page[Received]:
    """A page of messages, newest first. Raises NotFound, Invalid."""
    lead = await leads.get(tx, input.lead_id) if input.lead_id is not None else None
    where = {"state": input.state, "lead_id": lead and lead.id, "lane_id": input.mailbox_id}
    rows, more = await newest(
        tx, f"SELECT {COLUMNS} FROM inbound_messages", where, limit=input.limit, after=input.cursor
    )
    return Page(items=[from_row(row) for row in rows], next_cursor=more)


@operation("crm.emails.readReceived", kind="query", role=Role.VIEWER, summary="Read a message that came in")
async def read(tx: Tx, actor: Actor, input: GetReceived) -> ReceivedInFull:
    """A message with the names of its files. Raises NotFound."""
    found = await get(tx, input.received_id)
    values = {name: getattr(found, name) for name in found.__struct_fields__}
    return ReceivedInFull(**values, files=await files.received_with(tx, found.id))


@operation("crm.mailboxes.reconcile", kind="query", role=Role.MEMBER, summary="Account for what came into a mailbox")
async def reconcile(tx: Tx, actor: Actor, input: NameMailbox) -> Reconciled:
    """Everything that was seen in a mailbox, by what became of it. Raises NotFound."""
    mailbox = await mailboxes.get(tx, input.mailbox_id)
    if not may_use(actor, mailbox):
        raise NotFound("There is no such mailbox in your organization.", field="mailboxId")
    told = await tx.fetchrow(
        "SELECT seen, repeated FROM mailboxes WHERE org_id = $1 AND id = $2", tx.org_id, mailbox.id
    )
    assert told is not None
    rows = await tx.fetch(
        "SELECT state, reason, count(*) AS n FROM inbound_messages WHERE org_id = $1 AND lane_id = $2 GROUP BY 1, 2",
        tx.org_id, mailbox.id,
    )  # fmt: skip
    by_state = {
        state: sum(row["n"] for row in rows if row["state"] == state)
        for state in ("matched", "stored", "skipped", "waiting")
    }
    reasons = {row["reason"]: 0 for row in rows if row["reason"]}
    for row in rows:
        if row["reason"]:
            reasons[row["reason"]] += row["n"]
    return Reconciled(
        mailbox_id=mailbox.id, seen=told["seen"], repeated=told["repeated"], **by_state, reasons=reasons,
        balanced=told["seen"] == told["repeated"] + sum(by_state.values()), polled_at=mailbox.polled_at, poll_error=mailbox.poll_error,
    )  # fmt: skip
