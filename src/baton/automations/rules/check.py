"""Whether a rule can work: everything that can be known before it is switched on is said where it is written."""

from typing import Any

import msgspec

from baton.accounts.members import member
from baton.accounts.organization import organization
from baton.automations.rules import times
from baton.automations.rules.rule import (
    KINDS,
    MAX_STEPS,
    Act,
    Branch,
    CallWebhook,
    Enrol,
    MakeTask,
    Notify,
    OnActivity,
    OnDate,
    OnQuiet,
    Rule,
    Send,
    SendWhatsapp,
    Step,
    Trigger,
    Wait,
    WakeAgent,
    every,
    performable,
)
from baton.automations.waits import span
from baton.fields import lead as fields
from baton.kernel.conditions import Field
from baton.kernel.db import Tx, by_ref
from baton.kernel.errors import Invalid, NotFound
from baton.kernel.liquid import check_template
from baton.kernel.operation import Operation, registry

SEND = "crm.emails.send"
NOTIFY = "crm.notifications.notify"
ENROL = "crm.sequences.enrol"


async def check(tx: Tx, rule: Rule) -> None:
    """Raise Invalid or NotFound for what cannot work, naming the part."""
    await _trigger(tx, rule.trigger)
    await fields.check(tx, rule.condition)
    steps = every(rule.steps)
    if not 1 <= len(steps) <= MAX_STEPS:
        raise Invalid(f"An automation has 1 to {MAX_STEPS} steps.", field="steps")
    for number, step in enumerate(steps, start=1):
        try:
            await _step(tx, step)
        except (Invalid, NotFound) as error:
            raise type(error)(f"Step {number}: {error.message}", field="steps") from error


async def _trigger(tx: Tx, trigger: Trigger) -> None:
    if isinstance(trigger, OnActivity) and trigger.kind not in KINDS:
        raise Invalid(f"There is no activity “{trigger.kind[:60]}” to answer.", field="kind")
    if isinstance(trigger, OnDate):
        await date_field(tx, trigger)
    if isinstance(trigger, OnQuiet) and not 1 <= trigger.days <= 3650:
        raise Invalid("Nothing happened for 1 to 3,650 days.", field="days")
    times.next_slot(trigger, tx.now, (await organization(tx)).time_zone)


async def date_field(tx: Tx, trigger: OnDate) -> Field:
    """The field whose date is waited for. Raises Invalid for one that is no date, or too far an offset."""
    known = await fields.of(tx, {"field": trigger.field, "op": "is_set"})
    found = known.get(trigger.field)
    if found is None or found.type not in ("date", "time"):
        dates = ", ".join(name for name, each in known.items() if each.type in ("date", "time"))
        raise Invalid(f"“{trigger.field[:60]}” is no date of a lead. Dates are: {dates}.", field="field")
    if abs(trigger.offset_days) > 3650:
        raise Invalid("At most 3,650 days before or after the date.", field="offsetDays")
    return found


async def _step(tx: Tx, step: Step) -> None:
    check_template(msgspec.to_builtins(step) if not isinstance(step, Branch) else "")
    match step:
        case Act():
            _act(step)
        case Wait():
            span(step.span)
        case Branch():
            await fields.check(tx, step.condition)
            if not step.then and not step.otherwise:
                raise Invalid("A branch has steps on at least one side.")
        case CallWebhook():
            if "{{" not in step.url and "{%" not in step.url:  # else it is checked when it is called
                tx.installation.outbound.check(step.url.strip())
        case Send():
            _offered(SEND, "E-mail")
            if (step.template_id is None) == (step.text is None) or (step.text is not None and not step.subject):
                raise Invalid("An e-mail has a template, or a subject and a text.")
        case SendWhatsapp():
            if not step.template.strip() or len(step.variables) > 20:
                raise Invalid("A WhatsApp message names a template, with at most 20 variables.")
        case Notify():
            _offered(NOTIFY, "Notifications")
            await _notify(tx, step)
        case MakeTask():
            if step.assign_to is not None:
                await member(tx, step.assign_to)
            span(step.due_in)
        case WakeAgent():
            if (await member(tx, step.agent_id)).kind != "agent":
                raise Invalid("Only an agent is woken. Make a task for a person.")
        case Enrol():
            await _sequence(tx, step)


async def _notify(tx: Tx, step: Notify) -> None:
    if not step.title.strip():
        raise Invalid("A notice says something.")
    for ref in step.to if isinstance(step.to, list) else []:
        await member(tx, ref)


async def _sequence(tx: Tx, step: Enrol) -> None:
    where, value = by_ref(step.sequence_id)
    if "external_id" in where or not await tx.fetchval(
        "SELECT EXISTS (SELECT FROM sequences WHERE org_id = $1 AND id = $2 AND state <> 'removed')", tx.org_id, value
    ):
        raise NotFound("There is no such sequence in your organization.")


def _act(step: Act) -> None:
    op = performable().get(step.operation)
    if op is None:
        raise Invalid(f"“{step.operation[:60]}” is no operation that an automation performs.")
    known = {field.encode_name: field for field in msgspec.structs.fields(op.input)}
    if unknown := set(step.input) - set(known):
        raise Invalid(f"“{step.operation}” takes no {min(unknown)!r}. It takes: {', '.join(known)}.")
    missing = [name for name, field in known.items() if field.required and name not in step.input and name != "leadId"]
    if missing:
        raise Invalid(f"“{step.operation}” needs {', '.join(missing)}.")


def _offered(name: str, what: str) -> Operation:
    found = registry.get(name)
    if found is None:
        raise Invalid(f"{what} cannot be sent here.")
    return found


def told(step: Step) -> dict[str, Any]:
    """A step without what stands within its branches, as a run's history names it."""
    built: dict[str, Any] = msgspec.to_builtins(step)
    return {name: value for name, value in built.items() if name not in ("then", "otherwise", "input", "body")}
