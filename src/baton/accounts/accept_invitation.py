"""Joining by an invitation's link: a new person chooses a password, a known one proves who they are by their own. Spec B9."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from baton.accounts import invitations
from baton.accounts.members import MIN_PASSWORD, Member, insert, member
from baton.accounts.organization import organization
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Row, Tx
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.kernel.operation import Input, Output, operation
from baton.kernel.security import hash_password, token_hash, verify_password
from baton.kernel.shapes import LanguageTag, Password, Zone
from baton.kernel.values import new_id, time_zones

Standing = Literal["waiting", "expired", "withheld", "accepted", "revoked", "closed"]
Token = Annotated[str, Meta(max_length=200)]
NO_LINK = "This link leads to no invitation. Look whether it is complete, or ask for a new one."
_ENDED: dict[str, str] = {
    "expired": "This invitation has expired. Ask for a new link.",
    "withheld": "Whoever invited you may not do so any more. Ask another admin for a new link.",
    "accepted": "This invitation was used already. Sign in with your e-mail and password.",
    "revoked": "This invitation was withdrawn. Ask who invited you.",
    "closed": "This organization is closed at the moment, and takes nobody in.",
}


class OpenInvitation(Input, kw_only=True):
    """The token at the end of an invitation's link."""

    token: Token


class Invited(Output, kw_only=True):
    """What an invitation says to whom holds its link: who invites whom into which organization, as what, and whether it stands."""

    organization: str
    inviter: str
    name: str
    email: str
    role: Role
    state: Standing
    expires_at: datetime


class AcceptInvitation(Input, kw_only=True):
    """Joining. Who signs in here already (`known`) gives the password that they have, and a new one where somebody else chose
    it; who is new gives a name and the password to be."""

    token: Token
    password: Password
    known: bool = False
    name: Annotated[str, Meta(max_length=200)] | None = None
    new_password: Password | None = None
    language: LanguageTag | None = None
    time_zone: Zone = "UTC"


@operation(
    "crm.members.openInvitation", kind="query", role=None, summary="Read an invitation by its link", internal=True
)
async def open_invitation(tx: Tx, actor: Actor, input: OpenInvitation) -> Invited:
    """What the invitation of a link says. Raises NotFound for a token that leads to none of this organization."""
    row = await _found(tx, input.token)
    place = await organization(tx)
    return Invited(
        organization=place.name, inviter=row["inviter"], name=row["name"], email=row["email"], role=Role(row["role"]),
        state=_standing(row, place.status), expires_at=row["expires_at"],
    )  # fmt: skip


@operation("crm.members.acceptInvitation", role=None, summary="Join by an invitation", internal=True, secret=True)
async def accept(tx: Tx, actor: Actor, input: AcceptInvitation) -> Member:
    """Make a member of who holds the link; of two who try at once one joins. Raises NotFound, Conflict for an invitation that
    stands no more, and Invalid with the field at fault. An account that exists keeps its password unless its owner proves it."""
    row = await _found(tx, input.token, locking=True)
    state = _standing(row, (await organization(tx)).status)
    if state != "waiting":
        raise Conflict(why_not(state))
    person_id, name = await (_known(tx, row, input) if input.known else _new(tx, row, input))
    id, before = await _place(tx, row, person_id, name, input)
    await tx.execute(
        """UPDATE invitations SET status = 'accepted', member_id = $3, settled_at = $4, version = version + 1,
                  mail = CASE WHEN mail = 'waiting' THEN 'none' ELSE mail END
            WHERE org_id = $1 AND id = $2""",
        tx.org_id, row["id"], id, tx.now,
    )  # fmt: skip
    joined = Actor(type="user", org_id=tx.org_id, role=Role(row["role"]), name=name, id=id, via="page")
    await append(
        tx, joined,
        Entry(kind=kinds.INVITATION_ACCEPTED, subject_type="member", subject_id=id,
              changes={"status": [before, "active"]} if before else {},
              payload={"name": name, "role": row["role"], "invitedBy": str(row["invited_by"]), "inviter": row["inviter"]}),
    )  # fmt: skip
    return await member(tx, id)


async def _found(tx: Tx, token: str, *, locking: bool = False) -> Row:
    found = await tx.fetchrow(
        "SELECT org_id, target_id FROM directory_address($1, $2)", invitations.ADDRESS, token_hash(token).hex()
    )
    row = None
    if found is not None and found["org_id"] == tx.org_id:
        row = await tx.fetchrow(
            f"""SELECT {invitations.COLUMNS}, i.email_norm, m.name AS inviter {invitations.FROM}
                 WHERE i.org_id = $1 AND i.id = $3""" + (" FOR NO KEY UPDATE OF i" if locking else ""),
            tx.org_id, tx.now, found["target_id"],
        )  # fmt: skip
    if row is None:
        raise NotFound(NO_LINK)
    return row


def _standing(row: Row, organization_is: str) -> Standing:
    state: Standing = row["state"]
    return "closed" if state == "waiting" and organization_is != "active" else state


async def _known(tx: Tx, row: Row, input: AcceptInvitation) -> tuple[UUID, str]:
    """Who signs in here already, proved by their password; as slow where nobody does."""
    person = await tx.fetchrow("SELECT id, name, password_hash FROM directory_person($1)", row["email_norm"])
    if not await verify_password(input.password, person["password_hash"] if person else None) or person is None:
        raise Invalid("This e-mail and password do not belong together.", field="password")
    if await tx.fetchval("SELECT directory_password_given($1)", person["id"]):
        if not input.new_password or input.new_password == input.password:
            raise Invalid(
                "Somebody else chose your password of today, and may know it. Choose a new one, for all your organizations.",
                field="newPassword",
            )
        _must_be_long(input.new_password, "newPassword")
        await tx.execute("SELECT directory_set_password($1, $2)", person["id"], await hash_password(input.new_password))
        await tx.execute("SELECT directory_end_sessions_of($1)", person["id"])
    return person["id"], person["name"]


async def _new(tx: Tx, row: Row, input: AcceptInvitation) -> tuple[UUID, str]:
    """A new person with the password of their choice. Raises Conflict where the e-mail signs in here already."""
    name = " ".join((input.name or "").split())
    if not name:
        raise Invalid("A member needs a name.", field="name")
    _must_be_long(input.password, "password")
    hashed, new = await hash_password(input.password), new_id()
    person_id = await tx.fetchval(
        "SELECT directory_add_person($1, $2, $3, $4, $5)", new, row["email_norm"], row["email"], name, hashed
    )
    if person_id != new:
        raise Conflict(
            "This e-mail address signs in here already. Join with the password that you have.", field="email"
        )
    return new, name


async def _place(tx: Tx, row: Row, person_id: UUID, name: str, input: AcceptInvitation) -> tuple[UUID, str | None]:
    """The member's id: a new one, or who was removed once comes back, with their state before. Raises Conflict for a member."""
    zone = input.time_zone if input.time_zone in time_zones() else "UTC"
    known = await tx.fetchrow(
        "SELECT id, status FROM members WHERE org_id = $1 AND person_id = $2 FOR NO KEY UPDATE", tx.org_id, person_id
    )
    if known is None:
        id = new_id()
        await insert(
            tx, id, kind="person", person_id=person_id, name=name, email=row["email"], role=row["role"], time_zone=zone,
            language=input.language or None,
        )  # fmt: skip
        return id, None
    if known["status"] != "removed":
        raise Conflict("You are a member of this organization already. Sign in.", field="email")
    await tx.execute(
        "UPDATE members SET status = 'active', role = $3, name = $4, version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id, known["id"], row["role"], name,
    )  # fmt: skip
    return known["id"], known["status"]


def _must_be_long(password: str, field: str) -> None:
    if len(password) < MIN_PASSWORD:
        raise Invalid(f"A password has at least {MIN_PASSWORD} characters.", field=field)


def why_not(state: Standing) -> str:
    """Why an invitation that stands no more admits nobody, and what to do."""
    return _ENDED[state]
