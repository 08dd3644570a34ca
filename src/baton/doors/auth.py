"""Who asks: a person's JWT, an API key, an agent's token, or a signed-in person's own page. Spec B9, C1."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from baton.accounts.sign_in import (
    JWT_LIFETIME,
    Membership,
    Person,
    actor_of_jwt,
    actor_of_token,
    close_jwt,
    open_jwt,
    prove,
)
from baton.doors.answers import json
from baton.doors.limits import limits_of
from baton.doors.web.shell.visit import SESSION, database, must_be_proven
from baton.kernel.actor import Actor
from baton.kernel.decode import decode_as
from baton.kernel.errors import Invalid, NotFound, Unauthenticated
from baton.kernel.operation import Input
from baton.kernel.security import read_jwt
from baton.kernel.settings import Settings
from baton.kernel.shapes import Password
from baton.kernel.values import as_uuid, utc_now

NO_ORGANIZATION = "Name your organization in the “orgid” header: the token does not say which one you mean."
UNKNOWN_ORGANIZATION = "There is no such organization, or you are not a member of it."
SIGN_IN = "Sign in first: send “Authorization: Bearer <token>” or “x-api-key”."
MAX_TOKEN = 4096
_READING = ("GET", "HEAD")


class Credentials(Input, kw_only=True):
    """A person's e-mail and password, and the organization that they mean."""

    email: Annotated[str, Meta(max_length=1_000)]
    password: Password
    org_id: str | None = None


class Token(msgspec.Struct, rename="camel"):
    """A bearer token, when it ends (UTC), and the organizations that it opens."""

    token: str
    expires_at: datetime
    memberships: tuple[Membership, ...]


def settings_of(request: Request) -> Settings:
    """The application's settings."""
    settings: Settings = request.app.state.settings
    return settings


async def actor_of(request: Request) -> Actor:
    """The actor of a request, in the organization that the `orgid` header names, else the token's own.

    Raises Unauthenticated without a valid credential, Invalid where no organization is named, NotFound for one that the
    caller is no member of, Forbidden for a change by cookie that does not prove that one of our pages asked for it.
    """
    org = request.headers.get("orgid")
    if org is not None and not (org := org.strip()):
        raise Invalid("The “orgid” header is empty: name your organization, or leave it out.", field="orgid")
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    bearer = bearer.strip()
    if scheme.lower() == "bearer" and bearer and not bearer.startswith("bat_"):
        return await _person(request, bearer, org)
    token = bearer if scheme.lower() == "bearer" else request.headers.get("x-api-key", "").strip()
    if token:
        return _inside(await actor_of_token(database(request), token[:MAX_TOKEN], via="api"), org)
    session = request.cookies.get(SESSION, "")
    if not session:
        raise Unauthenticated(SIGN_IN)
    actor = await actor_of_token(database(request), session[:MAX_TOKEN], via="page", kinds=("session",))
    if request.method not in _READING:
        must_be_proven(request, session, {})
    return _inside(actor, org)


async def _person(request: Request, token: str, org: str | None) -> Actor:
    if len(token) > MAX_TOKEN:
        raise Unauthenticated("The token is not valid, or has expired. Sign in again.")
    secret = settings_of(request).secret
    claims = read_jwt(secret, token)
    if org is None and not claims.get("org"):
        raise Invalid(NO_ORGANIZATION, field="orgid")
    return await actor_of_jwt(database(request), secret, token, org)


def _inside(actor: Actor, org: str | None) -> Actor:
    if org is not None and as_uuid(org) != actor.org_id:
        raise NotFound(UNKNOWN_ORGANIZATION, field="orgid")
    return actor


async def token(request: Request) -> Response:
    """POST /api/auth/token: a person's bearer token. Wrong passwords are limited by e-mail and by address."""
    given = decode_as(Credentials, await request.body())
    right = limits_of(request).must_admit_sign_in(request, given.email)
    person = await prove(database(request), given.email.strip(), given.password)
    right()
    now = utc_now()
    meant = _meant(person, given.org_id)
    signed = await open_jwt(
        database(request), settings_of(request).secret, person.id, person.memberships, meant, now=now
    )
    answer = Token(signed, now + JWT_LIFETIME, person.memberships)
    return json(answer, headers={"cache-control": "no-store"})


async def end(request: Request) -> Response:
    """DELETE /api/auth/token: sign the bearer token of this request out; 204, also where it was signed out before."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not bearer.strip() or len(bearer) > MAX_TOKEN:
        raise Unauthenticated(SIGN_IN)
    await close_jwt(database(request), settings_of(request).secret, bearer.strip())
    return Response(status_code=204)


async def tokens(request: Request) -> Response:
    """/api/auth/token: a new token, or the end of one."""
    return await (token if request.method == "POST" else end)(request)


def _meant(person: Person, org: str | None) -> Any:
    """The organization that the token is for: the one named, or the only one."""
    if org is None:
        return person.memberships[0].org_id if len(person.memberships) == 1 else None
    for place in person.memberships:
        if place.org_id == as_uuid(org):
            return place.org_id
    raise NotFound(UNKNOWN_ORGANIZATION, field="orgId")
