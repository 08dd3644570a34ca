"""Providers: who looks leads up for an organization, in which order, with which key. Spec C8."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.enrichment import apify, http_provider
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx, struct_of
from baton.kernel.errors import Invalid, NotFound, must_be_current
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.kernel.shapes import Label, Values, Version
from baton.kernel.values import new_id

Kind = Literal["website", "http", "apify"]
MAX_PROVIDERS = 20
_CONFIG_BYTES = 50_000


class Provider(Output, kw_only=True):
    """Who looks leads up: a company's own website, any HTTP interface, or an Apify actor. The first by `position` is asked."""

    id: UUID
    kind: Kind
    name: str
    position: int
    config: dict[str, Any]
    has_secret: bool
    version: int
    created_at: datetime


class SetProvider(Input, kw_only=True):
    """A provider to add, or with `providerId` to change. `secret` is its key: kept encrypted, told to nobody; absent it stays."""

    kind: Kind
    name: Label
    provider_id: UUID | None = None
    config: Values = {}
    secret: Annotated[str, Meta(max_length=10_000)] | None = None
    position: Annotated[int, Meta(ge=0, le=1_000)] = 0
    version: Version | None = None


class NameProvider(Input, kw_only=True):
    """A provider."""

    provider_id: UUID
    version: Version | None = None


_COLUMNS = "id, kind, name, position, config, secret IS NOT NULL AS has_secret, version, created_at"


@operation("crm.enrichment.providers", kind="query", role=Role.ADMIN, summary="List enrichment providers")
async def list_providers(tx: Tx, actor: Actor, input: Nothing) -> list[Provider]:
    """The organization's providers in the order in which they are asked, without their keys."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM enrichment_providers WHERE org_id = $1 AND status = 'active' ORDER BY position, id",
        tx.org_id,
    )
    return [struct_of(row, Provider) for row in rows]


@operation("crm.enrichment.setProvider", role=Role.ADMIN, summary="Configure an enrichment provider")
async def set_provider(tx: Tx, actor: Actor, input: SetProvider) -> Provider:
    """Add or change a provider. Raises Invalid for a configuration that does not fit, NotFound."""
    name = input.name.strip()
    if not name or len(name) > 100 or not 0 <= input.position <= 1000:
        raise Invalid("A provider has a name of at most 100 characters, and a position from 0 to 1000.", field="name")
    if len(msgspec.json.encode(input.config)) > _CONFIG_BYTES:
        raise Invalid("A configuration has at most 50 kB.", field="config")
    config = _checked(tx, input.kind, input.config)
    id = input.provider_id or new_id()
    before = await get(tx, input.provider_id) if input.provider_id else None
    must_be_current(f"“{name}”", before.version if before else 0, input.version)
    if before is not None:
        if before.kind != input.kind:
            raise Invalid("The kind of a provider does not change. Add another one.", field="kind")
    elif (
        await tx.fetchval(
            "SELECT count(*) FROM enrichment_providers WHERE org_id = $1 AND status = 'active'", tx.org_id
        )
        >= MAX_PROVIDERS
    ):
        raise Invalid(f"An organization has at most {MAX_PROVIDERS} providers.")
    secret = tx.installation.vault.seal(input.secret, place(tx.org_id, id)) if input.secret else None
    await tx.execute(
        """INSERT INTO enrichment_providers (org_id, id, kind, name, position, config, secret, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
           ON CONFLICT (org_id, id) DO UPDATE SET name = excluded.name, position = excluded.position, config = excluded.config,
             secret = coalesce(excluded.secret, enrichment_providers.secret), version = enrichment_providers.version + 1""",
        tx.org_id, id, input.kind, name, input.position, config, secret, tx.now,
    )  # fmt: skip
    await _tell(tx, actor, id, name)
    return await get(tx, id)


@operation("crm.enrichment.removeProvider", role=Role.ADMIN, summary="Remove an enrichment provider")
async def remove_provider(tx: Tx, actor: Actor, input: NameProvider) -> Provider:
    """Remove a provider and its key; what it found stays, what waits for it fails. Raises NotFound."""
    before = await get(tx, input.provider_id)
    must_be_current(f"“{before.name}”", before.version, input.version)
    await tx.execute(
        "UPDATE enrichment_providers SET status = 'deleted', secret = NULL, version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id, before.id,
    )  # fmt: skip
    await tx.execute(
        """UPDATE enrichment_runs SET status = 'failed', error = 'The provider was removed.', finished_at = $3
            WHERE org_id = $1 AND provider_id = $2 AND status = 'waiting'""",
        tx.org_id, before.id, tx.now,
    )  # fmt: skip
    await tx.execute(
        "UPDATE enrichment_rules SET enabled = false, version = version + 1 WHERE org_id = $1 AND provider_id = $2 AND enabled",
        tx.org_id, before.id,
    )  # fmt: skip
    await _tell(tx, actor, before.id, before.name)
    return before


async def get(tx: Tx, id: UUID) -> Provider:
    """A provider. Raises NotFound."""
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM enrichment_providers WHERE org_id = $1 AND id = $2 AND status = 'active'",
        tx.org_id,
        id,
    )
    if row is None:
        raise NotFound("There is no such provider in your organization.")
    return struct_of(row, Provider)


async def asked(tx: Tx, actor: Actor, id: UUID | None) -> Provider:
    """The provider that is named, else the organization's first; where it has none, the reader of websites becomes it."""
    if id is not None:
        return await get(tx, id)
    first = await tx.fetchval(
        "SELECT id FROM enrichment_providers WHERE org_id = $1 AND status = 'active' ORDER BY position, id LIMIT 1",
        tx.org_id,
    )
    return (
        await get(tx, first)
        if first
        else await set_provider(tx, actor, SetProvider(kind="website", name="Their website"))
    )


def place(org_id: UUID, id: UUID) -> str:
    """Where a provider's key lies in the vault."""
    return f"enrichment {org_id} {id}"


def _checked(tx: Tx, kind: Kind, config: dict[str, Any]) -> dict[str, Any]:
    outbound = tx.installation.outbound
    if kind == "website":
        if config:
            raise Invalid("The reader of websites takes no configuration.", field="config")
        return {}
    checked = http_provider.check(outbound, config) if kind == "http" else apify.check(outbound, config)
    plain: dict[str, Any] = msgspec.to_builtins(checked)
    return plain


async def _tell(tx: Tx, actor: Actor, id: UUID, name: str) -> None:
    await append(
        tx,
        actor,
        Entry(kind=kinds.ENRICHMENT_CHANGED, subject_type="enrichment", subject_id=id, payload={"name": name}),
    )
