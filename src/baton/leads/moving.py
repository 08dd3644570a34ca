"""What it means for a lead to enter a stage: the facts that change, and what the log is told. Spec A4, B5."""

from datetime import datetime
from typing import Any

from baton.leads.lead import Lead
from baton.pipelines import pipeline as pipelines
from baton.pipelines.pipeline import Stage


def entering(before: Lead, stage: Stage, status: str | None, now: datetime) -> dict[str, Any] | None:
    """The new facts of a lead that enters a stage of its pipeline; none where it is there already. A closed stage closes it, an open
    one reopens it. Raises Invalid for a status that is not the stage's.
    """
    stamped = pipelines.status_in(stage, status)
    if before.stage_id == stage.id and before.status == stamped:
        return None
    new: dict[str, Any] = {"status": stamped}
    if before.stage_id != stage.id:
        closed_at = (before.closed_at or now) if stage.closed else None
        new |= {"stage_id": stage.id, "stage_entered_at": now, "closed_at": closed_at}
        if stage.closed:
            new["next_action_at"] = None  # no further action is needed (Spec A4)
    return new


def payload(stage: Stage) -> dict[str, Any]:
    """What the log is told of a stage that a lead entered."""
    return {"stageName": stage.name, "outcome": stage.outcome}
