"""A task, and how to find one."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from baton.kernel.actor import Actor, Role
from baton.kernel.db import Row, Tx, by_ref
from baton.kernel.errors import Invalid, NotFound
from baton.kernel.operation import Input, Output, operation
from baton.kernel.page import Page, cursor, position
from baton.kernel.values import Ref

TaskKind = Literal["follow_up", "call", "email", "meeting", "todo"]
TaskStatus = Literal["open", "done", "cancelled"]


class Task(Output, kw_only=True):
    """Something to do by a moment, by somebody."""

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


class ListTasks(Input, kw_only=True):
    """Filters of the task list; the page has 1–200 tasks, the earliest due first."""

    lead_id: Ref | None = None
    assignee_id: Ref | None = None
    status: TaskStatus | None = "open"
    due_before: datetime | None = None
    limit: int = 50
    cursor: str | None = None


COLUMNS = """id, lead_id, contact_id, company_id, kind, title, notes, due_at, assignee_id, status, completed_at, external_id, version,
    created_at"""


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


@operation("crm.tasks.list", kind="query", role=Role.VIEWER, summary="List tasks")
async def list_tasks(tx: Tx, actor: Actor, input: ListTasks) -> Page[Task]:
    """Tasks, the earliest due first. Raises Invalid; NotFound for a lead or assignee of another organization."""
    if not 1 <= input.limit <= 200:
        raise Invalid("A page has 1 to 200 tasks.", field="limit")
    tests, args = ["org_id = $1"], [tx.org_id]
    for table, column, ref in (("leads", "lead_id", input.lead_id), ("members", "assignee_id", input.assignee_id)):
        if ref is not None:
            args.append(await _id(tx, table, ref))
            tests.append(f"{column} = ${len(args)}")
    for test, value in (("status = ", input.status), ("due_at < ", input.due_before)):
        if value is not None:
            args.append(value)  # type: ignore[arg-type]
            tests.append(f"{test}${len(args)}")
    if input.cursor is not None:
        args += position(input.cursor, datetime, UUID)
        tests.append(f"(due_at, id) > (${len(args) - 1}, ${len(args)})")
    rows = await tx.fetch(
        f"SELECT {COLUMNS} FROM tasks WHERE {' AND '.join(tests)} ORDER BY due_at, id LIMIT {input.limit + 1}", *args
    )
    items = [from_row(row) for row in rows[: input.limit]]
    return Page(items=items, next_cursor=cursor(items[-1].due_at, items[-1].id) if len(rows) > input.limit else None)


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
