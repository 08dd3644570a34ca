"""People and agents side by side: what each owner's leads became, and how long they stayed in stages. Spec A6."""

from typing import Any
from uuid import UUID

from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.operation import operation
from baton.reports.scope import OverPipeline, scope
from baton.reports.stays import PERCENTILES, seconds, stays
from baton.reports.tally import Tally, tally


class OwnerReport(Tally, kw_only=True):
    """An owner's leads: a person's, an agent's, or nobody's. The time in a stage is of stays that ended, in seconds.

    `undoneShare` is of what the member did to these leads, how much was taken back, of 1. Costs are what the member's models spent on
    these leads, in millionths of the organization's currency.
    """

    owner_id: UUID | None
    owner_name: str | None
    owner_kind: str | None
    median_stage_seconds: int | None
    p90_stage_seconds: int | None
    undone_share: float | None
    cost_micros: int
    cost_per_win_micros: int | None


@operation("crm.reports.people", kind="query", role=Role.VIEWER, summary="Report people and agents side by side")
async def people(tx: Tx, actor: Actor, input: OverPipeline) -> list[OwnerReport]:
    """A pipeline's leads by their owner, who won most first, nobody's last, in seven statements. Raises NotFound, Invalid."""
    over = await scope(tx, input)
    found = await tally(tx, over, "l.owner_id")
    times = await tx.fetch(
        f"WITH {stays(over)} SELECT s.owner_id, {PERCENTILES} FROM stays s GROUP BY s.owner_id", *over.args
    )
    acts = await tx.fetch(
        f"""SELECT a.actor_id, count(DISTINCT a.operation_id) AS acts,
                   count(DISTINCT a.operation_id) FILTER (WHERE u.operation_id IS NOT NULL) AS undone
              FROM {over.rowset} l
              JOIN activities a ON a.org_id = $1 AND a.lead_id = l.id AND a.actor_id IS NOT NULL AND a.occurred_at <= $2::timestamptz
              LEFT JOIN (SELECT DISTINCT payload ->> 'operationId' AS operation_id FROM activities
                          WHERE org_id = $1 AND kind = 'undone' AND occurred_at <= $2::timestamptz) u
                ON u.operation_id = a.operation_id::text
             WHERE {over.tests} GROUP BY 1""",
        *over.args,
    )
    spent = await tx.fetch(
        f"""SELECT r.agent_id, sum(t.micros)::bigint AS micros
              FROM {over.rowset} l JOIN agent_runs r ON r.org_id = $1 AND r.lead_id = l.id
              JOIN agent_turns t ON t.org_id = $1 AND t.run_id = r.id AND t.created_at <= $2::timestamptz
             WHERE {over.tests} GROUP BY 1""",
        *over.args,
    )
    members = await tx.fetch(
        "SELECT id, name, kind FROM members WHERE org_id = $1 AND id = ANY ($2)",
        tx.org_id, [id for id in found if id is not None],
    )  # fmt: skip
    named = {row["id"]: row for row in members}
    stayed = {row["owner_id"]: row for row in times}
    order = sorted(found, key=lambda id: (id is None, -found[id].won, -found[id].leads, str(id)))
    done = {row["actor_id"]: row["undone"] / row["acts"] for row in acts}
    cost = {row["agent_id"]: row["micros"] for row in spent}
    return [_owner(id, found[id], named.get(id), stayed.get(id), done.get(id), cost.get(id, 0)) for id in order]


def _owner(id: UUID | None, found: Tally, member: Any, stay: Any, undone: float | None, cost: int) -> OwnerReport:
    facts: dict[str, Any] = {name: getattr(found, name) for name in Tally.__struct_fields__}
    return OwnerReport(
        owner_id=id, owner_name=member["name"] if member else None, owner_kind=member["kind"] if member else None,
        median_stage_seconds=seconds(stay["median"]) if stay else None, p90_stage_seconds=seconds(stay["p90"]) if stay else None,
        undone_share=round(undone, 4) if undone is not None else None, cost_micros=cost,
        cost_per_win_micros=round(cost / found.won) if found.won else None, **facts,
    )  # fmt: skip
