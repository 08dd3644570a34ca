"""Forgotten passwords: a link, mailed to whoever signs in with an address and kept as its hash, sets a new one once. Spec B9."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from baton.accounts.members import MIN_PASSWORD
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role, system
from baton.kernel.db import Database, Row, Tx
from baton.kernel.decode import decode
from baton.kernel.errors import Invalid, NotFound
from baton.kernel.fairness import fair
from baton.kernel.operation import Input, Output, find, operation
from baton.kernel.perform import perform, within
from baton.kernel.security import hash_password, new_token, token_hash
from baton.kernel.shapes import Password
from baton.kernel.values import email_key, new_id, utc_now

LIFETIME = timedelta(minutes=30)
MAILS = 3
"""How many links one address is mailed in half an hour, whoever asks: where no more come, the last of them still holds."""
OPERATORS = 1_000_000
TELL_MEMBER = "crm.emails.tellMember"
NO_LINK = "This link is used up, too old, or not complete. Ask for a new one."


class Account(msgspec.Struct, frozen=True):
    """Whose password a link sets."""

    person_id: UUID
    email: str


class ResetPassword(Input, kw_only=True):
    """The token at the end of a link, and the password from now on."""

    token: Annotated[str, Meta(max_length=200)]
    new: Password


class NameReset(Input, kw_only=True):
    """A reset that an organization's log is still to be told of."""

    reset_id: UUID


class Chosen(Output, kw_only=True):
    """Who chose a new password."""

    member_id: UUID
    name: str


async def ask(db: Database, email: str, *, now: datetime | None = None) -> None:
    """Ask for a link to an address. Whose it is, if anybody's, is not looked at here: no answer and no delay can tell."""
    await db.app.execute("SELECT directory_ask_reset($1, $2, $3)", new_id(), email_key(email), now or utc_now())


async def claim(db: Database, id: UUID, *, now: datetime, again_at: datetime) -> tuple[Row, str] | None:
    """Whom to mail (email, name, attempts) and a new link for them; None where somebody else mails it, or nobody has to."""
    token = new_token("reset")
    row = await db.app.fetchrow(
        "SELECT email, name, attempts FROM directory_claim_reset($1, $2, $3, $4, $5, $6)",
        id, token_hash(token), now, again_at, now + LIFETIME, MAILS,
    )  # fmt: skip
    return (row, _address(db, token)) if row else None


async def link(db: Database, email: str, *, now: datetime | None = None) -> str:
    """A link for the operator to hand over. Raises NotFound for an address that nobody signs in with."""
    moment, id, token = now or utc_now(), new_id(), new_token("reset")
    async with db.app.acquire() as conn, conn.transaction():
        await conn.execute("SELECT directory_ask_reset($1, $2, $3)", id, email_key(email), moment)
        row = await conn.fetchrow(
            "SELECT email FROM directory_claim_reset($1, $2, $3, $3, $4, $5)",
            id, token_hash(token), moment, moment + LIFETIME, OPERATORS,
        )  # fmt: skip
        if row is None:
            raise NotFound(f"Nobody signs in with {email} here.", field="email")
        await conn.execute("SELECT directory_settle_reset($1, 'sent', $2)", id, moment)
    return _address(db, token)


def _address(db: Database, token: str) -> str:
    return f"{db.installation.public_url}/reset/{token}"


async def opened(db: Database, token: str, *, now: datetime | None = None) -> Account | None:
    """Whose password a link sets; None for one that is unknown, used, over, or followed by a newer one."""
    if len(token) > 200 or not token.isascii() or not token.isprintable():
        return None
    row = await db.app.fetchrow(
        "SELECT person_id, email FROM directory_open_reset($1, $2)", token_hash(token), now or utc_now()
    )
    return Account(row["person_id"], row["email"]) if row else None


@operation(
    "crm.profile.resetPassword", role=None, summary="Choose a password by a mailed link", internal=True, secret=True
)
async def reset(tx: Tx, actor: Actor, input: ResetPassword) -> Chosen:
    """Set the password of whoever the link was mailed to, end all their sessions in every organization, and mail them that it was
    done; keys of programs and tokens of agents stay. Of two who try at once one does. Raises Invalid, NotFound."""
    if not MIN_PASSWORD <= len(input.new) <= 1000:
        raise Invalid(f"A password has at least {MIN_PASSWORD} characters.", field="new")
    person_id = await tx.fetchval(
        "SELECT directory_use_reset($1, $2, $3)", token_hash(input.token), await hash_password(input.new), tx.now
    )
    if person_id is None:
        raise NotFound(NO_LINK)
    id = await tx.fetchval("SELECT id FROM members WHERE org_id = $1 AND person_id = $2", tx.org_id, person_id)
    own = await _tell(tx, id)
    said = {"memberId": str(id), "subject": "Your password was changed", "text": _notice(tx, own.name)}
    await within(
        tx, system(tx.org_id, "Baton", role=Role.MEMBER, via="agent"), TELL_MEMBER, decode(find(TELL_MEMBER), said)
    )
    return own


@operation("crm.profile.noteReset", role=Role.MEMBER, summary="Note that a password was reset", internal=True)
async def note_reset(tx: Tx, actor: Actor, input: NameReset) -> Chosen:
    """Tell this organization's log that a member chose a new password by a link. Raises NotFound for one that was told."""
    id = await tx.fetchval(
        "DELETE FROM password_resets WHERE org_id = $1 AND id = $2 RETURNING member_id", tx.org_id, input.reset_id
    )
    if id is None:
        raise NotFound("This was told already.", field="resetId")
    return await _tell(tx, id)


async def due(db: Database, now: datetime, per_organization: int) -> list[tuple[UUID, UUID]]:
    """Resets that the logs of further organizations are to be told of."""
    waiting = "SELECT org_id, id, reset_at AS next_at FROM password_resets WHERE reset_at <= $1"
    return await fair(db, waiting, now, per_organization=per_organization)


async def walk(db: Database, org_id: UUID, reset_id: UUID, now: datetime | None = None) -> int:
    """Tell one organization's log; who told it meanwhile told it."""
    try:
        actor = system(org_id, "Baton", role=Role.MEMBER, via="agent")
        await perform(db, actor, "crm.profile.noteReset", NameReset(reset_id=reset_id), now=now)
    except NotFound:
        return 0
    return 1


async def _tell(tx: Tx, member_id: UUID) -> Chosen:
    """Append that a member, also one who was removed meanwhile, reset their password, as their own act: they alone had the link."""
    row = await tx.fetchrow("SELECT name, role FROM members WHERE org_id = $1 AND id = $2", tx.org_id, member_id)
    assert row is not None  # a reset that waits refers to its member
    actor = Actor(type="user", org_id=tx.org_id, role=Role(row["role"]), name=row["name"], id=member_id, via="page")
    await append(tx, actor, Entry(kind=kinds.PASSWORD_RESET, subject_type="member", subject_id=member_id))
    return Chosen(member_id=member_id, name=row["name"])


def _notice(tx: Tx, name: str) -> str:
    return (
        f"Hello {' '.join(name.split())[:100]},\n\n"
        "your password for Baton was changed by a link that was mailed to you, and you were signed out everywhere else.\n\n"
        f"If that was not you, ask for a new link at once, and look after your mailbox:\n{tx.installation.public_url}/forgot\n"
    )
