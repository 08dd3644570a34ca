"""Carrying out what a run planned: each step under the agent's name, once, following from the activity that woke it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog

from baton.accounts.members import Member
from baton.agents.render import render
from baton.agents.run import FinishRun, PlannedStep, Run
from baton.kernel.actor import Actor
from baton.kernel.db import Database
from baton.kernel.errors import BatonError, Conflict, NotFound, TooMany, Unavailable
from baton.kernel.operation import Cause, perform
from baton.leads.find import GetLead
from baton.leads.score import ScoreLead

log = structlog.get_logger()


def acting(agent: Member, org_id: UUID) -> Actor:
    """The agent as an actor, with its own role and name."""
    return Actor(type="agent", org_id=org_id, role=agent.role, name=agent.name, id=agent.id, via="agent")


async def perform_run(db: Database, agent: Actor, run: Run, *, depth: int, now: datetime | None = None) -> Run:
    """Do the steps of a run and write its receipt. `depth` is that of the activity which woke the agent.

    A step that the lead's state does not admit any more is skipped and the run goes on; any other refusal fails the
    step and ends its rule. Raises Unavailable and TooMany, after which the same call goes on where it stopped.
    """
    cause = Cause(run.activity_id, depth)
    failed_rules: set[UUID] = set()
    receipt: list[PlannedStep] = []
    for planned in run.receipt:
        if planned.rule_id in failed_rules:
            receipt.append(
                msgspec.structs.replace(planned, outcome="skipped", detail="An earlier step of this rule failed.")
            )
            continue
        done = await _step(db, agent, run, planned, cause, now)
        if done.outcome == "failed":
            failed_rules.add(planned.rule_id)
        receipt.append(done)
    finished: Run = await perform(
        db, agent, "crm.agents.finishRun", FinishRun(run_id=run.id, receipt=receipt),
        idempotency_key=f"run/{run.id}", now=now, cause=cause,
    )  # fmt: skip
    return finished


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
    except (Unavailable, TooMany):
        raise
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
