"""After the load: the counters equal a full count, a sample of leads is what its log replays to, and the log's digests hold."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from baton.activities.append import digest
from baton.leads.lead import COLUMNS, Lead, facts, from_row, replayed

SAMPLE = 2_000


class Report(msgspec.Struct, kw_only=True):
    """What was compared, and what did not agree."""

    leads: int
    activities: int
    counters: int
    wrong: list[str]


async def check(dsn: str, *, sample: int = SAMPLE) -> Report:
    """Compare as the database's owner, who sees every organization. An even sample, and the newest leads all the more."""
    owner = await asyncpg.connect(dsn)
    await owner.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=lambda v: msgspec.json.encode(v).decode(), decoder=msgspec.json.decode
    )
    try:
        wrong, counters = await _counters(owner)
        rows = await owner.fetch(
            f"""(SELECT org_id, id FROM leads {await _sampled(owner, sample)} ORDER BY random() LIMIT $1)
                UNION (SELECT org_id, id FROM leads ORDER BY org_id, id DESC LIMIT 200)""",
            sample,
        )
        activities = 0
        for row in rows:
            activities += await _lead(owner, row["org_id"], row["id"], wrong)
        return Report(leads=len(rows), activities=activities, counters=counters, wrong=wrong)
    finally:
        await owner.close()


async def _sampled(owner: Any, sample: int) -> str:
    about = max(await owner.fetchval("SELECT reltuples FROM pg_class WHERE oid = 'leads'::regclass"), 1)
    return f"TABLESAMPLE SYSTEM ({min(100.0, 2_000.0 * sample / about):.4f})"


async def _counters(owner: Any) -> tuple[list[str], int]:
    rows = await owner.fetch(
        """WITH counted AS (
             SELECT org_id, stage_id, currency, count(*) AS leads, coalesce(sum(value_cents), 0) AS value_cents, count(score) AS scored,
                    coalesce(sum(score), 0) AS score_sum FROM leads WHERE deleted_at IS NULL GROUP BY 1, 2, 3),
           kept AS (
             SELECT org_id, stage_id, currency, sum(leads) AS leads, sum(value_cents) AS value_cents, sum(scored) AS scored,
                    sum(score_sum) AS score_sum
               FROM (SELECT org_id, stage_id, currency, leads, value_cents, scored, score_sum FROM stage_totals
                     UNION ALL SELECT org_id, stage_id, currency, leads, value_cents, scored, score_sum FROM stage_deltas) t
              GROUP BY 1, 2, 3)
           SELECT org_id, stage_id, currency,
                  coalesce(c.leads, 0) = coalesce(k.leads, 0) AND coalesce(c.value_cents, 0) = coalesce(k.value_cents, 0)
                  AND coalesce(c.scored, 0) = coalesce(k.scored, 0) AND coalesce(c.score_sum, 0) = coalesce(k.score_sum, 0) AS same
             FROM counted c FULL JOIN kept k USING (org_id, stage_id, currency)""",
        timeout=600,
    )  # fmt: skip
    return [f"counter of stage {row['stage_id']} in {row['currency']}" for row in rows if not row["same"]], len(rows)


async def _lead(owner: Any, org_id: UUID, id: UUID, wrong: list[str]) -> int:
    """Replay one lead's log against its row and recalculate its digests; answers how many activities it has."""
    row = await owner.fetchrow(f"SELECT {COLUMNS} FROM leads l WHERE l.org_id = $1 AND l.id = $2", org_id, id)
    log = await owner.fetch(
        "SELECT * FROM activities WHERE org_id = $1 AND lead_id = $2 ORDER BY lead_version NULLS FIRST, id", org_id, id
    )
    lead = from_row(row)
    told: Lead = replayed(
        [each["changes"] for each in log], version=lead.version, last_activity_at=lead.last_activity_at
    )
    if facts(told) != facts(lead):
        differing = [name for name, value in facts(lead).items() if facts(told).get(name) != value]
        wrong.append(f"lead {id}: its log replays to other values of {', '.join(differing)}")
    if lead.version != max(each["lead_version"] or 0 for each in log):
        wrong.append(f"lead {id}: version {lead.version} is not its log's")
    words = await owner.fetchval(
        """SELECT (SELECT w FROM words_of(l) w WHERE l.deleted_at IS NULL) IS NOT DISTINCT FROM
                  (SELECT w FROM lead_words w WHERE w.org_id = l.org_id AND w.lead_id = l.id)
             FROM leads l WHERE l.org_id = $1 AND l.id = $2""",
        org_id, id,
    )  # fmt: skip
    if not words:
        wrong.append(f"lead {id}: its words are others than its facts'")
    wrong.extend(
        f"activity {each['id']} ({each['kind']}): its digest does not hold" for each in log if not _holds(each)
    )
    return len(log)


def _holds(row: Mapping[str, Any]) -> bool:
    values = [
        row["org_id"], row["id"], row["kind"], row["actor_type"], row["actor_id"], row["actor_name"], row["via"], row["lead_id"],
        row["lead_version"], row["subject_type"], row["subject_id"], row["changes"], row["payload"], row["reason"], row["operation"],
        row["operation_id"], row["caused_by"], row["occurred_at"],
    ]  # fmt: skip
    return digest(row["salt"], values) == bytes(row["digest"])
