"""Runs: what each automation did about what, step by step; which wait, and which are held for a person."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from baton.accounts.sign_in import must_not_be_agent
from baton.activities import kinds
from baton.activities.append import Entry, append
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx, struct_of
from baton.kernel.errors import Conflict, NotFound
from baton.kernel.operation import Input, Output, operation
from baton.kernel.page import Page, cursor, position
from baton.kernel.shapes import Cursor, PageSize, Reason
from baton.kernel.values import Ref
from baton.leads import lead as leads

Status = Literal["waiting", "held", "done", "dropped", "stopped"]


class Run(Output, kw_only=True):
    """What a version (`number`) of an automation does about one thing. `nextAt` is when it goes on, `error` what is in the way."""

    id: UUID
    automation_id: UUID
    automation: str
    number: int
    lead_id: UUID | None
    lead: str | None
    activity_id: UUID | None
    depth: int
    status: Status
    position: int
    attempts: int
    next_at: datetime | None
    error: str | None
    created_at: datetime
    finished_at: datetime | None


class StepDone(Output, kw_only=True):
    """What became of one step: where it stands ("2 yes 1"), what it did, and the activities that it left."""

    path: str
    act: str
    outcome: Literal["done", "skipped", "failed"]
    detail: str | None
    activity_ids: list[UUID]
    attempts: int
    at: datetime


class RunWithSteps(Run, kw_only=True):
    """A run with what became of its steps, in order."""

    steps: list[StepDone]


class ListRuns(Input, kw_only=True):
    """Runs of an automation, a lead or all, newest first; `limit` 1 to 200."""

    automation_id: UUID | None = None
    lead_id: Ref | None = None
    status: Status | None = None
    limit: PageSize = 50
    cursor: Cursor | None = None


class NameRun(Input, kw_only=True):
    """A run."""

    run_id: UUID


class NameRuns(Input, kw_only=True):
    """Runs that are held, at most 200, and a reason to write down."""

    run_ids: Annotated[list[UUID], Meta(min_length=1, max_length=200)]
    reason: Reason | None = None


_SELECT = """SELECT r.id, r.automation_id, v.name AS automation, r.number, r.lead_id, l.name AS lead, r.activity_id, r.depth, r.status,
       r.position, r.attempts, CASE WHEN r.status = 'waiting' THEN r.next_at END AS next_at, r.error, r.created_at, r.finished_at
  FROM automation_runs r
  JOIN automation_versions v ON v.org_id = r.org_id AND v.automation_id = r.automation_id AND v.number = r.number
  LEFT JOIN leads l ON l.org_id = r.org_id AND l.id = r.lead_id"""


async def find_run(tx: Tx, id: UUID, *, lock: bool = False) -> Run:
    """A run, locked where asked. Raises NotFound."""
    locking = "FOR NO KEY UPDATE OF r" if lock else ""
    row = await tx.fetchrow(f"{_SELECT} WHERE r.org_id = $1 AND r.id = $2 {locking}", tx.org_id, id)
    if row is None:
        raise NotFound("There is no such run in your organization.")
    return struct_of(row, Run)


@operation("crm.automations.runs", kind="query", role=Role.VIEWER, summary="Read what automations did")
async def list_runs(tx: Tx, actor: Actor, input: ListRuns) -> Page[Run]:
    """A page of runs, newest first. Raises Invalid for a limit or cursor, NotFound for a lead."""
    lead_id = (await leads.get(tx, input.lead_id)).id if input.lead_id else None
    tests, args = ["r.org_id = $1"], [tx.org_id]
    wanted: tuple[tuple[str, Any], ...] = (
        ("r.automation_id =", input.automation_id), ("r.lead_id =", lead_id), ("r.status =", input.status),
        ("r.id <", position(input.cursor, UUID)[0] if input.cursor else None),
    )  # fmt: skip
    for test, value in wanted:
        if value is not None:
            args.append(value)
            tests.append(f"{test} ${len(args)}")
    rows = await tx.fetch(f"{_SELECT} WHERE {' AND '.join(tests)} ORDER BY r.id DESC LIMIT {input.limit + 1}", *args)
    items = [struct_of(row, Run) for row in rows[: input.limit]]
    return Page(items=items, next_cursor=cursor(items[-1].id) if len(rows) > input.limit else None)


@operation("crm.automations.run", kind="query", role=Role.VIEWER, summary="Read one run of an automation")
async def read_run(tx: Tx, actor: Actor, input: NameRun) -> RunWithSteps:
    """A run with what became of its steps. Raises NotFound."""
    run = await find_run(tx, input.run_id)
    rows = await tx.fetch(
        """SELECT path, act, outcome, detail, activity_ids, attempts, at FROM automation_steps
            WHERE org_id = $1 AND run_id = $2 ORDER BY position""",
        tx.org_id, run.id,
    )  # fmt: skip
    return RunWithSteps(**msgspec.structs.asdict(run), steps=[struct_of(row, StepDone) for row in rows])


@operation("crm.automations.held", kind="query", role=Role.VIEWER, summary="List the runs that wait for a person")
async def held(tx: Tx, actor: Actor, input: ListRuns) -> Page[Run]:
    """Runs whose step fails: each waits until somebody retries or drops it. Raises as `crm.automations.runs`."""
    return await list_runs(tx, actor, msgspec.structs.replace(input, status="held"))


@operation("crm.automations.retry", role=Role.MEMBER, summary="Retry runs that are held")
async def retry(tx: Tx, actor: Actor, input: NameRuns) -> list[Run]:
    """Let held runs go on with the step that failed. Raises NotFound, Conflict for one that is not held, Forbidden for agents."""
    found = await _held(tx, actor, input)
    await tx.execute(
        """UPDATE automation_runs SET status = 'waiting', attempts = 0, next_at = $3
            WHERE org_id = $1 AND id = ANY ($2)""",
        tx.org_id, [run.id for run in found], tx.now,
    )  # fmt: skip
    return await _told(tx, actor, kinds.AUTOMATION_RETRIED, found, input.reason)


@operation("crm.automations.drop", role=Role.MEMBER, summary="Drop runs that are held")
async def drop(tx: Tx, actor: Actor, input: NameRuns) -> list[Run]:
    """Give held runs up; what they did stays. Raises NotFound, Conflict for one that is not held, Forbidden for agents."""
    found = await _held(tx, actor, input)
    await tx.execute(
        "UPDATE automation_runs SET status = 'dropped', finished_at = $3 WHERE org_id = $1 AND id = ANY ($2)",
        tx.org_id, [run.id for run in found], tx.now,
    )  # fmt: skip
    return await _told(tx, actor, kinds.AUTOMATION_DROPPED, found, input.reason)


async def _held(tx: Tx, actor: Actor, input: NameRuns) -> list[Run]:
    must_not_be_agent(actor)
    found = [await find_run(tx, id, lock=True) for id in sorted(set(input.run_ids))]
    for run in found:
        if run.status != "held":
            raise Conflict(f"A run of “{run.automation}” is not held: it is {run.status}.", field="runIds")
    return found


async def _told(tx: Tx, actor: Actor, kind: str, runs: list[Run], reason: str | None) -> list[Run]:
    entries = [
        Entry(
            kind=kind, subject_type="automation_run", subject_id=run.id, payload={"name": run.automation}, reason=reason
        )
        for run in runs
    ]
    await append(tx, actor, *entries)
    return [await find_run(tx, run.id) for run in runs]
