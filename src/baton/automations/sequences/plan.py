"""What a sequence is made of: its steps, when messages may leave, and what takes a lead out of it."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
import phonenumbers
from msgspec import Meta
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number

from baton.accounts import calendar
from baton.accounts.hours import WorkingHours
from baton.accounts.members import member
from baton.accounts.organization import organization
from baton.automations.waits import opening, span
from baton.fields import lead as fields
from baton.kernel.actor import Actor
from baton.kernel.conditions import Condition
from baton.kernel.db import Tx
from baton.kernel.decode import decode
from baton.kernel.errors import Invalid, NotFound
from baton.kernel.liquid import check_template
from baton.kernel.operation import Input
from baton.kernel.operation import find as find_operation
from baton.kernel.perform import within
from baton.kernel.shapes import Language, Name, SpanOfTime, TemplateLine, TemplateText, TimeOfDay, Variables
from baton.kernel.values import Ref
from baton.leads.lead import Lead

MAX_STEPS: Final = 50
MAX_ROUNDS: Final = 20
OUTWARD: Final = ("email", "whatsapp")


class Email(Input, kw_only=True, tag_field="do", tag="email"):
    """An e-mail: by a template, or with a subject and a text that may name {{ lead.firstName }}."""

    template_id: Ref | None = None
    subject: TemplateText | None = None
    text: TemplateText | None = None
    mailbox_id: UUID | None = None


class WhatsApp(Input, kw_only=True, tag_field="do", tag="whatsapp"):
    """A WhatsApp message: a template that the provider knows, with its variables in order. Variables may name {{ lead.firstName }}."""

    template: Name
    language: Language = "en"
    variables: Variables = []
    account_id: UUID | None = None


class Task(Input, kw_only=True, tag_field="do", tag="task"):
    """A task for the lead's owner (or another), due in their working time."""

    title: TemplateLine
    due_in: SpanOfTime = "1d"
    kind: Literal["follow_up", "call", "email", "meeting", "todo"] = "follow_up"
    assign_to: Ref | None = None
    notes: TemplateText | None = None


class Wait(Input, kw_only=True, tag_field="do", tag="wait"):
    """Wait such as 4h, 2d or 1w: in working time (the days and hours of the sequence) unless `working` is false."""

    span: SpanOfTime
    working: bool = True


class Gate(Input, kw_only=True, tag_field="do", tag="condition"):
    """Go on only with leads that meet the condition; others leave, or skip the next step."""

    condition: Condition
    otherwise: Literal["stop", "skip"] = "stop"


Step = Email | WhatsApp | Task | Wait | Gate
MESSAGES: Final = (Email, WhatsApp)


class Window(Input, kw_only=True):
    """When messages leave: on these days (1 Monday … 7 Sunday) between these times, in the contact's zone (as their phone
    number tells, else the organization's) or the organization's."""

    days: Annotated[tuple[Annotated[int, Meta(ge=1, le=7)], ...], Meta(min_length=1, max_length=7)] = (1, 2, 3, 4, 5)
    opens: TimeOfDay = "09:00"
    closes: TimeOfDay = "17:00"
    zone: Literal["contact", "organization"] = "organization"


class Exits(Input, kw_only=True):
    """What takes a lead out. Who unsubscribes always leaves, and so does a deleted lead."""

    reply: bool = True
    bounce: bool = True
    closed: bool = True
    stage: bool = False
    owner: bool = False
    condition: Condition | None = None


class Plan(Input, kw_only=True):
    """The steps in order. `drip` goes through them once, `one_shot` writes a single message, `until_reply` goes through them
    for up to `rounds` rounds until somebody answers."""

    kind: Literal["drip", "one_shot", "until_reply"] = "drip"
    steps: Annotated[list[Step], Meta(min_length=1, max_length=MAX_STEPS)]
    window: Window = msgspec.field(default_factory=Window)
    exits: Exits = msgspec.field(default_factory=Exits)
    rounds: Annotated[int, Meta(ge=1, le=MAX_ROUNDS)] = 1


def length(plan: Plan) -> int:
    """How many steps a lead goes through at most."""
    return len(plan.steps) * (plan.rounds if plan.kind == "until_reply" else 1)


def step_at(plan: Plan, position: int) -> Step:
    """The step at a place, counted through all rounds."""
    return plan.steps[position % len(plan.steps)]


def hours(window: Window) -> WorkingHours:
    """The window as working hours. Raises Invalid."""
    try:
        return WorkingHours(days=tuple(window.days), from_=window.opens, to=window.closes)
    except ValueError as error:
        raise Invalid(f"The window cannot be: {error}.", field="window") from error


async def zone_of(tx: Tx, plan: Plan, lead: Lead) -> str:
    """The zone that a lead's waits and window are counted in."""
    own = (await organization(tx)).time_zone
    if plan.window.zone == "organization" or not lead.phone:
        return own
    try:
        zones = time_zones_for_number(phonenumbers.parse(lead.phone, None))
    except phonenumbers.NumberParseException:
        return own
    return zones[0] if len(zones) == 1 and zones[0] != UNKNOWN_TIMEZONE else own


async def may_leave(tx: Tx, plan: Plan, lead: Lead, at: datetime) -> datetime:
    """The moment at or after `at` at which a message to the lead may leave."""
    closed = (await calendar.read(tx)).closed
    return opening(at, hours(plan.window), await zone_of(tx, plan, lead), closed)


async def check(tx: Tx, actor: Actor, plan: Plan) -> None:
    """Raise Invalid or NotFound for what cannot work, naming the part."""
    hours(plan.window)
    for number, step in enumerate(plan.steps, start=1):
        try:
            await _step(tx, actor, step)
        except (Invalid, NotFound) as error:
            raise type(error)(f"Step {number}: {error.message}", field="steps") from error
    if plan.exits.condition is not None:
        await fields.check(tx, plan.exits.condition)
    messages = sum(isinstance(step, MESSAGES) for step in plan.steps)
    if plan.kind == "one_shot" and messages != 1:
        raise Invalid("A one-shot sequence writes exactly one message.", field="steps")
    if plan.kind == "until_reply":
        if not plan.exits.reply:
            raise Invalid("Following up until a reply ends with a reply.", field="exits")
        if plan.rounds > 1 and not any(isinstance(step, Wait) for step in plan.steps):
            raise Invalid("Rounds without a wait would write at once: add a wait.", field="steps")


async def _step(tx: Tx, actor: Actor, step: Step) -> None:
    check_template({} if isinstance(step, Gate) else msgspec.to_builtins(step))
    match step:
        case Email():
            await _email(tx, actor, step)
        case WhatsApp():
            if not step.template.strip() or len(step.variables) > 20:
                raise Invalid("A WhatsApp message names a template, with at most 20 variables.")
        case Task():
            span(step.due_in)
            if step.assign_to is not None:
                await member(tx, step.assign_to)
        case Wait():
            span(step.span)
        case Gate():
            await fields.check(tx, step.condition)


async def _email(tx: Tx, actor: Actor, step: Email) -> None:
    own = bool((step.subject or "").strip() and (step.text or "").strip())
    if (step.template_id is not None) == own:
        raise Invalid("An e-mail has a template, or a subject and a text.")
    if step.template_id is not None:
        read = "crm.templates.get"
        await within(tx, actor, read, decode(find_operation(read), {"templateId": step.template_id}))
