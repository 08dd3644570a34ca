"""Leaving a sequence: what was answered, came back or was decided takes a lead out, before the next step and as it happens."""

from typing import Final
from uuid import UUID

import structlog

from baton.activities import kinds
from baton.automations.sequences.enrolment import ACTIVE, SELECT, Enrolment, find_enrolment, plan_of
from baton.automations.sequences.plan import Plan
from baton.automations.sequences.sequence import Why
from baton.fields import lead as fields
from baton.kernel.actor import Actor, Role
from baton.kernel.conditions import Condition
from baton.kernel.db import Tx, struct_of
from baton.kernel.errors import BatonError
from baton.kernel.operation import Input, Output, operation
from baton.leads import lead as leads
from baton.leads.lead import Lead

log = structlog.get_logger()
_REPLY: Final = (kinds.EMAIL_RECEIVED, kinds.WHATSAPP_RECEIVED)
_FAREWELL: Final = (kinds.SUPPRESSION_ADDED, kinds.EMAIL_COMPLAINED)
HEEDED: Final = (
    *_REPLY, *_FAREWELL, kinds.EMAIL_BOUNCED, kinds.STAGE_CHANGED, kinds.PIPELINE_MOVED, kinds.ASSIGNMENT_CHANGED,
    kinds.FIELD_UPDATED, kinds.LEAD_DELETED, kinds.LEAD_CONVERTED, kinds.LEAD_SCORED,
)  # fmt: skip
"""The kinds of activity after which it is asked who leaves."""
_WORDS: dict[Why, str] = {
    "reply": "They answered.",
    "bounce": "An e-mail came back.",
    "unsubscribe": "They do not want to be written to.",
    "closed": "The lead is closed.",
    "deleted": "The lead was deleted.",
    "stage": "The lead moved to another stage.",
    "owner": "The lead has another owner.",
    "condition": "The lead met the condition to leave.",
    "gate": "The lead did not meet the condition to go on.",
}


class Leave(Input, kw_only=True):
    """Activities after which leads may leave their sequences."""

    activity_ids: list[UUID]


class Left(Output, kw_only=True):
    """How many enrolments ended."""

    enrolments: int


@operation("crm.sequences.leave", role=Role.MEMBER, summary="Take leads out of sequences", internal=True)
async def leave(tx: Tx, actor: Actor, input: Leave) -> Left:
    """End the enrolments of the leads of these activities that have a reason to leave. Done again, nothing more happens."""
    rows = await tx.fetch(
        f"""{SELECT} WHERE e.org_id = $1 AND e.state = ANY ($3) AND e.lead_id IN (
              SELECT a.lead_id FROM activities a WHERE a.org_id = $1 AND a.id = ANY ($2)) ORDER BY e.lead_id, e.id""",
        tx.org_id, input.activity_ids, list(ACTIVE),
    )  # fmt: skip
    ended = 0
    for row in rows:
        seen = struct_of(row, Enrolment)
        lead = await leads.lock_even_deleted(tx, seen.lead_id)
        found = await find_enrolment(tx, seen.id, lock=True)
        why = await reason(tx, found, await plan_of(tx, found), lead) if found.state in ACTIVE else None
        if why is not None:
            await stop(tx, actor, found, lead, why)
            ended += 1
    return Left(enrolments=ended)


async def reason(tx: Tx, found: Enrolment, plan: Plan, lead: Lead) -> Why | None:
    """Why a lead leaves now; None where it stays."""
    exits = plan.exits
    if lead.deleted_at is not None:
        return "deleted"
    if exits.closed and lead.closed_at is not None:
        return "closed"
    heard = await _heard(tx, found)
    if heard & set(_FAREWELL):
        return "unsubscribe"
    if exits.bounce and kinds.EMAIL_BOUNCED in heard:
        return "bounce"
    if exits.reply and heard & set(_REPLY):
        return "reply"
    began = await tx.fetchrow(
        "SELECT stage_id, owner_id FROM enrolments WHERE org_id = $1 AND id = $2", tx.org_id, found.id
    )
    assert began is not None
    if exits.stage and lead.stage_id != began["stage_id"]:
        return "stage"
    if exits.owner and lead.owner_id != began["owner_id"]:
        return "owner"
    if exits.condition is not None and await holds(tx, lead, exits.condition):
        return "condition"
    return None


async def _heard(tx: Tx, found: Enrolment) -> set[str]:
    """What came in from or about the lead since it was enrolled."""
    rows = await tx.fetch(
        """SELECT DISTINCT kind FROM activities
            WHERE org_id = $1 AND lead_id = $2 AND occurred_at >= $3 AND kind = ANY ($4)
              AND (kind <> $5 OR payload ->> 'reason' IS DISTINCT FROM 'bounce')""",
        tx.org_id, found.lead_id, found.created_at, [*_REPLY, *_FAREWELL, kinds.EMAIL_BOUNCED], kinds.SUPPRESSION_ADDED,
    )  # fmt: skip
    heard = {row["kind"] for row in rows}
    came_back = await tx.fetchval(
        """SELECT EXISTS (SELECT FROM activities WHERE org_id = $1 AND lead_id = $2 AND occurred_at >= $3 AND kind = $4
                             AND payload ->> 'reason' = 'bounce')""",
        tx.org_id, found.lead_id, found.created_at, kinds.SUPPRESSION_ADDED,
    )  # fmt: skip
    return heard | ({kinds.EMAIL_BOUNCED} if came_back else set())


async def holds(tx: Tx, lead: Lead, condition: Condition) -> bool:
    """Whether a lead meets a condition; one that cannot be asked any more is not met."""
    try:
        compiled = await fields.compiled(tx, condition, first=3)
    except BatonError as error:
        log.warning("a sequence's condition cannot be asked", org_id=str(tx.org_id), error=error.message)
        return False
    held: bool | None = await tx.fetchval(
        f"SELECT {compiled.sql} FROM leads l WHERE l.org_id = $1 AND l.id = $2", tx.org_id, lead.id, *compiled.args
    )
    return bool(held)


async def stop(tx: Tx, actor: Actor, found: Enrolment, lead: Lead, why: Why, detail: str | None = None) -> None:
    """End an enrolment, and tell on the lead's timeline why."""
    words = detail or _WORDS[why]
    await tx.execute(
        """UPDATE enrolments SET state = 'stopped', why = $3, detail = $4, finished_at = $5, version = version + 1
            WHERE org_id = $1 AND id = $2""",
        tx.org_id, found.id, why, words, tx.now,
    )  # fmt: skip
    await leads.change(
        tx, actor, lead, kinds.SEQUENCE_STOPPED, payload={"name": found.sequence, "why": why}, subject=("enrolment", found.id),
        reason=words,
    )  # fmt: skip
