"""The log as evidence: written out with its seals, and verified from that file alone, without a database. Spec A7."""

from collections import deque
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from baton.activities.append import digest
from baton.activities.seal import FIRST, root, seal_hash
from baton.kernel.db import Database

_VALUES = """org_id, id, kind, actor_type, actor_id, actor_name, via, lead_id, lead_version, subject_type, subject_id, changes, payload,
    reason, operation, operation_id, caused_by, occurred_at"""


class Entry(msgspec.Struct, kw_only=True, tag="activity", forbid_unknown_fields=True):
    """An activity as it was written out: its values in the order of their digest, its salt (none once it was erased)."""

    values: list[Any]
    salt: bytes
    digest: bytes


class Seal(msgspec.Struct, kw_only=True, tag="seal", forbid_unknown_fields=True):
    """A seal as it was written out; it comes before what it covers."""

    org_id: UUID
    number: int
    activity_ids: list[UUID]
    root: bytes
    previous: bytes
    hash: bytes
    key: bytes
    signature: bytes
    sealed_at: datetime


class Verdict(msgspec.Struct, kw_only=True):
    """What a file proves: how much of it is sealed, how much was erased, how much is too new to be sealed, and what is wrong."""

    seals: int = 0
    activities: int = 0
    erased: int = 0
    unsealed: int = 0
    head: str = ""
    key: str = ""
    faults: list[str] = []


async def export(db: Database, org_id: UUID) -> AsyncIterator[bytes]:
    """An organization's log as lines of JSON: each seal and what it covers, in order, and at the end what none covers yet."""
    async with db.transaction(org_id, read_only=True) as conn:
        await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        covered: set[UUID] = set()
        number = 0
        while seal := await conn.fetchrow(
            "SELECT * FROM log_seals WHERE org_id = $1 AND number > $2 ORDER BY number LIMIT 1", org_id, number
        ):
            number = seal["number"]
            yield _line(Seal(**dict(seal)))
            covered.update(seal["activity_ids"])
            rows = await conn.fetch(
                f"""SELECT {_VALUES}, salt, digest FROM activities WHERE org_id = $1 AND id = ANY ($2)""",
                org_id, seal["activity_ids"],
            )  # fmt: skip
            by_id = {row["id"]: row for row in rows}
            for id in seal["activity_ids"]:
                if id in by_id:
                    yield _line(_entry(by_id[id]))
        at = UUID(int=0)
        while rows := await conn.fetch(
            f"SELECT {_VALUES}, salt, digest FROM activities WHERE org_id = $1 AND id > $2 ORDER BY id LIMIT 5000",
            org_id,
            at,
        ):
            at = rows[-1]["id"]
            for row in rows:
                if row["id"] not in covered:
                    yield _line(_entry(row))


def _entry(row: Any) -> Entry:
    return Entry(values=[row[name.strip()] for name in _VALUES.split(",")], salt=row["salt"], digest=row["digest"])


def _line(record: Entry | Seal) -> bytes:
    return msgspec.json.encode(record) + b"\n"


def verify(lines: Iterable[bytes], *, key: str | None = None, head: str | None = None) -> Verdict:
    """Check a log that was written out: every value against its digest, every digest against its seal, every seal against the one
    before it and its signature. `key` is the public key that is trusted, `head` the hash of the newest seal that was seen elsewhere.
    """
    found = Verdict(faults=[])
    previous, hashes = FIRST, set[str]()
    waiting: deque[UUID] = deque()
    digests: list[bytes] = []
    expected = b""
    seen: set[UUID] = set()

    def close() -> None:
        if waiting:
            found.faults.append(
                f"Seal {found.seals}: {len(waiting)} of its activities are missing, the first {waiting[0]}."
            )
        elif found.seals and root(digests) != expected:
            found.faults.append(f"Seal {found.seals}: its activities are not those that were sealed.")

    for number, line in enumerate(lines, start=1):
        try:
            record = msgspec.json.decode(line, type=Entry | Seal)
        except msgspec.MsgspecError as error:
            found.faults.append(f"Line {number} cannot be read: {error}.")
            continue
        if isinstance(record, Seal):
            close()
            found.faults += _wrong(record, found.seals + 1, previous, key)
            found.seals, previous, expected = record.number, record.hash, record.root
            waiting, digests = deque(record.activity_ids), []
            hashes.add(record.hash.hex())
            found.head, found.key = record.hash.hex(), record.key.hex()
            continue
        id = UUID(str(record.values[1]))
        found.faults += [f"Line {number}: activity {id} is there twice."] if id in seen else []
        found.faults += _untrue(record, number)
        seen.add(id)
        found.erased += not record.salt
        if waiting and waiting[0] == id:
            waiting.popleft()
            digests.append(record.digest)
            found.activities += 1
        elif waiting:
            found.faults.append(f"Line {number}: activity {id} is not the next of seal {found.seals}.")
        else:
            found.unsealed += 1
    close()
    if head is not None and head.lower() not in hashes:
        found.faults.append(
            "The seal that was seen elsewhere is not in this log: something was cut off, or all of it rewritten."
        )
    return found


def _untrue(record: Entry, line: int) -> list[str]:
    if record.salt and digest(record.salt, record.values) != record.digest:
        return [f"Line {line}: activity {record.values[1]} does not say what it said when it was written."]
    return []


def _wrong(seal: Seal, number: int, previous: bytes, key: str | None) -> list[str]:
    faults = []
    if seal.number != number or seal.previous != previous:
        faults.append(f"Seal {seal.number} does not follow the one before it.")
    if key is not None and seal.key.hex() != key.lower():
        faults.append(f"Seal {seal.number} was made with another key.")
    hashed = seal_hash(seal.org_id, seal.number, seal.previous, seal.root, seal.activity_ids, seal.key, seal.sealed_at)
    try:
        if hashed != seal.hash:
            raise InvalidSignature
        Ed25519PublicKey.from_public_bytes(seal.key).verify(seal.signature, hashed)
    except (InvalidSignature, ValueError):
        faults.append(f"Seal {seal.number} is not signed as it stands.")
    return faults
