"""Customers: who has bought, and from which lead they came. Spec C3."""

from uuid import UUID

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor
from baton.kernel.db import Tx
from baton.kernel.values import new_id


async def make_customer(
    tx: Tx, actor: Actor, *, name: str, lead_id: UUID, contact_id: UUID | None, company_id: UUID | None
) -> UUID:
    """Make the customer record of a lead; answers its id."""
    id = new_id()
    await tx.execute(
        "INSERT INTO customers (org_id, id, name, contact_id, company_id, lead_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        tx.org_id, id, name, contact_id, company_id, lead_id, tx.now,
    )  # fmt: skip
    await append(
        tx,
        actor,
        Entry(
            kind=kinds.CUSTOMER_CREATED, subject_type="customer", subject_id=id, lead_id=lead_id, payload={"name": name}
        ),
    )
    return id
