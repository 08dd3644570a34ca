"""The login roles of the application: they own nothing, and row-level security holds for them."""

import base64
import hashlib
import hmac
import secrets
from urllib.parse import unquote, urlsplit

import asyncpg

from baton.kernel.data_dir import Misconfigured
from baton.kernel.settings import APP_ROLE, ERASER_ROLE, RELAY_ROLE, Settings

_ITERATIONS = 4096


async def provision(owner: asyncpg.Connection, settings: Settings) -> None:
    """Make the roles if they are absent and set their passwords, where these are ours to set.

    A role whose DSN was given (DATABASE_APP_URL, DATABASE_RELAY_URL) is the administrator's: its login becomes a member
    of our role. Raises Misconfigured where the owner may not do this, or a role is above row-level security.
    """
    try:
        await _make(owner, ERASER_ROLE)
    except asyncpg.InsufficientPrivilegeError as error:
        raise Misconfigured(
            f"DATABASE_URL's role may not make the role {ERASER_ROLE} ({error}). Give it CREATEROLE, or let an administrator "
            f"run: create role {ERASER_ROLE}; grant {ERASER_ROLE} to it with set option."
        ) from error
    app = (APP_ROLE, settings.app_role_managed, settings.app_dsn)
    relay = (RELAY_ROLE, settings.relay_role_managed, settings.relay_dsn)
    for role, managed, dsn in (app, relay):
        login = role if managed else unquote(urlsplit(dsn or "").username or role)
        try:
            await _make(owner, role)
            if managed:
                verifier = scram_verifier(settings.role_password(role))
                await owner.execute(f"alter role {role} login password '{verifier}'")
            elif login != role:
                await _join(owner, role, login)
            await owner.execute(f"grant usage on schema public to {role}")
        except asyncpg.InsufficientPrivilegeError as error:
            raise Misconfigured(
                f"DATABASE_URL's role may not set up the role {role} ({error}). Give it CREATEROLE, or let an "
                f"administrator make {role} (login, no superuser) and set DATABASE_APP_URL and DATABASE_RELAY_URL."
            ) from error
        above = await owner.fetchval("select rolsuper or rolbypassrls from pg_roles where rolname = $1", login)
        if above:
            raise Misconfigured(f"The role {login} is above row-level security (superuser or bypassrls). Use another.")


async def _make(owner: asyncpg.Connection, role: str) -> None:
    if not await owner.fetchval("select exists (select from pg_roles where rolname = $1)", role):
        try:
            await owner.execute(f"create role {role}")
        except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
            # Roles belong to the whole server: a migration of another database on it was first.
            return


async def _join(owner: asyncpg.Connection, role: str, login: str) -> None:
    if not await owner.fetchval("select exists (select from pg_roles where rolname = $1)", login):
        raise Misconfigured(f"The role {login}, which DATABASE_APP_URL or DATABASE_RELAY_URL names, does not exist.")
    if not await owner.fetchval("select pg_has_role($1, $2, 'usage')", login, role):
        await owner.execute(await owner.fetchval("select format('grant %I to %I', $1::text, $2::text)", role, login))


def scram_verifier(password: str) -> str:
    """What PostgreSQL keeps of a password (RFC 5803), so that the password itself is never in a statement or a log."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt64, stored64, server64 = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${_ITERATIONS}:{salt64}${stored64}:{server64}"
