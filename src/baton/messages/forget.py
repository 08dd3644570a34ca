"""Forgetting a person in messages: what was written to and by them is blanked; that they are not written to stays. GDPR, article 17."""

from baton.contacts.erase import ERASED, Person, forgets
from baton.kernel.actor import Actor
from baton.kernel.db import Tx
from baton.messages.suppression import hashed


async def forget(tx: Tx, actor: Actor, person: Person) -> None:
    """Blank messages, files and traces of a person; what still waits for them is called off."""
    phones = await tx.fetch(
        "SELECT phone FROM contacts WHERE org_id = $1 AND id = ANY ($2) AND phone IS NOT NULL",
        tx.org_id,
        person.contact_ids,
    )
    keys = [f"e:{email}" for email in person.emails] + [f"p:{row['phone']}" for row in phones]
    sent = await tx.fetch(
        """SELECT id FROM messages WHERE org_id = $1 AND (lead_id = ANY ($2) OR contact_id = ANY ($3))
           UNION SELECT message_id FROM outreach WHERE org_id = $1 AND key = ANY ($4)""",
        tx.org_id, person.lead_ids, person.contact_ids, keys,
    )  # fmt: skip
    came = await tx.fetch(
        "SELECT id FROM inbound_messages WHERE org_id = $1 AND (lead_id = ANY ($2) OR sender_key = ANY ($3))",
        tx.org_id, person.lead_ids, keys,
    )  # fmt: skip
    ids, came_ids = [row["id"] for row in sent], [row["id"] for row in came]
    await tx.execute(
        """UPDATE messages SET recipient = $3, subject = '', text = '', html = NULL, raw = NULL, whatsapp = NULL, error = NULL,
                  state = CASE WHEN state = 'waiting' THEN 'cancelled' ELSE state END, version = version + 1
            WHERE org_id = $1 AND id = ANY ($2)""",
        tx.org_id, ids, ERASED,
    )  # fmt: skip
    await tx.execute(
        """UPDATE inbound_messages SET sender = $3, sender_key = '', sender_name = '', subject = '', text = '', html = NULL,
                  message_id = id::text, state = CASE WHEN state = 'waiting' THEN 'skipped' ELSE state END, version = version + 1
            WHERE org_id = $1 AND id = ANY ($2)""",
        tx.org_id, came_ids, ERASED,
    )  # fmt: skip
    await tx.execute(
        "DELETE FROM message_files WHERE org_id = $1 AND (message_id = ANY ($2) OR inbound_id = ANY ($3))",
        tx.org_id,
        ids,
        came_ids,
    )
    await tx.execute("DELETE FROM outreach WHERE org_id = $1 AND message_id = ANY ($2)", tx.org_id, ids)
    for key in keys:
        await tx.execute(
            """UPDATE suppressions SET key = $3, address = $4, note = NULL WHERE org_id = $1 AND key = $2
                  AND NOT EXISTS (SELECT FROM suppressions WHERE org_id = $1 AND key = $3)""",
            tx.org_id, key, hashed(key), ERASED,
        )  # fmt: skip
        await tx.execute("DELETE FROM suppressions WHERE org_id = $1 AND key = $2", tx.org_id, key)


forgets.append(forget)
