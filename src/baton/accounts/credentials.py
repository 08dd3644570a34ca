"""API keys and agents' tokens: shown once, kept as hashes, revoked at once. Spec B9."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from baton.accounts.members import member
from baton.accounts.sign_in import must_not_be_agent
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Forbidden, Invalid, NotFound, must_be_current
from baton.kernel.operation import Input, Nothing, Output, operation, registry
from baton.kernel.security import new_token, token_hash
from baton.kernel.shapes import Days, Kind, Name, Version
from baton.kernel.values import Ref, new_id


class Credential(Output, kw_only=True):
    """A key or token as it is listed: `hint` is its end, `scopes` the operations it is limited to (none: all of its member's)."""

    id: UUID
    member_id: UUID
    kind: str
    name: str
    hint: str
    scopes: list[str]
    expires_at: datetime | None
    revoked_at: datetime | None
    created_at: datetime
    version: int


class NewCredential(Credential, kw_only=True):
    """A key or token as it is made: the only time that `token` is told."""

    token: str


class CreateCredential(Input, kw_only=True):
    """A key of one's own, or a token for an agent. Without `memberId` it is the actor's own.

    A key that was made with a scoped key is limited to the scopes of that key, or fewer.
    """

    name: Name
    member_id: Ref | None = None
    scopes: Annotated[list[Kind], Meta(max_length=500)] = []
    days: Days | None = None


class RevokeCredential(Input, kw_only=True):
    """The key or token to revoke."""

    credential_id: UUID
    version: Version | None = None


_COLUMNS = "id, member_id, kind, name, hint, scopes, expires_at, revoked_at, created_at, version"


@operation("crm.credentials.list", kind="query", role=Role.ADMIN, summary="List API keys and agents' tokens")
async def list_credentials(tx: Tx, actor: Actor, input: Nothing) -> list[Credential]:
    """The organization's keys and tokens, newest first, without their secrets."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM credentials WHERE org_id = $1 ORDER BY created_at DESC, id DESC", tx.org_id
    )
    return [Credential(**dict(row)) for row in rows]


@operation("crm.credentials.create", role=Role.ADMIN, summary="Create an API key or an agent's token", secret=True)
async def create(tx: Tx, actor: Actor, input: CreateCredential) -> NewCredential:
    """Make a key or token. Raises Invalid for an unknown scope, NotFound for a member, Forbidden for agents, for another
    person's key and for scopes beyond the actor's own: nobody acts under another's name or role."""
    must_not_be_agent(actor)
    target = await member(tx, input.member_id or str(actor.id))
    if target.kind == "person" and target.id != actor.id:
        raise Forbidden(f"A key acts in its member's name: {target.name} makes it. For a program, add an agent.")
    scopes = input.scopes or list(actor.scopes)
    if actor.scopes and not set(scopes) <= set(actor.scopes):
        raise Forbidden("A key cannot make another with scopes beyond its own.")
    unknown = [scope for scope in input.scopes if scope not in registry and scope not in ("query:*", "mutation:*")]
    if unknown or not input.name.strip():
        raise Invalid(
            f"Unknown scopes: {', '.join(unknown)}." if unknown else "A key needs a name.",
            field="scopes" if unknown else "name",
        )
    if input.days is not None and not 1 <= input.days <= 3650:
        raise Invalid("A key lives 1 to 3650 days.", field="days")
    kind = "agent_token" if target.kind == "agent" else "api_key"
    token = new_token("agent" if target.kind == "agent" else "key")
    expires_at = tx.now + timedelta(days=input.days) if input.days else None
    id, hint = new_id(), token[-4:]
    await tx.execute(
        """INSERT INTO credentials (org_id, id, member_id, kind, name, hint, token_hash, scopes, expires_at, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        tx.org_id, id, target.id, kind, input.name.strip(), hint, token_hash(token), scopes, expires_at, tx.now,
    )  # fmt: skip
    await tx.execute("SELECT directory_add_credential($1, $2, $3, $4)", token_hash(token), kind, target.id, expires_at)
    await append(
        tx, actor,
        Entry(kind=kinds.CREDENTIAL_CREATED, subject_type="credential", subject_id=id,
              payload={"name": input.name.strip(), "memberId": str(target.id), "scopes": scopes}),
    )  # fmt: skip
    return NewCredential(
        id=id, member_id=target.id, kind=kind, name=input.name.strip(), hint=hint, scopes=scopes, expires_at=expires_at,
        revoked_at=None, created_at=tx.now, version=1, token=token,
    )  # fmt: skip


@operation("crm.credentials.revoke", role=Role.ADMIN, summary="Revoke an API key or an agent's token")
async def revoke(tx: Tx, actor: Actor, input: RevokeCredential) -> Credential:
    """End a key or token at once. Raises NotFound, Conflict for a stale version."""
    found = await tx.fetchrow(
        "SELECT name, version FROM credentials WHERE org_id = $1 AND id = $2 AND revoked_at IS NULL FOR NO KEY UPDATE",
        tx.org_id, input.credential_id,
    )  # fmt: skip
    if found is None:
        raise NotFound("There is no such key, or it is revoked already.")
    must_be_current(f"“{found['name']}”", found["version"], input.version)
    row = await tx.fetchrow(
        f"""UPDATE credentials SET revoked_at = $3, version = version + 1 WHERE org_id = $1 AND id = $2 AND revoked_at IS NULL
            RETURNING {_COLUMNS}, token_hash""",
        tx.org_id, input.credential_id, tx.now,
    )  # fmt: skip
    assert row is not None
    await tx.execute("SELECT directory_remove_credential($1)", row["token_hash"])
    values = dict(row)
    values.pop("token_hash")
    await append(
        tx, actor,
        Entry(kind=kinds.CREDENTIAL_REVOKED, subject_type="credential", subject_id=input.credential_id, payload={"name": row["name"]}),
    )  # fmt: skip
    return Credential(**values)
