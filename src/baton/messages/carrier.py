"""Who carries a message: the actor's own mailbox, the organization's, or the installation's relay."""

from dataclasses import dataclass
from uuid import UUID

from baton.accounts.organization import organization
from baton.kernel.actor import Actor
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict, NotFound
from baton.kernel.installation import Installation
from baton.messages import mailbox as mailboxes
from baton.messages.connect import Server
from baton.messages.mailbox import may_use, place

RELAY = UUID(int=0)
"""The lane of the installation's own relay."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """A lane, and whom its mail is from."""

    lane_id: UUID
    from_name: str
    from_address: str


async def carrier(tx: Tx, actor: Actor, mailbox_id: UUID | None) -> Carrier:
    """The mailbox that is named; else the actor's own, the organization's first, the relay. Raises NotFound, Conflict."""
    if mailbox_id is not None:
        found = await mailboxes.get(tx, mailbox_id)
        if not may_use(actor, found):
            raise NotFound("There is no such mailbox in your organization.", field="mailboxId")
        if found.status != "active":
            raise Conflict(
                f"The mailbox {found.from_address} is paused. Resume it, or choose another.", field="mailboxId"
            )
        return Carrier(found.id, found.from_name, found.from_address)
    chosen = await ready(tx, actor.id)
    if chosen is None:
        raise Conflict("There is no mailbox to send from. Connect one under Settings → E-mail.", field="mailboxId")
    return chosen


async def ready(tx: Tx, member_id: UUID | None, *, relay_first: bool = False) -> Carrier | None:
    """Who can carry mail of a member, or of the organization; None where nobody can."""
    relay = tx.installation.mail
    own = Carrier(RELAY, relay.name or (await organization(tx)).name, relay.address) if relay else None
    if own is not None and relay_first:
        return own
    row = await tx.fetchrow(
        """SELECT id, from_name, from_address FROM mailboxes
            WHERE org_id = $1 AND status = 'active' AND (member_id IS NULL OR member_id = $2)
            ORDER BY member_id IS NULL, created_at, id LIMIT 1""",
        tx.org_id, member_id,
    )  # fmt: skip
    return Carrier(row["id"], row["from_name"], row["from_address"]) if row else own


async def server_of(tx: Tx, lane_id: UUID) -> Server | None:
    """The SMTP server of a lane; None where it carries nothing now. Raises Unavailable for a password of another secret."""
    if lane_id == RELAY:
        return relay_server(tx.installation)
    row = await tx.fetchrow(
        """SELECT smtp_host, smtp_port, smtp_security, smtp_user, smtp_password FROM mailboxes
            WHERE org_id = $1 AND id = $2 AND status = 'active'""",
        tx.org_id, lane_id,
    )  # fmt: skip
    if row is None:
        return None
    sealed = row["smtp_password"]
    password = tx.installation.vault.open(sealed, place(tx.org_id, lane_id, "smtp_password")) if sealed else None
    return Server(row["smtp_host"], row["smtp_port"], row["smtp_security"], row["smtp_user"], password)


def relay_server(installation: Installation) -> Server | None:
    """The operator's own relay; it may stand in a private network."""
    relay = installation.mail
    return Server(relay.host, relay.port, relay.security, relay.user, relay.password, trusted=True) if relay else None


async def imap_server(tx: Tx, mailbox_id: UUID) -> Server | None:
    """The IMAP server of a mailbox; None where it has none. Raises Unavailable for a password of another secret."""
    row = await tx.fetchrow(
        """SELECT imap_host, imap_port, imap_security, imap_user, imap_password FROM mailboxes
            WHERE org_id = $1 AND id = $2 AND status = 'active' AND imap_host IS NOT NULL""",
        tx.org_id, mailbox_id,
    )  # fmt: skip
    if row is None:
        return None
    sealed = row["imap_password"]
    password = tx.installation.vault.open(sealed, place(tx.org_id, mailbox_id, "imap_password")) if sealed else None
    return Server(row["imap_host"], row["imap_port"], row["imap_security"], row["imap_user"], password)
