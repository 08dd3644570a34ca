"""The only INSERT into the log."""

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from baton.kernel.actor import Actor
from baton.kernel.db import Tx, columns
from baton.kernel.values import new_id

Changes = dict[str, list[Any]]


class Entry(msgspec.Struct, kw_only=True):
    """What a verb tells the log: the kind, the record, the changes {field: [old, new]} and the reason."""

    kind: str
    subject_type: str
    subject_id: UUID
    lead_id: UUID | None = None
    lead_version: int | None = None
    changes: Changes = {}
    payload: dict[str, Any] = {}
    reason: str | None = None


def digest(salt: bytes, values: Sequence[Any]) -> bytes:
    """The commitment to an activity: SHA-256 over the salt and the canonical JSON of its values."""
    return hashlib.sha256(salt + msgspec.json.encode(values, order="sorted")).digest()


async def append(tx: Tx, actor: Actor, *entries: Entry) -> list[UUID]:
    """Append entries to the log, in order, under the transaction's operation. Answers their ids.

    The activities follow from `tx.caused_by` where it is set (Spec A7, A8).
    """
    rows = [_row(tx, actor, entry) for entry in entries]
    if rows:
        await tx.execute(
            """INSERT INTO activities (org_id, id, kind, actor_type, actor_id, actor_name, via, lead_id, lead_version, subject_type,
                      subject_id, changes, payload, reason, operation, operation_id, caused_by, depth, occurred_at, salt, digest)
               SELECT $1, e.id, e.kind, $2, $3, $4, $5, e.lead_id, e.lead_version, e.subject_type, e.subject_id, e.changes, e.payload,
                      e.reason, $6, $7, $8, $9, $10, e.salt, e.digest
                 FROM unnest($11::uuid[], $12::text[], $13::uuid[], $14::bigint[], $15::text[], $16::uuid[], $17::jsonb[], $18::jsonb[],
                             $19::text[], $20::bytea[], $21::bytea[])
                   AS e (id, kind, lead_id, lead_version, subject_type, subject_id, changes, payload, reason, salt, digest)""",
            tx.org_id, actor.type, actor.id, actor.name, actor.via, tx.operation, tx.operation_id, tx.caused_by, tx.depth, tx.now,
            *columns(rows, 11),
        )  # fmt: skip
    return [row[0] for row in rows]


def _row(tx: Tx, actor: Actor, entry: Entry) -> tuple[Any, ...]:
    id, salt = new_id(), secrets.token_bytes(16)
    values = [
        tx.org_id, id, entry.kind, actor.type, actor.id, actor.name, actor.via, entry.lead_id, entry.lead_version, entry.subject_type,
        entry.subject_id, entry.changes, entry.payload, entry.reason, tx.operation, tx.operation_id, tx.caused_by, tx.now,
    ]  # fmt: skip
    return (
        id, entry.kind, entry.lead_id, entry.lead_version, entry.subject_type, entry.subject_id, entry.changes, entry.payload,
        entry.reason, salt, digest(salt, values),
    )  # fmt: skip
