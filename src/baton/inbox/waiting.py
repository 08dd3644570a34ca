"""What waits for a member: approvals, notices to read, tasks of today and before; each read by one bounded query. Spec A6."""

from datetime import datetime, time, timedelta
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from baton.inbox import found
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.errors import Forbidden
from baton.kernel.operation import Input, Nothing, Output, operation
from baton.tasks.task import zone_of

Kind = Literal["approval", "task", "reply", "mention", "lead", "alert"]
ORDER: tuple[Kind, ...] = ("approval", "task", "reply", "mention", "lead", "alert")
COUNTED = 1_000


class ListInbox(Input, kw_only=True):
    """What to list: everything, or `only` approvals, tasks, replies, mentions, leads handed over or alerts; at most so many of each."""

    only: Kind | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class InboxItem(Output, kw_only=True):
    """One thing that waits: `id` is the approval's, the task's or the notice's. `at` is when a task is due, else when it came."""

    kind: Kind
    id: UUID
    title: str
    body: str | None
    lead_id: UUID | None
    lead_name: str | None
    at: datetime
    late: bool = False
    version: int | None = None
    activity_id: UUID | None = None
    href: str | None = None


class Counts(Output, kw_only=True):
    """How much waits for the member of each kind, each counted up to 1,000; `decide` is every approval that they may decide."""

    approvals: int = 0
    tasks: int = 0
    replies: int = 0
    mentions: int = 0
    leads: int = 0
    alerts: int = 0
    total: int = 0
    decide: int = 0


class Inbox(Output, kw_only=True):
    """What waits, in the order in which it wants to be done: approvals, tasks, replies, mentions, leads, alerts; and how much."""

    items: list[InboxItem]
    counts: Counts


def member_of(actor: Actor) -> UUID:
    """The member that asks. Raises Forbidden for the system."""
    if actor.id is None:
        raise Forbidden("Only a member has an inbox.")
    return actor.id


@operation("crm.inbox.list", kind="query", role=Role.VIEWER, summary="Read one's inbox")
async def list_inbox(tx: Tx, actor: Actor, input: ListInbox) -> Inbox:
    """What waits for the actor, the oldest first in each kind. Raises Forbidden for who is no member."""
    me, items = member_of(actor), list[InboxItem]()
    wanted = [input.only] if input.only else ORDER
    if "approval" in wanted and may_decide(actor):
        items += [InboxItem(kind="approval", **row) for row in await found.approvals(tx, me, input.limit)]
    if "task" in wanted:
        until = await end_of_today(tx, me)
        rows = await found.tasks(tx, me, until, input.limit)
        items += [InboxItem(kind="task", late=row["at"] < tx.now, **row) for row in rows]
    notices = [kind for kind in wanted if kind in found.NOTICES]
    if notices:
        items += [InboxItem(**row) for row in await found.notices(tx, me, notices, input.limit)]
    items.sort(key=lambda each: ORDER.index(each.kind))
    return Inbox(items=items, counts=await _count(tx, actor, me))


@operation("crm.inbox.counts", kind="query", role=Role.VIEWER, summary="Count what waits in one's inbox")
async def counts(tx: Tx, actor: Actor, input: Nothing) -> Counts:
    """How much waits for the actor. Raises Forbidden for who is no member."""
    return await _count(tx, actor, member_of(actor))


async def _count(tx: Tx, actor: Actor, me: UUID) -> Counts:
    decide, mine = await found.count_approvals(tx, me, COUNTED) if may_decide(actor) else (0, 0)
    tasks = await found.count_tasks(tx, me, await end_of_today(tx, me), COUNTED)
    notices = await found.count_notices(tx, me, COUNTED)
    of = {name: notices.get(kind, 0) for kind, name in found.NOTICES.items()}
    total = mine + tasks + sum(of.values())
    return Counts(approvals=mine, tasks=tasks, total=total, decide=decide, **of)


def may_decide(actor: Actor) -> bool:
    """Whether approvals wait for the actor at all: for people who may change leads, never for an agent."""
    return actor.type == "user" and actor.role.admits(Role.MEMBER)


async def end_of_today(tx: Tx, member_id: UUID) -> datetime:
    """The midnight that ends the member's day, by their own clock."""
    zone = await zone_of(tx, member_id)
    return datetime.combine(tx.now.astimezone(zone).date() + timedelta(days=1), time(0), tzinfo=zone)
