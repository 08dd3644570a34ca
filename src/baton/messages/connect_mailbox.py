"""Connecting mailboxes, changing and removing them: the organization's by its admins, one's own by oneself."""

import secrets
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from baton.accounts.members import member
from baton.activities import kinds
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx, struct_of
from baton.kernel.errors import Conflict, Forbidden, NotFound, must_be_current
from baton.kernel.operation import Input, operation
from baton.kernel.relay_mail import Security
from baton.kernel.shapes import Email, Host, Line, Password, Port, Version
from baton.kernel.values import Ref, clean, new_id
from baton.messages.mailbox import COLUMNS, Mailbox, NameMailbox, get, may_use, place, tell
from baton.messages.mailbox_facts import checked
from baton.messages.message import call_off

MAX_MAILBOXES = 200
Signature = Annotated[str, Meta(max_length=2_000)]
_SECRETS = ("smtp_password", "imap_password")


class NewMailbox(Mailbox, kw_only=True):
    """A mailbox with the secret that signs what is pushed to it: the only time that it is told."""

    inbound_secret: str


class CreateMailbox(Input, kw_only=True):
    """A mailbox to connect; without `memberId` it is the organization's. IMAP is optional: without it nothing is fetched."""

    from_name: Line
    from_address: Email
    smtp_host: Host
    smtp_port: Port = 587
    smtp_security: Security = "starttls"
    smtp_user: Line | None = None
    smtp_password: Password | None = None
    imap_host: Host | None = None
    imap_port: Port = 993
    imap_security: Security = "tls"
    imap_user: Line | None = None
    imap_password: Password | None = None
    imap_folder: Line = "INBOX"
    mark_seen: bool = False
    member_id: Ref | None = None


class EditMailbox(Input, kw_only=True):
    """What of a mailbox to change; absent fields stay, null clears."""

    mailbox_id: UUID
    version: Version | None = None
    from_name: Line | UnsetType = UNSET
    from_address: Email | UnsetType = UNSET
    smtp_host: Host | UnsetType = UNSET
    smtp_port: Port | UnsetType = UNSET
    smtp_security: Security | UnsetType = UNSET
    smtp_user: Line | UnsetType | None = UNSET
    smtp_password: Password | UnsetType | None = UNSET
    imap_host: Host | UnsetType | None = UNSET
    imap_port: Port | UnsetType = UNSET
    imap_security: Security | UnsetType = UNSET
    imap_user: Line | UnsetType | None = UNSET
    imap_password: Password | UnsetType | None = UNSET
    imap_folder: Line | UnsetType = UNSET
    mark_seen: bool | UnsetType = UNSET
    signature: Signature | UnsetType | None = UNSET
    status: Literal["active", "paused"] | UnsetType = UNSET


class RemoveMailbox(NameMailbox, kw_only=True):
    """The mailbox to remove."""

    version: Version | None = None


@operation("crm.mailboxes.create", role=Role.MEMBER, summary="Connect a mailbox", secret=True)
async def create(tx: Tx, actor: Actor, input: CreateMailbox) -> NewMailbox:
    """Connect a mailbox: an admin the organization's or anybody's, others their own.

    Raises Invalid for an address, host or port, Forbidden, NotFound for a member, Refused for a host of a private network.
    """
    owner = await member(tx, input.member_id) if input.member_id else None
    _must_manage(actor, owner.id if owner else None)
    if (
        await tx.fetchval("SELECT count(*) FROM mailboxes WHERE org_id = $1 AND status <> 'removed'", tx.org_id)
        >= MAX_MAILBOXES
    ):
        raise Conflict(f"An organization has at most {MAX_MAILBOXES} mailboxes. Remove one first.")
    id, address, secret = new_id(), secrets.token_urlsafe(16), "bat_mail_" + secrets.token_urlsafe(32)
    given = {name: getattr(input, name) for name in input.__struct_fields__ if name != "member_id"}
    facts = checked(tx, given)
    facts |= {"member_id": owner.id if owner else None, "inbound_address": address, "created_at": tx.now}
    facts |= {"inbound_secret": tx.installation.vault.seal(secret, place(tx.org_id, id, "inbound_secret"))}
    facts |= {name: _sealed(tx, id, name, facts[name]) for name in _SECRETS}
    facts |= {"next_poll_at": tx.now if facts["imap_host"] else None}
    names = ", ".join(facts)
    marks = ", ".join(f"${index}" for index in range(3, 3 + len(facts)))
    row = await tx.fetchrow(
        f"INSERT INTO mailboxes (org_id, id, {names}) VALUES ($1, $2, {marks}) RETURNING {COLUMNS}",
        tx.org_id, id, *facts.values(),
    )  # fmt: skip
    assert row is not None
    await tx.execute("SELECT directory_add_address('mailbox', $1, $2)", address, id)
    made = struct_of(row, Mailbox)
    await tell(tx, actor, kinds.MAILBOX_CREATED, made)
    return NewMailbox(**{name: getattr(made, name) for name in made.__struct_fields__}, inbound_secret=secret)


@operation("crm.mailboxes.update", role=Role.MEMBER, summary="Change a mailbox")
async def update(tx: Tx, actor: Actor, input: EditMailbox) -> Mailbox:
    """Change a mailbox. Raises NotFound, Invalid, Forbidden for another's, Conflict for a stale version."""
    before = await _managed(tx, actor, input.mailbox_id)
    must_be_current("This mailbox", before.version, input.version)
    given = {
        n: v
        for n in input.__struct_fields__
        if n not in ("mailbox_id", "version") and (v := getattr(input, n)) is not UNSET
    }
    known = {name: getattr(before, name) for name in before.__struct_fields__}
    facts = checked(
        tx, {name: known.get(name) for name in CreateMailbox.__struct_fields__ if name != "member_id"} | given
    )
    new = {name: facts.get(name, value) for name, value in given.items()}
    new |= {name: _sealed(tx, before.id, name, new[name]) for name in _SECRETS if name in new}
    new |= {"signature": clean(new["signature"])} if "signature" in new else {}
    if "imap_host" in new or "status" in new:
        new |= {"next_poll_at": tx.now if facts["imap_host"] else None, "poll_error": None, "poll_failures": 0}
    if {"imap_host", "imap_user", "imap_folder"} & new.keys():
        new |= {"uid_validity": None, "last_uid": 0}
    assignments = "".join(f", {name} = ${index}" for index, name in enumerate(new, start=3))
    row = await tx.fetchrow(
        f"UPDATE mailboxes SET version = version + 1{assignments} WHERE org_id = $1 AND id = $2 RETURNING {COLUMNS}",
        tx.org_id, before.id, *new.values(),
    )  # fmt: skip
    assert row is not None
    after = struct_of(row, Mailbox)
    told = [
        name for name in after.__struct_fields__ if name != "version" and getattr(after, name) != getattr(before, name)
    ]
    changes = {
        name: [msgspec.to_builtins(getattr(before, name)), msgspec.to_builtins(getattr(after, name))] for name in told
    }
    await tell(tx, actor, kinds.MAILBOX_CHANGED, after, changes=changes)
    return after


@operation("crm.mailboxes.remove", role=Role.MEMBER, summary="Remove a mailbox")
async def remove(tx: Tx, actor: Actor, input: RemoveMailbox) -> Mailbox:
    """Remove a mailbox and its passwords; what waits in it is called off. Raises NotFound, Conflict for a stale version,
    Forbidden for another's."""
    before = await _managed(tx, actor, input.mailbox_id)
    must_be_current("This mailbox", before.version, input.version)
    row = await tx.fetchrow(
        f"""UPDATE mailboxes SET status = 'removed', smtp_password = NULL, imap_password = NULL, next_poll_at = NULL,
                   version = version + 1 WHERE org_id = $1 AND id = $2 RETURNING {COLUMNS}""",
        tx.org_id, before.id,
    )  # fmt: skip
    assert row is not None
    called_off = await call_off(tx, before.id, "The mailbox was removed.")
    await tell(tx, actor, kinds.MAILBOX_REMOVED, before, calledOff=called_off)
    return struct_of(row, Mailbox)


async def _managed(tx: Tx, actor: Actor, id: UUID) -> Mailbox:
    found = await get(tx, id, locking=True)
    if not may_use(actor, found):
        raise NotFound("There is no such mailbox in your organization.", field="mailboxId")
    _must_manage(actor, found.member_id)
    return found


def _must_manage(actor: Actor, owner: UUID | None) -> None:
    if actor.type == "agent":
        raise Forbidden("Mailboxes are connected by people.")
    if not actor.role.admits(Role.ADMIN) and (owner is None or owner != actor.id):
        raise Forbidden("Ask an admin to connect a mailbox for the organization; your own is one with your memberId.")


def _sealed(tx: Tx, id: UUID, name: str, value: Any) -> bytes | None:
    if not value:
        return None
    return value if isinstance(value, bytes) else tx.installation.vault.seal(value, place(tx.org_id, id, name))
