"""Carrying out what a run planned: each step under the agent's name, once, following from the activity that woke it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog

from baton.accounts.members import Member
from baton.agents.approval import Approval, GetApproval
from baton.agents.playbook import THINK
from baton.agents.run import ACT, FinishRun, PlannedStep, Run, WaitingRun, WaitingRuns
from baton.agents.think import think
from baton.kernel.actor import Actor, Role, system
from baton.kernel.db import Database
from baton.kernel.errors import BatonError, Conflict, NeedsApproval, NotFound, TooMany, Unavailable
from baton.kernel.liquid import render
from baton.kernel.perform import Cause, perform
from baton.leads.find import GetLead
from baton.leads.score import ScoreLead

log = structlog.get_logger()
LATER = 60  # seconds: a limit that ends sooner is waited for, one of a day or a month fails the step


def acting(agent: Member, org_id: UUID) -> Actor:
    """The agent as an actor, with its own role and name."""
    return Actor(type="agent", org_id=org_id, role=agent.role, name=agent.name, id=agent.id, via="agent")


async def perform_run(db: Database, agent: Actor, run: Run, *, depth: int, now: datetime | None = None) -> Run:
    """Do the steps of a run and write its receipt. `depth` is that of the activity which woke the agent.

    A step that the lead's state does not admit any more is skipped and the run goes on; any other refusal fails the
    step and ends its rule. A step that a person decides on holds what follows in its rule until they did; the same call
    then goes on. What a model asked for and a person rejected wakes it again, with their reason. Raises Unavailable and
    TooMany, after which the same call goes on where it stopped.
    """
    cause = Cause(run.activity_id, depth)
    ended: dict[UUID, str] = {}
    held: set[UUID] = set()
    receipt: list[PlannedStep] = []
    for step, acts in _thoughts(run.receipt):
        step, *acts = [
            await _decided(db, agent, each, now) if each.outcome == "waiting" else each for each in (step, *acts)
        ]
        if step.outcome == "planned" and step.rule_id not in held:
            if step.rule_id in ended:
                step = msgspec.structs.replace(step, outcome="skipped", detail=ended[step.rule_id])
            elif step.step.operation == THINK:
                step, *acts = await _thought(db, agent, run, step, cause, now)
            else:
                step = await _step(db, agent, run, step, cause, now)
        elif any(act.outcome == "rejected" for act in acts):
            step, *acts = await _heard(db, agent, run, step, acts, cause, now)
        if step.outcome == "failed":
            ended[step.rule_id] = "An earlier step of this rule failed."
        elif (asked := [each for each in (step, *acts) if each.approval_id]) and asked[-1].outcome in (
            "rejected",
            "skipped",
        ):
            ended[step.rule_id] = "An earlier step of this rule was not approved."
        if any(each.outcome == "waiting" for each in (step, *acts)):
            held.add(step.rule_id)
        receipt += [step, *acts]
    state = "".join(step.outcome[0] for step in receipt)
    finished: Run = await perform(
        db, agent, "crm.agents.finishRun", FinishRun(run_id=run.id, receipt=receipt),
        idempotency_key=f"run/{run.id}/{state}"[:255], now=now, cause=cause,
    )  # fmt: skip
    return finished


async def resume(db: Database, org_id: UUID, approval_ids: list[UUID], *, now: datetime | None = None) -> None:
    """Go on with the runs that waited for some approvals."""
    if not approval_ids:
        return
    scheduler = system(org_id, "Baton", role=Role.MEMBER, via="agent")
    waiting: list[WaitingRun] = await perform(
        db, scheduler, "crm.agents.waitingRuns", WaitingRuns(approval_ids=approval_ids), now=now
    )
    if not waiting:
        return
    members: list[Member] = await perform(db, scheduler, "crm.members.list", now=now)
    agents = {member.id: acting(member, org_id) for member in members if member.status == "active"}
    for each in waiting:
        if each.run.agent_id in agents:
            await perform_run(db, agents[each.run.agent_id], each.run, depth=each.depth, now=now)


def _thoughts(receipt: list[PlannedStep]) -> list[tuple[PlannedStep, list[PlannedStep]]]:
    """The steps of a receipt, each with what a model asked for in it."""
    found: list[tuple[PlannedStep, list[PlannedStep]]] = []
    for each in receipt:
        if each.index < ACT:
            found.append((each, []))
        else:
            found[-1][1].append(each)
    return found


async def _decided(db: Database, agent: Actor, step: PlannedStep, now: datetime | None) -> PlannedStep:
    """A step that waited, as people decided on it."""
    assert step.approval_id is not None
    found: Approval = await perform(db, agent, "crm.approvals.get", GetApproval(approval_id=step.approval_id), now=now)
    if found.status in ("waiting", "approved"):
        return step
    by = " and ".join(giver.name for giver in found.given)
    if found.status == "done":
        return msgspec.structs.replace(step, outcome="done", detail=f"Approved by {by}.")
    if found.status == "rejected":
        return msgspec.structs.replace(step, outcome="rejected", detail=found.reason)
    return msgspec.structs.replace(step, outcome="skipped", detail=f"{found.status.capitalize()}: {found.reason}")


async def _thought(
    db: Database, agent: Actor, run: Run, planned: PlannedStep, cause: Cause, now: datetime | None
) -> list[PlannedStep]:
    """What a model made of it: the step itself, then each of its acts."""
    try:
        filled = render(planned.step.input, await _context(db, agent, run, now))
        return await think(db, agent, run, planned, str(filled.get("instructions", "")), cause, now)
    except Unavailable:
        raise
    except BatonError as error:
        return [msgspec.structs.replace(planned, outcome="failed", detail=error.message)]


async def _heard(
    db: Database, agent: Actor, run: Run, step: PlannedStep, acts: list[PlannedStep], cause: Cause, now: datetime | None
) -> list[PlannedStep]:
    """What a model made of the reasons for which people rejected some of its acts; where it cannot be asked, that stands in the receipt."""
    rejected = [act for act in acts if act.outcome == "rejected"]
    try:
        made = await think(db, agent, run, step, "", cause, now, rejected)
    except Unavailable:
        raise
    except BatonError as error:
        why = f"It was not woken again by a rejection: {error.message}"
        detail = step.detail if why in (step.detail or "") else f"{step.detail} {why}"
        return [msgspec.structs.replace(step, detail=detail), *acts]
    return [await _decided(db, agent, each, now) if each.outcome == "waiting" else each for each in made]


async def _step(
    db: Database, agent: Actor, run: Run, planned: PlannedStep, cause: Cause, now: datetime | None
) -> PlannedStep:
    key = f"{planned.rule_id}/{run.activity_id}/{planned.index}"
    try:
        filled = render(planned.step.input, await _context(db, agent, run, now))
        given = {"leadId": str(run.lead_id)} | filled
        await perform(
            db, agent, planned.step.operation, given, idempotency_key=key, now=now, cause=cause, operation_id=run.id
        )
    except NeedsApproval as error:
        return msgspec.structs.replace(planned, outcome="waiting", detail=error.message, approval_id=error.approval_id)
    except Unavailable:
        raise
    except TooMany as error:
        if error.retry_after is None or error.retry_after < LATER:
            raise
        return msgspec.structs.replace(planned, outcome="failed", detail=error.message)
    except (Conflict, NotFound) as error:
        return msgspec.structs.replace(planned, outcome="skipped", detail=error.message)
    except BatonError as error:
        log.warning("an agent's step failed", agent=agent.name, rule=planned.rule, run=str(run.id), error=error.message)
        return msgspec.structs.replace(planned, outcome="failed", detail=error.message)
    return msgspec.structs.replace(planned, outcome="done")


async def _context(db: Database, agent: Actor, run: Run, now: datetime | None) -> dict[str, Any]:
    """What templates may name. Nothing that the lead wrote reaches an operation other than as text of its input."""
    lead_id = str(run.lead_id)
    lead = await perform(db, agent, "crm.leads.get", GetLead(lead_id=lead_id), now=now)
    scores = await perform(db, agent, "crm.leads.scoreHistory", ScoreLead(lead_id=lead_id), now=now)
    latest = scores.history[0] if scores.history else None
    reasons = sorted(latest.reasons, key=lambda reason: -reason.points) if latest else []
    because = [rule for reason in reasons if reason.points for rule in reason.rules[:1]]
    return {
        "lead": msgspec.to_builtins(lead),
        "score": {"value": lead.score, "band": latest.band if latest else None, "because": because},
        "agent": {"name": agent.name},
    }
