"""A model's answers and its tools' results, each kept before the next step: a run that is cut off goes on where it was. Spec A6."""

from datetime import timedelta
from uuid import UUID

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.agents import limits
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import NotFound, TooMany, Unavailable
from baton.kernel.operation import Input, Output, operation
from baton.kernel.values import new_id

LEASE = timedelta(minutes=10)
FORGOTTEN = '{"parts":[],"kind":"request"}'
"""What stands in place of a message that is kept no longer."""


class OfStep(Input, kw_only=True):
    """A step of a run at which a model thinks."""

    run_id: UUID
    step: int


class KeepTurn(OfStep, kw_only=True):
    """The next message of a run, as JSON, and what it cost: tokens, and millionths of the organization's currency."""

    position: int
    message: str
    model: str
    tokens: int = 0
    micros: int = 0


class Turns(Output, kw_only=True):
    """The messages so far, in order, and what they cost."""

    messages: list[str]
    tokens: int
    micros: int


@operation(
    "crm.agents.turns", kind="query", role=Role.MEMBER, summary="Read what a model thought so far", internal=True
)
async def turns(tx: Tx, actor: Actor, input: OfStep) -> Turns:
    """The messages of a step of the agent's own run. Raises TooMany where its month's tokens or money are used up."""
    rows = await tx.fetch(
        """SELECT t.message, t.tokens, t.micros FROM agent_turns t
             JOIN agent_runs r ON r.org_id = t.org_id AND r.id = t.run_id AND r.agent_id = $4
            WHERE t.org_id = $1 AND t.run_id = $2 AND t.step = $3 ORDER BY t.position""",
        tx.org_id, input.run_id, input.step, actor.id,
    )  # fmt: skip
    return Turns(
        messages=[row["message"] for row in rows], tokens=sum(row["tokens"] for row in rows), micros=sum(row["micros"] for row in rows)
    )  # fmt: skip


@operation(
    "crm.agents.mayThink",
    kind="query",
    role=Role.MEMBER,
    summary="Ask whether an agent may ask its model",
    internal=True,
)
async def may_think(tx: Tx, actor: Actor, input: OfStep) -> bool:
    """True within the month's tokens and money. Raises TooMany beyond them, Unavailable for an agent that is paused."""
    status = await tx.fetchval("SELECT status FROM members WHERE org_id = $1 AND id = $2", tx.org_id, actor.id)
    if status != "active":
        raise NotFound(f"{actor.name} is {status} and thinks no more.")
    most = await limits.of(tx, actor.id)
    used = await limits.used_this_month(tx, actor)
    for what, limit in (("tokens", most.tokens_per_month), ("money", most.money_micros_per_month)):
        if limit is not None and used[what] >= limit:
            raise TooMany(
                f"{actor.name} has used its {what} of this month. A person can raise the limit.", retry_after=86_400
            )
    return True


@operation("crm.agents.keepTurn", role=Role.MEMBER, summary="Keep what a model thought", internal=True)
async def keep(tx: Tx, actor: Actor, input: KeepTurn) -> int:
    """Keep the next message of the agent's own run and count what it cost; a lead is one run's until it ends.

    Raises NotFound for another's run, Unavailable where another run works on this lead, Conflict for a message out of turn.
    """
    run = await tx.fetchrow(
        "SELECT lead_id FROM agent_runs WHERE org_id = $1 AND id = $2 AND agent_id = $3",
        tx.org_id,
        input.run_id,
        actor.id,
    )
    if run is None:
        raise NotFound("There is no such run.")
    if run["lead_id"] is not None:
        mine = await tx.fetchval(
            """INSERT INTO agent_leases AS l (org_id, agent_id, lead_id, run_id, until) VALUES ($1, $2, $3, $4, $5)
               ON CONFLICT (org_id, agent_id, lead_id) DO UPDATE SET run_id = excluded.run_id, until = excluded.until
                  WHERE l.run_id = excluded.run_id OR l.until < $6 RETURNING true""",
            tx.org_id, actor.id, run["lead_id"], input.run_id, tx.now + LEASE, tx.now,
        )  # fmt: skip
        if not mine:
            raise Unavailable(f"{actor.name} is at this lead already; it goes on afterwards.")
    await tx.execute(
        """INSERT INTO agent_turns (org_id, id, run_id, step, position, message, tokens, micros, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        tx.org_id, new_id(), input.run_id, input.step, input.position, input.message, input.tokens, input.micros, tx.now,
    )  # fmt: skip
    if input.tokens:
        await limits.use(tx, actor, "tokens", input.tokens, None)
    if input.micros:
        await limits.use(tx, actor, "money", input.micros, None)
    told = {"name": input.model, "tokens": input.tokens, "micros": input.micros, "position": input.position}
    await append(
        tx, actor, Entry(kind=kinds.AGENT_THOUGHT, subject_type="agent_run", subject_id=input.run_id, payload=told)
    )
    return input.position
