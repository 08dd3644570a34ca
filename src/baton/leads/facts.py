"""What a lead's facts may be: trimmed, bounded, of a known source and currency. Spec A5, B10."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from baton.contacts.contact import Contact
from baton.fields import values as custom
from baton.fields.definition import Definition
from baton.kernel.errors import Invalid
from baton.kernel.values import clean

T = TypeVar("T", bound=msgspec.Struct)
SOURCES = (
    "website",
    "referral",
    "paid_ads",
    "organic_search",
    "social_media",
    "cold_outreach",
    "event",
    "partner",
    "other",
)
Source: TypeAlias = Annotated[str, Meta(max_length=40, extra_json_schema={"enum": list(SOURCES)})]
"""One of the sources of Spec B10."""
MAX_TEXT = 500


def checked(field: str, value: str | None) -> str | None:
    """Text of a field, trimmed, None where empty. Raises Invalid where it is longer than 500 characters."""
    text = clean(value)
    if text and len(text) > MAX_TEXT:
        raise Invalid(f"{field} has at most {MAX_TEXT} characters.", field=field)
    return text


def natural(field: str, value: int | None, below: int) -> int | None:
    """A number from zero up. Raises Invalid."""
    if value is not None and not 0 <= value < below:
        raise Invalid(f"{field} is a number from 0 up.", field=field)
    return value


def currency(code: str) -> str:
    """An ISO 4217 code in capitals. Raises Invalid."""
    if not re.fullmatch(r"[A-Za-z]{3}", code):
        raise Invalid("A currency is an ISO 4217 code such as USD.", field="currency")
    return code.upper()


def source(text: str) -> str:
    """One of the sources of Spec B10. Raises Invalid."""
    if text not in SOURCES:
        raise Invalid(f"A source is one of: {', '.join(SOURCES)}.", field="source")
    return text


def tags(values: list[str]) -> list[str]:
    """Tags, trimmed, each once, in order. Raises Invalid for more than 50, or one over 60 characters."""
    found = list(dict.fromkeys(tag for value in values if (tag := value.strip())))
    if len(found) > 50 or any(len(tag) > 60 for tag in found):
        raise Invalid("A lead has at most 50 tags, of at most 60 characters each.", field="tags")
    return found


def fields(
    values: dict[str, Any], definitions: Sequence[Definition] = (), before: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Custom field values, those of defined fields checked and brought into their kept form; null and empty ones fall out.

    Raises Invalid naming the field; also for more than 500, a long name, or more than 100 kB in all.
    """
    kept = {key: value for key, value in custom.checked(definitions, values, before).items() if value is not None}
    if len(kept) > 500 or any(not key or len(key) > 100 for key in kept) or len(msgspec.json.encode(kept)) > 100_000:
        raise Invalid(
            "A lead has at most 500 custom fields, with names up to 100 characters and 100 kB in all.", field="fields"
        )
    return kept


def known_as(contact: Contact | None, given: T) -> T:
    """What is said of a lead, with the facts of the contact that it points to where it does not give its own."""
    if contact is None:
        return given
    own = ("name", "first_name", "last_name")
    named = any(getattr(given, name) for name in own)
    names = ("email", "phone", "title", "company_name") + (() if named else own)
    return msgspec.structs.replace(given, **{name: getattr(given, name) or getattr(contact, name) for name in names})
