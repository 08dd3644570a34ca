"""One step of a run, in one transaction with the run's place: it is done, and the run stands behind it, or neither."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from baton.accounts import calendar
from baton.accounts.organization import organization
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.automations.rules.acts import perform_act
from baton.automations.rules.check import told
from baton.automations.rules.program import Instruction, program
from baton.automations.rules.rule import Act, Branch, CallWebhook, Rule, Step, Wait
from baton.automations.rules.run import Run, find_run
from baton.automations.waits import after
from baton.automations.walk import LEASE
from baton.fields import lead as fields
from baton.kernel.actor import Actor, Role
from baton.kernel.conditions import Condition
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid
from baton.kernel.liquid import render
from baton.kernel.operation import Input, Output, operation, registry
from baton.leads import lead as leads
from baton.leads.lead import Lead


class TakeStep(Input, kw_only=True):
    """The run and its place; `called` is what another system answered that this step calls."""

    run_id: UUID
    position: int
    called: str | None = None


class Taken(Output, kw_only=True):
    """The run after the step; `waits` says that it does not go on now."""

    run: Run
    waits: bool


@operation("crm.automations.step", role=Role.MEMBER, summary="Take a step of an automation", internal=True)
async def take_step(tx: Tx, actor: Actor, input: TakeStep) -> Taken:
    """Do the step at which a run stands; a run that stands elsewhere by now is left alone.

    Raises NotFound and whatever the step raises; then the run stands where it stood.
    """
    run = await find_run(tx, input.run_id, lock=True)
    if run.status != "waiting" or run.position != input.position:
        return Taken(run=run, waits=True)
    line = program((await rule_of(tx, run)).steps)
    lead = await _lead(tx, run)
    if run.lead_id is not None and lead is None:
        return await _end(tx, run, "stopped", "The lead was deleted.")
    if run.position >= len(line):
        return await _end(tx, run, "done", None)
    instruction = line[run.position]
    detail, place, at = await _do(tx, actor, run, lead, instruction, input.called)
    await tx.execute(
        """INSERT INTO automation_steps (org_id, run_id, position, path, act, outcome, detail, activity_ids, attempts, at)
           VALUES ($1, $2, $3, $4, $5, 'done', $6, $7, $8, $9)""",
        tx.org_id, run.id, run.position, instruction.path, named(instruction.step), detail, await _left(tx, run),
        max(run.attempts, 1), tx.now,
    )  # fmt: skip
    await tx.execute(
        """UPDATE automation_runs SET position = $3, attempts = 0, error = NULL, next_at = $4
            WHERE org_id = $1 AND id = $2""",
        tx.org_id, run.id, place, at or tx.now + LEASE,
    )  # fmt: skip
    if place >= len(line):
        return await _end(tx, run, "done", None)
    return Taken(run=await find_run(tx, run.id), waits=at is not None)


async def rule_of(tx: Tx, run: Run) -> Rule:
    """What the run's version of its automation says."""
    rule = await tx.fetchval(
        "SELECT rule FROM automation_versions WHERE org_id = $1 AND automation_id = $2 AND number = $3",
        tx.org_id, run.automation_id, run.number,
    )  # fmt: skip
    return msgspec.convert(rule, Rule)


async def _lead(tx: Tx, run: Run) -> Lead | None:
    """The run's lead, locked; None for a deleted one."""
    if run.lead_id is None:
        return None
    lead = await leads.lock_even_deleted(tx, run.lead_id)
    return None if lead.deleted_at is not None else lead


async def _do(
    tx: Tx, actor: Actor, run: Run, lead: Lead | None, here: Instruction, called: str | None
) -> tuple[str | None, int, datetime | None]:
    """Do a step: what there is to say of it, the place that follows, and, after a wait, when the run goes on there."""
    match here.step:
        case Wait() as wait:
            days = await calendar.read(tx)
            until = after(
                tx.now,
                wait.span,
                working=wait.working,
                hours=days.working_hours,
                zone=days.time_zone,
                closed=days.closed,
            )
            return f"until {until:%Y-%m-%d %H:%M} UTC", here.following, until
        case Branch() as branch:
            yes = await _holds(tx, lead, branch.condition)
            return "yes" if yes else "no", here.following if yes else here.otherwise, None
        case CallWebhook() as call:
            if called is None:
                raise Invalid("This step calls another system first.")
            await _called(tx, actor, run, lead, call, called)
            return called, here.following, None
        case _:
            filled = await filled_in(tx, run, lead, here.step)
            return await perform_act(tx, actor, lead, filled), here.following, None


async def _holds(tx: Tx, lead: Lead | None, condition: Condition) -> bool:
    if lead is None:
        return False
    compiled = await fields.compiled(tx, condition, first=3)
    held: bool | None = await tx.fetchval(
        f"SELECT {compiled.sql} FROM leads l WHERE l.org_id = $1 AND l.id = $2", tx.org_id, lead.id, *compiled.args
    )
    return bool(held)


async def filled_in(tx: Tx, run: Run, lead: Lead | None, step: Step) -> Step:
    """A step with its texts filled in from the lead, the activity that is answered and the organization. Raises Invalid."""
    row = await tx.fetchrow(
        "SELECT kind, actor_name, reason, payload, occurred_at FROM activities WHERE org_id = $1 AND id = $2",
        tx.org_id, run.activity_id,
    )  # fmt: skip
    activity = (
        {"kind": row["kind"], "actor": row["actor_name"], "reason": row["reason"], "payload": row["payload"]}
        if row
        else {}
    )
    owner = await tx.fetchval(
        "SELECT name FROM members WHERE org_id = $1 AND id = $2", tx.org_id, lead.owner_id if lead else None
    )
    context: dict[str, Any] = {
        "lead": msgspec.to_builtins(lead) if lead else {},
        "owner": {"name": owner},
        "activity": activity,
        "organization": {"name": (await organization(tx)).name},
        "automation": {"name": run.automation},
    }
    filled = render(msgspec.to_builtins(step), context)
    named = dict(zip(step.__struct_encode_fields__, step.__struct_fields__, strict=True))
    return msgspec.structs.replace(step, **{named[name]: value for name, value in filled.items() if name in named})


async def _left(tx: Tx, run: Run) -> list[UUID]:
    """The activities of this run that no earlier step of it left."""
    rows = await tx.fetch(
        """SELECT a.id FROM activities a
            WHERE a.org_id = $1 AND a.operation_id = $2 AND a.operation = $3 AND a.occurred_at BETWEEN $4 AND $5
              AND NOT EXISTS (SELECT FROM automation_steps s WHERE s.org_id = $1 AND s.run_id = $6 AND a.id = ANY (s.activity_ids))
            ORDER BY a.id LIMIT 50""",
        tx.org_id, tx.operation_id, tx.operation, tx.began, tx.now, run.id,
    )  # fmt: skip
    return [row["id"] for row in rows]


async def _called(tx: Tx, actor: Actor, run: Run, lead: Lead | None, call: CallWebhook, answer: str) -> None:
    payload = {"name": call.url, "answer": answer}
    if lead is not None:
        await leads.change(
            tx, actor, lead, kinds.AUTOMATION_CALLED, payload=payload, subject=("automation_run", run.id)
        )
        return
    entry = Entry(kind=kinds.AUTOMATION_CALLED, subject_type="automation_run", subject_id=run.id, payload=payload)
    await append(tx, actor, entry)


async def _end(tx: Tx, run: Run, status: str, why: str | None) -> Taken:
    await tx.execute(
        "UPDATE automation_runs SET status = $3, error = $4, finished_at = $5 WHERE org_id = $1 AND id = $2",
        tx.org_id, run.id, status, why, tx.now,
    )  # fmt: skip
    return Taken(run=await find_run(tx, run.id), waits=False)


def named(step: Step) -> str:
    """A step as a run's history names it."""
    built = told(step)
    if isinstance(step, Act) and step.operation in registry:
        return registry[step.operation].summary
    what = built.pop("do")
    detail = next((built[name] for name in ("operation", "title", "subject", "url", "span") if built.get(name)), "")
    return f"{what} {detail}".strip()[:300]
