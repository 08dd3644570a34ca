"""Where a message belongs: to the lead of what it answers, else of its sender; a new lead may be made of them."""

from dataclasses import dataclass
from uuid import UUID

from baton.contacts import matching
from baton.kernel.actor import Actor
from baton.kernel.db import Tx
from baton.kernel.values import email_key
from baton.leads import lead as leads
from baton.leads.create import NewLead, create_many
from baton.leads.lead import Lead
from baton.messages.parse import Parsed


@dataclass(slots=True)
class Place:
    """Where a message belongs: the thread, the lead, and the message of ours that it answers."""

    thread_id: UUID | None = None
    lead_id: UUID | None = None
    answers_id: UUID | None = None
    known: bool = False


async def place(tx: Tx, mail: Parsed) -> Place:
    """Where a message belongs: by what it answers, else by its sender."""
    rows = await tx.fetch(
        """SELECT message_id, thread_id, lead_id, id AS answers_id FROM messages
            WHERE org_id = $1 AND message_id = ANY ($2) AND member_id IS NULL
           UNION ALL SELECT message_id, thread_id, lead_id, NULL FROM inbound_messages WHERE org_id = $1 AND message_id = ANY ($2)""",
        tx.org_id, mail.answers,
    )  # fmt: skip
    nearest = min(
        rows, key=lambda row: (mail.answers.index(row["message_id"]), row["answers_id"] is None), default=None
    )
    found = Place(nearest["thread_id"], nearest["lead_id"], nearest["answers_id"], known=True) if nearest else Place()
    if found.lead_id is not None and await tx.fetchval(
        "SELECT deleted_at FROM leads WHERE org_id = $1 AND id = $2", tx.org_id, found.lead_id
    ):
        found.lead_id = None
    if found.lead_id is None:
        found.lead_id = await lead_by_sender(tx, mail.sender)
    if not found.known and found.lead_id is not None:
        found.known = await tx.fetchval(
            "SELECT EXISTS (SELECT FROM outreach WHERE org_id = $1 AND key = $2)",
            tx.org_id,
            f"e:{email_key(mail.sender)}",
        )
    return found


async def lead_by_sender(tx: Tx, sender: str) -> UUID | None:
    """The lead whom an address belongs to, an open one first, or who is the contact of that address."""
    found: UUID | None = await tx.fetchval(
        """SELECT id FROM leads WHERE org_id = $1 AND email_norm = $2 AND deleted_at IS NULL
            ORDER BY closed_at IS NOT NULL, last_activity_at DESC, id LIMIT 1""",
        tx.org_id, email_key(sender),
    )  # fmt: skip
    if found is None:
        how = await matching.read(tx)
        found = await tx.fetchval(
            """SELECT l.id FROM contacts c JOIN leads l ON l.org_id = c.org_id AND l.contact_id = coalesce(c.merged_into_id, c.id)
                WHERE c.org_id = $1 AND c.email_norm = $2 AND l.deleted_at IS NULL
                ORDER BY l.closed_at IS NOT NULL, l.last_activity_at DESC, l.id LIMIT 1""",
            tx.org_id, how.email_key(sender),
        )  # fmt: skip
    return found


async def lead_of(tx: Tx, actor: Actor, sender: str, name: str) -> Lead:
    """A new lead of somebody who wrote, by mail or from a phone. Raises Invalid for an address that is none."""
    first, _, last = name.strip().partition(" ")
    facts = NewLead(
        first_name=first or None,
        last_name=last.strip() or None,
        name=name.strip() or sender,
        email=sender if "@" in sender else None,
        phone=None if "@" in sender else sender,
        source="other",
    )
    (made,) = await create_many(tx, actor, [facts], via="api")
    return await leads.get(tx, made.id)
