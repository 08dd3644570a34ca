"""Telling a member: the notice, once for each activity, and when it is mailed. Spec A6, B7."""

import re
from datetime import datetime
from uuid import UUID

from baton.accounts.members import Member, member
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Invalid, NotFound
from baton.kernel.operation import Input, Output, operation
from baton.kernel.values import Ref, clean, new_id
from baton.messages.notices import settings

_EVENT = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")
_PAGE = re.compile(r"/(?!/)[^\s\\]{0,500}\Z")


class Notify(Input, kw_only=True):
    """Whom to tell what: `kind` is the event (docs/notifications.md), `href` a page of the product.

    One activity is told to a member once, whatever it is told as. An agent reads no notices: its supervisor is told.
    """

    member_id: Ref
    kind: str
    title: str
    body: str | None = None
    lead_id: UUID | None = None
    href: str | None = None
    activity_id: UUID | None = None


class Told(Output, kw_only=True):
    """The notice that was made; none where the member knows it already, wants none, or nobody is there to be told."""

    notice_id: UUID | None


@operation("crm.notifications.notify", role=Role.MEMBER, summary="Notify a member", internal=True)
async def notify(tx: Tx, actor: Actor, input: Notify) -> Told:
    """Tell a member of something, as they want to be told. Raises NotFound for a member, lead or activity, Invalid."""
    title = " ".join((input.title or "").split())[:300]
    if not title or not _EVENT.match(input.kind):
        raise Invalid("A notice has a title, and a kind such as “reply”.", field="title" if not title else "kind")
    if input.href is not None and not _PAGE.match(input.href):
        raise Invalid("“href” is a page of the product, such as /leads/….", field="href")
    whom = await reader(tx, await member(tx, input.member_id))
    if input.lead_id is not None and not await tx.fetchval(
        "SELECT true FROM leads WHERE org_id = $1 AND id = $2", tx.org_id, input.lead_id
    ):
        raise NotFound("There is no such lead in your organization.", field="leadId")
    if whom is None:
        return Told(notice_id=None)
    wish = await settings.of(tx, whom.id)
    channels = wish.events.get(input.kind) or settings.usual(input.kind)
    at = settings.mail_at(tx.now, wish) if channels.email and whom.email else None
    if not channels.in_app and at is None:
        return Told(notice_id=None)
    id = await _insert(tx, whom, input, title, channels.in_app, at)
    if id is None:
        return Told(notice_id=None)
    if at is not None:
        await mail_due(tx, whom.id, at)
    lead = {"leadId": str(input.lead_id)} if input.lead_id else {}
    await append(
        tx, actor,
        Entry(kind=kinds.MEMBER_NOTIFIED, subject_type="member", subject_id=whom.id,
              payload={"name": whom.name, "event": input.kind, "noticeId": str(id)} | lead),
    )  # fmt: skip
    return Told(notice_id=id)


async def reader(tx: Tx, found: Member) -> Member | None:
    """Who reads what a member is told: the person themself, an agent's supervisor; None where nobody does."""
    if found.kind == "person":
        return found
    if found.supervisor_id is None:
        return None
    try:
        return await member(tx, found.supervisor_id)
    except NotFound:
        return None


async def _insert(tx: Tx, whom: Member, input: Notify, title: str, in_app: bool, at: datetime | None) -> UUID | None:
    id: UUID | None = await tx.fetchval(
        """INSERT INTO notices (org_id, id, member_id, event, title, body, lead_id, href, activity_id, in_app, email, email_at, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
           ON CONFLICT (member_id, activity_id, org_id) DO NOTHING RETURNING id""",
        tx.org_id, new_id(), whom.id, input.kind, title, (clean(input.body) or "")[:4_000] or None, input.lead_id,
        input.href or (f"/leads/{input.lead_id}" if input.lead_id else None), input.activity_id, in_app,
        "waiting" if at else "none", at, tx.now,
    )  # fmt: skip
    return id


async def mail_due(tx: Tx, member_id: UUID, at: datetime) -> None:
    """Let a member's mail be looked at by that moment."""
    await tx.execute(
        """INSERT INTO notice_mail (org_id, member_id, next_at) VALUES ($1, $2, $3)
           ON CONFLICT (org_id, member_id) DO UPDATE SET next_at = least(notice_mail.next_at, excluded.next_at)""",
        tx.org_id, member_id, at,
    )  # fmt: skip
