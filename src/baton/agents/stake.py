"""What is at stake in an act: the lead that it is about, and the largest value that it touches."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from baton.accounts.rates import rates
from baton.kernel.db import Tx
from baton.kernel.values import as_uuid

_LEADS = {"leads": "id", "tasks": "lead_id"}


async def lead_of(tx: Tx, input: Any) -> UUID | None:
    """The lead that an input names, by itself or by a task of it."""
    for name, table in (("lead_id", "leads"), ("task_id", "tasks")):
        ref = getattr(input, name, None)
        if ref:
            id = as_uuid(str(ref))
            column = "id" if id else "external_id"
            found: UUID | None = await tx.fetchval(
                f"SELECT {_LEADS[table]} FROM {table} WHERE org_id = $1 AND {column} = $2", tx.org_id, id or str(ref)
            )
            return found
    return None


async def largest_value(tx: Tx, lead_ids: Sequence[UUID]) -> int | None:
    """The largest value of leads as they are and as they were before this act, in minor units of the organization's currency.

    None where one of them is in a currency without a rate.
    """
    rows = await tx.fetch(
        """SELECT value_cents, currency FROM leads WHERE org_id = $1 AND id = ANY ($2) AND value_cents > 0
           UNION ALL
           SELECT (a.changes -> 'valueCents' ->> 0)::bigint, coalesce(a.changes -> 'currency' ->> 0, l.currency)
             FROM activities a JOIN leads l ON l.org_id = a.org_id AND l.id = a.lead_id
            WHERE a.org_id = $1 AND a.operation_id = $3 AND a.lead_id = ANY ($2) AND a.txid = pg_current_xact_id()
              AND a.changes -> 'valueCents' ->> 0 IS NOT NULL""",
        tx.org_id, list(lead_ids), tx.operation_id,
    )  # fmt: skip
    known = await rates(tx)
    worth = [known.convert(row["value_cents"], row["currency"]) for row in rows]
    return None if None in worth else max((value for value in worth if value is not None), default=0)
