"""What follows from what: activity kind → jobs. One page; each job's work is named in `jobs/worker.py`."""

from collections.abc import Callable, Set
from dataclasses import dataclass

from baton.activities import kinds
from baton.activities.stream import Event
from baton.agents.playbook import TRIGGERS
from baton.automations.rules.rule import KINDS as ANSWERED
from baton.automations.sequences.exits import HEEDED
from baton.automations.webhooks.events import EVENTS, TEST
from baton.messages.notices.react import RULES

WAKE_AGENTS = "wakeAgents"
CANCEL_TASKS = "cancelTasksOfClosedLeads"
TELL_WEBHOOKS = "tellWebhooks"
ENRICH = "enrichNewLeads"
WORK_IMPORTS = "workImports"
TELL_MEMBERS = "tellMembers"
CARRY_OUT = "carryOutApproved"
RUN_AUTOMATIONS = "runAutomations"
LEAVE_SEQUENCES = "leaveSequences"

ESCALATE = "escalateLateLeads"
RECOUNT_STAYS = "recountStays"
NURTURE = "leadNurtureFollowUp"

WEBHOOKS, ENRICHMENT, SEQUENCES = "*webhooks", "*enrichment", "*sequences"
AUTOMATION, NURTURED = "*automation ", "*nurtured "
"""What an organization may listen with, beside its playbooks' kinds of activity; automations with a kind behind the word,
nurturing with a stage's id."""
_BY_NOBODY = ("form", "csv")  # leads that come in so are given to nobody one by one


@dataclass(frozen=True, slots=True)
class Reaction:
    """A job that follows from an activity. `when` looks at the event, and at what its organization listens to: the kinds
    that its playbooks name, webhooks, enrichment."""

    job: str
    when: Callable[[Event, Set[str]], bool]


_wake_agents = Reaction(WAKE_AGENTS, lambda event, heard: event.kind in heard and event.lead_id is not None)
_tell_webhooks = Reaction(TELL_WEBHOOKS, lambda _, heard: WEBHOOKS in heard)
_enrich = Reaction(ENRICH, lambda event, heard: ENRICHMENT in heard)
_run_automations = Reaction(RUN_AUTOMATIONS, lambda event, heard: AUTOMATION + event.kind in heard)
_leave_sequences = Reaction(LEAVE_SEQUENCES, lambda event, heard: SEQUENCES in heard and event.lead_id is not None)
_work_imports = Reaction(WORK_IMPORTS, lambda _event, _heard: True)
_tell_members = Reaction(
    TELL_MEMBERS, lambda event, _: event.kind != kinds.LEAD_IMPORTED or event.via not in _BY_NOBODY
)
_carry_out = Reaction(CARRY_OUT, lambda _event, _heard: True)
_escalate = Reaction(ESCALATE, lambda _event, _heard: True)
_recount = Reaction(RECOUNT_STAYS, lambda _event, _heard: True)
_nurture = Reaction(NURTURE, lambda event, heard: any(f"{NURTURED}{stage}" in heard for stage in event.stages[-1:]))
_cancel_tasks = Reaction(CANCEL_TASKS, lambda event, _: event.outcome in ("won", "lost"))

REACTIONS: dict[str, tuple[Reaction, ...]] = dict.fromkeys(TRIGGERS, (_wake_agents,))
REACTIONS[kinds.STAGE_CHANGED] += (_cancel_tasks,)
for _kind in (kinds.IMPORT_STARTED, kinds.IMPORT_MAPPED, kinds.IMPORT_RUN, kinds.IMPORT_UNDO_BEGUN):
    REACTIONS[_kind] = (_work_imports,)
for _kind in (kinds.APPROVAL_DECIDED, kinds.APPROVAL_CLOSED):
    REACTIONS[_kind] = (_carry_out,)
REACTIONS[kinds.LEAD_IMPORTED] += (_enrich,)
REACTIONS[kinds.SLA_MISSED] = (*REACTIONS.get(kinds.SLA_MISSED, ()), _escalate)
for _kind in (kinds.STAGE_UPDATED, kinds.CALENDAR_CHANGED, kinds.ORGANIZATION_CHANGED):
    REACTIONS[_kind] = (*REACTIONS.get(_kind, ()), _recount)
for _kind in (kinds.LEAD_IMPORTED, kinds.STAGE_CHANGED, kinds.PIPELINE_MOVED):
    REACTIONS[_kind] = (*REACTIONS.get(_kind, ()), _nurture)
for _kind in RULES:
    REACTIONS[_kind] = (*REACTIONS.get(_kind, ()), _tell_members)
for _kind, _event in EVENTS.items():
    if _event != TEST:  # a test goes to its endpoint alone
        REACTIONS[_kind] = (*REACTIONS.get(_kind, ()), _tell_webhooks)
for _kind in ANSWERED:
    REACTIONS[_kind] = (*REACTIONS.get(_kind, ()), _run_automations)
for _kind in HEEDED:
    REACTIONS[_kind] = (*REACTIONS.get(_kind, ()), _leave_sequences)
