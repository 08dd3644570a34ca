"""Messages that go out: what they are, how they stand, and which are kept for whom."""

from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from baton.kernel.actor import Actor, Role
from baton.kernel.db import Row, Tx, struct_of
from baton.kernel.errors import NotFound
from baton.kernel.newest import newest
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.page import Page
from baton.kernel.shapes import Cursor, PageSize
from baton.kernel.values import Ref
from baton.leads import lead as leads

Channel = Literal["email", "whatsapp"]
State = Literal["waiting", "sending", "sent", "in_doubt", "failed", "cancelled"]
Delivery = Literal["delivered", "read", "failed", "bounced", "complained"]


class Message(Output, kw_only=True):
    """A message to a lead, a contact or a member. `headerId` is its Message-ID; `mailboxId` is none for the installation's relay.

    It is waiting until `nextAt`, sending, sent; failed, cancelled; or in doubt: nobody knows whether it left.
    """

    id: UUID
    channel: Channel
    state: State
    delivery: Delivery | None
    mailbox_id: UUID | None
    lead_id: UUID | None
    contact_id: UUID | None
    member_id: UUID | None
    thread_id: UUID
    recipient: str
    sender: str
    subject: str
    text: str
    html: str | None
    header_id: str | None
    template_id: UUID | None
    attempts: int
    next_at: datetime | None
    sent_at: datetime | None
    error: str | None
    by: str
    version: int
    created_at: datetime


class GetMessage(Input, kw_only=True):
    """One message that went out, or is to."""

    message_id: UUID


class ListMessages(Input, kw_only=True):
    """Messages of a lead or of all, newest first; `limit` 1 to 200."""

    lead_id: Ref | None = None
    state: State | None = None
    channel: Channel | None = None
    limit: PageSize = 50
    cursor: Cursor | None = None


class Counts(Output, kw_only=True):
    """How mail stands: messages in each state that is not an end, failures of a day, and how long the oldest is overdue."""

    waiting: int
    sending: int
    in_doubt: int
    failed_today: int
    held: int
    overdue_seconds: int


COLUMNS = """id, channel, state, delivery, nullif(lane_id, '00000000-0000-0000-0000-000000000000') AS mailbox_id, lead_id, contact_id,
    member_id, thread_id, recipient, sender, subject, text, html, message_id AS header_id, template_id, attempts,
    CASE WHEN state = 'waiting' THEN next_at END AS next_at, sent_at, error, actor ->> 'name' AS by, version, created_at"""


def from_row(row: Row) -> Message:
    """The message of a row that holds `COLUMNS`."""
    return struct_of(row, Message)


async def get(tx: Tx, id: UUID, *, locking: bool = False) -> Message:
    """A message. Raises NotFound."""
    row = await tx.fetchrow(
        f"SELECT {COLUMNS} FROM messages WHERE org_id = $1 AND id = $2" + (" FOR NO KEY UPDATE" if locking else ""),
        tx.org_id, id,
    )  # fmt: skip
    if row is None:
        raise NotFound("There is no such message in your organization.", field="messageId")
    return from_row(row)


async def put(tx: Tx, actor: Actor, **facts: Any) -> Message:
    """Keep a new message, under the actor that caused it, before anything of it leaves."""
    by = {
        "type": actor.type,
        "id": actor.id and str(actor.id),
        "name": actor.name,
        "role": actor.role,
        "via": actor.via,
    }
    values: dict[str, Any] = facts | {
        "actor": by,
        "depth": tx.depth,
        "operation_id": tx.operation_id,
        "created_at": tx.now,
    }
    marks = ", ".join(f"${index}" for index in range(2, 2 + len(values)))
    row = await tx.fetchrow(
        f"INSERT INTO messages (org_id, {', '.join(values)}) VALUES ($1, {marks}) RETURNING {COLUMNS}",
        tx.org_id, *values.values(),
    )  # fmt: skip
    assert row is not None
    return from_row(row)


async def call_off(tx: Tx, lane_id: UUID, why: str) -> int:
    """Call off what waits in a lane that carries nothing any more; what did not leave counts for nobody. Answers how many."""
    rows = await tx.fetch(
        """UPDATE messages SET state = 'cancelled', error = $3, version = version + 1
            WHERE org_id = $1 AND lane_id = $2 AND state = 'waiting' RETURNING id""",
        tx.org_id, lane_id, why,
    )  # fmt: skip
    ids = [row["id"] for row in rows]
    await tx.execute("DELETE FROM outreach WHERE org_id = $1 AND message_id = ANY ($2)", tx.org_id, ids)
    return len(ids)


@operation("crm.messages.get", kind="query", role=Role.VIEWER, summary="Read a message")
async def read(tx: Tx, actor: Actor, input: GetMessage) -> Message:
    """A message. Raises NotFound."""
    return await get(tx, input.message_id)


@operation("crm.messages.list", kind="query", role=Role.VIEWER, summary="List messages")
async def list_messages(tx: Tx, actor: Actor, input: ListMessages) -> Page[Message]:
    """A page of messages, newest first; notices to members are not among them. Raises NotFound, Invalid."""
    lead = await leads.get(tx, input.lead_id) if input.lead_id is not None else None
    where = {"lead_id": lead and lead.id, "state": input.state, "channel": input.channel}
    rows, more = await newest(
        tx, f"SELECT {COLUMNS} FROM messages", where, limit=input.limit, after=input.cursor, also=("member_id IS NULL",)
    )
    return Page(items=[from_row(row) for row in rows], next_cursor=more)


@operation("crm.messages.counts", kind="query", role=Role.MEMBER, summary="Count messages that wait, hang or failed")
async def counts(tx: Tx, actor: Actor, input: Nothing) -> Counts:
    """How mail stands in the organization."""
    row = await tx.fetchrow(
        """SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting, count(*) FILTER (WHERE state = 'sending') AS sending,
                  count(*) FILTER (WHERE state = 'in_doubt') AS in_doubt, count(*) FILTER (WHERE state = 'failed') AS failed_today,
                  coalesce(extract(epoch FROM $2 - min(next_at) FILTER (WHERE state = 'waiting' AND next_at < $2)), 0)::bigint
                    AS overdue_seconds
             FROM messages
            WHERE org_id = $1
              AND (state IN ('waiting', 'sending', 'in_doubt') OR (state = 'failed' AND created_at > $3::timestamptz))""",
        tx.org_id, tx.now, tx.now - timedelta(days=1),
    )  # fmt: skip
    held = await tx.fetchval("SELECT count(*) FROM inbound_messages WHERE org_id = $1 AND state = 'waiting'", tx.org_id)
    assert row is not None
    return Counts(**dict(row), held=held)
