"""Whom nobody writes to: who unsubscribed, whose address does not exist, who complained, whom a person put here."""

import hashlib
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.contacts import matching
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx, struct_of
from baton.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from baton.kernel.newest import newest
from baton.kernel.operation import Input, Output, operation
from baton.kernel.page import Page
from baton.kernel.shapes import Cursor, Email, PageSize, Words
from baton.kernel.values import clean, email_address, email_key, new_id

Reason = Literal["unsubscribe", "bounce", "complaint", "manual"]
_WHY = {
    "unsubscribe": "asked not to be written to",
    "bounce": "does not exist: mail came back",
    "complaint": "reported our mail as unwanted",
    "manual": "was put on the list of those not written to",
}


class Suppression(Output, kw_only=True):
    """An e-mail address or phone number that nobody writes to, and why."""

    id: UUID
    address: str
    reason: Reason
    note: str | None
    created_at: datetime


class ListSuppressions(Input, kw_only=True):
    """A page of 1 to 200 suppressed addresses, newest first; `search` finds one address."""

    search: Words | None = None
    reason: Reason | None = None
    limit: PageSize = 50
    cursor: Cursor | None = None


class AddSuppression(Input, kw_only=True):
    """An e-mail address or phone number to write to no more."""

    address: Email
    note: Annotated[str, Meta(max_length=2_000)] | None = None


class RemoveSuppression(Input, kw_only=True):
    """An address that may be written to again, and why."""

    suppression_id: UUID
    note: Annotated[str, Meta(max_length=2_000)] | None = None


_COLUMNS = "id, address, reason, note, created_at"


def hashed(key: str) -> str:
    """The key of an erased person's address: enough to know it again, too little to write to it."""
    return "h:" + hashlib.sha256(key.encode()).hexdigest()


async def key_of(tx: Tx, address: str) -> str:
    """What all spellings of an e-mail address or phone number share."""
    if "@" in address:
        return f"e:{email_key(address)}"
    return f"p:{(await matching.read(tx)).phone(address)}"


async def must_be_welcome(tx: Tx, address: str) -> None:
    """Raise Conflict where an address is one that nobody writes to."""
    reason = await reason_against(tx, await key_of(tx, address))
    if reason is not None:
        raise Conflict(f"{address} {reason}. Nobody writes there until it is taken off the list.", field="to")


async def reason_against(tx: Tx, key: str) -> str | None:
    """Why an address is not written to, in words; None where it is."""
    found = await tx.fetchval(
        "SELECT reason FROM suppressions WHERE org_id = $1 AND key = ANY ($2) LIMIT 1", tx.org_id, [key, hashed(key)]
    )
    return _WHY[found] if found else None


async def suppress(
    tx: Tx, actor: Actor, address: str, reason: Reason, *, note: str | None = None, lead_id: UUID | None = None
) -> Suppression:
    """Put an address on the list; one that is on it stays as it is, under its first reason."""
    key = await key_of(tx, address)
    row = await tx.fetchrow(
        f"""INSERT INTO suppressions (org_id, id, key, address, reason, note, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (key, org_id) DO NOTHING RETURNING {_COLUMNS}""",
        tx.org_id, new_id(), key, address, reason, clean(note), tx.now,
    )  # fmt: skip
    if row is None:
        known = await tx.fetchrow(f"SELECT {_COLUMNS} FROM suppressions WHERE org_id = $1 AND key = $2", tx.org_id, key)
        assert known is not None
        return struct_of(known, Suppression)
    made = struct_of(row, Suppression)
    if lead_id is None and "@" in address:
        lead_id = await tx.fetchval(
            """SELECT id FROM leads WHERE org_id = $1 AND email_norm = $2 AND deleted_at IS NULL
                ORDER BY closed_at IS NOT NULL, last_activity_at DESC LIMIT 1""",
            tx.org_id, email_key(address),
        )  # fmt: skip
    await append(
        tx, actor,
        Entry(kind=kinds.SUPPRESSION_ADDED, subject_type="suppression", subject_id=made.id, lead_id=lead_id,
              payload={"name": address, "reason": reason}, reason=clean(note)),
    )  # fmt: skip
    return made


@operation("crm.suppressions.list", kind="query", role=Role.MEMBER, summary="List who is not written to")
async def list_suppressions(tx: Tx, actor: Actor, input: ListSuppressions) -> Page[Suppression]:
    """A page of suppressed addresses, newest first. Raises Invalid for a bad limit or cursor."""
    key = await key_of(tx, input.search) if clean(input.search) and input.search else None
    where = {"key": key, "reason": input.reason}
    rows, more = await newest(tx, f"SELECT {_COLUMNS} FROM suppressions", where, limit=input.limit, after=input.cursor)
    return Page(items=[struct_of(row, Suppression) for row in rows], next_cursor=more)


@operation("crm.suppressions.add", role=Role.MEMBER, summary="Write to an address no more")
async def add(tx: Tx, actor: Actor, input: AddSuppression) -> Suppression:
    """Put an address on the list. Raises Invalid for what is neither e-mail nor phone, Conflict where it is on it."""
    text = input.address.strip()
    address = email_address(text, field="address") if "@" in text else text
    if "@" not in text and sum(letter.isdigit() for letter in text) < 5:
        raise Invalid("Give an e-mail address or a phone number.", field="address")
    if await reason_against(tx, await key_of(tx, address)):
        raise Conflict(f"{address} is on the list already.", field="address")
    return await suppress(tx, actor, address, "manual", note=input.note)


@operation("crm.suppressions.remove", role=Role.ADMIN, summary="Allow writing to an address again")
async def remove(tx: Tx, actor: Actor, input: RemoveSuppression) -> Suppression:
    """Take an address off the list; agents may not. Raises NotFound, Forbidden."""
    if actor.type == "agent":
        raise Forbidden("Only a person takes an address off this list.")
    row = await tx.fetchrow(
        f"DELETE FROM suppressions WHERE org_id = $1 AND id = $2 RETURNING {_COLUMNS}", tx.org_id, input.suppression_id
    )
    if row is None:
        raise NotFound("There is no such entry.", field="suppressionId")
    gone = struct_of(row, Suppression)
    await append(
        tx, actor,
        Entry(kind=kinds.SUPPRESSION_REMOVED, subject_type="suppression", subject_id=gone.id,
              payload={"name": gone.address, "reason": gone.reason}, reason=clean(input.note)),
    )  # fmt: skip
    return gone
