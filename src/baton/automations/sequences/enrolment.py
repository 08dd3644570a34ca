"""An enrolment: one lead in one sequence, at which step, until when; read, paused, resumed, retimed, ended by a person."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from baton.activities import kinds
from baton.automations.sequences.plan import Plan
from baton.automations.sequences.sequence import Why
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx, struct_of
from baton.kernel.errors import Conflict, Invalid, NotFound
from baton.kernel.operation import Input, Output, operation
from baton.kernel.page import Page, cursor, position
from baton.kernel.shapes import Count, Cursor, Moment, PageSize, Reason, Version
from baton.kernel.values import Ref
from baton.leads import lead as leads

EnrolmentState = Literal["waiting", "paused", "held", "done", "stopped"]
ACTIVE = ("waiting", "paused", "held")


class Enrolment(Output, kw_only=True):
    """A lead's way through a version (`number`) of a sequence: the place it stands at, when it goes on, and why it ended.

    `length` is how many steps the version has, `nextAct` what is done at the place: email, whatsapp, task, wait or condition.
    """

    id: UUID
    sequence_id: UUID
    sequence: str
    number: int
    lead_id: UUID
    lead: str
    state: EnrolmentState
    position: int
    attempts: int
    next_at: datetime | None
    why: Why | None
    detail: str | None
    version: int
    created_at: datetime
    finished_at: datetime | None
    length: int
    next_act: str | None


class Taken(Output, kw_only=True):
    """What became of a step: at which place, of which kind, and the activities that it left."""

    position: int
    step: int
    act: str
    outcome: Literal["done", "skipped"]
    detail: str | None
    activity_ids: list[UUID]
    at: datetime


class EnrolmentWithSteps(Enrolment, kw_only=True):
    """An enrolment with what became of its steps, in order."""

    steps: list[Taken]


class ListEnrolments(Input, kw_only=True):
    """Enrolments of a sequence, a lead or all, newest first; `step` (from 0) those standing there; `limit` 1 to 200."""

    sequence_id: UUID | None = None
    lead_id: Ref | None = None
    state: EnrolmentState | None = None
    step: Count | None = None
    limit: PageSize = 50
    cursor: Cursor | None = None


class NameEnrolment(Input, kw_only=True):
    """An enrolment, and a reason to write down."""

    enrolment_id: UUID
    version: Version | None = None
    reason: Reason | None = None


class Retime(NameEnrolment, kw_only=True):
    """An enrolment, and the moment at which it goes on."""

    at: Moment


SELECT = """SELECT e.id, e.sequence_id, v.name AS sequence, e.number, e.lead_id, l.name AS lead, e.state, e.position, e.attempts,
       CASE WHEN e.state IN ('waiting', 'paused') THEN e.next_at END AS next_at, e.why, e.detail, e.version, e.created_at, e.finished_at,
       jsonb_array_length(v.plan -> 'steps') AS length,
       CASE WHEN e.state IN ('waiting', 'paused', 'held')
            THEN v.plan -> 'steps' -> (e.position % jsonb_array_length(v.plan -> 'steps'))::int ->> 'do' END AS next_act
  FROM enrolments e
  JOIN sequence_versions v ON v.org_id = e.org_id AND v.sequence_id = e.sequence_id AND v.number = e.number
  JOIN leads l ON l.org_id = e.org_id AND l.id = e.lead_id"""


async def find_enrolment(tx: Tx, id: UUID, *, lock: bool = False) -> Enrolment:
    """An enrolment, locked where asked. Raises NotFound."""
    locking = "FOR NO KEY UPDATE OF e" if lock else ""
    row = await tx.fetchrow(f"{SELECT} WHERE e.org_id = $1 AND e.id = $2 {locking}", tx.org_id, id)
    if row is None:
        raise NotFound("There is no such enrolment in your organization.")
    return struct_of(row, Enrolment)


async def plan_of(tx: Tx, found: Enrolment) -> Plan:
    """The plan of the version that an enrolment follows."""
    plan = await tx.fetchval(
        "SELECT plan FROM sequence_versions WHERE org_id = $1 AND sequence_id = $2 AND number = $3",
        tx.org_id, found.sequence_id, found.number,
    )  # fmt: skip
    return msgspec.convert(plan, Plan)


@operation("crm.enrolments.list", kind="query", role=Role.VIEWER, summary="List who is in sequences")
async def list_enrolments(tx: Tx, actor: Actor, input: ListEnrolments) -> Page[Enrolment]:
    """A page of enrolments, newest first. Raises Invalid for a limit or cursor, NotFound for a lead."""
    lead_id = (await leads.get(tx, input.lead_id)).id if input.lead_id else None
    tests, args = ["e.org_id = $1"], [tx.org_id]
    wanted: tuple[tuple[str, Any], ...] = (
        ("e.sequence_id =", input.sequence_id), ("e.lead_id =", lead_id), ("e.state =", input.state),
        ("e.position % jsonb_array_length(v.plan -> 'steps') =", input.step),
        ("e.id <", position(input.cursor, UUID)[0] if input.cursor else None),
    )  # fmt: skip
    for test, value in wanted:
        if value is not None:
            args.append(value)
            tests.append(f"{test} ${len(args)}")
    rows = await tx.fetch(f"{SELECT} WHERE {' AND '.join(tests)} ORDER BY e.id DESC LIMIT {input.limit + 1}", *args)
    items = [struct_of(row, Enrolment) for row in rows[: input.limit]]
    return Page(items=items, next_cursor=cursor(items[-1].id) if len(rows) > input.limit else None)


@operation("crm.enrolments.get", kind="query", role=Role.VIEWER, summary="Read a lead's way through a sequence")
async def get_enrolment(tx: Tx, actor: Actor, input: NameEnrolment) -> EnrolmentWithSteps:
    """An enrolment with what became of its steps. Raises NotFound."""
    found = await find_enrolment(tx, input.enrolment_id)
    rows = await tx.fetch(
        """SELECT position, step, act, outcome, detail, activity_ids, at FROM enrolment_steps
            WHERE org_id = $1 AND enrolment_id = $2 ORDER BY position""",
        tx.org_id, found.id,
    )  # fmt: skip
    return EnrolmentWithSteps(**msgspec.structs.asdict(found), steps=[struct_of(row, Taken) for row in rows])


@operation("crm.enrolments.pause", role=Role.MEMBER, summary="Let a lead wait in a sequence")
async def pause(tx: Tx, actor: Actor, input: NameEnrolment) -> Enrolment:
    """Let a lead wait where it stands until somebody resumes it. Raises NotFound, Conflict."""
    return await _set(tx, actor, input, ("waiting",), kinds.SEQUENCE_WAITS, "state = 'paused'")


@operation("crm.enrolments.resume", role=Role.MEMBER, summary="Let a lead go on in a sequence", outward=True)
async def resume(tx: Tx, actor: Actor, input: NameEnrolment) -> Enrolment:
    """Let a paused or held lead go on with the step that it stands at, at its time or now. Raises NotFound, Conflict."""
    change = "state = 'waiting', attempts = 0, detail = NULL, next_at = greatest(next_at, $3)"
    return await _set(tx, actor, input, ("paused", "held"), kinds.SEQUENCE_RESUMED, change, tx.now)


@operation("crm.enrolments.retime", role=Role.MEMBER, summary="Change when a lead goes on in a sequence", outward=True)
async def retime(tx: Tx, actor: Actor, input: Retime) -> Enrolment:
    """Let a lead go on at another moment; messages still wait for the sequence's window. Raises NotFound, Conflict, Invalid."""
    if input.at.tzinfo is None:
        raise Invalid("“at” needs its time zone, such as 2026-04-30T10:00:00Z.", field="at")
    at = max(input.at, tx.now)
    return await _set(
        tx, actor, input, ("waiting", "paused"), kinds.SEQUENCE_RETIMED, "next_at = $3", at, at=at.isoformat()
    )


@operation("crm.enrolments.remove", role=Role.MEMBER, summary="Take a lead out of a sequence")
async def remove_enrolment(tx: Tx, actor: Actor, input: NameEnrolment) -> Enrolment:
    """Take a lead out; what was sent stays sent. Raises NotFound, Conflict where it is out already."""
    change = "state = 'stopped', why = 'removed', finished_at = $3"
    return await _set(tx, actor, input, ACTIVE, kinds.SEQUENCE_STOPPED, change, tx.now, why="removed")


async def _set(
    tx: Tx,
    actor: Actor,
    input: NameEnrolment,
    states: tuple[str, ...],
    kind: str,
    change: str,
    *args: Any,
    **payload: Any,
) -> Enrolment:
    """Change an enrolment that is in one of these states, and tell it on the lead's timeline; the lead is locked first."""
    seen = await find_enrolment(tx, input.enrolment_id)
    lead = await leads.lock_even_deleted(tx, seen.lead_id)
    found = await find_enrolment(tx, seen.id, lock=True)
    if found.state not in states or input.version not in (None, found.version):
        raise Conflict(f"{found.lead} is {found.state} in “{found.sequence}” by now.")
    await tx.execute(
        f"UPDATE enrolments SET {change}, version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id,
        found.id,
        *args,
    )
    await leads.change(
        tx,
        actor,
        lead,
        kind,
        payload={"name": found.sequence} | payload,
        subject=("enrolment", found.id),
        reason=input.reason,
    )
    return await find_enrolment(tx, found.id)
