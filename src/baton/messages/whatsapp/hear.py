"""What comes from WhatsApp: messages, each kept once and put with its lead, and how ours fared."""

from typing import Any, Literal
from uuid import UUID

from baton.accounts.organization import organization
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import NotFound
from baton.kernel.operation import Input, operation
from baton.kernel.values import new_id
from baton.leads import lead as leads
from baton.messages import message as messages
from baton.messages.belongs import lead_of
from baton.messages.inbound import COLUMNS, Received, from_row
from baton.messages.message import Message
from baton.messages.outcome import said
from baton.messages.receive import tell as put_on_timeline
from baton.messages.send import tell
from baton.messages.suppression import suppress
from baton.messages.whatsapp.account import get

STOP = frozenset({"stop", "stopall", "unsubscribe", "end", "quit", "stopp", "abmelden", "arret", "baja"})
Fate = Literal["sent", "delivered", "read", "failed"]
_FURTHER: dict[str | None, int] = {None: 0, "sent": 0, "delivered": 1, "read": 2, "failed": 3}


class Hear(Input, kw_only=True):
    """A message that came to a number, under the provider's id of it; `sender` is a phone number in E.164."""

    account_id: UUID
    provider_id: str
    sender: str
    name: str = ""
    text: str = ""


class Fare(Input, kw_only=True):
    """How a message of ours fared, under the provider's id of it."""

    account_id: UUID
    provider_id: str
    fate: Fate
    error: str | None = None


@operation("crm.whatsapp.receive", role=Role.MEMBER, summary="Receive a WhatsApp message", internal=True)
async def hear(tx: Tx, actor: Actor, input: Hear) -> Received:
    """Keep a message and say where it belongs; a repetition changes nothing. Raises NotFound for a number."""
    account = await get(tx, input.account_id)
    key, id = f"p:{input.sender}", new_id()
    lead_id, answers_id = await _belongs(tx, key, input.sender)
    state, reason = ("matched", "") if lead_id else await _unknown(tx)
    if state == "lead":
        made = await lead_of(tx, actor, input.sender, input.name[:200])
        state, reason, lead_id = "matched", "A new lead was made of the sender.", made.id
    row = await tx.fetchrow(
        f"""INSERT INTO inbound_messages (org_id, id, channel, lane_id, message_id, sender, sender_key, sender_name, text, kind, state,
                                          reason, lead_id, thread_id, answers_id, received_at, created_at)
            VALUES ($1, $2, 'whatsapp', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $2, $13, $14, $14)
            ON CONFLICT (lane_id, message_id, org_id) DO NOTHING RETURNING {COLUMNS}""",
        tx.org_id, id, account.id, input.provider_id[:300], input.sender, key, input.name[:200], input.text[:10_000],
        "reply" if answers_id else "message", state, reason, lead_id, answers_id, tx.now,
    )  # fmt: skip
    if row is None:
        known = await tx.fetchrow(
            f"SELECT {COLUMNS} FROM inbound_messages WHERE org_id = $1 AND lane_id = $2 AND message_id = $3",
            tx.org_id, account.id, input.provider_id[:300],
        )  # fmt: skip
        assert known is not None
        return from_row(known)
    found = from_row(row)
    await _tell(tx, actor, found)
    if input.text.strip().strip(".!").casefold() in STOP:
        await suppress(
            tx, actor, input.sender, "unsubscribe", note=f"They wrote {input.text.strip()[:40]}.", lead_id=lead_id
        )
    return found


async def _belongs(tx: Tx, key: str, phone: str) -> tuple[UUID | None, UUID | None]:
    """The lead of a phone number and the message that is answered: whom we wrote to last, else who has that number."""
    row = await tx.fetchrow(
        """SELECT m.lead_id, CASE WHEN m.channel = 'whatsapp' THEN m.id END AS id
             FROM outreach o JOIN messages m ON m.org_id = o.org_id AND m.id = o.message_id
             JOIN leads l ON l.org_id = m.org_id AND l.id = m.lead_id AND l.deleted_at IS NULL
            WHERE o.org_id = $1 AND o.key = $2 ORDER BY m.channel = 'whatsapp' DESC, o.at DESC LIMIT 1""",
        tx.org_id, key,
    )  # fmt: skip
    if row is not None:
        return row["lead_id"], row["id"]
    found: UUID | None = await tx.fetchval(
        """SELECT id FROM leads WHERE org_id = $1 AND phone = $2 AND deleted_at IS NULL
            ORDER BY closed_at IS NOT NULL, last_activity_at DESC, id LIMIT 1""",
        tx.org_id, phone,
    )  # fmt: skip
    if found is None:
        found = await tx.fetchval(
            """SELECT l.id FROM contacts c JOIN leads l ON l.org_id = c.org_id AND l.contact_id = coalesce(c.merged_into_id, c.id)
                WHERE c.org_id = $1 AND c.phone = $2 AND l.deleted_at IS NULL
                ORDER BY l.closed_at IS NOT NULL, l.last_activity_at DESC, l.id LIMIT 1""",
            tx.org_id, phone,
        )  # fmt: skip
    return found, None


async def _unknown(tx: Tx) -> tuple[str, str]:
    wish = (await organization(tx)).unknown_senders
    return {"wait": "waiting", "skip": "skipped", "lead": "lead"}[wish], "The sender is unknown."


async def _tell(tx: Tx, actor: Actor, found: Received) -> None:
    if found.lead_id is not None:
        await put_on_timeline(tx, actor, found)
        return
    kind = kinds.EMAIL_HELD if found.state == "waiting" else kinds.EMAIL_SKIPPED
    said = {"name": found.sender, "channel": "whatsapp"}
    await append(
        tx, actor, Entry(kind=kind, subject_type="message", subject_id=found.id, payload=said, reason=found.reason)
    )


@operation("crm.whatsapp.delivered", role=Role.MEMBER, summary="Learn how a WhatsApp message fared", internal=True)
async def delivered(tx: Tx, actor: Actor, input: Fare) -> Message:
    """Note that a message of ours arrived, was read or failed; what is known already changes nothing. Raises NotFound."""
    id = await tx.fetchval(
        "SELECT id FROM messages WHERE org_id = $1 AND provider_id = $2 AND lane_id = $3",
        tx.org_id,
        input.provider_id,
        input.account_id,
    )
    if id is None:
        raise NotFound("We sent no such message.")
    before = await messages.get(tx, id, locking=True)
    if input.fate == "sent" or _FURTHER[input.fate] <= _FURTHER[before.delivery] or before.delivery == "failed":
        return before
    await tx.execute(
        "UPDATE messages SET delivery = $3, error = coalesce($4, error), version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id, id, input.fate, input.error and input.error[:500],
    )  # fmt: skip
    lead = await leads.lock_even_deleted(tx, before.lead_id) if before.lead_id else None
    kind = kinds.WHATSAPP_FAILED if input.fate == "failed" else kinds.WHATSAPP_DELIVERED
    told: dict[str, Any] = {name: value for name, value in said(before).items() if name != "body"} | {
        "name": input.fate,
        "fate": input.fate,
    }
    await tell(tx, actor, kind, lead, before.contact_id, None, told, reason=input.error)
    return await messages.get(tx, id)
