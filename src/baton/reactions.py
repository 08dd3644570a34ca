"""What follows from what: activity kind → jobs. One page; each reaction is a job's name in `jobs/worker.py`."""

from baton.agents.playbook import TRIGGERS

WAKE_AGENTS = "wakeAgents"

REACTIONS: dict[str, tuple[str, ...]] = dict.fromkeys(TRIGGERS, (WAKE_AGENTS,))
