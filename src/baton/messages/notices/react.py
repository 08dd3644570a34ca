"""What of the log is told to whom: one function for each kind of activity. Spec A6."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from baton.accounts.members import Member
from baton.activities import kinds
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Row, Tx
from baton.kernel.operation import Input, Output, operation
from baton.messages.notices.audience import People, people
from baton.messages.notices.notify import Notify, notify

MOST = 1_000


class OfActivities(Input, kw_only=True):
    """Activities that members may have to be told of."""

    activity_ids: list[UUID]


class Notified(Output, kw_only=True):
    """How many notices were made."""

    notices: int


@dataclass(frozen=True, slots=True)
class Say:
    """What is told, and to whom."""

    to: list[Member]
    event: str
    title: str
    body: str | None = None
    href: str | None = None


Rule = Callable[[Row, People], Say | None]


@operation("crm.notifications.ofActivities", role=Role.MEMBER, summary="Notify of activities", internal=True)
async def of_activities(tx: Tx, actor: Actor, input: OfActivities) -> Notified:
    """Tell members of what these activities say; nobody is told of their own act, or of anything twice.

    An assignment that was written down more than a day after it happened is history, and no news.
    """
    rows = await tx.fetch(
        """SELECT a.id, a.kind, a.actor_id, a.actor_name, a.actor_type, a.subject_type, a.subject_id, a.changes, a.payload, a.reason,
                  a.operation_id, a.occurred_at < a.recorded_at - interval '1 day' AS history, a.lead_id,
                  l.name AS lead, l.owner_id, t.assignee_id, t.title AS task
             FROM activities a
             LEFT JOIN leads l ON l.org_id = a.org_id AND l.id = a.lead_id
             LEFT JOIN tasks t ON t.org_id = a.org_id AND a.subject_type = 'task' AND t.id = a.subject_id
            WHERE a.org_id = $1 AND a.id = ANY ($2) ORDER BY a.id""",
        tx.org_id, input.activity_ids,
    )  # fmt: skip
    known, made = await people(tx), 0
    for row in rows:
        said = RULES[row["kind"]](row, known) if row["kind"] in RULES else None
        if said is None or (row["history"] and said.event in ("assigned", "task_assigned")):
            continue
        activity_id: UUID | None = row["id"]
        if said.event == "assigned":
            said, activity_id = await _together(tx, row, said)
        for member in said.to if activity_id else []:
            if member.id != row["actor_id"]:
                told = await notify(
                    tx, actor,
                    Notify(member_id=str(member.id), kind=said.event, title=said.title, body=said.body, href=said.href,
                           lead_id=row["lead_id"], activity_id=activity_id),
                )  # fmt: skip
                made += told.notice_id is not None
    return Notified(notices=made)


async def _together(tx: Tx, row: Row, said: Say) -> tuple[Say, UUID | None]:
    """Leads that one operation gave to one member are told as one: by the first of its activities, with their number."""
    rows = await tx.fetch(
        f"""SELECT id FROM activities
             WHERE org_id = $1 AND operation_id = $2 AND kind = $3 AND changes -> 'ownerId' ->> 1 = $4 ORDER BY id LIMIT {MOST}""",
        tx.org_id, row["operation_id"], row["kind"], str(row["changes"]["ownerId"][1]),
    )  # fmt: skip
    if len(rows) <= 1:
        return said, row["id"]
    if rows[0]["id"] != row["id"]:
        return said, None
    many = f"{MOST:,} leads or more" if len(rows) == MOST else f"{len(rows):,} leads"
    return Say(said.to, said.event, f"{row['actor_name']} assigned {many} to you", href="/leads"), row["id"]


def _excerpt(row: Row) -> str | None:
    payload = row["payload"]
    words = payload.get("subject"), payload.get("notes") or payload.get("body") or payload.get("text")
    return "\n".join(str(each)[:500] for each in words if each) or None


def _reply(row: Row, known: People) -> Say | None:
    if row["lead_id"] is None:
        return None
    to = known.person(row["owner_id"]) if row["owner_id"] else known.admins()
    where = " on WhatsApp" if row["kind"] == kinds.WHATSAPP_RECEIVED else ""
    return Say(to, "reply", f"{row['lead']} replied{where}", _excerpt(row))


def _assigned(row: Row, known: People) -> Say | None:
    new = row["changes"].get("ownerId", [None, None])[1]
    if new is None:
        return None
    return Say(known.person(UUID(new)), "assigned", f"{row['actor_name']} assigned {row['lead']} to you", row["reason"])


def _task(row: Row, known: People) -> Say | None:
    title = f"{row['actor_name']} gave you a task: {row['task']}"
    return Say(known.person(row["assignee_id"]), "task_assigned", title, row["payload"].get("notes"), href=_place(row))


def _task_due(row: Row, known: People) -> Say | None:
    return Say(known.behind(row["assignee_id"]), "follow_up_due", f"Due now: {row['task']}", href=_place(row))


def _place(row: Row) -> str:
    return f"/leads/{row['lead_id']}" if row["lead_id"] else "/tasks"


def _mention(row: Row, known: People) -> Say | None:
    named = known.mentioned(str(row["payload"].get("notes") or ""))
    return Say(named, "mention", f"{row['actor_name']} mentioned you on {row['lead']}", _excerpt(row))


def _approval(row: Row, known: People) -> Say | None:
    subject = row["payload"].get("summary") or row["payload"].get("subject") or "something"
    page = f"/approvals/{row['subject_id']}" if row["subject_type"] == "approval" else None
    return Say(known.behind(row["actor_id"]), "approval", f"{row['actor_name']} asks: {subject}", row["reason"], page)


def _refused(row: Row, known: People) -> Say | None:
    title = f"{row['actor_name']} was refused: {row['payload'].get('name') or 'an act'}"
    return Say(known.behind(row["actor_id"]), "agent", title, row["reason"], f"/agents/{row['actor_id']}")


def _handed(row: Row, known: People) -> Say | None:
    to = known.get(UUID(row["changes"]["ownerId"][1])) if row["changes"].get("ownerId", [None, None])[1] else None
    if to is None or to.kind != "person":
        return None
    return Say([to], "agent", f"{row['actor_name']} hands {row['lead']} over to you", row["payload"].get("packet"))


def _failed(row: Row, known: People) -> Say | None:
    on = f" on {row['lead']}" if row["lead"] else ""
    return Say(known.behind(row["actor_id"]), "agent", f"{row['actor_name']} could not finish{on}", row["reason"])


def _webhook(row: Row, known: People) -> Say | None:
    url = row["payload"].get("name") or "an address"
    return Say(known.admins(), "webhook_disabled", f"The webhook to {url} was switched off", row["reason"])


def _joined(row: Row, known: People) -> Say | None:
    inviter = known.person(UUID(row["payload"]["invitedBy"]))
    return Say(inviter, "joined", f"{row['actor_name']} joined", href="/settings/members")


def _sla(row: Row, known: People) -> Say | None:
    near = row["kind"] == kinds.SLA_NEAR
    wanted = row["payload"].get("tell", ["owner"])
    owner = known.get(row["owner_id"])
    to = known.behind(row["owner_id"]) if "owner" in wanted else []
    if "supervisor" in wanted and owner is not None and owner.supervisor_id:
        to = to + known.behind(owner.supervisor_id)
    if "admins" in wanted:
        to = to + known.admins()
    stage = row["payload"].get("stageName") or "its stage"
    title = (
        f"{row['lead']} will soon have been in {stage} for too long" if near else f"{row['lead']} is late in {stage}"
    )
    return Say(
        list({each.id: each for each in to}.values()), "sla_near" if near else "sla_missed", title, row["reason"]
    )


RULES: dict[str, Rule] = {
    kinds.EMAIL_RECEIVED: _reply,
    kinds.WHATSAPP_RECEIVED: _reply,
    kinds.LEAD_IMPORTED: _assigned,
    kinds.ASSIGNMENT_CHANGED: _assigned,
    kinds.TASK_CREATED: _task,
    kinds.TASK_DUE: _task_due,
    kinds.NOTE_ADDED: _mention,
    kinds.APPROVAL_REQUESTED: _approval,
    kinds.AGENT_REFUSED: _refused,
    kinds.HANDED_OFF: _handed,
    kinds.AGENT_FAILED: _failed,
    kinds.WEBHOOK_DISABLED: _webhook,
    kinds.INVITATION_ACCEPTED: _joined,
    kinds.SLA_NEAR: _sla,
    kinds.SLA_MISSED: _sla,
}
