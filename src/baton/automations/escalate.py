"""What follows when a lead has stayed too long, beside telling: another owner by the routing rules, a task. Spec B7."""

from uuid import UUID

import msgspec

from baton.accounts.calendar import OnMissed
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Row, Tx
from baton.kernel.operation import Input, Output, operation
from baton.kernel.perform import within
from baton.leads import lead as leads
from baton.leads.assign import Assign
from baton.routing.choose import choose
from baton.tasks.follow_up import FollowUp

TURNS = 4  # so often the rules are asked for somebody else than the owner


class Escalate(Input, kw_only=True):
    """The activity which said that a lead is late."""

    activity_id: UUID


class Escalated(Output, kw_only=True):
    """What was done: whether the lead got another owner, whether a task was made."""

    reassigned: bool
    task_id: UUID | None


@operation("crm.sla.escalate", role=Role.MEMBER, summary="Escalate a late lead", internal=True)
async def escalate(tx: Tx, actor: Actor, input: Escalate) -> Escalated:
    """Do what the stage, or the organization, wants done with a late lead that is in that stage still. Changes nothing otherwise."""
    row = await tx.fetchrow(
        """SELECT l.id, l.name, l.owner_id, l.closed_at, l.deleted_at, l.sla_told, s.name AS stage,
                  coalesce(e.on_missed, c.on_missed, '{}') AS on_missed
             FROM activities a JOIN leads l ON l.org_id = a.org_id AND l.id = a.lead_id
             JOIN stages s ON s.org_id = l.org_id AND s.id = l.stage_id
             LEFT JOIN stage_escalations e ON e.org_id = l.org_id AND e.stage_id = l.stage_id
             LEFT JOIN calendars c ON c.org_id = l.org_id
            WHERE a.org_id = $1 AND a.id = $2 AND a.kind = $3""",
        tx.org_id, input.activity_id, kinds.SLA_MISSED,
    )  # fmt: skip
    if row is None or row["closed_at"] or row["deleted_at"] or row["sla_told"] != "missed":
        return Escalated(reassigned=False, task_id=None)
    wish = msgspec.convert(row["on_missed"], OnMissed)
    reason = f"It stayed in {row['stage']} for too long."
    reassigned = wish.reassign and await _reassign(tx, actor, row, reason)
    task_id = None
    if wish.task:
        made = FollowUp(
            lead_id=str(row["id"]),
            due_in="4h",
            kind="todo",
            title=f"{row['name']} is late in {row['stage']}",
            reason=reason,
        )
        task_id = (await within(tx, actor, "crm.leads.followUp", made)).id
    return Escalated(reassigned=reassigned, task_id=task_id)


async def _reassign(tx: Tx, actor: Actor, row: Row, reason: str) -> bool:
    """Give the lead to the next whom the routing rules choose beside its owner; where there is nobody, that is said."""
    lead = await leads.lock(tx, row["id"])
    free = msgspec.structs.replace(lead, owner_id=None)
    answers, _ = await choose(tx, [free] * TURNS, locked=True)
    others = [at for at, (_, choice) in enumerate(answers) if choice.member and choice.member.id != lead.owner_id]
    if others:
        answers, turns = await choose(tx, [free] * (others[0] + 1), locked=True)
        chosen = answers[-1][1]
        assert chosen.member is not None
        await turns.keep(tx)
        wish = Assign(lead_id=str(lead.id), owner_id=str(chosen.member.id), reason=f"{reason} {chosen.why}")
        await within(tx, actor, "crm.leads.assign", wish)
        return True
    why = "The routing rules know nobody else." if answers[0][1].member else answers[0][1].why
    await append(
        tx, actor,
        Entry(kind=kinds.OTHER_LOGGED, subject_type="lead", subject_id=lead.id, lead_id=lead.id,
              payload={"type": "other", "subject": "Nobody else could take this on"}, reason=f"{reason} {why}"),
    )  # fmt: skip
    return False
