"""Founding an organization: its row, its first owner, its pipelines come from above. Spec A1, A2."""

from baton.accounts.members import AddPerson, Member, add_person
from baton.accounts.organization import Organization, organization
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Role, system
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input
from baton.kernel.shapes import CurrencyCode, Email, Name, Password, Zone


class Found(Input, kw_only=True):
    """A new organization and the person who owns it."""

    name: Name
    owner_name: Name
    owner_email: Email
    owner_password: Password
    currency: CurrencyCode = "USD"
    time_zone: Zone = "UTC"


async def found(tx: Tx, input: Found) -> tuple[Organization, Member]:
    """Insert the organization that the transaction is set to, and its first owner. Raises Invalid."""
    if not input.name.strip():
        raise Invalid("An organization needs a name.", field="name")
    await tx.execute(
        "INSERT INTO organizations (org_id, name, currency, time_zone, created_at) VALUES ($1, $2, $3, $4, $5)",
        tx.org_id, input.name.strip(), input.currency.upper(), input.time_zone, tx.now,
    )  # fmt: skip
    founder = system(tx.org_id, "Baton", role=Role.OWNER)
    await append(
        tx, founder,
        Entry(kind=kinds.ORGANIZATION_CREATED, subject_type="organization", subject_id=tx.org_id, payload={"name": input.name.strip()}),
    )  # fmt: skip
    owner = await add_person(
        tx, founder,
        AddPerson(name=input.owner_name, email=input.owner_email, role=Role.OWNER, password=input.owner_password,
                  time_zone=input.time_zone),
    )  # fmt: skip
    return await organization(tx), owner
