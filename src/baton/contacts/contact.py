"""A contact: a person whom leads point to, known by e-mail, id or external id. Spec C2."""

from datetime import datetime
from uuid import UUID

from msgspec import UNSET, UnsetType

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.contacts import matching, records
from baton.contacts.find_or_make import Identity, find_or_make
from baton.contacts.records import CONTACT, camel
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx, by_ref
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.kernel.operation import Input, Output, operation
from baton.kernel.shapes import Email, ExternalId, Line, Name, Reason, Version
from baton.kernel.values import Ref, as_uuid, clean, email_address, new_id


class Contact(Output, kw_only=True):
    """A person, and the company that they work for. The phone is in E.164 where it could be read."""

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
    """One contact by id or external id; that of a merged one leads to the survivor."""

    contact_id: Ref


class CreateContact(Input, kw_only=True):
    """A person to add; a name or an e-mail is needed."""

    name: Line | None = None
    first_name: Line | None = None
    last_name: Line | None = None
    email: Email | None = None
    phone: Line | None = None
    title: Line | None = None
    company_name: Line | None = None
    external_id: ExternalId | None = None


class EditContact(Input, kw_only=True):
    """Facts to set; absent ones stay, null clears. A company is named, and made where it is unknown."""

    contact_id: Ref
    version: Version | None = None
    name: Name | UnsetType = UNSET
    first_name: Line | UnsetType | None = UNSET
    last_name: Line | UnsetType | None = UNSET
    email: Email | UnsetType | None = UNSET
    phone: Line | UnsetType | None = UNSET
    title: Line | UnsetType | None = UNSET
    company_name: Line | UnsetType | None = UNSET
    external_id: ExternalId | UnsetType | None = UNSET
    reason: Reason | None = None


SELECTED = """c.id, c.name, c.first_name, c.last_name, c.email, c.phone, c.title, c.company_id, o.name AS company_name,
    c.external_id, c.version, c.created_at"""
JOINED = "contacts c LEFT JOIN companies o ON o.org_id = c.org_id AND o.id = c.company_id"


@operation("crm.contacts.get", kind="query", role=Role.VIEWER, summary="Read a contact")
async def read(tx: Tx, actor: Actor, input: GetContact) -> Contact:
    """A contact. Raises NotFound."""
    return await get(tx, input.contact_id)


async def get(tx: Tx, ref: Ref | UUID, *, held: bool = False) -> Contact:
    """A contact by id or external id, of a merged one the survivor; `held`, it is not removed before the transaction ends.

    Raises NotFound.
    """
    where, value = by_ref(str(ref))
    row = await tx.fetchrow(
        f"""SELECT {SELECTED} FROM {JOINED}
             WHERE c.org_id = $1 AND c.id = (SELECT coalesce(merged_into_id, id)
                                         FROM contacts WHERE org_id = $1 AND {where} AND deleted_at IS NULL)
               AND c.deleted_at IS NULL {"FOR KEY SHARE OF c" if held else ""}""",
        tx.org_id, value,
    )  # fmt: skip
    if row is None:
        raise NotFound("There is no such contact in your organization.", field="contactId")
    return Contact(**dict(row))


@operation("crm.contacts.create", role=Role.MEMBER, summary="Create a contact")
async def create(tx: Tx, actor: Actor, input: CreateContact) -> Contact:
    """Add a person. Raises Invalid without a name and e-mail, Conflict where the e-mail or the external id is known already."""
    how = await matching.read(tx)
    email = email_address(input.email) if clean(input.email) and input.email else None
    first, last = _text("firstName", input.first_name), _text("lastName", input.last_name)
    name = clean(input.name) or " ".join(part for part in (first, last) if part) or email
    if not name or len(name) > 500:
        raise Invalid("A contact needs a name of at most 500 characters, or an e-mail address.", field="name")
    external_id, key = _own_id(input.external_id), how.email_key(email) if email else None
    if key and await tx.fetchval(
        "SELECT exists (SELECT FROM contacts WHERE org_id = $1 AND email_norm = $2)", tx.org_id, key
    ):
        raise Conflict(f"There is a contact with the e-mail {email} already.", field="email")
    company_id = await _company(tx, actor, _text("companyName", input.company_name))
    id, phone, title = new_id(), how.phone(_text("phone", input.phone)), _text("title", input.title)
    await tx.execute(
        """INSERT INTO contacts (org_id, id, name, first_name, last_name, email, email_norm, phone, title, company_id, external_id,
                                 created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)""",
        tx.org_id, id, name, first, last, email, key, phone, title, company_id, external_id,
        tx.now,
    )  # fmt: skip
    await append(
        tx, actor, Entry(kind=kinds.CONTACT_CREATED, subject_type="contact", subject_id=id, payload={"name": name})
    )
    return await get(tx, id)


@operation("crm.contacts.update", role=Role.MEMBER, summary="Change a contact")
async def update(tx: Tx, actor: Actor, input: EditContact) -> Contact:
    """Set facts of a person. Raises Invalid, NotFound, Conflict for a stale version, or an e-mail or id that is another's."""
    row = await records.lock(tx, CONTACT, input.contact_id, version=input.version)
    how = await matching.read(tx)
    given = {name: value for name in CONTACT.facts if (value := getattr(input, name, UNSET)) is not UNSET}
    for name in ("first_name", "last_name", "title", "phone"):
        if name in given:
            given[name] = _text(camel(name), given[name])
    if "phone" in given:
        given["phone"] = how.phone(given["phone"])
    if "email" in given:
        given["email"] = email_address(given["email"]) if clean(given["email"]) else None
    if "external_id" in given:
        given["external_id"] = _own_id(given["external_id"])
    if "name" in given:
        given["name"] = _text("name", given["name"])
        if not given["name"]:
            raise Invalid("A contact needs a name.", field="name")
    elif {"first_name", "last_name"} & given.keys():
        full = " ".join(p for n in ("first_name", "last_name") if (p := given.get(n, row[n])))
        given |= {"name": full} if full else {}
    if input.company_name is not UNSET:
        given["company_id"] = await _company(tx, actor, _text("companyName", input.company_name))
    await records.change(tx, actor, CONTACT, row, given, how, reason=input.reason)
    return await get(tx, row["id"])


def _text(field: str, value: str | None) -> str | None:
    text = clean(value)
    if text and len(text) > 500:
        raise Invalid(f"{field} has at most 500 characters.", field=field)
    return text


def _own_id(text: str | None) -> str | None:
    external_id = _text("externalId", text)
    if external_id and as_uuid(external_id):
        raise Invalid("An externalId is an id of your own, and no UUID.", field="externalId")
    return external_id


async def _company(tx: Tx, actor: Actor, name: str | None) -> UUID | None:
    """The company of that name, made where it is unknown."""
    if name is None:
        return None
    found = await find_or_make(tx, [Identity(name=name, company=name)])
    await append(tx, actor, *found.entries)
    return found.ids[0][1]
