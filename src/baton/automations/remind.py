"""leadFollowUpReminder and leadNurtureOrgFollowUps: every morning each person hears once of all that is overdue. Spec B7."""

from datetime import date, datetime
from uuid import UUID

from baton.kernel.actor import Actor, Role, system
from baton.kernel.db import Database, Tx
from baton.kernel.operation import Input, Output, operation
from baton.kernel.perform import perform
from baton.kernel.values import utc_now
from baton.messages.notices.audience import people
from baton.messages.notices.notify import Notify, notify

LISTED = 20


class RemindAll(Input, kw_only=True):
    """The day, in UTC; of one day people are reminded once."""

    day: date


class Reminded(Output, kw_only=True):
    """How many people were reminded, of how many follow-ups."""

    people: int
    follow_ups: int


@operation("crm.tasks.remind", role=Role.MEMBER, summary="Remind of overdue follow-ups", internal=True)
async def remind(tx: Tx, actor: Actor, input: RemindAll) -> Reminded:
    """One notice for each person with what is overdue: their own tasks, those of their agents, and unowned ones on their leads."""
    rows = await tx.fetch(
        f"""SELECT who, count(*) AS overdue, (array_agg(title ORDER BY due_at, id))[1:{LISTED}] AS titles,
                   (array_agg(due_at ORDER BY due_at, id))[1:{LISTED}] AS dues
              FROM (SELECT coalesce(t.assignee_id, l.owner_id) AS who, t.id, t.title, t.due_at
                      FROM tasks t LEFT JOIN leads l ON l.org_id = t.org_id AND l.id = t.lead_id
                     WHERE t.org_id = $1 AND t.status = 'open' AND t.due_at < $2 AND l.deleted_at IS NULL) o
             WHERE who IS NOT NULL GROUP BY who ORDER BY who""",
        tx.org_id, tx.now,
    )  # fmt: skip
    known = await people(tx)
    told: dict[UUID, tuple[int, list[tuple[datetime, str]]]] = {}
    for row in rows:
        whom = known.get(row["who"])
        if whom is not None and whom.kind == "agent":
            whom = known.get(whom.supervisor_id)
        if whom is not None and whom.kind == "person":
            count, lines = told.get(whom.id, (0, []))
            told[whom.id] = (count + row["overdue"], lines + list(zip(row["dues"], row["titles"], strict=True)))
    for member_id, (count, lines) in told.items():
        title = f"{count:,} follow-ups are overdue" if count > 1 else f"Overdue: {lines[0][1]}"
        body = "\n".join(f"{text} (due {at:%d %b})" for at, text in sorted(lines)[:LISTED])
        more = f"\n… and {count - LISTED:,} more" if count > LISTED else ""
        await notify(
            tx,
            actor,
            Notify(member_id=str(member_id), kind="overdue", title=title, body=body + more, href="/tasks?when=overdue"),
        )
    return Reminded(people=len(told), follow_ups=sum(count for count, _ in told.values()))


async def organization(db: Database, org_id: UUID, *, now: datetime | None = None) -> Reminded:
    """Remind an organization's people of what is overdue; the same day again changes nothing."""
    actor = system(org_id, "Baton", role=Role.MEMBER, via="agent")
    day = (now or utc_now()).date()
    done: Reminded = await perform(
        db, actor, "crm.tasks.remind", RemindAll(day=day), idempotency_key=f"leadFollowUpReminder/{day}", now=now
    )
    return done
