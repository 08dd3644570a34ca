"""`perform`, the only way to do what the registry names: one transaction, under every check, once for a key."""

import asyncio
import functools
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import structlog

from baton.kernel import group
from baton.kernel.actor import Actor
from baton.kernel.db import Consent, Database, Tx
from baton.kernel.decode import canonical, decode
from baton.kernel.errors import BatonError, Conflict, Invalid, Unprocessable
from baton.kernel.lent import LOST
from baton.kernel.operation import ALONE, Operation, as_written, check_role, checks, find, guards
from baton.kernel.sqlstate import translated
from baton.kernel.values import new_id, utc_now

log = structlog.get_logger()
MAX_DEPTH = 16


@dataclass(frozen=True, slots=True)
class Cause:
    """The activity that something follows from; `depth` counts the steps since a person or the outside began it."""

    activity_id: UUID
    depth: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """An operation that was not done, and how it had been asked for."""

    actor: Actor
    op: Operation
    key: str | None
    now: datetime | None
    cause: Cause | None
    consent: Consent | None


Hear = Callable[[Database, Refusal, BatonError], Awaitable[BatonError | None]]
hearers: list[Hear] = []
"""Who hears that an operation was refused, after its transaction is gone; one may answer another error in its place."""


async def perform(
    db: Database,
    actor: Actor,
    name: str,
    input: bytes | dict[str, Any] | msgspec.Struct | None = None,
    *,
    idempotency_key: str | None = None,
    now: datetime | None = None,
    cause: Cause | None = None,
    operation_id: UUID | None = None,
    lenient: bool = False,
    ignore_unknown: bool = False,
    consent: Consent | None = None,
    written: bool = False,
) -> Any:
    """Perform an operation in one transaction and answer its output.

    `lenient` reads numbers and booleans from text (forms, query strings); `ignore_unknown` drops unknown top-level
    fields (the doors of documents B and C). With `idempotency_key` a repetition answers the first result again.
    `consent` is the approval under which it is done. `written` takes parts of the answer as JSON, to be passed on as they are.
    Raises Forbidden, Invalid, NotFound, Conflict, Unprocessable, NeedsApproval and what the verb raises; then nothing is
    changed.
    """
    op = as_written(find(name)) if written else find(name)
    try:
        return await _perform(
            db, actor, op, input, idempotency_key, now, cause, operation_id, lenient, ignore_unknown, consent
        )
    except BatonError as error:
        told = error
        refusal = Refusal(actor, op, idempotency_key, now, cause, consent)
        for hear in hearers:
            told = await hear(db, refusal, told) or told
        if told is error:
            raise
        raise told from error


async def _perform(
    db: Database, actor: Actor, op: Operation, input: Any, idempotency_key: str | None, now: datetime | None, cause: Cause | None,
    operation_id: UUID | None, lenient: bool, ignore_unknown: bool, consent: Consent | None,
) -> Any:  # fmt: skip
    check_role(op, actor)
    decoded = decode(op, input, lenient=lenient, ignore_unknown=ignore_unknown)
    body = canonical(decoded)
    if op.grouped is not None and actor.type != "agent" and not (idempotency_key or now or cause or operation_id):
        return await group.join(db, actor, op.name, decoded, functools.partial(_together, db, op))
    return await _alone(db, actor, op, decoded, body, idempotency_key, now, cause, operation_id or new_id(), consent)


async def _together(db: Database, op: Operation, calls: list[group.Call]) -> None:
    """Do a group of calls in one transaction and answer each. What fails as a whole is halved, so that one fails alone."""
    assert op.grouped is not None
    org_id = calls[0].actor.org_id
    tx = Tx(None, org_id, utc_now(), op.name, installation=db.installation)
    try:
        async with db.transaction(org_id) as tx.conn:
            for call in calls:
                for guard in guards:
                    await guard(tx, call.actor, op, call.input)
            answers = await op.grouped(tx, calls)
    except (BatonError, asyncpg.PostgresError):
        if len(calls) == 1:
            await _singly(db, op, calls)
            return
        for half in (calls[: len(calls) // 2], calls[len(calls) // 2 :]):
            await group.answering(half, functools.partial(_together, db, op))
        return
    db.committed()
    for call, answer in zip(calls, answers, strict=True):
        if answer is ALONE:
            group.beside(group.answering([call], functools.partial(_singly, db, op)))
        else:
            call.answered(answer)


async def _singly(db: Database, op: Operation, calls: list[group.Call]) -> None:
    """Do one call in a transaction of its own and answer it."""
    (call,) = calls
    call.answered(await _alone(db, call.actor, op, call.input, b"", None, None, None, call.operation_id))


async def _alone(
    db: Database,
    actor: Actor,
    op: Operation,
    decoded: Any,
    body: bytes,
    key: str | None,
    now: datetime | None,
    cause: Cause | None,
    operation_id: UUID,
    consent: Consent | None = None,
) -> Any:
    for attempt in range(4):
        tx = Tx(
            None, actor.org_id, now or utc_now(), op.name, operation_id, installation=db.installation, consent=consent
        )
        if cause is not None:
            tx.caused_by, tx.depth = cause.activity_id, cause.depth + 1
            if tx.depth > MAX_DEPTH:
                raise Conflict(
                    f"Stopped: {MAX_DEPTH} steps followed from one another. Look for rules that trigger each other."
                )
        try:
            async with db.transaction(
                actor.org_id, read_only=op.kind == "query", passed_on=True, primary=attempt > 0
            ) as tx.conn:
                result = await _run(tx, actor, op, decoded, body, key)
        except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError):
            if attempt == 3:
                raise Conflict("Others are changing the same records. Try again.") from None
            await asyncio.sleep(0.01 * 2**attempt)
            continue
        except (asyncpg.PostgresError, *LOST) as error:
            if isinstance(error, LOST) and op.kind == "query" and db.replica and not attempt:
                continue  # what the replica cannot tell any more the primary can
            known = translated(error) if isinstance(error, asyncpg.PostgresError) else None
            if known is None:
                raise
            log.info("refused by the database", operation=op.name, error=repr(error))
            raise known from error
        if op.kind == "mutation":
            db.committed()
        return result
    raise AssertionError("unreachable")


async def _run(tx: Tx, actor: Actor, op: Operation, decoded: Any, body: bytes, key: str | None) -> Any:
    if key is None or op.kind == "query":
        return await _whole(tx, actor, op, decoded)
    if not 1 <= len(key) <= 255:
        raise Invalid("An Idempotency-Key has 1 to 255 characters.")
    fingerprint = hashlib.sha256(op.name.encode() + b"\0" + body).digest()
    if not await tx.fetchval(
        "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))", f"{tx.org_id}/{actor.key}/{key}"
    ):
        raise Conflict("The first request with this Idempotency-Key is still running. Try again.")
    first = await tx.fetchrow(
        "SELECT operation, fingerprint, response FROM idempotency_keys WHERE org_id = $1 AND actor = $2 AND key = $3",
        tx.org_id, actor.key, key,
    )  # fmt: skip
    if first is not None:
        if first["fingerprint"] != fingerprint:
            raise Unprocessable("This Idempotency-Key was used with another request. Use a new key.")
        if op.secret:
            raise Conflict("This was done already. Its answer was shown once and is not kept; use a new key.")
        return msgspec.json.decode(first["response"], type=op.output)
    result = await _whole(tx, actor, op, decoded)
    await tx.execute(
        """INSERT INTO idempotency_keys (org_id, actor, key, operation, fingerprint, response, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        tx.org_id, actor.key, key, op.name, fingerprint, b"" if op.secret else msgspec.json.encode(result), tx.now,
    )  # fmt: skip
    return result


async def _whole(tx: Tx, actor: Actor, op: Operation, decoded: Any) -> Any:
    result = await _guarded(tx, actor, op, decoded)
    for check in checks:
        await check(tx, actor, op, decoded)
    return result


async def _guarded(tx: Tx, actor: Actor, op: Operation, decoded: Any) -> Any:
    for guard in guards:
        await guard(tx, actor, op, decoded)
    return await op.verb(tx, actor, decoded)


async def within(tx: Tx, actor: Actor, name: str, input: msgspec.Struct) -> Any:
    """Perform another operation as a step of this one, in its transaction and under that operation's own checks.

    Raises what `perform` raises for it.
    """
    op = find(name)
    check_role(op, actor)
    return await _guarded(tx, actor, op, decode(op, input))
