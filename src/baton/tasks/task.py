"""A task, and how to find one."""

from datetime import datetime, time, timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from baton.kernel.actor import Actor, Role
from baton.kernel.db import Row, Tx, by_ref
from baton.kernel.errors import NotFound
from baton.kernel.operation import Input, Output, operation
from baton.kernel.page import Page, cursor, position
from baton.kernel.shapes import Cursor, Moment, PageSize
from baton.kernel.values import Ref

TaskKind = Literal["follow_up", "call", "email", "meeting", "todo"]
TaskStatus = Literal["open", "done", "cancelled"]


class Task(Output, kw_only=True):
    """Something to do by a moment, by somebody, about a lead, a contact or a company.

    A step of another task names it as `parentId`. It waits for the tasks that it `needs`; `blocked` while one of them is open.
    `recurrence` (RFC 5545) is counted on the wall clock of `recursZone`; all occurrences share a `seriesId`.
    """

    id: UUID
    lead_id: UUID | None
    contact_id: UUID | None
    company_id: UUID | None
    kind: TaskKind
    title: str
    notes: str | None
    due_at: datetime
    assignee_id: UUID | None
    status: TaskStatus
    completed_at: datetime | None
    external_id: str | None
    version: int
    created_at: datetime
    parent_id: UUID | None = None
    recurrence: str | None = None
    recurs_from: datetime | None = None
    recurs_zone: str | None = None
    series_id: UUID | None = None
    needs: list[UUID] = []
    blocked: bool = False


When = Literal["overdue", "today", "week", "upcoming"]


class ListTasks(Input, kw_only=True):
    """Filters of the task list; the page has 1–200 tasks, the earliest due first.

    `when` is told by the clock of whoever asks: overdue, due today, due within seven days from today, or later than today.
    """

    lead_id: Ref | None = None
    contact_id: Ref | None = None
    company_id: Ref | None = None
    parent_id: Ref | None = None
    assignee_id: Ref | None = None
    mine: bool = False
    status: TaskStatus | None = "open"
    kind: TaskKind | None = None
    when: When | None = None
    due_after: Moment | None = None
    due_before: Moment | None = None
    limit: PageSize = 50
    cursor: Cursor | None = None


STORED = Task.__struct_fields__[: Task.__struct_fields__.index("needs")]
COLUMNS = f"""{", ".join(STORED)},
    ARRAY(SELECT n.need_id FROM task_needs n WHERE n.org_id = tasks.org_id AND n.task_id = tasks.id ORDER BY 1) AS needs,
    EXISTS (SELECT FROM task_needs n JOIN tasks o ON o.org_id = n.org_id AND o.id = n.need_id AND o.status = 'open'
             WHERE n.org_id = tasks.org_id AND n.task_id = tasks.id) AS blocked"""


def from_row(row: Row) -> Task:
    """The task of a row that holds `COLUMNS`."""
    return Task(**dict(row))


async def get(tx: Tx, ref: Ref | UUID, *, lock: bool = False) -> Task:
    """A task by id or external id, locked where asked. Raises NotFound."""
    where, value = by_ref(str(ref))
    locking = "FOR NO KEY UPDATE" if lock else ""
    row = await tx.fetchrow(f"SELECT {COLUMNS} FROM tasks WHERE org_id = $1 AND {where} {locking}", tx.org_id, value)
    if row is None:
        raise NotFound("There is no such task in your organization.")
    return from_row(row)


class GetTask(Input, kw_only=True):
    """One task by id or external id."""

    task_id: Ref


@operation("crm.tasks.get", kind="query", role=Role.VIEWER, summary="Read a task")
async def read(tx: Tx, actor: Actor, input: GetTask) -> Task:
    """A task. Raises NotFound."""
    return await get(tx, input.task_id)


@operation("crm.tasks.list", kind="query", role=Role.VIEWER, summary="List tasks")
async def list_tasks(tx: Tx, actor: Actor, input: ListTasks) -> Page[Task]:
    """Tasks, the earliest due first. Raises Invalid; NotFound for a lead or assignee of another organization."""
    tests: list[str] = ["org_id = $1"]
    args: list[Any] = [tx.org_id]

    def test(words: str, value: object) -> None:
        args.append(value)
        tests.append(f"{words} ${len(args)}")

    for table, column in _RECORDS.items():
        ref: Ref | None = getattr(input, column)
        if ref is not None:
            test(f"{column} =", await _id(tx, table, ref))
    if input.parent_id is not None:
        test("parent_id =", await _id(tx, "tasks", input.parent_id))
    if input.mine:
        test("assignee_id =", actor.id)
    after, before = await _window(tx, actor, input.when)
    for words, value in (
        ("status =", input.status), ("kind =", input.kind), ("due_at >=", input.due_after), ("due_at <", input.due_before),
        ("due_at >=", after), ("due_at <", before),
    ):  # fmt: skip
        if value is not None:
            test(words, value)
    if input.cursor is not None:
        args += position(input.cursor, datetime, UUID)
        tests.append(f"(due_at, id) > (${len(args) - 1}, ${len(args)})")
    rows = await tx.fetch(
        f"SELECT {COLUMNS} FROM tasks WHERE {' AND '.join(tests)} ORDER BY due_at, id LIMIT {input.limit + 1}", *args
    )
    items = [from_row(row) for row in rows[: input.limit]]
    return Page(items=items, next_cursor=cursor(items[-1].due_at, items[-1].id) if len(rows) > input.limit else None)


_RECORDS = {"leads": "lead_id", "contacts": "contact_id", "companies": "company_id", "members": "assignee_id"}


async def _window(tx: Tx, actor: Actor, when: When | None) -> tuple[datetime | None, datetime | None]:
    """From when to when, by the clock of whoever asks."""
    if when is None:
        return None, None
    if when == "overdue":
        return None, tx.now
    zone = await zone_of(tx, actor.id)
    midnight = datetime.combine(tx.now.astimezone(zone).date(), time(0), tzinfo=zone)
    if when == "upcoming":
        return midnight + timedelta(days=1), None
    return midnight, midnight + timedelta(days=1 if when == "today" else 7)


async def zone_of(tx: Tx, member_id: UUID | None) -> ZoneInfo:
    """The time zone of a member, else the organization's."""
    name: str = await tx.fetchval(
        """SELECT coalesce((SELECT time_zone FROM members WHERE org_id = $1 AND id = $2), time_zone)
             FROM organizations WHERE org_id = $1""",
        tx.org_id, member_id,
    )  # fmt: skip
    return ZoneInfo(name)


async def insert(tx: Tx, task: Task) -> None:
    """Write a new task; what it needs is written beside it (`dependencies`)."""
    values = {name: getattr(task, name) for name in STORED}
    parameters = ", ".join(f"${index}" for index in range(2, 2 + len(values)))
    await tx.execute(
        f"INSERT INTO tasks (org_id, {', '.join(values)}) VALUES ($1, {parameters})", tx.org_id, *values.values()
    )


async def earliest_due(tx: Tx, lead_id: UUID, *, without: UUID | None = None) -> datetime | None:
    """When the next open task of a lead is due, not counting one of them."""
    due: datetime | None = await tx.fetchval(
        """SELECT min(due_at) FROM tasks
            WHERE org_id = $1 AND lead_id = $2 AND status = 'open' AND ($3::uuid IS NULL OR id <> $3)""",
        tx.org_id, lead_id, without,
    )  # fmt: skip
    return due


async def _id(tx: Tx, table: str, ref: Ref) -> UUID:
    where, value = by_ref(ref)
    id: UUID | None = await tx.fetchval(f"SELECT id FROM {table} WHERE org_id = $1 AND {where}", tx.org_id, value)
    if id is None:
        raise NotFound("There is no such record in your organization.")
    return id
