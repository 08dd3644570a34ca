"""Forgetting a person in notices, and in what agents asked for. GDPR, article 17."""

from baton.contacts.erase import ERASED, Person, forgets
from baton.kernel.actor import Actor
from baton.kernel.db import Tx


async def forget(tx: Tx, actor: Actor, person: Person) -> None:
    """Blank notices and approvals; what was not decided or done yet is not done."""
    await tx.execute(
        "UPDATE notices SET title = $3, body = NULL WHERE org_id = $1 AND lead_id = ANY ($2)",
        tx.org_id, person.lead_ids, ERASED,
    )  # fmt: skip
    await tx.execute(
        r"""UPDATE approvals SET input = '\x7b7d', original = NULL, summary = $3, why = '', reason = NULL, version = version + 1,
                  status = CASE WHEN status IN ('waiting', 'approved') THEN 'stale' ELSE status END
            WHERE org_id = $1 AND lead_id = ANY ($2)""",
        tx.org_id, person.lead_ids, ERASED,
    )  # fmt: skip


forgets.append(forget)
