"""One step of an enrolment, in one transaction with its place: what is due is done and the lead stands behind it, or neither."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from baton.accounts import calendar
from baton.accounts.organization import organization
from baton.activities import kinds
from baton.automations.sequences.enrolment import Enrolment, find_enrolment, plan_of
from baton.automations.sequences.exits import holds, reason, stop
from baton.automations.sequences.plan import (
    MESSAGES,
    Email,
    Gate,
    Plan,
    Step,
    Wait,
    WhatsApp,
    hours,
    length,
    may_leave,
    step_at,
    zone_of,
)
from baton.automations.waits import after
from baton.automations.walk import LEASE
from baton.kernel.actor import Actor, Role
from baton.kernel.db import Tx
from baton.kernel.decode import decode
from baton.kernel.errors import Invalid
from baton.kernel.liquid import render
from baton.kernel.operation import Input, Output, find, operation
from baton.kernel.perform import within
from baton.leads import lead as leads
from baton.leads.lead import Lead


class TakeSequenceStep(Input, kw_only=True):
    """The enrolment and its place."""

    enrolment_id: UUID
    position: int


class HoldEnrolment(TakeSequenceStep, kw_only=True):
    """The enrolment whose step at a place fails, and why."""

    error: str


class Stepped(Output, kw_only=True):
    """The enrolment after the step; `waits` says that it does not go on now."""

    enrolment: Enrolment
    waits: bool


@operation("crm.sequences.step", role=Role.MEMBER, summary="Take a step of a sequence", internal=True)
async def take_step(tx: Tx, actor: Actor, input: TakeSequenceStep) -> Stepped:
    """Do the step at which an enrolment stands, unless there is a reason to leave; one that stands elsewhere is left alone.

    A message outside the window, or too soon after another, waits for its time. Raises NotFound and what the step raises.
    """
    seen = await find_enrolment(tx, input.enrolment_id)
    lead = await leads.lock_even_deleted(tx, seen.lead_id)
    found = await find_enrolment(tx, seen.id, lock=True)
    if found.state != "waiting" or found.position != input.position:
        return Stepped(enrolment=found, waits=True)
    plan = await plan_of(tx, found)
    why = await reason(tx, found, plan, lead)
    if why is not None:
        await stop(tx, actor, found, lead, why)
        return Stepped(enrolment=await find_enrolment(tx, found.id), waits=True)
    step = step_at(plan, found.position)
    if isinstance(step, MESSAGES) and (later := await _not_yet(tx, actor, plan, lead)) is not None:
        return await _defer(tx, found, *later)
    if isinstance(step, MESSAGES) and not await _welcome(tx, actor, lead):
        await stop(tx, actor, found, lead, "unsubscribe")
        return Stepped(enrolment=await find_enrolment(tx, found.id), waits=True)
    return await _take(tx, actor, found, plan, lead, step)


@operation("crm.sequences.hold", role=Role.MEMBER, summary="Hold an enrolment whose step fails", internal=True)
async def hold(tx: Tx, actor: Actor, input: HoldEnrolment) -> Enrolment:
    """Let a lead wait for a person where its step fails, and tell it on the timeline. Raises NotFound."""
    seen = await find_enrolment(tx, input.enrolment_id)
    lead = await leads.lock_even_deleted(tx, seen.lead_id)
    found = await find_enrolment(tx, seen.id, lock=True)
    if found.state != "waiting" or found.position != input.position:
        return found
    error = input.error[:2000]
    await tx.execute(
        "UPDATE enrolments SET state = 'held', detail = $3, version = version + 1 WHERE org_id = $1 AND id = $2",
        tx.org_id, found.id, error,
    )  # fmt: skip
    await leads.change(
        tx,
        actor,
        lead,
        kinds.SEQUENCE_HELD,
        payload={"name": found.sequence},
        subject=("enrolment", found.id),
        reason=error,
    )
    return await find_enrolment(tx, found.id)


async def _not_yet(tx: Tx, actor: Actor, plan: Plan, lead: Lead) -> tuple[datetime, str] | None:
    """When a message may leave, and why not now; None where it may."""
    opens = await may_leave(tx, plan, lead, tx.now)
    if opens > tx.now:
        return opens, "It waits for the hours in which messages leave."
    answer = await _may_write(tx, actor, lead)
    if answer.allowed or answer.next_at is None:
        return None
    return await may_leave(tx, plan, lead, answer.next_at), answer.reason


async def _welcome(tx: Tx, actor: Actor, lead: Lead) -> bool:
    answer = await _may_write(tx, actor, lead)
    return bool(answer.allowed or answer.next_at is not None)


async def _may_write(tx: Tx, actor: Actor, lead: Lead) -> Any:
    name = "crm.messages.mayWrite"
    return await within(tx, actor, name, decode(find(name), {"leadId": str(lead.id)}))


async def _defer(tx: Tx, found: Enrolment, until: datetime, why: str) -> Stepped:
    await tx.execute(
        "UPDATE enrolments SET next_at = $3, detail = $4, attempts = 0 WHERE org_id = $1 AND id = $2",
        tx.org_id, found.id, until, why,
    )  # fmt: skip
    return Stepped(enrolment=await find_enrolment(tx, found.id), waits=True)


async def _take(tx: Tx, actor: Actor, found: Enrolment, plan: Plan, lead: Lead, step: Step) -> Stepped:
    """Do a step, write it down and move the enrolment behind it."""
    until, goes, detail = None, 1, None
    match step:
        case Wait():
            zone = await zone_of(tx, plan, lead)
            until = after(
                tx.now,
                step.span,
                working=step.working,
                hours=hours(plan.window),
                zone=zone,
                closed=(await calendar.read(tx)).closed,
            )
            detail = f"until {until:%Y-%m-%d %H:%M} UTC"
        case Gate():
            yes = await holds(tx, lead, step.condition)
            if not yes and step.otherwise == "stop":
                await stop(tx, actor, found, lead, "gate")
                return Stepped(enrolment=await find_enrolment(tx, found.id), waits=True)
            goes, detail = (1, "yes") if yes else (2, "no: the next step is skipped")
        case _:
            await _act(tx, actor, found, lead, step)
    place = found.position + goes
    if until is not None and place < length(plan) and isinstance(step_at(plan, place), MESSAGES):
        until = await may_leave(tx, plan, lead, until)
    await _note(tx, found, plan, step, detail)
    ended = place >= length(plan)
    await tx.execute(
        """UPDATE enrolments SET position = $3, attempts = 0, detail = NULL, next_at = $4, version = version + 1,
                  state = CASE WHEN $5 THEN 'done' ELSE state END, finished_at = CASE WHEN $5 THEN $6::timestamptz END
            WHERE org_id = $1 AND id = $2""",
        tx.org_id, found.id, place, until or tx.now + LEASE, ended, tx.now,
    )  # fmt: skip
    if ended:
        told = {"name": found.sequence}
        await leads.change(
            tx,
            actor,
            await leads.lock_even_deleted(tx, lead.id),
            kinds.SEQUENCE_FINISHED,
            payload=told,
            subject=("enrolment", found.id),
        )
    return Stepped(enrolment=await find_enrolment(tx, found.id), waits=until is not None or ended)


async def _act(tx: Tx, actor: Actor, found: Enrolment, lead: Lead, step: Step) -> None:
    """Write the message, or make the task, as the sequence."""
    given: dict[str, Any] = {name: value for name, value in msgspec.to_builtins(step).items() if name != "do"}
    match step:
        case Email():
            await _do(tx, actor, found, lead, "crm.emails.send", given, fill=step.template_id is None)
        case WhatsApp():
            await _do(tx, actor, found, lead, "crm.whatsapp.send", given)
        case _:
            await _do(tx, actor, found, lead, "crm.leads.followUp", given)


async def _do(
    tx: Tx, actor: Actor, found: Enrolment, lead: Lead, name: str, given: dict[str, Any], *, fill: bool = True
) -> None:
    said = {key: value for key, value in given.items() if value is not None}
    if fill:
        owner = await tx.fetchval("SELECT name FROM members WHERE org_id = $1 AND id = $2", tx.org_id, lead.owner_id)
        context = {
            "lead": msgspec.to_builtins(lead), "owner": {"name": owner}, "sequence": {"name": found.sequence},
            "organization": {"name": (await organization(tx)).name},
        }  # fmt: skip
        said = {key: render(value, context) if isinstance(value, (str, list)) else value for key, value in said.items()}
    if name == "crm.emails.send" and not all(str(said.get(key, "x")).strip() for key in ("subject", "text")):
        raise Invalid("The e-mail would be empty for this lead.")
    await within(tx, actor, name, decode(find(name), {"leadId": str(lead.id)} | msgspec.to_builtins(said)))


async def _note(tx: Tx, found: Enrolment, plan: Plan, step: Step, detail: str | None) -> None:
    rows = await tx.fetch(
        """SELECT a.id FROM activities a
            WHERE a.org_id = $1 AND a.operation_id = $2 AND a.operation = $3 AND a.occurred_at BETWEEN $4 AND $5
              AND NOT EXISTS (SELECT FROM enrolment_steps s WHERE s.org_id = $1 AND s.enrolment_id = $6 AND a.id = ANY (s.activity_ids))
            ORDER BY a.id LIMIT 50""",
        tx.org_id, tx.operation_id, tx.operation, tx.began, tx.now, found.id,
    )  # fmt: skip
    await tx.execute(
        """INSERT INTO enrolment_steps (org_id, enrolment_id, position, sequence_id, number, step, act, outcome, detail, activity_ids, at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, 'done', $8, $9, $10)""",
        tx.org_id, found.id, found.position, found.sequence_id, found.number, found.position % len(plan.steps),
        msgspec.to_builtins(step)["do"], detail, [row["id"] for row in rows], tx.now,
    )  # fmt: skip
