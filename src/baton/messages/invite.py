"""Mailing invitations: each mail carries a link of its own, made as it leaves, so that none lies anywhere in clear."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import aiosmtplib

from baton.accounts.invitations import new_link
from baton.accounts.invitations import tell as tell_of
from baton.accounts.organization import organization
from baton.activities import kinds
from baton.kernel.actor import Actor, Role, system
from baton.kernel.addresses import Refused
from baton.kernel.db import Database, Row, Tx
from baton.kernel.errors import Invalid, NotFound, Unavailable
from baton.kernel.fairness import fair
from baton.kernel.operation import Input, Output, operation
from baton.kernel.perform import perform
from baton.kernel.values import new_id, utc_now
from baton.messages.carrier import Carrier, ready, server_of
from baton.messages.compose import Letter, composed, message_id, plain_address
from baton.messages.connect import Server, smtp

LEASE = timedelta(minutes=5)
"""A process that dies while it mails leaves the invitation due again; that somebody is invited twice does no harm."""
MOST = 8  # attempts, in about four hours
NOBODY = "Nothing carries mail here. Hand the link over, or connect a mailbox under Settings → E-mail."
_AS = {"owner": "an owner", "admin": "an admin", "member": "a member", "viewer": "a viewer"}


class NoteMail(Input, kw_only=True):
    """What became of an invitation's mail."""

    invitation_id: UUID
    end: Literal["sent", "failed", "none"]
    error: str | None = None


class Noted(Output, kw_only=True):
    """What the invitation says of its mail now."""

    mail: Literal["none", "waiting", "sent", "failed"]


@operation(
    "crm.members.noteInvitationMail",
    role=Role.MEMBER,
    summary="Note what became of an invitation's mail",
    internal=True,
)
async def note_mail(tx: Tx, actor: Actor, input: NoteMail) -> Noted:
    """Write down that an invitation was mailed, or why not. Raises NotFound."""
    row = await tx.fetchrow(
        """UPDATE invitations SET mail = $3, mail_error = $4, mailed_at = CASE WHEN $3 = 'sent' THEN $5::timestamptz ELSE mailed_at END
            WHERE org_id = $1 AND id = $2 RETURNING name, email""",
        tx.org_id, input.invitation_id, input.end, input.error, tx.now,
    )  # fmt: skip
    if row is None:
        raise NotFound("There is no such invitation in your organization.", field="invitationId")
    kind = kinds.INVITATION_MAILED if input.end == "sent" else kinds.INVITATION_UNMAILED
    await tell_of(tx, actor, kind, input.invitation_id, row["name"], email=row["email"], reason=input.error)
    return Noted(mail=input.end)


async def due(db: Database, now: datetime, per_organization: int) -> list[tuple[UUID, UUID]]:
    """Invitations whose mail is due, at most so many of an organization."""
    return await fair(
        db,
        "SELECT org_id, id, mail_at AS next_at FROM invitations WHERE mail = 'waiting' AND mail_at <= $1",
        now, per_organization=per_organization,
    )  # fmt: skip


async def walk(db: Database, org_id: UUID, invitation_id: UUID, now: datetime | None = None) -> int:
    """Mail one invitation with a new link, and write down what became of it; silence is tried again."""
    moment = now or utc_now()
    async with db.transaction(org_id) as conn:
        tx = Tx(conn, org_id, moment, "crm.members.invite", installation=db.installation)
        row = await _claim(tx, invitation_id)
        by = await ready(tx, row["invited_by"], relay_first=True) if row else None
        server = await _server(tx, by)
        letter = await _letter(tx, row, by) if row and by and server else None
    if row is None:
        return 0
    if by is None or server is None or letter is None:
        await _note(db, org_id, NoteMail(invitation_id=invitation_id, end="none", error=NOBODY), now)
        return 1
    try:
        async with smtp(db.installation, server) as client:
            await client.sendmail(plain_address(by.from_address), [plain_address(letter.to)], composed(letter))
    except (OSError, TimeoutError, aiosmtplib.SMTPException, Refused, Invalid) as error:
        if not _for_good(error) and row["mail_attempts"] + 1 < MOST:
            return 1  # it is due again when its lease ends
        why = f"It could not be mailed: {' '.join(str(error).split())[:300] or type(error).__name__}"
        await _note(db, org_id, NoteMail(invitation_id=invitation_id, end="failed", error=why), now)
        return 1
    await _note(db, org_id, NoteMail(invitation_id=invitation_id, end="sent"), now)
    return 1


async def _claim(tx: Tx, invitation_id: UUID) -> Row | None:
    """The invitation whose mail is due, put off for as long as mailing may take; longer each time."""
    row = await tx.fetchrow(
        """SELECT i.id, i.name, i.email, i.role, i.expires_at, i.invited_by, i.mail_attempts, m.name AS inviter
             FROM invitations i JOIN members m ON m.org_id = i.org_id AND m.id = i.invited_by
            WHERE i.org_id = $1 AND i.id = $2 AND i.mail = 'waiting' AND i.mail_at <= $3 AND i.status = 'waiting'
              FOR NO KEY UPDATE OF i SKIP LOCKED""",
        tx.org_id, invitation_id, tx.now,
    )  # fmt: skip
    if row is not None:
        await tx.execute(
            "UPDATE invitations SET mail_at = $3, mail_attempts = mail_attempts + 1 WHERE org_id = $1 AND id = $2",
            tx.org_id, invitation_id, tx.now + LEASE * (1 + row["mail_attempts"]),
        )  # fmt: skip
    return row


async def _server(tx: Tx, by: Carrier | None) -> Server | None:
    try:
        return await server_of(tx, by.lane_id) if by else None
    except Unavailable:
        return None


async def _letter(tx: Tx, row: Row, by: Carrier) -> Letter:
    place, link = await organization(tx), await new_link(tx, row["id"])
    inviter, name = _plain(row["inviter"]), _plain(row["name"])
    text = (
        f"Hello {name},\n\n"
        f"{inviter} invites you to {_plain(place.name)} on Baton, as {_AS[row['role']]}.\n\n"
        f"Join here; the link works once, until {row['expires_at']:%-d %B %Y}:\n{link}\n\n"
        "If you did not expect this, do nothing. Nobody joins without this link.\n"
    )
    return Letter(
        message_id=message_id(new_id(), by.from_address), sent_at=tx.now, from_name=by.from_name, from_address=by.from_address,
        to=row["email"], subject=f"{inviter} invites you to {_plain(place.name)}", text=text, automatic=True,
    )  # fmt: skip


def _plain(text: str) -> str:
    """A name on one line, of a length that a sentence bears."""
    return " ".join(text.split())[:100]


def _for_good(error: BaseException) -> bool:
    """Whether the server's no will not change: 5xx, and an address that no mail can carry."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(each.code >= 500 for each in error.recipients)
    return isinstance(error, Invalid) or (isinstance(error, aiosmtplib.SMTPResponseException) and error.code >= 500)


async def _note(db: Database, org_id: UUID, end: NoteMail, now: datetime | None) -> None:
    actor = system(org_id, "Baton", role=Role.MEMBER, via="agent")
    await perform(db, actor, "crm.members.noteInvitationMail", end, now=now)
