"""Forgetting a person in notices, and in what agents asked for, did and thought. GDPR, article 17."""

from baton.agents.turns import FORGOTTEN
from baton.contacts.erase import ERASED, Person, forgets, mentions
from baton.kernel.actor import Actor
from baton.kernel.db import Tx


async def forget(tx: Tx, actor: Actor, person: Person) -> None:
    """Blank notices, approvals, receipts and what models were told and said; what was not decided or done yet is not done."""
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
    await tx.execute(
        """UPDATE agent_turns t SET message = $3 FROM agent_runs r
            WHERE t.org_id = $1 AND r.org_id = $1 AND r.id = t.run_id AND r.lead_id = ANY ($2)""",
        tx.org_id, person.lead_ids, FORGOTTEN,
    )  # fmt: skip
    await tx.execute(
        """UPDATE agent_runs SET receipt = '[]', finished_at = coalesce(finished_at, $3),
                  status = CASE WHEN status IN ('running', 'waiting') THEN 'failed' ELSE status END
            WHERE org_id = $1 AND lead_id = ANY ($2)""",
        tx.org_id, person.lead_ids, tx.now,
    )  # fmt: skip
    await tx.execute(
        "UPDATE agent_refusals SET message = $3 WHERE org_id = $1 AND lower(message) LIKE ANY ($2)",
        tx.org_id, mentions(person.emails), ERASED,
    )  # fmt: skip


forgets.append(forget)
