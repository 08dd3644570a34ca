"""A run: what an agent decided to do about one activity, step by step, each done once. Spec A6, A12.

The plan is written down before the first step, so that a run which is cut off goes on with what was decided; each
step has the durable key (rule, activity, step), so that going on repeats nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.agents import authority as authority  # policy and limits too
from baton.agents import guard as guard  # the kill switch stands before every act
from baton.agents import playbook
from baton.agents.playbook import PlaybookRule, Step
from baton.fields.lead import compiled as compiled_condition
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx, struct_of
from baton.kernel.errors import NotFound
from baton.kernel.operation import Input, Output, operation
from baton.kernel.shapes import Kind
from baton.kernel.values import Ref, new_id
from baton.leads import lead as leads

ACT = 1_000
"""What a model asked for stands in a receipt behind the step at which it thought, numbered from here on."""


class PlannedStep(Output, kw_only=True):
    """One step of a run and what became of it."""

    rule_id: UUID
    rule: str
    index: int
    step: Step
    outcome: Literal["planned", "done", "waiting", "rejected", "skipped", "failed"] = "planned"
    detail: str | None = None
    approval_id: UUID | None = None


class Run(Output, kw_only=True):
    """A run and its receipt: which rules held, what was done, what waits for a person, what they rejected, what was skipped and why."""

    id: UUID
    agent_id: UUID
    lead_id: UUID | None
    activity_id: UUID
    status: Literal["running", "waiting", "done", "failed"]
    receipt: list[PlannedStep]
    started_at: datetime
    finished_at: datetime | None


class PlanRuns(Input, kw_only=True):
    """Activities of one kind that happened; each may wake agents."""

    kind: Kind
    activity_ids: list[UUID]


class FinishRun(Input, kw_only=True):
    """What became of a run's steps."""

    run_id: UUID
    receipt: list[PlannedStep]


class WaitingRuns(Input, kw_only=True):
    """The approvals that runs may wait for."""

    approval_ids: list[UUID]


class WaitingRun(Output, kw_only=True):
    """A run that waits, and how deep the activity is that woke its agent."""

    run: Run
    depth: int


class ListRuns(Input, kw_only=True):
    """The lead or the agent whose runs to read, newest first, at most 100."""

    lead_id: Ref | None = None
    agent_id: UUID | None = None


_COLUMNS = "id, agent_id, lead_id, activity_id, status, receipt, started_at, finished_at"


def _from_row(row: Any) -> Run:
    return struct_of(row, Run)


@operation("crm.agents.runs", kind="query", role=Role.VIEWER, summary="Read agents' runs")
async def list_runs(tx: Tx, actor: Actor, input: ListRuns) -> list[Run]:
    """Runs with their receipts, newest first. Raises NotFound for a lead of another organization."""
    lead_id = (await leads.get(tx, input.lead_id)).id if input.lead_id else None
    rows = await tx.fetch(
        f"""SELECT {_COLUMNS} FROM agent_runs
             WHERE org_id = $1 AND ($2::uuid IS NULL OR lead_id = $2) AND ($3::uuid IS NULL OR agent_id = $3)
             ORDER BY started_at DESC, id DESC LIMIT 100""",
        tx.org_id, lead_id, input.agent_id,
    )  # fmt: skip
    return [_from_row(row) for row in rows]


@operation("crm.agents.planRuns", role=Role.MEMBER, summary="Wake agents", internal=True)
async def plan_runs(tx: Tx, actor: Actor, input: PlanRuns) -> list[Run]:
    """Decide which agents act on activities, and write their plans down. Answers the runs that are not finished."""
    rules = await playbook.for_trigger(tx, input.kind)
    happened = await tx.fetch(
        """SELECT a.id, a.lead_id, a.actor_id FROM activities a JOIN leads l ON l.org_id = a.org_id AND l.id = a.lead_id
            WHERE a.org_id = $1 AND a.id = ANY ($2) AND a.kind = $3 AND l.deleted_at IS NULL""",
        tx.org_id, input.activity_ids, input.kind,
    )  # fmt: skip
    known = {
        (row["agent_id"], row["activity_id"]): _from_row(row)
        for row in await tx.fetch(
            f"SELECT {_COLUMNS} FROM agent_runs WHERE org_id = $1 AND activity_id = ANY ($2)",
            tx.org_id,
            input.activity_ids,
        )
    }
    held = {rule.id: await _met(tx, rule, [row["lead_id"] for row in happened]) for rule in rules}
    for row in happened:
        for agent_id in dict.fromkeys(rule.agent_id for rule in rules):
            if (agent_id, row["id"]) in known or agent_id == row["actor_id"]:
                continue  # planned already, or its own act: an agent does not answer itself
            plan = _plan([rule for rule in rules if rule.agent_id == agent_id and row["lead_id"] in held[rule.id]])
            if plan:
                known[agent_id, row["id"]] = await _begin(tx, actor, agent_id, row["lead_id"], row["id"], plan)
    return [run for run in known.values() if run.status == "running"]


@operation("crm.agents.waitingRuns", kind="query", role=Role.MEMBER, summary="Find runs that wait", internal=True)
async def waiting_runs(tx: Tx, actor: Actor, input: WaitingRuns) -> list[WaitingRun]:
    """The runs that wait for one of some approvals."""
    rows = await tx.fetch(
        f"""SELECT {", ".join(f"r.{name.strip()}" for name in _COLUMNS.split(","))}, a.depth FROM agent_runs r
              JOIN activities a ON a.org_id = r.org_id AND a.id = r.activity_id
              JOIN approvals p ON p.org_id = r.org_id AND p.agent_id = r.agent_id AND p.id = ANY ($2)
             WHERE r.org_id = $1 AND r.status = 'waiting'
               AND r.receipt @> jsonb_build_array(jsonb_build_object('approvalId', p.id))""",
        tx.org_id, input.approval_ids,
    )  # fmt: skip
    return [WaitingRun(run=_from_row(row), depth=row["depth"]) for row in rows]


async def _met(tx: Tx, rule: PlaybookRule, lead_ids: Sequence[UUID]) -> set[UUID]:
    compiled = await compiled_condition(tx, rule.condition, first=3)
    rows = await tx.fetch(
        f"SELECT l.id FROM leads l WHERE l.org_id = $1 AND l.id = ANY ($2) AND {compiled.sql}",
        tx.org_id,
        list(lead_ids),
        *compiled.args,
    )
    return {row["id"] for row in rows}


def _plan(rules: list[PlaybookRule]) -> list[PlannedStep]:
    return [
        PlannedStep(rule_id=rule.id, rule=rule.name, index=index, step=step)
        for rule in rules
        for index, step in enumerate(rule.steps)
    ]


async def _begin(
    tx: Tx, actor: Actor, agent_id: UUID, lead_id: UUID, activity_id: UUID, plan: list[PlannedStep]
) -> Run:
    run = Run(
        id=new_id(), agent_id=agent_id, lead_id=lead_id, activity_id=activity_id, status="running", receipt=plan, started_at=tx.now,
        finished_at=None,
    )  # fmt: skip
    await tx.execute(
        """INSERT INTO agent_runs (org_id, id, agent_id, lead_id, activity_id, status, receipt, started_at)
           VALUES ($1, $2, $3, $4, $5, 'running', $6, $7)""",
        tx.org_id, run.id, agent_id, lead_id, activity_id, plan, tx.now,
    )  # fmt: skip
    await append(
        tx, actor,
        Entry(kind=kinds.AGENT_WOKEN, subject_type="agent_run", subject_id=run.id,
              payload={"agentId": str(agent_id), "leadId": str(lead_id), "activityId": str(activity_id)}),
    )  # fmt: skip
    return run


@operation("crm.agents.finishRun", role=Role.MEMBER, summary="Finish an agent's run", internal=True)
async def finish_run(tx: Tx, actor: Actor, input: FinishRun) -> Run:
    """Write a run's receipt. A failed step is told on the lead's timeline. Raises NotFound for another's run."""
    failed = [step for step in input.receipt if step.outcome == "failed"]
    waits = any(step.outcome in ("waiting", "planned") for step in input.receipt)
    row = await tx.fetchrow(
        f"""UPDATE agent_runs SET status = $3, receipt = $4, finished_at = $5 WHERE org_id = $1 AND id = $2 AND agent_id = $6
            RETURNING {_COLUMNS}""",
        tx.org_id, input.run_id, "waiting" if waits else "failed" if failed else "done", input.receipt, None if waits else tx.now, actor.id,
    )  # fmt: skip
    if row is None:
        raise NotFound("There is no such run.")
    run = _from_row(row)
    await tx.execute(
        "DELETE FROM agent_leases WHERE org_id = $1 AND agent_id = $2 AND run_id = $3", tx.org_id, actor.id, run.id
    )
    done = sum(step.outcome == "done" for step in input.receipt)
    summary = {"agentId": str(run.agent_id), "leadId": str(run.lead_id), "done": done, "failed": len(failed)}
    summary |= {"waiting": sum(step.outcome == "waiting" for step in input.receipt)} if waits else {}
    await append(tx, actor, Entry(kind=kinds.AGENT_RAN, subject_type="agent_run", subject_id=run.id, payload=summary))
    if failed and not waits and run.lead_id:
        lead = await leads.lock(tx, run.lead_id)
        what = "; ".join(f"{step.rule}: {step.detail}" for step in failed)[:2000]
        await leads.change(tx, actor, lead, kinds.AGENT_FAILED, subject=("agent_run", run.id), reason=what)
    return run
