"""The only INSERT into the log."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import UTC
from typing import Any
from uuid import UUID

import msgspec

from baton.kernel.actor import Actor
from baton.kernel.db import Tx, columns
from baton.kernel.values import new_id

Changes = dict[str, list[Any]]


class Entry(msgspec.Struct, kw_only=True):
    """What a verb tells the log: the kind, the record, the changes {field: [old, new]} and the reason.

    `operation_id` is said where it is not the transaction's: of calls that were gathered into one transaction.
    """

    kind: str
    subject_type: str
    subject_id: UUID
    lead_id: UUID | None = None
    lead_version: int | None = None
    changes: Changes = {}
    payload: dict[str, Any] = {}
    reason: str | None = None
    operation_id: UUID | None = None


def digest(salt: bytes, values: Sequence[Any]) -> bytes:
    """The commitment to an activity: SHA-256 over the salt and the canonical JSON of its values."""
    return hashlib.sha256(salt + msgspec.json.encode(values, order="sorted")).digest()


async def append(tx: Tx, actor: Actor, *entries: Entry) -> list[UUID]:
    """Append entries to the log, in order, under the transaction's operation. Answers their ids.

    The activities follow from `tx.caused_by` where it is set (Spec A7, A8).
    """
    rows = _rows(tx, actor, entries)
    if rows:
        await tx.execute(
            """INSERT INTO activities (org_id, id, kind, actor_type, actor_id, actor_name, via, lead_id, lead_version, subject_type,
                      subject_id, changes, payload, reason, operation, operation_id, caused_by, depth, occurred_at, salt, digest)
               SELECT $1, e.id, e.kind, $2, $3, $4, $5, e.lead_id, e.lead_version, e.subject_type, e.subject_id, e.changes::jsonb,
                      e.payload::jsonb, e.reason, $6, e.operation_id, $7, $8, $9, e.salt, e.digest
                 FROM unnest($10::uuid[], $11::text[], $12::uuid[], $13::bigint[], $14::text[], $15::uuid[], $16::text[], $17::text[],
                             $18::text[], $19::uuid[], $20::bytea[], $21::bytea[])
                   AS e (id, kind, lead_id, lead_version, subject_type, subject_id, changes, payload, reason, operation_id, salt,
                         digest)""",
            tx.org_id, actor.type, actor.id, actor.name, actor.via, tx.operation, tx.caused_by, tx.depth, tx.now,
            *columns(rows, 12),
        )  # fmt: skip
    return [row[0] for row in rows]


def _rows(tx: Tx, actor: Actor, entries: Sequence[Entry]) -> list[tuple[Any, ...]]:
    salts, moment = secrets.token_bytes(16 * len(entries)), tx.now.astimezone(UTC)
    approved = {"approvedBy": tx.consent.by} if tx.consent else {}
    rows = []
    for place, e in enumerate(entries):
        id, salt, operation_id = new_id(), salts[16 * place : 16 * place + 16], e.operation_id or tx.operation_id
        changes, payload = _written(e.changes), _written(e.payload | approved if approved else e.payload)
        values = [
            tx.org_id, id, e.kind, actor.type, actor.id, actor.name, actor.via, e.lead_id, e.lead_version, e.subject_type,
            e.subject_id, msgspec.Raw(changes), msgspec.Raw(payload), e.reason, tx.operation, operation_id, tx.caused_by, moment,
        ]  # fmt: skip
        rows.append(
            (id, e.kind, e.lead_id, e.lead_version, e.subject_type, e.subject_id, changes.decode(), payload.decode(), e.reason,
             operation_id, salt, digest(salt, values))
        )  # fmt: skip
    return rows


def _written(value: Any) -> bytes:
    """Canonical JSON, once for the row and for its digest."""
    return msgspec.json.encode(value, order="sorted") if value else b"{}"
