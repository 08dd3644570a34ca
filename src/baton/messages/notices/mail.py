"""Mailing what waits for a member: one mail for all of it, once, and not what they have read in the product meanwhile."""

from datetime import datetime
from uuid import UUID

from baton.accounts.members import member
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role, system
from baton.kernel.db import Database, Row, Tx
from baton.kernel.decode import decode
from baton.kernel.errors import BatonError, NotFound
from baton.kernel.fairness import fair
from baton.kernel.operation import Input, Output, find, operation, registry
from baton.kernel.perform import perform, within

TELL_MEMBER = "crm.emails.tellMember"
AT_ONCE = 100
_NOT_CARRIED = {
    "no mailbox": "No mailbox is connected that could carry it.",
    "no address": "There is no e-mail address to send it to.",
}


class MailNotices(Input, kw_only=True):
    """The member whose waiting notices are mailed."""

    member_id: UUID


class Mailed(Output, kw_only=True):
    """How many notices were mailed, and how many were left out: read meanwhile, or not to be mailed at all."""

    sent: int
    skipped: int


@operation("crm.notifications.mail", role=Role.MEMBER, summary="Mail a member's notices", internal=True)
async def mail(tx: Tx, actor: Actor, input: MailNotices) -> Mailed:
    """Hand what is due to the outbox as one mail, in one transaction with saying so. Raises NotFound, and what sending raises."""
    whom = await member(tx, input.member_id)
    await _take_turn(tx, whom.id)
    rows = await tx.fetch(
        """SELECT id, title, body, href, read_at FROM notices
            WHERE org_id = $1 AND member_id = $2 AND email = 'waiting' AND email_at <= $3
            ORDER BY created_at, id LIMIT $4 FOR UPDATE""",
        tx.org_id, whom.id, tx.now, AT_ONCE,
    )  # fmt: skip
    fresh = [row for row in rows if row["read_at"] is None] if whom.status == "active" else []
    refused: str | None = None
    if fresh:
        subject = fresh[0]["title"] if len(fresh) == 1 else f"{len(fresh)} notices from Baton"
        wish = {"memberId": str(whom.id), "subject": subject, "text": _text(fresh, tx.installation.public_url)}
        answer = await within(tx, actor, TELL_MEMBER, decode(find(TELL_MEMBER), wish))
        refused = _NOT_CARRIED.get(getattr(answer, "state", ""))
    await _settle(
        tx,
        rows,
        [] if refused else [row["id"] for row in fresh],
        [row["id"] for row in fresh] if refused else [],
        refused,
    )
    await _wait_on(tx, whom.id)
    sent = 0 if refused else len(fresh)
    await append(
        tx, actor,
        Entry(kind=kinds.NOTICES_MAILED, subject_type="member", subject_id=whom.id,
              payload={"name": whom.name, "count": sent, "skipped": len(rows) - sent}, reason=refused),
    )  # fmt: skip
    return Mailed(sent=sent, skipped=len(rows) - sent)


async def _take_turn(tx: Tx, member_id: UUID) -> None:
    """Let nobody else mail this member until the transaction ends."""
    await tx.execute("DELETE FROM notice_mail WHERE org_id = $1 AND member_id = $2", tx.org_id, member_id)


async def _wait_on(tx: Tx, member_id: UUID) -> None:
    """What waits still is due when the first of it is."""
    await tx.execute(
        """INSERT INTO notice_mail (org_id, member_id, next_at)
           SELECT $1, $2, min(email_at) FROM notices WHERE org_id = $1 AND member_id = $2 AND email = 'waiting' HAVING count(*) > 0
           ON CONFLICT (org_id, member_id) DO UPDATE SET next_at = excluded.next_at""",
        tx.org_id, member_id,
    )  # fmt: skip


async def _settle(tx: Tx, rows: list[Row], sent: list[UUID], failed: list[UUID], why: str | None) -> None:
    await tx.execute(
        """UPDATE notices SET email = CASE WHEN id = ANY ($3) THEN 'sent' WHEN id = ANY ($4) THEN 'failed' ELSE 'skipped' END,
                  email_error = CASE WHEN id = ANY ($4) THEN $5 END
            WHERE org_id = $1 AND id = ANY ($2)""",
        tx.org_id, [row["id"] for row in rows], sent, failed, why,
    )  # fmt: skip


def _text(rows: list[Row], base: str) -> str:
    parts = []
    for row in rows:
        lines = [row["title"], *([row["body"]] if row["body"] else []), *([base + row["href"]] if row["href"] else [])]
        parts.append("\n".join(lines))
    more = f"How you are told is set here: {base}/notifications/settings"
    return "\n\n".join([*parts, more])


async def due(db: Database, now: datetime, per_organization: int) -> list[tuple[UUID, UUID]]:
    """Members whose mail is due, at most so many of an organization, whoever waits longest first."""
    if TELL_MEMBER not in registry:
        return []
    return await fair(
        db,
        "SELECT org_id, member_id AS id, next_at FROM notice_mail WHERE next_at <= $1",
        now, per_organization=per_organization,
    )  # fmt: skip


async def walk(db: Database, org_id: UUID, member_id: UUID, now: datetime | None) -> int:
    """Mail what waits for one member; where it cannot be mailed the notices say why. Answers how many notices were dealt with."""
    actor = system(org_id, "Baton", role=Role.MEMBER, via="agent")
    try:
        done: Mailed = await perform(db, actor, "crm.notifications.mail", MailNotices(member_id=member_id), now=now)
        return done.sent + done.skipped
    except BatonError as error:
        if error.status >= 500:
            raise
        await perform(
            db, actor, "crm.notifications.unmailed", Unmailed(member_id=member_id, why=error.message), now=now
        )
        return 1


class Unmailed(Input, kw_only=True):
    """The member, and why nothing could be mailed."""

    member_id: UUID
    why: str


@operation("crm.notifications.unmailed", role=Role.MEMBER, summary="Note that notices were not mailed", internal=True)
async def unmailed(tx: Tx, actor: Actor, input: Unmailed) -> Mailed:
    """Let the due notices say why they were not mailed; in the product they stand as before. Raises NotFound."""
    name = await tx.fetchval("SELECT name FROM members WHERE org_id = $1 AND id = $2", tx.org_id, input.member_id)
    if name is None:
        raise NotFound("There is no such member in your organization.", field="memberId")
    await _take_turn(tx, input.member_id)
    rows = await tx.fetch(
        """UPDATE notices SET email = 'failed', email_error = $4
            WHERE org_id = $1 AND member_id = $2 AND email = 'waiting' AND email_at <= $3 RETURNING id""",
        tx.org_id, input.member_id, tx.now, input.why[:500],
    )  # fmt: skip
    await _wait_on(tx, input.member_id)
    await append(
        tx, actor,
        Entry(kind=kinds.NOTICES_UNMAILED, subject_type="member", subject_id=input.member_id,
              payload={"name": name, "count": len(rows)}, reason=input.why[:500]),
    )  # fmt: skip
    return Mailed(sent=0, skipped=len(rows))
