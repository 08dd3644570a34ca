"""Who is this? Passwords, sessions, JSON web tokens and API tokens, each turned into an actor. Spec B9, C1."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from baton.kernel.actor import Actor, Role, Via
from baton.kernel.db import Database, Row
from baton.kernel.errors import Forbidden, NotFound, Unauthenticated
from baton.kernel.security import new_token, read_jwt, sign_jwt, token_hash, verify_password
from baton.kernel.values import email_key, utc_now

SESSION_LIFETIME = timedelta(days=14)
JWT_LIFETIME = timedelta(hours=12)


class Membership(msgspec.Struct, rename="camel", frozen=True):
    """A person's place in one organization."""

    org_id: UUID
    org_name: str
    member_id: UUID
    name: str
    role: Role


class Person(msgspec.Struct, frozen=True):
    """Somebody who proved who they are, and where they are a member."""

    id: UUID
    name: str
    memberships: tuple[Membership, ...]


async def prove(db: Database, email: str, password: str) -> Person:
    """The person of an e-mail and password. Raises Unauthenticated, as slowly for an unknown e-mail as for a wrong password."""
    row = None
    if len(email) < 400 and "\0" not in email and email.isprintable():
        row = await db.app.fetchrow("SELECT id, name, password_hash FROM directory_person($1)", email_key(email))
    if not await verify_password(password[:1000], row["password_hash"] if row else None) or row is None:
        raise Unauthenticated("This e-mail and password do not belong together.")
    return Person(row["id"], row["name"], await memberships(db, row["id"]))


async def memberships(db: Database, person_id: UUID) -> tuple[Membership, ...]:
    """Where a person is an active member, the oldest organization first."""
    rows = await db.app.fetch(
        "SELECT org_id, org_name, member_id, name, role FROM directory_memberships_of($1)", person_id
    )
    return tuple(Membership(**{**dict(row), "role": Role(row["role"])}) for row in rows)


async def open_session(db: Database, membership: Membership, *, now: datetime | None = None) -> str:
    """A new session's token, shown once; only its hash is kept."""
    token = new_token("session")
    async with db.transaction(membership.org_id) as conn:
        await conn.execute(
            "SELECT directory_add_credential($1, 'session', $2, $3)",
            token_hash(token), membership.member_id, (now or utc_now()) + SESSION_LIFETIME,
        )  # fmt: skip
    return token


async def close_session(db: Database, token: str) -> None:
    """End a session; its token opens nothing any more."""
    await db.app.execute("SELECT directory_remove_credential($1)", token_hash(token))


async def actor_of_token(
    db: Database, token: str, *, via: Via, kinds: tuple[str, ...] = ("api_key", "agent_token")
) -> Actor:
    """The actor of a session, API key or agent's token. Raises Unauthenticated for an unknown, expired or revoked one."""
    row = await db.app.fetchrow("SELECT * FROM directory_credential($1)", token_hash(token))
    if row is None or row["kind"] not in kinds:
        raise Unauthenticated("The token is not valid, or has expired. Sign in again.")
    return _actor(row, via)


def _actor(row: Row, via: Via) -> Actor:
    agent = row["member_kind"] == "agent"
    return Actor(
        type="agent" if agent else "user", org_id=row["org_id"], role=Role(row["role"]), name=row["name"], id=row["member_id"],
        via="agent" if agent else via, scopes=tuple(row["scopes"]),
    )  # fmt: skip


def issue_jwt(
    secret: str, person_id: UUID, org_id: UUID | None, *, now: datetime, lifetime: timedelta = JWT_LIFETIME
) -> str:
    """A bearer token for the API: the person, and the organization that is meant where no header names one."""
    claims: dict[str, Any] = {"sub": str(person_id)} | ({"org": str(org_id)} if org_id else {})
    return sign_jwt(secret, claims, now=now, lifetime=lifetime)


async def actor_of_jwt(db: Database, secret: str, token: str, org: str | None) -> Actor:
    """The actor of a person's JWT in the organization that the `orgid` header names, else the token's claim.

    Raises Unauthenticated for a bad token, NotFound for an organization that the person is no member of.
    """
    claims = read_jwt(secret, token)
    try:
        person_id = UUID(str(claims.get("sub")))
        wanted = UUID(org or str(claims.get("org")))
    except ValueError:
        raise NotFound("Name your organization in the “orgid” header.", field="orgid") from None
    for place in await memberships(db, person_id):
        if place.org_id == wanted:
            return Actor(type="user", org_id=wanted, role=place.role, name=place.name, id=place.member_id, via="api")
    raise NotFound("There is no such organization, or you are not a member of it.", field="orgid")


def must_not_be_agent(actor: Actor) -> None:
    """Raise Forbidden for what an agent may never do, whatever its role."""
    if actor.type == "agent":
        raise Forbidden("An agent may not do this; ask a person.")
