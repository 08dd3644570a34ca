"""Who is this? Passwords, sessions, JSON web tokens and API tokens, each turned into an actor. Spec B9, C1."""

import functools
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from baton.kernel.actor import Actor, Role, Via
from baton.kernel.db import Database, Row
from baton.kernel.errors import Forbidden, NotFound, Unauthenticated
from baton.kernel.security import derived, new_token, read_jwt, sign_jwt, token_hash, verify_password
from baton.kernel.values import email_key, utc_now

SESSION_LIFETIME = timedelta(days=14)
JWT_LIFETIME = timedelta(hours=12)
_MEMBERSHIPS = """SELECT asked, m.org_id, m.org_name, m.member_id, m.name, m.role
    FROM unnest($1::uuid[]) AS asked CROSS JOIN LATERAL directory_memberships_of(asked) m"""
_CREDENTIAL = "SELECT asked, c.* FROM unnest($1::bytea[]) AS asked CROSS JOIN LATERAL directory_credential(asked) c"


class Membership(msgspec.Struct, rename="camel", frozen=True):
    """A person's place in one organization."""

    org_id: UUID
    org_name: str
    member_id: UUID
    name: str
    role: Role


class Habits(msgspec.Struct, frozen=True):
    """How a member reads: none for what the browser says; the time zone "UTC" is one that nobody has chosen."""

    language: str | None
    theme: str | None
    time_zone: str


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
    rows = await db.ask(_MEMBERSHIPS, person_id)
    return tuple(
        Membership(row["org_id"], row["org_name"], row["member_id"], row["name"], Role(row["role"])) for row in rows
    )


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
    return _actor(await _credential(db, token, kinds), via)


async def visitor_of_token(db: Database, token: str) -> tuple[Actor, Habits]:
    """The person of a session, and how they read. Raises Unauthenticated for an unknown, expired or revoked one."""
    row = await _credential(db, token, ("session",))
    return _actor(row, "page"), Habits(row["language"], row["theme"], row["time_zone"])


async def _credential(db: Database, token: str, kinds: tuple[str, ...]) -> Row:
    rows = await db.ask(_CREDENTIAL, token_hash(token))
    if not rows or rows[0]["kind"] not in kinds:
        raise Unauthenticated("The token is not valid, or has expired. Sign in again.")
    return rows[0]


def _actor(row: Row, via: Via) -> Actor:
    agent = row["member_kind"] == "agent"
    return Actor(
        type="agent" if agent else "user", org_id=row["org_id"], role=Role(row["role"]), name=row["name"], id=row["member_id"],
        via="agent" if agent else via, scopes=tuple(row["scopes"]),
    )  # fmt: skip


def issue_jwt(
    secret: str,
    person_id: UUID,
    org_id: UUID | None,
    *,
    now: datetime,
    lifetime: timedelta = JWT_LIFETIME,
    session: str | None = None,
) -> str:
    """A bearer token for the API: the person, and the organization that is meant where no header names one.

    With the name of a `session` it ends when that session does.
    """
    claims: dict[str, Any] = {"sub": str(person_id)} | ({"org": str(org_id)} if org_id else {})
    return sign_jwt(secret, claims | ({"sid": session} if session else {}), now=now, lifetime=lifetime)


async def open_jwt(
    db: Database, secret: str, person_id: UUID, places: tuple[Membership, ...], org_id: UUID | None, *, now: datetime
) -> str:
    """A bearer token with a session of its own, in the organization that is meant, else the person's oldest.

    Signing the token out, or removing the member, ends it before its time. Raises Forbidden for a member of none.
    """
    place = next((place for place in places if org_id in (None, place.org_id)), None)
    if place is None:
        raise Forbidden("You are a member of no organization. Ask to be added to one.")
    session = secrets.token_urlsafe(16)
    async with db.transaction(place.org_id) as conn:
        await conn.execute(
            "SELECT directory_add_credential($1, 'session', $2, $3)",
            _session_hash(secret, session), place.member_id, now + JWT_LIFETIME,
        )  # fmt: skip
    return issue_jwt(secret, person_id, org_id, now=now, session=session)


async def close_jwt(db: Database, secret: str, token: str) -> None:
    """Sign a bearer token out; it opens nothing any more. Raises Unauthenticated for one that is not ours."""
    await db.app.execute(
        "SELECT directory_remove_credential($1)", _session_hash(secret, str(read_jwt(secret, token).get("sid")))
    )


def _session_hash(secret: str, session: str) -> bytes:
    """What is kept of a bearer token's session. It holds the secret, so the session's name is no page's token."""
    return token_hash(f"{_session_key(secret)}:{session}")


@functools.lru_cache(maxsize=8)
def _session_key(secret: str) -> str:
    return derived(secret, "jwt session")


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
    if "sid" in claims:
        session = await db.ask(_CREDENTIAL, _session_hash(secret, str(claims["sid"])))
        if not session or session[0]["person_id"] != person_id:
            raise Unauthenticated("You signed out. Sign in again.")
        if session[0]["org_id"] == wanted:
            return _actor(session[0], "api")
    for place in await memberships(db, person_id):
        if place.org_id == wanted:
            return Actor(type="user", org_id=wanted, role=place.role, name=place.name, id=place.member_id, via="api")
    raise NotFound("There is no such organization, or you are not a member of it.", field="orgid")


def must_not_be_agent(actor: Actor) -> None:
    """Raise Forbidden for what an agent may never do, whatever its role."""
    if actor.type == "agent":
        raise Forbidden("An agent may not do this; ask a person.")
