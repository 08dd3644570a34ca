"""Invitations: somebody is asked into the organization by a link, shown once, kept as its hash, good for a week and one person. Spec B9."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from baton.accounts.members import may_grant
from baton.accounts.sign_in import must_not_be_agent
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Row, Tx, struct_of
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound, TooMany, must_be_current
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.security import new_token, token_hash
from baton.kernel.shapes import Email, Name, Version
from baton.kernel.values import email_address, email_key, new_id

LIFETIME = timedelta(days=7)
A_DAY = 200
"""How many people an organization invites in a day: its mail goes out by everybody's relay."""
BETWEEN_MAILS = timedelta(minutes=1)
ADDRESS = "invitation"
"""The kind of a link in the directory of addresses."""
_STATE = """CASE WHEN i.status <> 'waiting' THEN i.status
                 WHEN m.status <> 'active' OR m.role NOT IN ('owner', 'admin') OR (i.role = 'owner' AND m.role <> 'owner') THEN 'withheld'
                 WHEN i.expires_at <= $2 THEN 'expired'
                 ELSE 'waiting' END AS state"""
COLUMNS = f"""i.id, i.name, i.email, i.role, {_STATE}, i.invited_by, i.expires_at, i.mail, i.mail_error, i.version, i.created_at"""
FROM = "FROM invitations i JOIN members m ON m.org_id = i.org_id AND m.id = i.invited_by"


class Invitation(Output, kw_only=True):
    """Who is invited, as what and by whom. `state` is withheld where the inviter left or may no longer give that role.

    `mail` says what became of the mail with the link; none where nobody carries mail here.
    """

    id: UUID
    name: str
    email: str
    role: Role
    state: Literal["waiting", "expired", "withheld", "accepted", "revoked"]
    invited_by: UUID
    expires_at: datetime
    mail: Literal["none", "waiting", "sent", "failed"]
    mail_error: str | None
    version: int
    created_at: datetime


class NewInvitation(Invitation, kw_only=True):
    """An invitation as it is made or renewed: the only time that its link is told."""

    link: str


class Invite(Input, kw_only=True):
    """Whom to ask in, by which address, and as what."""

    name: Name
    email: Email
    role: Role = Role.MEMBER


class NameInvitation(Input, kw_only=True):
    """An invitation."""

    invitation_id: UUID
    version: Version | None = None


@operation("crm.members.invitations", kind="query", role=Role.ADMIN, summary="List the open invitations")
async def invitations(tx: Tx, actor: Actor, input: Nothing) -> list[Invitation]:
    """Whoever is invited and has not joined, the newest first; expired and withheld ones among them."""
    rows = await tx.fetch(
        f"""SELECT {COLUMNS} {FROM} WHERE i.org_id = $1 AND i.status = 'waiting' ORDER BY i.created_at DESC, i.id DESC LIMIT 500""",
        tx.org_id, tx.now,
    )  # fmt: skip
    return [struct_of(row, Invitation) for row in rows]


@operation("crm.members.invite", role=Role.ADMIN, summary="Invite a person", secret=True)
async def invite(tx: Tx, actor: Actor, input: Invite) -> NewInvitation:
    """Ask somebody in by a link. Raises Invalid, Conflict for a member and for who is invited already, TooMany, Forbidden for an
    owner by an admin. Whether the address signs in elsewhere on this installation the answer does not tell."""
    inviter = _inviter(actor)
    may_grant(actor, input.role)
    name, email = " ".join(input.name.split())[:200], email_address(input.email)
    if not name:
        raise Invalid("Name the person whom you invite.", field="name")
    await _must_be_new(tx, email)
    id = new_id()
    await tx.execute(
        """INSERT INTO invitations (org_id, id, email, email_norm, name, role, invited_by, expires_at, mail_at, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)""",
        tx.org_id, id, email, email_key(email), name, input.role, inviter, tx.now + LIFETIME, tx.now,
    )  # fmt: skip
    await tell(tx, actor, kinds.INVITATION_SENT, id, name, email=email, role=input.role)
    return await _with_link(tx, id)


@operation("crm.members.resendInvitation", role=Role.ADMIN, summary="Make a new link for an invitation", secret=True)
async def resend(tx: Tx, actor: Actor, input: NameInvitation) -> NewInvitation:
    """Make and mail another link, good for a week; earlier ones open nothing any more, and it is now this actor who invites.

    Raises NotFound for one that is accepted or revoked, Conflict for a stale version, Forbidden for an owner by an admin.
    """
    inviter = _inviter(actor)
    before = await _lock(tx, input)
    may_grant(actor, Role(before["role"]))
    await tx.execute("SELECT directory_remove_addresses($1, $2)", ADDRESS, input.invitation_id)
    await tx.execute(
        """UPDATE invitations SET invited_by = $3, expires_at = $4, mail = 'waiting', mail_at = greatest($5::timestamptz, mailed_at + $6),
                  mail_attempts = 0, mail_error = NULL, version = version + 1
            WHERE org_id = $1 AND id = $2""",
        tx.org_id, input.invitation_id, inviter, tx.now + LIFETIME, tx.now, BETWEEN_MAILS,
    )  # fmt: skip
    await tell(tx, actor, kinds.INVITATION_RENEWED, input.invitation_id, before["name"], email=before["email"])
    return await _with_link(tx, input.invitation_id)


@operation("crm.members.revokeInvitation", role=Role.ADMIN, summary="Revoke an invitation")
async def revoke(tx: Tx, actor: Actor, input: NameInvitation) -> Invitation:
    """End an invitation: its links open nothing any more. Raises NotFound, Conflict for a stale version."""
    before = await _lock(tx, input)
    may_grant(actor, Role(before["role"]))
    await tx.execute(
        """UPDATE invitations SET status = 'revoked', settled_at = $3, mail = CASE WHEN mail = 'waiting' THEN 'none' ELSE mail END,
                  version = version + 1
            WHERE org_id = $1 AND id = $2""",
        tx.org_id, input.invitation_id, tx.now,
    )  # fmt: skip
    await tell(tx, actor, kinds.INVITATION_REVOKED, input.invitation_id, before["name"], email=before["email"])
    return struct_of(await _row(tx, input.invitation_id), Invitation)


async def new_link(tx: Tx, invitation_id: UUID) -> str:
    """Another link to an invitation; only its hash is kept. Those that were made before go on to hold."""
    token = new_token(ADDRESS)
    await tx.execute("SELECT directory_add_address($1, $2, $3)", ADDRESS, token_hash(token).hex(), invitation_id)
    return f"{tx.installation.public_url}/join/{token}"


async def tell(
    tx: Tx, actor: Actor, kind: str, id: UUID, name: str, *, reason: str | None = None, **payload: str
) -> None:
    """Append what happened to an invitation."""
    said = {"name": name} | payload
    await append(tx, actor, Entry(kind=kind, subject_type="invitation", subject_id=id, payload=said, reason=reason))


async def _with_link(tx: Tx, id: UUID) -> NewInvitation:
    made = struct_of(await _row(tx, id), Invitation)
    return NewInvitation(
        **{field: getattr(made, field) for field in Invitation.__struct_fields__}, link=await new_link(tx, id)
    )


async def _row(tx: Tx, id: UUID) -> Row:
    row = await tx.fetchrow(f"SELECT {COLUMNS} {FROM} WHERE i.org_id = $1 AND i.id = $3", tx.org_id, tx.now, id)
    if row is None:
        raise NotFound("There is no such invitation in your organization.", field="invitationId")
    return row


async def _lock(tx: Tx, input: NameInvitation) -> Row:
    row = await tx.fetchrow(
        """SELECT name, email, role, version FROM invitations
            WHERE org_id = $1 AND id = $2 AND status = 'waiting' FOR NO KEY UPDATE""",
        tx.org_id, input.invitation_id,
    )  # fmt: skip
    if row is None:
        raise NotFound("There is no such invitation, or it was accepted or revoked.", field="invitationId")
    must_be_current(f"The invitation of {row['name']}", row["version"], input.version)
    return row


async def _must_be_new(tx: Tx, email: str) -> None:
    key = email_key(email)
    if await tx.fetchval(
        """SELECT true FROM members WHERE org_id = $1 AND status <> 'removed'
              AND person_id = (SELECT id FROM directory_person($2))""",
        tx.org_id, key,
    ):  # fmt: skip
        raise Conflict(f"{email} belongs to a member already.", field="email")
    if await tx.fetchval(
        "SELECT true FROM invitations WHERE org_id = $1 AND email_norm = $2 AND status = 'waiting'", tx.org_id, key
    ):
        raise Conflict(f"{email} is invited already. Make a new link for that invitation instead.", field="email")
    lately = await tx.fetchval(
        "SELECT count(*) FROM invitations WHERE org_id = $1 AND created_at > $2::timestamptz",
        tx.org_id, tx.now - timedelta(days=1),
    )  # fmt: skip
    if lately >= A_DAY:
        raise TooMany(f"An organization invites up to {A_DAY} people in a day. Go on tomorrow.", retry_after=3600)


def _inviter(actor: Actor) -> UUID:
    must_not_be_agent(actor)
    if actor.id is None:
        raise Forbidden("A person invites, under their own name.")
    return actor.id
