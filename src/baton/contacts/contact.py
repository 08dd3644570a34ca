"""A contact: a person whom leads point to, known by e-mail, id or external id. Spec C2."""

from datetime import datetime
from uuid import UUID

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.contacts.find_or_make import Identity, find_or_make
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx, by_ref
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.kernel.operation import Input, Output, operation
from baton.kernel.values import Ref, as_uuid, clean, email_address, email_key, new_id


class Contact(Output, kw_only=True):
    """A person, and the company that they work for."""

    id: UUID
    name: str
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    title: str | None
    company_id: UUID | None
    company_name: str | None
    external_id: str | None
    version: int
    created_at: datetime


class GetContact(Input, kw_only=True):
    """One contact by id or external id."""

    contact_id: Ref


class CreateContact(Input, kw_only=True):
    """A person to add; a name or an e-mail is needed."""

    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    title: str | None = None
    company_name: str | None = None
    external_id: str | None = None


@operation("crm.contacts.get", kind="query", role=Role.VIEWER, summary="Read a contact")
async def read(tx: Tx, actor: Actor, input: GetContact) -> Contact:
    """A contact. Raises NotFound."""
    return await get(tx, input.contact_id)


async def get(tx: Tx, ref: Ref | UUID) -> Contact:
    """A contact by id or external id. Raises NotFound."""
    where, value = by_ref(str(ref))
    row = await tx.fetchrow(
        f"""SELECT c.id, c.name, c.first_name, c.last_name, c.email, c.phone, c.title, c.company_id, o.name AS company_name,
                   c.external_id, c.version, c.created_at
              FROM contacts c LEFT JOIN companies o ON o.org_id = c.org_id AND o.id = c.company_id
             WHERE c.org_id = $1 AND c.{where}""",
        tx.org_id, value,
    )  # fmt: skip
    if row is None:
        raise NotFound("There is no such contact in your organization.", field="contactId")
    return Contact(**dict(row))


@operation("crm.contacts.create", role=Role.MEMBER, summary="Create a contact")
async def create(tx: Tx, actor: Actor, input: CreateContact) -> Contact:
    """Add a person. Raises Invalid without a name and e-mail, Conflict where the e-mail or the external id is known already."""
    email = email_address(input.email) if clean(input.email) and input.email else None
    first, last, external_id = clean(input.first_name), clean(input.last_name), clean(input.external_id)
    name = clean(input.name) or " ".join(part for part in (first, last) if part) or email
    if not name or len(name) > 500:
        raise Invalid("A contact needs a name of at most 500 characters, or an e-mail address.", field="name")
    if external_id and as_uuid(external_id):
        raise Invalid("An externalId is an id of your own, and no UUID.", field="externalId")
    if email and await tx.fetchval(
        "SELECT exists (SELECT FROM contacts WHERE org_id = $1 AND email_norm = $2)", tx.org_id, email_key(email)
    ):
        raise Conflict(f"There is a contact with the e-mail {email} already.", field="email")
    company_id = None
    if clean(input.company_name):
        ((_, company_id),) = await find_or_make(tx, actor, [Identity(name=name, company=clean(input.company_name))])
    id = new_id()
    await tx.execute(
        """INSERT INTO contacts (org_id, id, name, first_name, last_name, email, email_norm, phone, title, company_id, external_id,
                                 created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)""",
        tx.org_id, id, name, first, last, email, email_key(email) if email else None, clean(input.phone), clean(input.title), company_id,
        external_id, tx.now,
    )  # fmt: skip
    await append(
        tx, actor, Entry(kind=kinds.CONTACT_CREATED, subject_type="contact", subject_id=id, payload={"name": name})
    )
    return await get(tx, id)
