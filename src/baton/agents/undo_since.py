"""Taking back everything that an agent did since a moment: newest first, each effect told. Spec A6."""

from collections import Counter
from uuid import UUID

from baton.accounts.sign_in import must_not_be_agent
from baton.activities import kinds
from baton.agents.policy import agent
from baton.agents.undo import Undo, undo
from baton.agents.undo_records import Effect
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid, NotFound, TooLarge
from baton.kernel.operation import Input, Output, operation
from baton.kernel.shapes import Moment, Reason
from baton.kernel.values import Ref

MOST = 1_000
EACH = 5_000


class UndoSince(Input, kw_only=True):
    """The agent, and from when on (until when) what it did is taken back."""

    agent_id: Ref
    since: Moment
    until: Moment | None = None
    reason: Reason | None = None


class TakenBack(Output, kw_only=True):
    """How many of its operations were taken back, and each effect: reversed, kept (changed since), impossible.

    `operationId` is this undo's own: it can be undone too.
    """

    operation_id: UUID
    operations: int
    reversed: int
    kept: int
    impossible: int
    effects: list[Effect]


@operation("crm.agents.undoSince", role=Role.MEMBER, summary="Take back what an agent did since a moment")
async def undo_since(tx: Tx, actor: Actor, input: UndoSince) -> TakenBack:
    """Take back an agent's acts since a moment, in one transaction; nothing is removed from the log.

    Raises NotFound for an agent or where it did nothing, Invalid for a moment to come, TooLarge, Forbidden for agents.
    """
    must_not_be_agent(actor)
    found = await agent(tx, input.agent_id)
    until = input.until or tx.now
    if input.since.tzinfo is None or until.tzinfo is None or not input.since < until:
        raise Invalid("“since” is a past moment with its time zone, before “until”.", field="since")
    rows = await tx.fetch(
        """SELECT a.operation_id, max(a.id::text) AS last FROM activities a
            WHERE a.org_id = $1 AND a.actor_id = $2 AND a.occurred_at >= $3 AND a.occurred_at <= $4
              AND NOT EXISTS (SELECT FROM activities u WHERE u.org_id = $1 AND u.kind = $5 AND u.lead_id = a.lead_id
                                 AND u.payload ->> 'operationId' = a.operation_id::text)
            GROUP BY a.operation_id ORDER BY last DESC LIMIT $6""",
        tx.org_id, found.id, input.since, until, kinds.UNDONE, MOST + 1,
    )  # fmt: skip
    if len(rows) > MOST:
        raise TooLarge(f"It did more than {MOST:,} things. Take a shorter time.")
    effects: list[Effect] = []
    operations = 0
    reason = input.reason or f"Everything that {found.name} did since {input.since:%d %B, %H:%M} was taken back."
    for row in rows:
        try:
            undone = await undo(tx, actor, Undo(operation_id=row["operation_id"], reason=reason, limit=EACH))
        except NotFound:
            continue  # it changed no record: a request, a receipt
        if undone.next_cursor is not None:
            raise TooLarge(f"One of its acts changed more than {EACH:,} leads. Take that one back by itself.")
        operations += bool(undone.effects)
        effects += undone.effects
    if not operations:
        raise NotFound(f"{found.name} did nothing since then that could be taken back.")
    counts = Counter(effect.outcome for effect in effects)
    return TakenBack(
        operation_id=tx.operation_id, operations=operations, effects=effects, reversed=counts["reversed"], kept=counts["kept"],
        impossible=counts["impossible"],
    )  # fmt: skip
