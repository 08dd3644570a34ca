"""Exact counts and sums per stage: deltas appended by every change of a lead, folded now and then.

No row is hot and no lock is ordered: writers only append; the folder takes what it finds; the truth is totals plus
deltas. Deleted leads do not count.
"""

from collections.abc import Iterable
from typing import Protocol
from uuid import UUID

from baton.kernel.db import Tx, columns
from baton.kernel.operation import Output


class Counted(Protocol):
    """What of a lead is counted."""

    @property
    def stage_id(self) -> UUID: ...
    @property
    def currency(self) -> str: ...
    @property
    def value_cents(self) -> int | None: ...
    @property
    def score(self) -> int | None: ...
    @property
    def deleted_at(self) -> object | None: ...


class Total(Output, kw_only=True):
    """Leads of a stage in one currency: how many, their value in minor units, how many have a score, and its sum."""

    stage_id: UUID
    currency: str
    leads: int
    value_cents: int
    scored: int
    score_sum: int


_Key = tuple[UUID, str]


def deltas(pairs: Iterable[tuple[Counted | None, Counted | None]]) -> dict[_Key, list[int]]:
    """What changes of leads (before, after) add to each stage and currency: [leads, value, scored, score sum]."""
    sums: dict[_Key, list[int]] = {}
    for before, after in pairs:
        for lead, sign in ((before, -1), (after, 1)):
            if lead is None or lead.deleted_at is not None:
                continue
            total = sums.setdefault((lead.stage_id, lead.currency), [0, 0, 0, 0])
            parts = (1, lead.value_cents or 0, int(lead.score is not None), lead.score or 0)
            for index, part in enumerate(parts):
                total[index] += sign * part
    return {key: total for key, total in sums.items() if any(total)}


async def record(tx: Tx, pairs: Iterable[tuple[Counted | None, Counted | None]]) -> None:
    """Append the deltas of changes of leads."""
    rows = [(*key, *total) for key, total in deltas(pairs).items()]
    if rows:
        await tx.execute(
            """INSERT INTO stage_deltas (org_id, stage_id, currency, leads, value_cents, scored, score_sum)
               SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])""",
            tx.org_id, *columns(rows, 6),
        )  # fmt: skip


async def read(tx: Tx, stage_ids: list[UUID] | None = None) -> list[Total]:
    """The exact totals of the organization, or of some stages."""
    rows = await tx.fetch(
        """SELECT stage_id, currency, sum(leads)::bigint AS leads, sum(value_cents)::bigint AS value_cents,
                  sum(scored)::bigint AS scored, sum(score_sum)::bigint AS score_sum
             FROM (SELECT stage_id, currency, leads, value_cents, scored, score_sum FROM stage_totals WHERE org_id = $1
                   UNION ALL
                   SELECT stage_id, currency, leads, value_cents, scored, score_sum FROM stage_deltas WHERE org_id = $1) t
            WHERE $2::uuid[] IS NULL OR stage_id = ANY ($2)
            GROUP BY stage_id, currency HAVING sum(leads) <> 0""",
        tx.org_id, stage_ids,
    )  # fmt: skip
    return [Total(**dict(row)) for row in rows]


async def settle(tx: Tx) -> int:
    """Fold the deltas into the totals; answers how many were folded. One folder an organization works at a time."""
    if not await tx.fetchval(
        "SELECT pg_try_advisory_xact_lock(hashtextextended('settle ' || $1::text, 0))", str(tx.org_id)
    ):
        return 0
    rows = await tx.fetch(
        "DELETE FROM stage_deltas WHERE org_id = $1 RETURNING stage_id, currency, leads, value_cents, scored, score_sum",
        tx.org_id,
    )
    sums: dict[_Key, list[int]] = {}
    for row in rows:
        total = sums.setdefault((row["stage_id"], row["currency"]), [0, 0, 0, 0])
        for index, name in enumerate(("leads", "value_cents", "scored", "score_sum")):
            total[index] += row[name]
    if sums:
        await tx.execute(
            """INSERT INTO stage_totals AS t (org_id, stage_id, currency, leads, value_cents, scored, score_sum)
               SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
               ON CONFLICT (org_id, stage_id, currency) DO UPDATE
                  SET leads = t.leads + excluded.leads, value_cents = t.value_cents + excluded.value_cents,
                      scored = t.scored + excluded.scored, score_sum = t.score_sum + excluded.score_sum""",
            tx.org_id, *columns([(*key, *total) for key, total in sums.items()], 6),
        )  # fmt: skip
    return len(rows)
