"""Forgetting a person in automations, sequences and webhooks: what waits for them ends, what was said is blanked. GDPR, article 17."""

from baton.contacts.erase import ERASED, Person, forgets
from baton.kernel.actor import Actor
from baton.kernel.db import Tx


async def forget(tx: Tx, actor: Actor, person: Person) -> None:
    """End the runs and enrolments of a person's leads, and blank what errors and answers said, those of receivers too."""
    await tx.execute(
        """UPDATE automation_steps s SET detail = NULL FROM automation_runs r
            WHERE s.org_id = $1 AND r.org_id = $1 AND r.id = s.run_id AND r.lead_id = ANY ($2)""",
        tx.org_id, person.lead_ids,
    )  # fmt: skip
    await tx.execute(
        """UPDATE automation_runs SET error = $3, finished_at = coalesce(finished_at, $4),
                  status = CASE WHEN status IN ('waiting', 'held') THEN 'dropped' ELSE status END
            WHERE org_id = $1 AND lead_id = ANY ($2)""",
        tx.org_id, person.lead_ids, ERASED, tx.now,
    )  # fmt: skip
    await tx.execute(
        """UPDATE enrolments SET detail = $3, finished_at = coalesce(finished_at, $4), version = version + 1,
                  why = CASE WHEN state IN ('waiting', 'paused', 'held') THEN 'deleted' ELSE why END,
                  state = CASE WHEN state IN ('waiting', 'paused', 'held') THEN 'stopped' ELSE state END
            WHERE org_id = $1 AND lead_id = ANY ($2)""",
        tx.org_id, person.lead_ids, ERASED, tx.now,
    )  # fmt: skip
    deliveries = await tx.fetch(
        """UPDATE webhook_deliveries SET last_error = NULL
            WHERE org_id = $1 AND activity_id IN (
                  SELECT id FROM activities WHERE org_id = $1 AND lead_id = ANY ($2)
                  UNION SELECT id FROM activities WHERE org_id = $1 AND subject_type = 'contact' AND subject_id = ANY ($3))
           RETURNING id""",
        tx.org_id, person.lead_ids, person.contact_ids,
    )  # fmt: skip
    await tx.execute(
        "UPDATE webhook_attempts SET response = NULL, error = NULL WHERE org_id = $1 AND delivery_id = ANY ($2)",
        tx.org_id, [row["id"] for row in deliveries],
    )  # fmt: skip


forgets.append(forget)
