"""What people made of an agent's acts, operation by operation: the evidence on which they raise its autonomy. Spec A6."""

from collections import Counter
from datetime import timedelta
from uuid import UUID

from baton.accounts.sign_in import must_not_be_agent
from baton.activities import kinds
from baton.agents.policy import NewPolicyRow, PolicyRow, SetPolicy, agent, rows_of, set_policy
from baton.kernel.actor import Actor, Role
from baton.kernel.conditions import EVERYTHING
from baton.kernel.db import Tx
from baton.kernel.errors import Conflict
from baton.kernel.operation import Input, Output, operation
from baton.kernel.shapes import Days, OperationName
from baton.kernel.values import Ref

ENOUGH = 20
SHARE = 0.95


class ReadEvidence(Input, kw_only=True):
    """The agent, and over how many past days."""

    agent_id: Ref
    days: Days = 90


class Evidence(Output, kw_only=True):
    """What became of one operation: of what it asked for, and of what it did. Shares are of 1, none where there is nothing.

    `proposed` where it was accepted as it stood so often, and so little taken back, that a person may let it act by itself.
    """

    operation: str
    asked: int
    accepted: int
    edited: int
    rejected: int
    waiting: int
    done: int
    undone: int
    accepted_share: float | None
    edited_share: float | None
    rejected_share: float | None
    undone_share: float | None
    proposed: bool


class AcceptProposal(Input, kw_only=True):
    """The operation that an agent may do by itself from now on, as its evidence proposes."""

    agent_id: Ref
    operation: OperationName


@operation("crm.agents.evidence", kind="query", role=Role.VIEWER, summary="Read what became of an agent's acts")
async def evidence(tx: Tx, actor: Actor, input: ReadEvidence) -> list[Evidence]:
    """An agent's operations, the most often asked for first. Raises NotFound, Invalid."""
    return await _read(tx, (await agent(tx, input.agent_id)).id, input.days)


@operation("crm.agents.acceptProposal", role=Role.ADMIN, summary="Let an agent do by itself what it proved")
async def accept(tx: Tx, actor: Actor, input: AcceptProposal) -> list[PolicyRow]:
    """Raise an agent's autonomy by a row of its policy; rows with a condition keep their place before it.

    Raises NotFound, Conflict where the evidence does not propose it, Forbidden for agents.
    """
    must_not_be_agent(actor)
    found = await agent(tx, input.agent_id)
    proof = next((each for each in await _read(tx, found.id, 90) if each.operation == input.operation), None)
    if proof is None or not proof.proposed:
        raise Conflict(
            f"The evidence does not propose this: it takes {ENOUGH} decisions, {SHARE:.0%} of them accepted as they stood."
        )
    name = f"Raised on evidence: {proof.accepted} of {proof.asked} accepted as they stood"
    raised = NewPolicyRow(name=name, operation=input.operation, decision="allow")
    rows = [
        NewPolicyRow(name=row.name, operation=row.operation, condition=row.condition, decision=row.decision)
        for row in await rows_of(tx, found.id)
        if not (row.operation == input.operation and row.decision == "ask" and row.condition == EVERYTHING)
    ]
    first = next(
        (n for n, row in enumerate(rows) if row.condition == EVERYTHING and row.decision != "never"), len(rows)
    )
    return await set_policy(tx, actor, SetPolicy(agent_id=str(found.id), rows=[*rows[:first], raised, *rows[first:]]))


async def _read(tx: Tx, agent_id: UUID, days: int) -> list[Evidence]:
    since = tx.now - timedelta(days=days)
    asked = await tx.fetch(
        """SELECT operation, status, original IS NOT NULL AS edited, count(*) AS n FROM approvals
            WHERE org_id = $1 AND agent_id = $2 AND created_at >= $3 GROUP BY 1, 2, 3""",
        tx.org_id, agent_id, since,
    )  # fmt: skip
    done = await tx.fetch(
        """WITH done AS (
             SELECT DISTINCT operation, operation_id FROM activities
              WHERE org_id = $1 AND actor_id = $2 AND occurred_at >= $3 AND lead_id IS NOT NULL AND kind <> ALL ($4)),
           undone AS (
             SELECT DISTINCT payload ->> 'operationId' AS operation_id FROM activities
              WHERE org_id = $1 AND kind = 'undone' AND occurred_at >= $3)
           SELECT d.operation, count(*) AS done, count(u.operation_id) AS undone
             FROM done d LEFT JOIN undone u ON u.operation_id = d.operation_id::text GROUP BY 1""",
        tx.org_id, agent_id, since, [kinds.APPROVAL_REQUESTED, kinds.AGENT_FAILED, kinds.UNDONE],
    )  # fmt: skip
    counts: dict[str, Counter[str]] = {}
    for row in asked:
        word = "edited" if row["edited"] and row["status"] in ("approved", "done") else row["status"]
        counts.setdefault(row["operation"], Counter())[word] += row["n"]
    for row in done:
        counts.setdefault(row["operation"], Counter()).update(acts=row["done"], undone=row["undone"])
    told = [_evidence(name, each) for name, each in counts.items()]
    return sorted(told, key=lambda each: (-each.asked, -each.done, each.operation))


def _evidence(name: str, n: Counter[str]) -> Evidence:
    accepted = n["approved"] + n["done"]
    decided = accepted + n["edited"] + n["rejected"]

    def share(part: int, of: int) -> float | None:
        return round(part / of, 4) if of else None

    proposed = decided >= ENOUGH and accepted >= SHARE * decided and n["undone"] <= (1 - SHARE) * max(n["acts"], 1)
    return Evidence(
        operation=name, asked=sum(n.values()) - n["acts"] - n["undone"], accepted=accepted, edited=n["edited"], rejected=n["rejected"],
        waiting=n["waiting"], done=n["acts"], undone=n["undone"], accepted_share=share(accepted, decided),
        edited_share=share(n["edited"], decided), rejected_share=share(n["rejected"], decided),
        undone_share=share(n["undone"], n["acts"]), proposed=proposed,
    )  # fmt: skip
