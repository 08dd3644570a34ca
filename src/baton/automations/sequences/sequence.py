"""A sequence: what it says, who is in which step of it, and what came of each step."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from baton.automations.sequences.plan import OUTWARD, Plan
from baton.kernel.actor import Actor, Role, system
from baton.kernel.db import Row, Tx, struct_of
from baton.kernel.errors import NotFound
from baton.kernel.operation import Input, Nothing, Output, operation

State = Literal["draft", "on", "paused", "removed"]
Why = Literal["reply", "bounce", "unsubscribe", "closed", "deleted", "stage", "owner", "condition", "gate", "removed"]


class Sequence(Output, kw_only=True):
    """A sequence. `number` is its version in force; an enrolment goes on with the version that it began with."""

    id: UUID
    name: str
    state: State
    number: int
    plan: Plan
    version: int
    created_at: datetime


class ListedSequence(Sequence, kw_only=True):
    """A sequence with how many leads are in it now, are held, went through it, and left it because they replied."""

    active: int
    held: int
    done: int
    replied: int


class StepResult(Output, kw_only=True):
    """One step: how many leads stand before it now, how many it was done for, and what came of its messages."""

    step: int
    standing: int
    done: int
    skipped: int
    replied: int
    bounced: int
    unsubscribed: int


class SequenceResults(Sequence, kw_only=True):
    """A sequence with its results: leads by state, leads that left by why, and each step of the version in force."""

    states: dict[str, int]
    left: dict[str, int]
    results: list[StepResult]


class NameSequence(Input, kw_only=True):
    """A sequence."""

    sequence_id: UUID


SELECT = """SELECT s.id, s.name, s.state, s.number, v.plan, s.version, s.created_at
  FROM sequences s JOIN sequence_versions v ON v.org_id = s.org_id AND v.sequence_id = s.id AND v.number = s.number"""


def acting(org_id: UUID, name: str) -> Actor:
    """The sequence as an actor: what it does is done under its name."""
    return system(org_id, f"Sequence “{name}”", role=Role.ADMIN, via="agent")


async def find(tx: Tx, id: UUID, *, lock: bool = False) -> Sequence:
    """A sequence, locked where asked. Raises NotFound, also for a removed one."""
    locking = "FOR NO KEY UPDATE OF s" if lock else ""
    row = await tx.fetchrow(
        f"{SELECT} WHERE s.org_id = $1 AND s.id = $2 AND s.state <> 'removed' {locking}", tx.org_id, id
    )
    if row is None:
        raise NotFound("There is no such sequence in your organization.")
    return struct_of(row, Sequence)


@operation("crm.sequences.list", kind="query", role=Role.VIEWER, summary="List the sequences")
async def list_sequences(tx: Tx, actor: Actor, input: Nothing) -> list[ListedSequence]:
    """The organization's sequences by name, each with its counts."""
    rows = await tx.fetch(
        f"{SELECT} WHERE s.org_id = $1 AND s.state <> 'removed' ORDER BY lower(s.name), s.id", tx.org_id
    )
    counted = await tx.fetch(
        """SELECT sequence_id, count(*) FILTER (WHERE state IN ('waiting', 'paused')) AS active,
                  count(*) FILTER (WHERE state = 'held') AS held, count(*) FILTER (WHERE state = 'done') AS done,
                  count(*) FILTER (WHERE why = 'reply') AS replied
             FROM enrolments WHERE org_id = $1 GROUP BY 1""",
        tx.org_id,
    )  # fmt: skip
    counts = {row["sequence_id"]: row for row in counted}
    return [_listed(struct_of(row, Sequence), counts.get(row["id"])) for row in rows]


def _listed(found: Sequence, row: Row | None) -> ListedSequence:
    counts: dict[str, Any] = {name: row[name] if row else 0 for name in ("active", "held", "done", "replied")}
    return ListedSequence(**msgspec.structs.asdict(found) | counts)


@operation("crm.sequences.get", kind="query", role=Role.VIEWER, summary="Read a sequence and its results")
async def get(tx: Tx, actor: Actor, input: NameSequence) -> SequenceResults:
    """A sequence, who is in which step, and what came of each step. Raises NotFound."""
    found = await find(tx, input.sequence_id)
    rows = await tx.fetch(
        "SELECT state, why, count(*) AS leads FROM enrolments WHERE org_id = $1 AND sequence_id = $2 GROUP BY 1, 2",
        tx.org_id, found.id,
    )  # fmt: skip
    states: dict[str, int] = {}
    left: dict[str, int] = {}
    for row in rows:
        states[row["state"]] = states.get(row["state"], 0) + row["leads"]
        if row["why"] is not None:
            left[row["why"]] = left.get(row["why"], 0) + row["leads"]
    results = await _results(tx, found)
    return SequenceResults(**msgspec.structs.asdict(found), states=states, left=left, results=results)


async def _results(tx: Tx, found: Sequence) -> list[StepResult]:
    """A reply, a bounce and a farewell belong to the last message before them."""
    rows = await tx.fetch(
        """WITH acted AS (
             SELECT s.enrolment_id, s.step, s.outcome, s.act = ANY ($5) AND s.outcome = 'done' AS message,
                    s.position = max(s.position) FILTER (WHERE s.act = ANY ($5) AND s.outcome = 'done')
                      OVER (PARTITION BY s.enrolment_id) AS last
               FROM enrolment_steps s WHERE s.org_id = $1 AND s.sequence_id = $2 AND s.number = $3)
           SELECT n.step,
                  (SELECT count(*) FROM enrolments e WHERE e.org_id = $1 AND e.sequence_id = $2 AND e.number = $3
                      AND e.state IN ('waiting', 'paused', 'held') AND e.position % $4 = n.step) AS standing,
                  count(*) FILTER (WHERE a.outcome = 'done') AS done, count(*) FILTER (WHERE a.outcome = 'skipped') AS skipped,
                  count(*) FILTER (WHERE a.last AND e.why = 'reply') AS replied,
                  count(*) FILTER (WHERE a.last AND e.why = 'bounce') AS bounced,
                  count(*) FILTER (WHERE a.last AND e.why = 'unsubscribe') AS unsubscribed
             FROM generate_series(0, $4 - 1) AS n (step)
             LEFT JOIN acted a ON a.step = n.step
             LEFT JOIN enrolments e ON e.org_id = $1 AND e.id = a.enrolment_id
            GROUP BY n.step ORDER BY n.step""",
        tx.org_id, found.id, found.number, len(found.plan.steps), list(OUTWARD),
    )  # fmt: skip
    return [struct_of(row, StepResult) for row in rows]
