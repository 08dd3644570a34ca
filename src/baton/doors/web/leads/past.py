"""A lead as of a past moment: the moments that one can go back to, and the score with how it came about. Spec A8, B6."""

import json
from datetime import datetime
from itertools import zip_longest
from typing import Any

from baton.activities.activity import Activity
from baton.doors.web.shell.language import Told, _, marked, told
from baton.doors.web.shell.times import Moment, moment
from baton.doors.web.shell.visit import Visit
from baton.leads.lead import Lead
from baton.leads.score import ScoreHistory, ScoreLead

SCORES = 20
CAUSES = Told(
    {
        "creation": marked("when it came"),
        "change": marked("a fact changed"),
        "request": marked("asked for"),
        "batch": marked("all were scored"),
    }
)


def slider_of(moments: list[Moment], newest_first: list[Activity], at: datetime | None) -> dict[str, Any]:
    """The moments that one can go back to, oldest first, then now; and which of them is shown."""
    times = [activity.occurred_at for activity in reversed(newest_first)]
    here = len(times) if at is None else max((i for i, time in enumerate(times) if time <= at), default=0)
    told = [{"at": time.isoformat(), "label": each.full} for time, each in zip(times, moments, strict=True)]
    return {"moments": json.dumps([*told, {"at": "", "label": _("now")}]), "here": here, "last": len(times)}


def moment_of(text: str | None, now: datetime) -> datetime | None:
    """A past moment of the address; None for now and for what is no moment."""
    try:
        at = datetime.fromisoformat((text or "").replace(" ", "+"))
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=now.tzinfo)
    return at if at < now else None


async def score_panel(visit: Visit, lead: Lead, at: datetime | None) -> dict[str, Any]:
    """A lead's score as of a moment: its reasons, and the calculations that led there, newest first."""
    kept: ScoreHistory = await visit.perform("crm.leads.scoreHistory", ScoreLead(lead_id=str(lead.id)))
    history = [each for each in kept.history if at is None or each.created_at <= at]
    if not history:
        return {"when": None, "reasons": [], "history": []}
    latest = history[0]
    reasons = [
        {
            "label": told(reason.label),
            "points": reason.points,
            "max": reason.max,
            "share": round(100 * reason.points / reason.max) if reason.max else 0,
            "why": ", ".join(map(told, reason.rules)),
        }
        for reason in latest.reasons
    ]
    past = [
        {
            "score": each.score,
            "when": moment(each.created_at, visit.now, visit.zone),
            "cause": CAUSES.get(each.cause, each.cause),
            "way": each.score - before.score if before else None,
            "why": ", ".join(
                _("%(label)s %(points)s of %(max)s")
                % {"label": told(reason.label), "points": reason.points, "max": reason.max}
                for reason in each.reasons
            ),
        }
        for each, before in zip_longest(history[:SCORES], history[1 : SCORES + 1])
        if each
    ]
    return {"when": moment(latest.created_at, visit.now, visit.zone), "reasons": reasons, "history": past}
