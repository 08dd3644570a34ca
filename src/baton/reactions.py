"""What follows from what: activity kind → jobs. One page; each job's work is named in `jobs/worker.py`."""

from collections.abc import Callable
from dataclasses import dataclass

from baton.activities import kinds
from baton.activities.stream import Event
from baton.agents.playbook import TRIGGERS

WAKE_AGENTS = "wakeAgents"
CANCEL_TASKS = "cancelTasksOfClosedLeads"


@dataclass(frozen=True, slots=True)
class Reaction:
    """A job that follows from an activity. `when` looks at the event, and at whether the organization has rules for its kind."""

    job: str
    when: Callable[[Event, bool], bool]


_wake_agents = Reaction(WAKE_AGENTS, lambda event, has_rules: has_rules and event.lead_id is not None)
_cancel_tasks = Reaction(CANCEL_TASKS, lambda event, _: event.outcome in ("won", "lost"))

REACTIONS: dict[str, tuple[Reaction, ...]] = dict.fromkeys(TRIGGERS, (_wake_agents,))
REACTIONS[kinds.STAGE_CHANGED] += (_cancel_tasks,)
