"""Secrets: password hashes, tokens that are shown once and kept as hashes, signed JSON web tokens."""

import asyncio
import contextlib
import functools
import hashlib
import hmac
import secrets
import time
from datetime import datetime, timedelta
from typing import Any

import argon2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from baton.kernel.errors import Unauthenticated

_hasher = argon2.PasswordHasher()
_ALGORITHMS = ["HS256"]


@functools.cache
def _decoy() -> str:
    """A hash that no password fits, to be as slow for an unknown person as for a known one."""
    return _hasher.hash(secrets.token_urlsafe(16))


async def hash_password(password: str) -> str:
    """The argon2id hash (RFC 9106) of a password."""
    return await asyncio.to_thread(_hasher.hash, password)


async def verify_password(password: str, hashed: str | None) -> bool:
    """Whether the password fits; as slow for an unknown person (`hashed` None) as for a known one."""
    try:
        await asyncio.to_thread(lambda: _hasher.verify(hashed or _decoy(), password))
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
    return hashed is not None


def new_token(prefix: str) -> str:
    """A random token of 256 bits that says what it is: "bat_agent_…"."""
    return f"bat_{prefix}_{secrets.token_urlsafe(32)}"


def token_hash(token: str) -> bytes:
    """What is kept of a token: its SHA-256."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def derived(secret: str, purpose: str) -> str:
    """A key of its own for each purpose, from the installation's secret (HMAC-SHA-256, hexadecimal)."""
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def sign_jwt(secret: str, claims: dict[str, Any], *, now: datetime, lifetime: timedelta) -> str:
    """A signed JSON web token (RFC 7519, HS256) with `iat` and `exp`."""
    key = OctKey.import_key(derived(secret, "jwt"))
    times = {"iat": int(now.timestamp()), "exp": int((now + lifetime).timestamp()), "iss": "baton"}
    return jwt.encode({"alg": "HS256", "typ": "JWT"}, claims | times, key)


def read_jwt(secret: str, token: str) -> dict[str, Any]:
    """The claims of a token that we signed. Raises Unauthenticated for any other, and for an expired one."""
    with contextlib.suppress(JoseError, ValueError):
        claims = _signed(secret, token)
        if claims["exp"] > int(time.time()):
            return dict(claims)
    raise Unauthenticated("The token is not valid, or has expired. Sign in again.")


@functools.lru_cache(maxsize=1024)
def _signed(secret: str, token: str) -> dict[str, Any]:
    """The claims under our signature. What held once still holds, but for its end, asked each time; what fails is not kept."""
    claims: dict[str, Any] = jwt.decode(token, OctKey.import_key(derived(secret, "jwt")), algorithms=_ALGORITHMS).claims
    jwt.JWTClaimsRegistry(iss={"essential": True, "value": "baton"}, exp={"essential": True}).validate(claims)
    return claims
