"""Forgetting a person in the leads about them: the deal stays, who it was with does not. GDPR, article 17."""

from baton.activities import kinds
from baton.contacts.erase import ERASED, Person, forgets
from baton.kernel.actor import Actor
from baton.kernel.db import Tx
from baton.leads import lead as leads


async def forget(tx: Tx, actor: Actor, person: Person) -> None:
    """Blank the personal facts of leads, deleted ones too; the log's entries are blanked after it, this one's among them."""
    for lead_id in person.lead_ids:
        before = await leads.lock_even_deleted(tx, lead_id)
        await leads.change(
            tx, actor, before, kinds.CONTACT_ERASED, name=ERASED, first_name=None, last_name=None, email=None, phone=None,
            website=None, title=None, location=None, fields={}, external_id=None,
        )  # fmt: skip
    await tx.execute(
        "UPDATE enrichment_runs SET input = '{}', found = '{}', kept = '{}' WHERE org_id = $1 AND lead_id = ANY ($2)",
        tx.org_id, person.lead_ids,
    )  # fmt: skip


forgets.append(forget)
