"""A company: whom contacts work for and leads come from, known by its name. Spec A5."""

from datetime import datetime
from uuid import UUID

from msgspec import UNSET, UnsetType

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.contacts import records
from baton.contacts.matching import Matching
from baton.contacts.records import COMPANY, camel
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Row, Tx
from baton.kernel.errors import Conflict, Invalid
from baton.kernel.operation import Input, Output, operation
from baton.kernel.shapes import Count, ExternalId, Line, Name, Reason, Version
from baton.kernel.values import Ref, as_uuid, clean, fold, new_id


class Company(Output, kw_only=True):
    """A company; `size` is how many people work there."""

    id: UUID
    name: str
    website: str | None
    location: str | None
    industry: str | None
    size: int | None
    external_id: str | None
    version: int
    created_at: datetime


class GetCompany(Input, kw_only=True):
    """One company by id or external id; that of a merged one leads to the survivor."""

    company_id: Ref


class CreateCompany(Input, kw_only=True):
    """A company to add."""

    name: Name
    website: Line | None = None
    location: Line | None = None
    industry: Line | None = None
    size: Count | None = None
    external_id: ExternalId | None = None


class EditCompany(Input, kw_only=True):
    """Facts to set; absent ones stay, null clears."""

    company_id: Ref
    version: Version | None = None
    name: Name | UnsetType = UNSET
    website: Line | UnsetType | None = UNSET
    location: Line | UnsetType | None = UNSET
    industry: Line | UnsetType | None = UNSET
    size: Count | UnsetType | None = UNSET
    external_id: ExternalId | UnsetType | None = UNSET
    reason: Reason | None = None


def from_row(row: Row) -> Company:
    """The company of a row."""
    return Company(**{name: row[name] for name in Company.__struct_fields__})


@operation("crm.companies.get", kind="query", role=Role.VIEWER, summary="Read a company")
async def read(tx: Tx, actor: Actor, input: GetCompany) -> Company:
    """A company. Raises NotFound."""
    return from_row(await records.find(tx, COMPANY, input.company_id))


@operation("crm.companies.create", role=Role.MEMBER, summary="Create a company")
async def create(tx: Tx, actor: Actor, input: CreateCompany) -> Company:
    """Add a company. Raises Invalid, Conflict where its name or external id is known already."""
    given = _checked({name: getattr(input, name) for name in COMPANY.facts})
    key = fold(given["name"])
    if await tx.fetchval("SELECT exists (SELECT FROM companies WHERE org_id = $1 AND name_norm = $2)", tx.org_id, key):
        raise Conflict(f"There is a company “{given['name']}” already.", field="name")
    id = new_id()
    await tx.execute(
        """INSERT INTO companies (org_id, id, name, name_norm, website, location, industry, size, external_id, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        tx.org_id, id, given["name"], key, given["website"], given["location"], given["industry"], given["size"], given["external_id"],
        tx.now,
    )  # fmt: skip
    told = {"name": given["name"]}
    await append(tx, actor, Entry(kind=kinds.COMPANY_CREATED, subject_type="company", subject_id=id, payload=told))
    return from_row(await records.find(tx, COMPANY, id))


@operation("crm.companies.update", role=Role.MEMBER, summary="Change a company")
async def update(tx: Tx, actor: Actor, input: EditCompany) -> Company:
    """Set facts of a company. Raises Invalid, NotFound, Conflict for a stale version, or a name or id that is another's."""
    row = await records.lock(tx, COMPANY, input.company_id, version=input.version)
    given = {name: value for name in COMPANY.facts if (value := getattr(input, name)) is not UNSET}
    await records.change(tx, actor, COMPANY, row, _checked(given), Matching(), reason=input.reason)
    return from_row(await records.find(tx, COMPANY, row["id"]))


def _checked(given: records.Facts) -> records.Facts:
    for name in given:
        if name == "size":
            if given["size"] is not None and not 0 <= given["size"] < 2**31:
                raise Invalid("size is a number from 0 up.", field="size")
            continue
        given[name] = clean(given[name])
        if given[name] and len(given[name]) > 500:
            raise Invalid(f"{camel(name)} has at most 500 characters.", field=camel(name))
    if "name" in given and not (given["name"] and fold(given["name"])):
        raise Invalid("A company needs a name.", field="name")
    if given.get("external_id") and as_uuid(given["external_id"]):
        raise Invalid("An externalId is an id of your own, and no UUID.", field="externalId")
    return given
