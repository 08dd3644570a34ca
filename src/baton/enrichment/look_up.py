"""Doing what is due: asking the provider, filling in what it found, trying again where it did not answer. Spec C8."""

import asyncio
import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog

from baton.enrichment import apify, http_provider, website
from baton.enrichment.found import Failed, Found
from baton.enrichment.http_provider import HttpConfig
from baton.enrichment.providers import place
from baton.enrichment.search import AddFound
from baton.kernel.actor import Actor
from baton.kernel.db import Database, Row, Tx
from baton.kernel.errors import BatonError
from baton.kernel.fairness import fair
from baton.kernel.perform import perform
from baton.kernel.values import utc_now
from baton.leads import lead as leads
from baton.leads.fill import Filled, FillLead

log = structlog.get_logger()
LEASE = timedelta(minutes=3)
LOOK_AGAIN = timedelta(seconds=5)
ATTEMPTS = 6
PATIENCE = timedelta(hours=6)  # for a provider that is still at work
CLAIM = 8
_random = random.SystemRandom()


async def due(db: Database, now: datetime, per_organization: int) -> list[tuple[UUID, UUID]]:
    """Providers with runs that are due, by organization, whoever waits longest first, at most so many of an organization."""
    return await fair(
        db,
        """SELECT p.org_id, p.id, w.next_at FROM enrichment_providers p CROSS JOIN LATERAL (
                  SELECT next_at FROM enrichment_runs
                   WHERE org_id = p.org_id AND provider_id = p.id AND status = 'waiting' AND next_at <= $1 ORDER BY next_at LIMIT 1) w
            WHERE p.status = 'active'""",
        now, per_organization=per_organization,
    )  # fmt: skip


async def walk(db: Database, org_id: UUID, provider_id: UUID, now: datetime | None = None) -> int:
    """Do a few of a provider's due runs, side by side; answers how many."""
    moment = now or utc_now()
    async with db.transaction(org_id) as conn:
        tx = Tx(conn, org_id, moment, "crm.enrichment.lookUp", installation=db.installation)
        provider = await tx.fetchrow(
            "SELECT id, kind, name, config, secret FROM enrichment_providers WHERE org_id = $1 AND id = $2 AND status = 'active'",
            org_id, provider_id,
        )  # fmt: skip
        claimed = await _claim(tx, provider_id) if provider is not None else []
    if provider is None or not claimed:
        return 0
    await asyncio.gather(*(_one(db, org_id, provider, run, now) for run in claimed))
    return len(claimed)


async def _claim(tx: Tx, provider_id: UUID) -> list[Row]:
    return await tx.fetch(
        """UPDATE enrichment_runs SET attempts = attempts + 1, next_at = $3::timestamptz + $4::interval
            WHERE org_id = $1 AND id IN (
                  SELECT id FROM enrichment_runs
                   WHERE org_id = $1 AND provider_id = $2 AND status = 'waiting' AND next_at <= $3
                   ORDER BY next_at LIMIT $5 FOR UPDATE SKIP LOCKED)
        RETURNING id, lead_id, cause, input, attempts, external_id, requested_by, operation_id, created_at""",
        tx.org_id, provider_id, tx.now, LEASE, CLAIM,
    )  # fmt: skip


async def _one(db: Database, org_id: UUID, provider: Row, run: Row, now: datetime | None) -> None:
    try:
        found = await _ask(db, org_id, provider, run)
        if found.pending:
            await _look_again(db, org_id, run, found, now)
        elif run["cause"] == "search":
            await _add(db, provider, run, found, now)
        else:
            await _fill(db, provider, run, found, now)
    except Failed as error:
        await _try_again(db, org_id, run, error, now)
    except BatonError as error:
        await _try_again(db, org_id, run, Failed(error.message, final=error.status < 500), now)
    except Exception:
        log.exception("looking a lead up stumbled", org_id=str(org_id), run_id=str(run["id"]))
        await _try_again(db, org_id, run, Failed("Something went wrong on our side. It is written down."), now)


async def _ask(db: Database, org_id: UUID, provider: Row, run: Row) -> Found:
    outbound = db.installation.outbound
    values = await _said(db, org_id, run)
    secret = (
        db.installation.vault.open(provider["secret"], place(org_id, provider["id"])) if provider["secret"] else None
    )
    if provider["kind"] == "website":
        url = website.address_of(values.get("website"), values.get("email"))
        return await website.read(outbound, url) if url else Found()
    if provider["kind"] == "http":
        return await http_provider.ask(outbound, msgspec.convert(provider["config"], HttpConfig), secret, values)
    config = msgspec.convert(provider["config"], apify.ApifyConfig)
    return await apify.ask(outbound, config, secret, values, run["external_id"])


async def _said(db: Database, org_id: UUID, run: Row) -> dict[str, Any]:
    """What stands for {field} in a provider's configuration: the lead's facts, or the words of a search."""
    if run["lead_id"] is None:
        return dict(run["input"]["query"])
    async with db.transaction(org_id, read_only=True) as conn:
        lead = await leads.get(Tx(conn, org_id, utc_now(), "crm.enrichment.lookUp"), run["lead_id"])
    facts = leads.facts(lead)
    site = website.address_of(lead.website, lead.email) or ""
    domain = site.partition("://")[2].partition("/")[0].partition(":")[0].removeprefix("www.")
    return {name: value for name, value in facts.items() if isinstance(value, (str, int))} | {"domain": domain or None}


def _asker(run: Row) -> Actor:
    """Who asked, as they were then. What follows belongs to what their token allowed, though its scopes do not name it."""
    return msgspec.structs.replace(msgspec.convert(run["requested_by"], Actor), scopes=())


async def _fill(db: Database, provider: Row, run: Row, found: Found, now: datetime | None) -> None:
    actor = _asker(run)
    input = FillLead(
        lead_id=run["lead_id"],
        run_id=run["id"],
        provider=provider["name"],
        url=found.url,
        values=found.values,
        sources=found.sources,
    )
    filled = Filled(filled={}, kept={})
    if found.values:
        filled = await perform(
            db,
            actor,
            "crm.leads.fill",
            input,
            now=now,
            operation_id=run["operation_id"],
            idempotency_key=f"enrichment {run['id']}",
        )
    told = {
        name: {"value": value, "source": found.sources.get(name, found.url)} for name, value in filled.filled.items()
    }
    await _finish(db, actor.org_id, run, "done" if told else "nothing", found, now, told=told, kept=filled.kept)


async def _add(db: Database, provider: Row, run: Row, found: Found, now: datetime | None) -> None:
    actor, asked = _asker(run), run["input"]
    mapping = provider["config"].get("mapping") or None
    input = AddFound(
        items=found.items[:5_000],
        pipeline_id=asked["pipelineId"],
        mapping=mapping,
        tags=asked["tags"],
        search=provider["name"],
    )
    added = await perform(
        db,
        actor,
        "crm.leads.addFound",
        input,
        now=now,
        operation_id=run["operation_id"],
        idempotency_key=f"search {run['id']}",
    )
    told = {"items": len(found.items), "made": added.made, "known": added.known, "refused": added.refused}
    await _finish(db, actor.org_id, run, "done" if added.made else "nothing", found, now, told=told, made=added.made)


async def _finish(
    db: Database, org_id: UUID, run: Row, status: str, found: Found, now: datetime | None, *, told: dict[str, Any],
    kept: dict[str, str] | None = None, made: int = 0,
) -> None:  # fmt: skip
    async with db.transaction(org_id) as conn:
        await conn.execute(
            """UPDATE enrichment_runs SET status = $3, found = $4, kept = $5, made = $6, cost = $7::float8::numeric, error = NULL,
                      finished_at = $8 WHERE org_id = $1 AND id = $2""",
            org_id, run["id"], status, told, kept or {}, made, found.cost, now or utc_now(),
        )  # fmt: skip


async def _look_again(db: Database, org_id: UUID, run: Row, found: Found, now: datetime | None) -> None:
    """A provider that is still at work is looked at again soon, for some hours; looking is no attempt."""
    moment = now or utc_now()
    if moment - run["created_at"] > PATIENCE:
        raise Failed(f"The provider was not done within {PATIENCE.total_seconds() / 3600:g} hours.", final=True)
    async with db.transaction(org_id) as conn:
        await conn.execute(
            """UPDATE enrichment_runs SET external_id = $3, next_at = $4, attempts = greatest(attempts - 1, 0)
                WHERE org_id = $1 AND id = $2""",
            org_id, run["id"], found.external_id, moment + LOOK_AGAIN,
        )  # fmt: skip


async def _try_again(db: Database, org_id: UUID, run: Row, error: Failed, now: datetime | None) -> None:
    moment = now or utc_now()
    wait = timedelta(seconds=max(30 * 3 ** (run["attempts"] - 1) * _random.uniform(0.8, 1.2), error.after))
    failed = error.final or run["attempts"] >= ATTEMPTS
    async with db.transaction(org_id) as conn:
        await conn.execute(
            """UPDATE enrichment_runs SET status = $3, error = $4, next_at = $5, finished_at = $6 WHERE org_id = $1 AND id = $2""",
            org_id, run["id"], "failed" if failed else "waiting", str(error)[:500], moment + wait, moment if failed else None,
        )  # fmt: skip
