"""Ends that somebody must hear of: a run that is held because a step fails, and a chain of rules that was stopped."""

from uuid import UUID

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.automations.rules.automation import find
from baton.automations.rules.run import Run, find_run
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import NotFound
from baton.kernel.operation import Input, operation
from baton.kernel.perform import MAX_DEPTH
from baton.kernel.values import new_id
from baton.leads import lead as leads


class HoldRun(Input, kw_only=True):
    """The run whose step at a place fails, and why."""

    run_id: UUID
    position: int
    error: str


class StopChain(Input, kw_only=True):
    """The activity at the end of a chain, and the automation that would have answered it."""

    automation_id: UUID
    activity_id: UUID


@operation("crm.automations.hold", role=Role.MEMBER, summary="Hold a run whose step fails", internal=True)
async def hold(tx: Tx, actor: Actor, input: HoldRun) -> Run:
    """Put a run into the list where a person retries or drops it, and tell it on the lead's timeline. Raises NotFound."""
    run = await find_run(tx, input.run_id, lock=True)
    if run.status != "waiting" or run.position != input.position:
        return run
    error = input.error[:2000]
    await tx.execute(
        "UPDATE automation_runs SET status = 'held', error = $3 WHERE org_id = $1 AND id = $2", tx.org_id, run.id, error
    )
    await _tell(tx, actor, kinds.AUTOMATION_HELD, run.id, run.lead_id, run.automation, error)
    return await find_run(tx, run.id)


@operation("crm.automations.stop", role=Role.MEMBER, summary="Stop a chain of automations", internal=True)
async def stop(tx: Tx, actor: Actor, input: StopChain) -> Run:
    """End a chain of rules that trigger each other: a run that says so, and a word on the lead's timeline; once. Raises NotFound."""
    rule = await find(tx, input.automation_id)
    lead_id, depth = await _ended(tx, input.activity_id)
    what = (
        f"{MAX_DEPTH} steps had followed from one another, and the last would have begun “{rule.name}”."
        if depth >= MAX_DEPTH
        else f"What “{rule.name}” did led back to itself, and would have begun it again."
    )
    why = f"{what} Automations that trigger themselves or each other end here: narrow when they begin, or their conditions."
    made = await tx.fetchval(
        """INSERT INTO automation_runs
                  (org_id, id, automation_id, number, key, lead_id, activity_id, depth, status, error, next_at, created_at, finished_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'stopped', $9, $10, $10, $10)
               ON CONFLICT (automation_id, key, org_id) DO NOTHING RETURNING id""",
        tx.org_id, new_id(), rule.id, rule.number, str(input.activity_id), lead_id, input.activity_id, depth, why, tx.now,
    )  # fmt: skip
    if made is None:
        return await find_run(tx, await _known(tx, rule.id, input.activity_id))
    await _tell(tx, actor, kinds.AUTOMATION_STOPPED, made, lead_id, rule.name, why)
    return await find_run(tx, made)


async def _ended(tx: Tx, activity_id: UUID) -> tuple[UUID | None, int]:
    row = await tx.fetchrow(
        "SELECT lead_id, depth FROM activities WHERE org_id = $1 AND id = $2", tx.org_id, activity_id
    )
    if row is None:
        raise NotFound("There is no such activity in your organization.")
    return row["lead_id"], row["depth"]


async def _known(tx: Tx, automation_id: UUID, activity_id: UUID) -> UUID:
    id: UUID = await tx.fetchval(
        "SELECT id FROM automation_runs WHERE org_id = $1 AND automation_id = $2 AND key = $3",
        tx.org_id, automation_id, str(activity_id),
    )  # fmt: skip
    return id


async def _tell(tx: Tx, actor: Actor, kind: str, run_id: UUID, lead_id: UUID | None, name: str, why: str) -> None:
    lead = await leads.lock_even_deleted(tx, lead_id) if lead_id else None
    if lead is not None:
        await leads.change(
            tx, actor, lead, kind, payload={"name": name}, subject=("automation_run", run_id), reason=why
        )
        return
    entry = Entry(kind=kind, subject_type="automation_run", subject_id=run_id, payload={"name": name}, reason=why)
    await append(tx, actor, entry)
