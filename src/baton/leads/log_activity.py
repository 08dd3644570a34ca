"""Recording what happened with a lead: a call, an e-mail, a meeting, a note. Spec B5, C6."""

from typing import Annotated

from msgspec import Meta

from baton.activities import kinds
from baton.activities.activity import Activity
from baton.activities.timeline import page
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, operation
from baton.kernel.shapes import Count, Line, Moment, Notes
from baton.kernel.values import Ref, clean
from baton.leads import lead as leads


class LogActivity(Input, kw_only=True):
    """What happened: `type` call, email, email_received, whatsapp, whatsapp_received, meeting, note or other; and the words.

    `outcome` is what came of it in a word: reached, no answer, held, …
    """

    lead_id: Ref
    type: Annotated[str, Meta(max_length=40, extra_json_schema={"enum": list(kinds.LOGGABLE)})]
    subject: Line | None = None
    notes: Notes | None = None
    happened_at: Moment | None = None
    duration_minutes: Count | None = None
    outcome: Line | None = None


@operation("crm.leads.logActivity", role=Role.MEMBER, summary="Log an activity")
async def log_activity(tx: Tx, actor: Actor, input: LogActivity) -> Activity:
    """Record an interaction on the lead's timeline. Raises Invalid for an unknown type or no words, NotFound."""
    kind = kinds.LOGGABLE.get(input.type)
    if kind is None:
        raise Invalid(f"A type is one of: {', '.join(kinds.LOGGABLE)}.", field="type")
    if not clean(input.subject) and not clean(input.notes) and not clean(input.outcome):
        raise Invalid("Say what happened, in “notes”, “subject” or “outcome”.", field="notes")
    if len(input.notes or "") > 50_000 or len(input.subject or "") > 500:
        raise Invalid("Notes have at most 50,000 characters, a subject 500.", field="notes")
    if input.happened_at is not None and (input.happened_at.tzinfo is None or input.happened_at > tx.now):
        raise Invalid("happenedAt is a past moment with its time zone.", field="happenedAt")
    before = await leads.lock(tx, input.lead_id)
    said = {
        "type": input.type, "subject": clean(input.subject), "notes": clean(input.notes), "durationMinutes": input.duration_minutes,
        "outcome": clean(input.outcome),
        "happenedAt": input.happened_at.isoformat() if input.happened_at else None,
    }  # fmt: skip
    await leads.change(
        tx, actor, before, kind, payload={name: value for name, value in said.items() if value is not None}
    )
    written = await page(tx, limit=1, after=None, lead_ids=[before.id], operation_id=tx.operation_id)
    return written.items[0]
