"""Small values that everything uses: ids, the clock, references, folded text, e-mail addresses and money."""

import functools
import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, TypeAlias
from uuid import UUID
from zoneinfo import available_timezones

from asyncpg.pgproto import pgproto
from email_validator import EmailNotValidError, ValidatedEmail, validate_email
from email_validator.rfc_constants import CASE_INSENSITIVE_MAILBOX_NAMES, LOCAL_PART_MAX_LENGTH
from msgspec import Meta
from uuid_utils import uuid7

from baton.kernel.errors import Invalid

_SURELY = 200  # characters of an address that is surely not too long, in whatever script its domain is counted
Ref: TypeAlias = Annotated[str, Meta(min_length=1, max_length=500)]
"""A record's UUID or its externalId: both are accepted wherever an id is."""


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562), increasing within a process."""
    id: UUID = pgproto.UUID(uuid7().bytes)  # a UUID like any other, made and sent in a third of the time
    return id


def utc_now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


@functools.cache
def time_zones() -> frozenset[str]:
    """The names of the world's time zones (IANA), read once: finding them walks hundreds of files."""
    return frozenset(available_timezones())


def as_uuid(ref: Ref) -> UUID | None:
    """The UUID that `ref` spells, or None where it is an external id."""
    try:
        return UUID(ref)
    except ValueError:
        return None


def fold(text: str) -> str:
    """Lower case without accents and doubled blanks, for search columns: "Tomás  Rey" → "tomas rey"."""
    if text.isascii():
        return " ".join(text.lower().split())
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(plain.casefold().split())


def email_address(text: str, *, field: str = "email") -> str:
    """The address as a person would write it, its domain in lower case.

    Raises Invalid for anything that cannot be an address (RFC 5321); no name server is asked.
    """
    try:
        return _normalized(text.strip())
    except EmailNotValidError as error:
        raise Invalid(f"“{text[:80]}” is not an e-mail address: {error}", field=field) from None


_PLAIN = re.compile(r"([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@([A-Za-z0-9.-]+)")
"""Addresses whose part before the @ says all that there is to check of it; most are."""


@functools.lru_cache(maxsize=4096)  # a row's address is checked where it is read, and again where its lead is made
def _normalized(text: str) -> str:
    plain = _PLAIN.fullmatch(text)
    if plain and len(plain[1]) <= LOCAL_PART_MAX_LENGTH and plain[1].lower() not in CASE_INSENSITIVE_MAILBOX_NAMES:
        address = f"{plain[1]}@{_domain(plain[2])}"
        if len(address) <= _SURELY:
            return address
    return _checked(text).normalized


@functools.lru_cache(maxsize=32_768)  # a domain takes a hundred times as long to check as to find again
def _domain(name: str) -> str:
    return _checked(f"a@{name}").domain


def _checked(text: str) -> ValidatedEmail:
    return validate_email(text, check_deliverability=False, test_environment=True, allow_domain_literal=False)


def email_key(address: str) -> str:
    """What two spellings of one address share: lower case, no blanks around it."""
    return address.strip().casefold()


def clean(text: str | None) -> str | None:
    """Text without blanks around it, None where nothing remains."""
    return (text or "").strip() or None
