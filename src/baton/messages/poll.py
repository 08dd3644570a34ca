"""Looking into mailboxes over IMAP: each about once a minute, from where the last look ended."""

from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec
import structlog

from baton.kernel.actor import Role, system
from baton.kernel.addresses import Refused
from baton.kernel.db import Database, Tx
from baton.kernel.errors import BatonError, NotFound, Unavailable
from baton.kernel.fairness import fair
from baton.kernel.perform import perform
from baton.kernel.values import utc_now
from baton.messages.carrier import imap_server
from baton.messages.imap import fetch
from baton.messages.inbound import Received
from baton.messages.parse import told_sender
from baton.messages.receive import Receive

log = structlog.get_logger()
EVERY = timedelta(minutes=1)
LEASE = timedelta(minutes=10)
LONGEST = timedelta(hours=1)


async def due(db: Database, now: datetime, per_organization: int) -> list[tuple[UUID, UUID]]:
    """Mailboxes to look into, whoever waits longest first, at most so many of an organization."""
    return await fair(
        db,
        "SELECT org_id, id, next_poll_at AS next_at FROM mailboxes WHERE next_poll_at <= $1 AND status = 'active'",
        now, per_organization=per_organization,
    )  # fmt: skip


async def walk(db: Database, org_id: UUID, mailbox_id: UUID, now: datetime | None = None) -> int:
    """Take in what is new in a mailbox; answers how many messages. A message is behind us once it is written down."""
    moment = now or utc_now()
    async with db.transaction(org_id) as conn:
        tx = Tx(conn, org_id, moment, "crm.mailboxes.poll", installation=db.installation)
        row = await tx.fetchrow(
            """UPDATE mailboxes SET next_poll_at = $3 WHERE org_id = $1 AND id = $2 AND status = 'active' AND next_poll_at <= $4
            RETURNING imap_folder, uid_validity, last_uid, created_at, mark_seen, poll_failures""",
            org_id, mailbox_id, moment + LEASE, moment,
        )  # fmt: skip
        if row is None:
            return 0
        try:
            server = await imap_server(tx, mailbox_id)
        except Unavailable as error:
            server, failed = None, error.message
        else:
            failed = "It has no IMAP server."
    if server is None:
        await _done(db, org_id, mailbox_id, moment, error=failed, failures=row["poll_failures"] + 1)
        return 0
    try:
        looked = await fetch(
            db.installation.outbound, server, row["imap_folder"], validity=row["uid_validity"], after=row["last_uid"],
            since=row["created_at"].date(), mark_seen=row["mark_seen"],
        )  # fmt: skip
        for one in looked.found:
            body = Receive(mailbox_id=mailbox_id, raw=one.raw, uid=one.uid, uid_validity=looked.validity, cut=one.cut)
            await take_in(db, org_id, body, now=now)
    except NotFound:
        return 0  # it was removed meanwhile
    except (OSError, TimeoutError, Refused, BatonError) as error:
        told = error.message if isinstance(error, BatonError) else " ".join(str(error).split()) or type(error).__name__
        log.warning("a mailbox could not be read", org_id=str(org_id), mailbox_id=str(mailbox_id), error=told)
        await _done(db, org_id, mailbox_id, moment, error=told[:500], failures=row["poll_failures"] + 1)
        return 0
    await _done(db, org_id, mailbox_id, moment, more=looked.more)
    return len(looked.found)


async def take_in(db: Database, org_id: UUID, body: Receive, *, now: datetime | None = None) -> Received:
    """Receive a message under its sender's name; one that breaks what it meets is written down and does not block the next.

    Raises NotFound for a mailbox, Unavailable.
    """
    actor = system(org_id, told_sender(body.raw), role=Role.MEMBER)
    found: Received
    try:
        found = await perform(db, actor, "crm.emails.receive", body, now=now)
    except (NotFound, Unavailable, OSError, asyncpg.InterfaceError):
        raise
    except Exception:
        log.exception("a message could not be taken in", org_id=str(org_id), mailbox_id=str(body.mailbox_id))
        broken = msgspec.structs.replace(body, broken=True)
        found = await perform(db, actor, "crm.emails.receive", broken, now=now)
    return found


async def _done(
    db: Database,
    org_id: UUID,
    mailbox_id: UUID,
    now: datetime,
    *,
    more: bool = False,
    error: str | None = None,
    failures: int = 0,
) -> None:
    """When to look again: at once where there is more, else in a minute; later each time that it fails."""
    wait = timedelta() if more else min(EVERY * 2 ** min(failures, 6), LONGEST)
    async with db.transaction(org_id) as conn:
        await conn.execute(
            """UPDATE mailboxes SET next_poll_at = CASE WHEN imap_host IS NULL THEN NULL ELSE $3::timestamptz END, poll_failures = $4,
                      poll_error = $5, polled_at = CASE WHEN $5::text IS NULL THEN $6 ELSE polled_at END
                WHERE org_id = $1 AND id = $2 AND status <> 'removed'""",
            org_id, mailbox_id, now + wait, failures, error, now,
        )  # fmt: skip
