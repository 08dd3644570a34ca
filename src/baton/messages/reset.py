"""Mailing links for a forgotten password, by the operator's own relay alone.

An organization's mailbox carries none of them: whoever reads it, or runs its server, could take over anybody who is a member there,
in their other organizations too.
"""

from datetime import datetime, timedelta
from uuid import UUID

import aiosmtplib
import structlog

from baton.accounts import reset_password
from baton.kernel.addresses import Refused
from baton.kernel.db import Database, Row
from baton.kernel.errors import Invalid
from baton.kernel.relay_mail import MailRelay
from baton.kernel.values import new_id, utc_now
from baton.messages.carrier import relay_server
from baton.messages.compose import Letter, composed, message_id, plain_address
from baton.messages.connect import smtp

log = structlog.get_logger()
LEASE = timedelta(minutes=2)
MOST = 4  # attempts, in some eight minutes: later nobody waits for it any more


async def due(db: Database, now: datetime, per_organization: int) -> list[tuple[UUID, UUID]]:
    """Links that are to be mailed, each in the line of an organization of its person; addresses that nobody signs in with go."""
    rows = await db.relay.fetch("SELECT org_id, id FROM directory_due_resets($1, $2)", now, 100)
    return [(row["org_id"], row["id"]) for row in rows]


async def walk(db: Database, _org_id: UUID, reset_id: UUID, now: datetime | None = None) -> int:
    """Mail one link, made as it leaves; silence is tried again with another. Answers how many were dealt with."""
    moment = now or utc_now()
    claimed = await reset_password.claim(db, reset_id, now=moment, again_at=moment + LEASE)
    if claimed is None:
        return 0
    row, link = claimed
    relay, server = db.installation.mail, relay_server(db.installation)
    if relay is None or server is None or row["attempts"] > MOST:
        return await _settle(db, reset_id, "failed", moment, "too many attempts" if relay else "no relay")
    letter = _letter(relay, row, link, moment)
    try:
        async with smtp(db.installation, server) as client:
            await client.sendmail(plain_address(letter.from_address), [plain_address(letter.to)], composed(letter))
    except (OSError, TimeoutError, aiosmtplib.SMTPException, Refused, Invalid) as error:
        for_good = isinstance(error, Invalid) or row["attempts"] >= MOST
        return await _settle(db, reset_id, "failed", moment, type(error).__name__) if for_good else 1
    return await _settle(db, reset_id, "sent", moment)


async def _settle(db: Database, id: UUID, status: str, now: datetime, why: str = "") -> int:
    await db.app.execute("SELECT directory_settle_reset($1, $2, $3)", id, status, now)
    if why:
        log.warning("a link for a forgotten password was not mailed", reset=str(id), why=why)
    return 1


def _letter(relay: MailRelay, row: Row, link: str, now: datetime) -> Letter:
    text = (
        f"Hello {' '.join(row['name'].split())[:100]},\n\n"
        "somebody, you we hope, asked for a new password for Baton.\n\n"
        f"Choose it here; the link works once, for 30 minutes:\n{link}\n\n"
        "If it was not you, do nothing. Your password stays as it is.\n"
    )
    return Letter(
        message_id=message_id(new_id(), relay.address), sent_at=now, from_name=relay.name or "Baton", from_address=relay.address,
        to=row["email"], subject="Choose a new password", text=text, automatic=True,
    )  # fmt: skip
