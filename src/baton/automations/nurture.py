"""leadNurtureFollowUp: a lead that enters a stage with autoNurture is written to, and its rep is told. Spec B2, B7."""

from datetime import datetime
from uuid import UUID

from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role, system
from baton.kernel.db import Database, Tx
from baton.kernel.errors import BatonError
from baton.kernel.operation import Input, Output, operation
from baton.kernel.perform import Cause, perform
from baton.messages.notices.audience import people
from baton.messages.notices.notify import Notify, notify

SEND, TEMPLATE = "crm.emails.send", "nurture-follow-up"


class Entered(Input, kw_only=True):
    """The activity by which a lead came into a stage."""

    activity_id: UUID


class ToNurture(Output, kw_only=True):
    """The lead to write to; none where it has gone on, is closed, or the stage does not nurture any more."""

    lead_id: UUID | None


class Nurtured(Input, kw_only=True):
    """The activity by which a lead came into a stage, and why it was not written to; nothing where it was."""

    activity_id: UUID
    why: str | None = None


class NurtureTold(Output, kw_only=True):
    """How many were told."""

    notices: int


_STILL = """SELECT l.id, l.name, l.owner_id, s.name AS stage FROM activities a
     JOIN leads l ON l.org_id = a.org_id AND l.id = a.lead_id
     JOIN stages s ON s.org_id = l.org_id AND s.id = l.stage_id
    WHERE a.org_id = $1 AND a.id = $2 AND a.changes -> 'stageId' ->> 1 = l.stage_id::text"""


@operation("crm.nurture.ask", kind="query", role=Role.MEMBER, summary="Ask whether a lead is nurtured", internal=True)
async def ask(tx: Tx, actor: Actor, input: Entered) -> ToNurture:
    """Whether a lead is to be written to: it is in that stage still, and the stage nurtures. What came in a file was not asked for."""
    lead_id = await tx.fetchval(
        f"{_STILL} AND s.auto_nurture AND l.closed_at IS NULL AND l.deleted_at IS NULL AND NOT (a.kind = $3 AND a.via = 'csv')",
        tx.org_id, input.activity_id, kinds.LEAD_IMPORTED,
    )  # fmt: skip
    return ToNurture(lead_id=lead_id)


@operation("crm.nurture.tell", role=Role.MEMBER, summary="Tell of a nurturing e-mail", internal=True)
async def tell(tx: Tx, actor: Actor, input: Nurtured) -> NurtureTold:
    """Tell the rep that their lead was written to, or why not, which stands on the timeline too."""
    row = await tx.fetchrow(_STILL, tx.org_id, input.activity_id)
    if row is None:
        return NurtureTold(notices=0)
    if input.why is not None:
        entry = Entry(
            kind=kinds.NURTURE_FAILED, subject_type="lead", subject_id=row["id"], lead_id=row["id"], payload={"stageName": row["stage"]},
            reason=input.why,
        )  # fmt: skip
        await append(tx, actor, entry)
    known = await people(tx)
    told = f"{row['name']} was written to on entering {row['stage']}"
    title = told if input.why is None else f"{row['name']} could not be written to on entering {row['stage']}"
    to = known.behind(row["owner_id"]) if row["owner_id"] or input.why else []
    made = [
        await notify(
            tx, actor,
            Notify(member_id=str(each.id), kind="nurture", title=title, body=input.why, lead_id=row["id"], activity_id=input.activity_id),
        )
        for each in to
    ]  # fmt: skip
    return NurtureTold(notices=sum(each.notice_id is not None for each in made))


async def follow_up(db: Database, org_id: UUID, activity_id: UUID, depth: int, *, now: datetime | None = None) -> None:
    """Write to the lead that an activity brought into a nurturing stage, once, and tell its rep; done again it changes nothing.

    Raises what says that it may succeed later: the database is away, or a limit is reached.
    """
    actor = system(org_id, "Baton", role=Role.MEMBER, via="agent")
    found: ToNurture = await perform(db, actor, "crm.nurture.ask", Entered(activity_id=activity_id), now=now)
    if found.lead_id is None:
        return
    cause, why = Cause(activity_id, depth), None
    try:
        wish = {"leadId": str(found.lead_id), "templateId": TEMPLATE}
        await perform(db, actor, SEND, wish, idempotency_key=f"nurture/{activity_id}", now=now, cause=cause)
    except BatonError as error:
        if error.status in (429, 500, 503):
            raise
        why = error.message
    await perform(
        db, actor, "crm.nurture.tell", Nurtured(activity_id=activity_id, why=why), idempotency_key=f"nurtured/{activity_id}",
        now=now, cause=cause,
    )  # fmt: skip
