"""Mailboxes: where an organization, or one of its members, sends mail from and reads what comes back."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx, struct_of
from baton.kernel.errors import NotFound
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.relay_mail import Security


class Mailbox(Output, kw_only=True):
    """Where mail leaves from and comes back to; a member's own, or the organization's where `memberId` is absent.

    `signature` is what a person's mail from here ends with.
    Mail that a provider pushes comes to `/mail/in/{inboundAddress}`. `pollError` says why the last look failed.
    """

    id: UUID
    member_id: UUID | None
    from_name: str
    from_address: str
    smtp_host: str
    smtp_port: int
    smtp_security: Security
    smtp_user: str | None
    imap_host: str | None
    imap_port: int | None
    imap_security: Security | None
    imap_user: str | None
    imap_folder: str
    mark_seen: bool
    signature: str | None
    polled_at: datetime | None
    poll_error: str | None
    inbound_address: str
    status: Literal["active", "paused", "removed"]
    version: int
    created_at: datetime


class NameMailbox(Input, kw_only=True):
    """A mailbox."""

    mailbox_id: UUID


COLUMNS = """id, member_id, from_name, from_address, smtp_host, smtp_port, smtp_security, smtp_user, imap_host, imap_port, imap_security,
    imap_user, imap_folder, mark_seen, signature, polled_at, poll_error, inbound_address, status, version, created_at"""


def place(org_id: UUID, id: UUID, what: str) -> str:
    """Where a secret of a mailbox lies in the vault."""
    return f"mailbox {org_id} {id} {what}"


def may_use(actor: Actor, mailbox: Mailbox) -> bool:
    """Whether an actor may send from a mailbox: the organization's, or its own; admins and the system from each."""
    return mailbox.member_id in (None, actor.id) or actor.type == "system" or actor.role.admits(Role.ADMIN)


async def get(tx: Tx, id: UUID, *, locking: bool = False) -> Mailbox:
    """A mailbox. Raises NotFound, also for a removed one."""
    row = await tx.fetchrow(
        f"SELECT {COLUMNS} FROM mailboxes WHERE org_id = $1 AND id = $2 AND status <> 'removed'"
        + (" FOR NO KEY UPDATE" if locking else ""),
        tx.org_id, id,
    )  # fmt: skip
    if row is None:
        raise NotFound("There is no such mailbox in your organization.", field="mailboxId")
    return struct_of(row, Mailbox)


@operation("crm.mailboxes.list", kind="query", role=Role.MEMBER, summary="List mailboxes")
async def list_mailboxes(tx: Tx, actor: Actor, input: Nothing) -> list[Mailbox]:
    """The organization's mailboxes and the actor's own; an admin sees all. Passwords are never told."""
    rows = await tx.fetch(
        f"""SELECT {COLUMNS} FROM mailboxes WHERE org_id = $1 AND status <> 'removed'
             ORDER BY member_id IS NOT NULL, created_at, id""",
        tx.org_id,
    )
    found = [struct_of(row, Mailbox) for row in rows]
    return [mailbox for mailbox in found if may_use(actor, mailbox)]


async def tell(
    tx: Tx, actor: Actor, kind: str, mailbox: Mailbox, *, changes: dict[str, list[Any]] | None = None, **payload: Any
) -> None:
    """Append what happened to a mailbox."""
    said = {"name": mailbox.from_address} | payload
    await append(
        tx, actor, Entry(kind=kind, subject_type="mailbox", subject_id=mailbox.id, changes=changes or {}, payload=said)
    )
