"""What an automation is made of: its trigger, its condition and its steps, as people and programs write them."""

from datetime import time
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from baton.activities import kinds
from baton.kernel.conditions import Condition, everything
from baton.kernel.errors import Invalid
from baton.kernel.operation import Input, Operation, registry
from baton.kernel.shapes import (
    Days,
    Kind,
    Label,
    Language,
    Lines,
    Name,
    OperationName,
    Recurrence,
    Refs,
    SpanOfTime,
    TemplateLine,
    TemplateText,
    TimeOfDay,
    Variables,
    WebAddress,
)
from baton.kernel.values import Ref

MAX_STEPS: Final = 50
MAX_NESTED: Final = 4
SCHEDULE: Final = "*schedule"
DATE: Final = "*date"
QUIET: Final = "*quiet"
_BOOKKEEPING = (
    "automation_",
    "sequence_c",
    "sequence_r",
    "sequence_switched",
    "agent_",
    "webhook_",
    "member_notified",
    "member_told",
    "notice",
)
KINDS: Final = frozenset(
    value
    for name, value in vars(kinds).items()
    if name.isupper() and isinstance(value, str) and not value.startswith(_BOOKKEEPING)
)
"""The kinds of activity that a rule may answer: all but what is written down about the work itself."""

_CLOSED = (
    "crm.credentials.", "crm.members.", "crm.automations.", "crm.sequences.", "crm.organization", "crm.agents.", "crm.approvals.",
    "crm.mailboxes.", "crm.suppressions.remove", "crm.notifications.", "crm.jobs.", "crm.emails.resolve",
)  # fmt: skip


class OnActivity(Input, kw_only=True, tag_field="on", tag="activity"):
    """Something happened: an activity of this kind; with `changed` only where one of these facts changed."""

    kind: Kind
    changed: Lines = []


class OnSchedule(Input, kw_only=True, tag_field="on", tag="schedule"):
    """At fixed times in the organization's time zone, for each lead that meets the condition then. `rrule` as RFC 5545 has it."""

    rrule: Recurrence
    at: TimeOfDay = "09:00"


class OnDate(Input, kw_only=True, tag_field="on", tag="date"):
    """So many days after (before where negative) the date in a lead's field, built in or `field.<key>`, at a time of day."""

    field: Label
    offset_days: Annotated[int, Meta(ge=-3_650, le=3_650)] = 0
    at: TimeOfDay = "09:00"


class OnQuiet(Input, kw_only=True, tag_field="on", tag="quiet"):
    """Nothing happened on an open lead for so many days; with `backlog` also where that was so when the rule was switched on."""

    days: Days
    backlog: bool = False


Trigger = OnActivity | OnSchedule | OnDate | OnQuiet


class Act(Input, kw_only=True, tag_field="do", tag="operation"):
    """An operation of the product; texts of its input may name {{ lead.name }}, {{ activity.actor }}, {{ organization.name }}."""

    operation: OperationName
    input: dict[str, Any] = {}


class Notify(Input, kw_only=True, tag_field="do", tag="notify"):
    """Tell people here: the lead's owner, all admins, or members by id."""

    title: TemplateLine
    body: TemplateText = ""
    to: Literal["owner", "admins"] | Refs = "owner"


class MakeTask(Input, kw_only=True, tag_field="do", tag="task"):
    """Schedule a task on the lead, due in working time of the one who does it (the lead's owner unless named)."""

    title: TemplateLine
    due_in: SpanOfTime = "1d"
    kind: Literal["follow_up", "call", "email", "meeting", "todo"] = "todo"
    assign_to: Ref | None = None
    notes: TemplateText | None = None


class Send(Input, kw_only=True, tag_field="do", tag="send"):
    """Write the lead an e-mail: by a template, or with a subject and a text."""

    template_id: Ref | None = None
    subject: TemplateText | None = None
    text: TemplateText | None = None


class SendWhatsapp(Input, kw_only=True, tag_field="do", tag="whatsapp"):
    """Write the lead on WhatsApp: a template that the provider knows, with its variables in order."""

    template: Name
    language: Language = "en"
    variables: Variables = []


class CallWebhook(Input, kw_only=True, tag_field="do", tag="webhook"):
    """Call another system once (POST, JSON). Tried again it carries the same `Idempotency-Key`."""

    url: WebAddress
    body: dict[str, Any] = {}


class Wait(Input, kw_only=True, tag_field="do", tag="wait"):
    """Wait such as 30m, 4h, 2d 4h or 1w; with `working` counted in working time of the organization."""

    span: SpanOfTime
    working: bool = False


class Branch(Input, kw_only=True, tag_field="do", tag="branch"):
    """Go on by what the lead is at that moment."""

    condition: Condition
    then: "Annotated[list[Step], Meta(max_length=50)]" = []
    otherwise: "Annotated[list[Step], Meta(max_length=50)]" = []


class Enrol(Input, kw_only=True, tag_field="do", tag="enrol"):
    """Put the lead into a sequence."""

    sequence_id: Ref


class WakeAgent(Input, kw_only=True, tag_field="do", tag="wake"):
    """Give an agent something to do about the lead, now."""

    agent_id: Ref
    title: TemplateLine = "Look at {{ lead.name }}"
    notes: TemplateText | None = None


Step = Act | Notify | MakeTask | Send | SendWhatsapp | CallWebhook | Wait | Branch | Enrol | WakeAgent
Steps = Annotated[list[Step], Meta(min_length=1, max_length=MAX_STEPS)]


class Rule(Input, kw_only=True):
    """When `trigger` happens to a lead that meets `condition`, `steps` are done in order."""

    trigger: Trigger
    condition: Condition = msgspec.field(default_factory=everything)
    steps: Steps


def listens(trigger: Trigger) -> str:
    """What a trigger waits for: a kind of activity, or a kind of time."""
    match trigger:
        case OnActivity():
            return trigger.kind
        case OnSchedule():
            return SCHEDULE
        case OnDate():
            return DATE
        case OnQuiet():
            return QUIET


def every(steps: list[Step], depth: int = 0) -> list[Step]:
    """All steps, those within branches too. Raises Invalid where they nest too deeply."""
    if depth > MAX_NESTED:
        raise Invalid(f"Branches stand at most {MAX_NESTED} deep within one another.", field="steps")
    found: list[Step] = []
    for step in steps:
        found.append(step)
        if isinstance(step, Branch):
            found += every(step.then, depth + 1) + every(step.otherwise, depth + 1)
    return found


def performable() -> dict[str, Operation]:
    """The operations that a step may name: changes that doors offer, but none of the organization's own set-up of people and rules."""
    return {name: op for name, op in sorted(registry.items()) if _may(op)}


def _may(op: Operation) -> bool:
    return (
        op.kind == "mutation"
        and op.role is not None
        and op.role.value != "owner"
        and not (op.internal or op.secret)
        and not op.name.startswith(_CLOSED)
    )


def time_of_day(text: str) -> time:
    """A time of day "HH:MM". Raises Invalid."""
    try:
        if len(text) == 5:
            return time.fromisoformat(text)
    except ValueError:
        pass
    raise Invalid("A time of day is written as 09:00.", field="at")
