"""Customers: who has bought, and from which lead they came. Spec C3."""

from datetime import datetime
from uuid import UUID

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor
from baton.kernel.db import Tx
from baton.kernel.operation import Output
from baton.kernel.values import new_id


class Customer(Output, kw_only=True):
    """Who has bought: a contact, a company or both, and the lead that they came from."""

    id: UUID
    name: str
    contact_id: UUID | None
    company_id: UUID | None
    lead_id: UUID
    external_id: str | None
    version: int
    created_at: datetime


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
