"""A notice, and the member's list of them: the newest first, those not read yet. Spec A6."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Row, Tx
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.kernel.newest import newest
from baton.kernel.operation import Input, Output, operation
from baton.kernel.shapes import Cursor
from baton.messages.notices.settings import own

MOST = 100
COUNTED = 1_000
COLUMNS = "id, event, title, body, lead_id, href, activity_id, read_at, email, email_at, email_error, created_at"


class Notice(Output, kw_only=True):
    """What a member is told: the event, its words, where it leads. `email` says what became of the mail about it."""

    id: UUID
    event: str
    title: str
    body: str | None
    lead_id: UUID | None
    href: str | None
    activity_id: UUID | None
    read_at: datetime | None
    email: Literal["none", "waiting", "sent", "skipped", "failed"]
    email_at: datetime | None
    email_error: str | None
    created_at: datetime


class ListNotices(Input, kw_only=True):
    """The page has 1–100 notices, the newest first; `unread` shows only those."""

    unread: bool = False
    limit: Annotated[int, Meta(ge=1, le=100)] = 30
    cursor: Cursor | None = None


class Notices(Output, kw_only=True):
    """A page of notices, and how many are not read, counted up to 1,000."""

    items: list[Notice]
    next_cursor: str | None
    unread: int


class MarkRead(Input, kw_only=True):
    """One notice, or all that came until now: say which."""

    notice_id: UUID | None = None
    all: bool = False


class MarkUnread(Input, kw_only=True):
    """One notice, or those that an operation of one's own marked as read: say which."""

    notice_id: UUID | None = None
    operation_id: UUID | None = None


class Read(Output, kw_only=True):
    """How many were marked, and how many are not read yet."""

    marked: int
    unread: int


def from_row(row: Row) -> Notice:
    """The notice of a row that holds `COLUMNS`."""
    return Notice(**{name: row[name] for name in Notice.__struct_fields__})


@operation("crm.notifications.list", kind="query", role=Role.VIEWER, summary="Read one's notices")
async def list_notices(tx: Tx, actor: Actor, input: ListNotices) -> Notices:
    """The actor's own notices, the newest first. Raises Invalid, Forbidden for who is no member."""
    if not 1 <= input.limit <= MOST:
        raise Invalid(f"A page has 1 to {MOST} notices.", field="limit")
    also = ("in_app", "read_at IS NULL") if input.unread else ("in_app",)
    rows, more = await newest(
        tx,
        f"SELECT {COLUMNS} FROM notices",
        {"member_id": own(actor)},
        limit=input.limit,
        after=input.cursor,
        also=also,
    )
    return Notices(items=[from_row(row) for row in rows], next_cursor=more, unread=await unread(tx, own(actor)))


@operation("crm.notifications.markRead", role=Role.VIEWER, summary="Mark notices as read")
async def mark_read(tx: Tx, actor: Actor, input: MarkRead) -> Read:
    """Mark one of the actor's notices, or all of them, as read; once more changes nothing. Raises NotFound, Invalid."""
    member_id = own(actor)
    if (input.notice_id is None) != input.all:
        raise Invalid("Say which: “noticeId”, or “all”: true.", field="noticeId")
    await _must_be_own(tx, member_id, input.notice_id)
    rows = await tx.fetch(
        """UPDATE notices SET read_at = $3 WHERE org_id = $1 AND member_id = $2 AND read_at IS NULL AND in_app
              AND ($4::uuid IS NULL OR id = $4) RETURNING id""",
        tx.org_id, member_id, tx.now, input.notice_id,
    )  # fmt: skip
    if rows:
        await append(
            tx, actor,
            Entry(kind=kinds.NOTICES_READ, subject_type="member", subject_id=member_id, payload={"count": len(rows)}),
        )  # fmt: skip
    return Read(marked=len(rows), unread=await unread(tx, member_id))


@operation("crm.notifications.markUnread", role=Role.VIEWER, summary="Put notices back among those to read")
async def mark_unread(tx: Tx, actor: Actor, input: MarkUnread) -> Read:
    """Take one's reading back: of one notice, or of what one operation marked, unless it was marked again since. Raises NotFound,
    Invalid, Conflict where nothing of it is left to take back."""
    member_id = own(actor)
    if (input.notice_id is None) == (input.operation_id is None):
        raise Invalid("Say which: “noticeId”, or “operationId”.", field="noticeId")
    await _must_be_own(tx, member_id, input.notice_id)
    read_at = None
    if input.operation_id is not None:
        read_at = await tx.fetchval(
            """SELECT occurred_at FROM activities
                WHERE org_id = $1 AND operation_id = $2 AND kind = $3 AND subject_id = $4 LIMIT 1""",
            tx.org_id, input.operation_id, kinds.NOTICES_READ, member_id,
        )  # fmt: skip
        if read_at is None:
            raise NotFound("You marked nothing as read by such an operation.", field="operationId")
    rows = await tx.fetch(
        """UPDATE notices SET read_at = NULL WHERE org_id = $1 AND member_id = $2 AND in_app AND read_at IS NOT NULL
              AND ($3::uuid IS NULL OR id = $3) AND ($4::timestamptz IS NULL OR read_at = $4) RETURNING id""",
        tx.org_id, member_id, input.notice_id, read_at,
    )  # fmt: skip
    if not rows:
        raise Conflict("Nothing of it is left to take back.")
    await append(
        tx, actor,
        Entry(kind=kinds.NOTICES_UNREAD, subject_type="member", subject_id=member_id, payload={"count": len(rows)}),
    )  # fmt: skip
    return Read(marked=len(rows), unread=await unread(tx, member_id))


async def _must_be_own(tx: Tx, member_id: UUID, notice_id: UUID | None) -> None:
    if notice_id is not None and not await tx.fetchval(
        "SELECT true FROM notices WHERE org_id = $1 AND id = $3 AND member_id = $2 AND in_app",
        tx.org_id, member_id, notice_id,
    ):  # fmt: skip
        raise NotFound("You have no such notice.", field="noticeId")


async def unread(tx: Tx, member_id: UUID) -> int:
    """How many notices a member has not read, counted up to 1,000."""
    found: int = await tx.fetchval(
        f"""SELECT count(*) FROM (SELECT FROM notices
             WHERE org_id = $1 AND member_id = $2 AND in_app AND read_at IS NULL LIMIT {COUNTED}) n""",
        tx.org_id, member_id,
    )  # fmt: skip
    return found
