"""Sealing the log: new activities of each organization, in the order of commits, in a chain of signed checkpoints. Spec A7.

A seal covers the digests of its activities and the seal before it. Its key is made of the installation's secret, which is not
in the database: who rewrites the log there can make no seal for it.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from baton.activities.stream import ZERO, cluster
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Database, Row, Tx
from baton.kernel.operation import Input, Output, operation
from baton.kernel.security import derived
from baton.kernel.shapes import PageSize
from baton.kernel.values import utc_now

BATCH = 20_000
FIRST = bytes(32)
"""What stands where the first seal has none before it."""
_CURSOR = "seals"


class ListSeals(Input, kw_only=True):
    """The newest seals, 1–200."""

    limit: PageSize = 20


class SealTold(Output, kw_only=True):
    """A seal: how many activities it covers, its hash (SHA-256) and the public key (Ed25519) that signed it, as hexadecimal."""

    number: int
    activities: int
    hash: str
    key: str
    sealed_at: datetime


@operation("crm.log.seals", kind="query", role=Role.ADMIN, summary="List the seals of the log")
async def seals(tx: Tx, actor: Actor, input: ListSeals) -> list[SealTold]:
    """The newest seals first. Keep the newest's hash and key elsewhere: with them nothing can be cut off unseen. Raises Invalid."""
    rows = await tx.fetch(
        f"""SELECT number, cardinality(activity_ids) AS activities, hash, key, sealed_at FROM log_seals
             WHERE org_id = $1 ORDER BY number DESC LIMIT {input.limit}""",
        tx.org_id,
    )
    return [SealTold(**dict(row) | {"hash": row["hash"].hex(), "key": row["key"].hex()}) for row in rows]


def root(digests: Sequence[bytes]) -> bytes:
    """What stands for a sequence of digests: SHA-256 over them, one after the other."""
    return hashlib.sha256(b"".join(digests)).digest()


def seal_hash(
    org_id: UUID, number: int, previous: bytes, root: bytes, ids: Sequence[UUID], key: bytes, at: datetime
) -> bytes:
    """The hash of a seal: SHA-256 over the JSON of all that it says."""
    said = [org_id, number, previous.hex(), root.hex(), list(ids), key.hex(), at.isoformat()]
    return hashlib.sha256(msgspec.json.encode(said)).digest()


def signing_key(secret: str) -> Ed25519PrivateKey:
    """The key that an installation's secret makes."""
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(derived(secret, "seal"))[:32])


async def step(db: Database, *, now: datetime | None = None) -> int:
    """Seal what was committed since the last step, of all organizations; answers how many activities were read.

    One sealer works at a time. Cut off in the middle, the next goes on: what a seal covers already is not sealed again.
    """
    if not db.installation.vault.secret:
        return 0
    async with db.relay.acquire() as conn, conn.transaction():
        if not await conn.fetchval("SELECT pg_try_advisory_xact_lock(hashtextextended('log seals', 0))"):
            return 0
        here = await cluster(conn)
        await conn.execute(
            "INSERT INTO log_cursors (name, cluster, txid, id) VALUES ($1, $2, '0', $3) ON CONFLICT DO NOTHING",
            _CURSOR, here, ZERO,
        )  # fmt: skip
        at = await conn.fetchrow("SELECT cluster, txid::text AS txid, id FROM log_cursors WHERE name = $1", _CURSOR)
        # In another cluster transactions count anew: all is read again, and what is sealed already is passed over.
        begin = (at["txid"], at["id"]) if at["cluster"] == here else ("0", ZERO)
        horizon = await conn.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
        rows = await conn.fetch(
            """SELECT a.txid::text AS txid, a.org_id, a.id, a.digest, a.recorded_at FROM activities a
                WHERE (a.txid, a.id) > ($1::text::xid8, $2) AND a.txid < $4::text::xid8
                ORDER BY a.txid, a.id LIMIT $3""",
            *begin, BATCH, horizon,
        )  # fmt: skip
        of: dict[UUID, list[Row]] = {}
        for row in rows:
            of.setdefault(row["org_id"], []).append(row)
        for org_id, mine in of.items():
            await _seal(db, org_id, mine, now or utc_now())
        if rows:
            await conn.execute(
                "UPDATE log_cursors SET cluster = $2, txid = $3::text::xid8, id = $4, moved_at = now() WHERE name = $1",
                _CURSOR, here, rows[-1]["txid"], rows[-1]["id"],
            )  # fmt: skip
    return len(rows)


async def _seal(db: Database, org_id: UUID, rows: list[Row], now: datetime) -> None:
    key = signing_key(db.installation.vault.secret)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    async with db.transaction(org_id) as conn:
        await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 3))", f"{org_id}/seals")
        covered = await conn.fetch(
            """SELECT s.id FROM log_seals l CROSS JOIN LATERAL unnest(l.activity_ids) AS s (id)
                WHERE l.org_id = $1 AND l.sealed_at >= $2 AND s.id = ANY ($3)""",
            org_id, min(row["recorded_at"] for row in rows), [row["id"] for row in rows],
        )  # fmt: skip
        known = {row["id"] for row in covered}
        fresh = [row for row in rows if row["id"] not in known]
        if not fresh:
            return
        last = await conn.fetchrow(
            "SELECT number, hash, sealed_at FROM log_seals WHERE org_id = $1 ORDER BY number DESC LIMIT 1", org_id
        )
        number, previous = (last["number"] + 1, last["hash"]) if last else (1, FIRST)
        at = max(now, *(row["recorded_at"] for row in fresh), *([last["sealed_at"]] if last else []))
        ids = [row["id"] for row in fresh]
        summed = root([row["digest"] for row in fresh])
        hashed = seal_hash(org_id, number, previous, summed, ids, public, at)
        values: list[Any] = [org_id, number, ids, summed, previous, hashed, public, key.sign(hashed), at]
        await conn.execute(
            """INSERT INTO log_seals (org_id, number, activity_ids, root, previous, hash, key, signature, sealed_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
            *values,
        )
